"""Chance: drawn from a hash, so that it is the same in every run and whatever happens beside it.

The rule: a draw depends on seed, session, rule, the rule's own count and the fault's place in its list, and on
nothing else. Neither concurrency nor a new rule changes what the others draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["Dice", "FaultState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dice:
    """The chance of one fault on one request."""

    seed: str
    session: str
    rule: str
    count: int
    """Which request of the session this is among those that match the rule, from 1."""
    place: int = 0
    """Of the fault in its list, from 0."""

    def roll(self, purpose: str) -> float:
        """A number from 0 up to, not including, 1; always the same for one purpose."""
        words = (self.seed, self.session, self.rule, str(self.count), str(self.place), purpose)
        # Each word with its length: ("a", "bc") and ("ab", "c") are different draws.
        text = "".join(f"{len(word)}:{word}" for word in words)
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        # 53 bits are what a float holds exactly.
        return (int.from_bytes(digest, "big") >> 11) / 2**53


class FaultState:
    """One session's counts: how many requests have matched each rule."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def next(self, rule: str) -> int:
        """Count one more request that matches `rule`, and say which it is, from 1."""
        count = self._counts[rule] = self._counts.get(rule, 0) + 1
        return count
