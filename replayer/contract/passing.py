"""One stream of events as far as it has come: what each event breaks, by itself and by its place in the order.

Whether a stream is recorded or under way makes no difference. Knows no sockets.
"""

from __future__ import annotations

from replayer.contract.events import Events
from replayer.contract.violation import Violation

__all__ = ["Passing"]


class Passing:
    """One stream. `where` is its answer's place."""

    def __init__(self, events: Events, where: str) -> None:
        self._events = events
        self._where = where
        self._ordering = events.order.begin() if events.order is not None else None
        self._number = 0
        self.count = 0
        """Events that were judged."""

    def hear(self, event: bytes) -> tuple[Violation, ...]:
        """The next event, with its blank line or without."""
        found = self._events.check(event, f"{self._where} event {self._number}", self._ordering)
        self._number += 1
        if found is None:
            return ()
        self.count += 1
        return found

    def end(self) -> tuple[Violation, ...]:
        """The sender has ended the stream."""
        return () if self._ordering is None else self._ordering.end(self._where)
