"""Ids of jobs: UUIDs of version 7 (RFC 9562, section 5.7), so that they sort by the time of their making.

Pure: the time and the random bytes are handed in.
"""

from __future__ import annotations

__all__ = ["uuid7"]

_48_BITS = (1 << 48) - 1
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The digit whose first two bits are `10`, by any digit's last two."""


def uuid7(unix_ms: int, random: bytes) -> str:
    """The id for this millisecond of the Unix epoch and these ten random bytes, in the usual notation."""
    time, drawn = f"{unix_ms & _48_BITS:012x}", random.hex()  # a tenth of what uuid.UUID takes
    return f"{time[:8]}-{time[8:]}-7{drawn[:3]}-{_VARIANT[drawn[3]]}{drawn[4:7]}-{drawn[7:19]}"
