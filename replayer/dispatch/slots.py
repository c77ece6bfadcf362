"""Free slots: which worker is to have the next job.

The one with the most free slots, and among equals the one whose number changed longest ago, so that equal workers take
turns. Asking and changing cost the same with one worker and with a thousand: workers stand in buckets by their number
of free slots. Nothing here knows what a slot is for.
"""

from __future__ import annotations

__all__ = ["Slots"]


class Slots:
    """Connections by their number of free slots; one without a free slot is not held."""

    def __init__(self) -> None:
        self._free: dict[int, int] = {}
        self._buckets: dict[int, dict[int, None]] = {}

    def put(self, connection: int, free: int) -> None:
        """This connection now has so many free slots; 0 or fewer takes it out."""
        before = self._free.pop(connection, 0)
        if before > 0:
            bucket = self._buckets[before]
            del bucket[connection]
            if not bucket:
                del self._buckets[before]
        if free > 0:
            self._free[connection] = free
            self._buckets.setdefault(free, {})[connection] = None

    def most(self) -> int | None:
        """The connection for the next job; None where no slot is free."""
        if not self._buckets:
            return None
        return next(iter(self._buckets[max(self._buckets)]))
