"""The roster: which workers serve, for which configuration, and which of them is to have the next job.

That is the one with the most free slots, and among equals the one whose number changed longest ago, so that equal
workers take turns. Asking and changing cost the same with one worker and with a thousand: workers stand in buckets by
their number of free slots, once among all and once among those of their configuration. Nothing here knows jobs.
"""

from __future__ import annotations

from replayer.dispatch.worker import Worker

__all__ = ["Roster"]

_Buckets = dict[int, dict[int, None]]
"""Connections by their number of free slots, those that changed longest ago first. No bucket is empty."""


class _Place:
    """Where one serving worker stands."""

    __slots__ = ("config_id", "free", "ranks")

    def __init__(self, config_id: str, everybody: _Buckets, alike: _Buckets) -> None:
        self.config_id = config_id
        self.free = 0
        """In whose bucket it is; in none with 0 or less."""
        self.ranks = (everybody, alike)


class Roster:
    """Serving workers by configuration, and their free slots."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}
        self._everybody: _Buckets = {}
        self._alike: dict[str, _Buckets] = {}
        self._serving: dict[str, int] = {}

    def put(self, worker: Worker) -> None:
        """This worker stands as it says now."""
        self.remove(worker.connection)
        if worker.serves:
            config_id = worker.config_id
            alike = self._alike.setdefault(config_id, {})
            self._serving[config_id] = self._serving.get(config_id, 0) + 1
            self._places[worker.connection] = _Place(config_id, self._everybody, alike)
            self.recount(worker)

    def recount(self, worker: Worker) -> None:
        """Its slots were taken or freed, and nothing else of it has changed: twice for every job."""
        connection, free = worker.connection, worker.free
        place = self._places.get(connection)
        if place is None:
            return
        before, place.free = place.free, free
        for buckets in place.ranks:
            if before > 0:
                same = buckets[before]
                if len(same) > 1:
                    del same[connection]
                else:
                    del buckets[before]
            if free in buckets:
                buckets[free][connection] = None
            elif free > 0:
                buckets[free] = {connection: None}

    def remove(self, connection: int) -> None:
        """This connection is gone."""
        place = self._places.pop(connection, None)
        if place is None:
            return
        if place.free > 0:
            for buckets in place.ranks:
                del buckets[place.free][connection]
                if not buckets[place.free]:
                    del buckets[place.free]
        self._serving[place.config_id] -= 1
        if not self._serving[place.config_id]:
            del self._serving[place.config_id], self._alike[place.config_id]

    def serves(self, config_id: str) -> bool:
        """Whether a worker of this configuration is registered, busy or not."""
        return config_id in self._serving

    def most_free(self, config_id: str | None = None) -> int | None:
        """The connection for the next job, of this configuration or of any; None where no slot is free."""
        buckets = self._everybody if config_id is None else self._alike.get(config_id)
        return next(iter(buckets[max(buckets)])) if buckets else None
