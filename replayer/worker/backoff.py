"""How long to wait before connecting again: 1, 2, 4, … up to 60 seconds, and up to 0.3 of it more by chance."""

from __future__ import annotations

from random import Random

__all__ = ["Backoff"]


class Backoff:
    """The waits between failed connections; a success starts them anew."""

    def __init__(self, random: Random, *, first: float = 1.0, most: float = 60.0) -> None:
        self._random = random
        self._first = first
        self._most = most
        self._next = first

    def wait(self) -> float:
        """Seconds to wait now; twice as long the next time."""
        base = self._next
        self._next = min(base * 2, self._most)
        return base + self._random.uniform(0, 0.3 * base)

    def reset(self) -> None:
        """It worked: begin with the shortest wait again."""
        self._next = self._first
