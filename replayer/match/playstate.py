"""Playing state: what one session has already been answered.

The rule: it is the session's own, changed by nobody else, and belongs to the player that it was made for. An
interaction that was played by a narrowed request counts as played for every other request of the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from replayer.match.index import Row

__all__ = ["PlayState", "Repeat"]


class Repeat(StrEnum):
    """What comes after the last of several answers to equal requests."""

    LAST = "last"
    NONE = "none"
    CYCLE = "cycle"


class PlayState:
    """One session's positions."""

    def __init__(self) -> None:
        self.used_by: dict[int, int] = {}
        """Ordinal to the journal entry that it was played for last."""
        self.times: dict[int, int] = {}
        """Ordinal to how often it was played."""
        self._positions: dict[int, int] = {}

    def take(self, row: Row, *, repeat: Repeat, entry: int) -> int | None:
        """The ordinal that answers now, noted as played for `entry`; None where the row is used up."""
        ordinals = row.ordinals
        if not ordinals:
            return None
        at = self._positions.get(row.id, 0)
        while at < len(ordinals) and ordinals[at] in self.used_by:
            at += 1
        if at >= len(ordinals):
            if repeat is Repeat.NONE:
                self._positions[row.id] = at
                return None
            at = len(ordinals) - 1 if repeat is Repeat.LAST else at
        ordinal = ordinals[at % len(ordinals)]
        self._positions[row.id] = at + 1
        self.note(ordinal, entry=entry)
        return ordinal

    def note(self, ordinal: int, *, entry: int) -> None:
        """That interaction was the answer to `entry`: played, or recorded from it."""
        self.used_by[ordinal] = entry
        self.times[ordinal] = self.times.get(ordinal, 0) + 1

    def carried(self, ordinals: Mapping[int, int]) -> PlayState:
        """The same state for another player; `ordinals` maps this player's to the other's, where there is one."""
        other = PlayState()
        for ordinal, entry in self.used_by.items():
            if ordinal in ordinals:
                other.used_by[ordinals[ordinal]] = entry
                other.times[ordinals[ordinal]] = self.times[ordinal]
        return other
