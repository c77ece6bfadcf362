"""The roster: which workers serve, for which configuration, and which of them is to have the next job.

That is the one with the most free slots, and among equals the one whose number changed longest ago, so that equal
workers take turns. Asking and changing cost the same with one worker and with a thousand: workers stand in buckets by
their number of free slots, once among all and once among those of their configuration. Nothing here knows jobs.
"""

from __future__ import annotations

from replayer.dispatch.worker import Worker

__all__ = ["Roster"]

_Buckets = dict[int, dict[int, None]]


class Roster:
    """Serving workers by configuration, and their free slots."""

    def __init__(self) -> None:
        self._serving: dict[int, str] = {}
        self._configs: dict[str, int] = {}
        self._free: dict[int, tuple[str, int]] = {}
        self._buckets: dict[str | None, _Buckets] = {}

    def put(self, worker: Worker) -> None:
        """This worker stands as it says now."""
        connection, config_id, free = worker.connection, worker.config_id, worker.free
        serving = config_id if worker.serves else None
        if self._serving.get(connection) != serving:
            self._serve(connection, serving)
        self._take_out(connection)
        if free > 0:
            self._free[connection] = (config_id, free)
            for key in (None, config_id):
                buckets = self._buckets.get(key)
                if buckets is None:
                    buckets = self._buckets[key] = {}
                if free in buckets:
                    buckets[free][connection] = None
                else:
                    buckets[free] = {connection: None}

    def remove(self, connection: int) -> None:
        """This connection is gone."""
        self._serve(connection, None)
        self._take_out(connection)

    def serves(self, config_id: str) -> bool:
        """Whether a worker of this configuration is registered, busy or not."""
        return config_id in self._configs

    def most_free(self, config_id: str | None = None) -> int | None:
        """The connection for the next job, of this configuration or of any; None where no slot is free."""
        buckets = self._buckets.get(config_id)
        return next(iter(buckets[max(buckets)])) if buckets else None

    def _serve(self, connection: int, config_id: str | None) -> None:
        before = self._serving.pop(connection, None)
        if before is not None:
            self._configs[before] -= 1
            if not self._configs[before]:
                del self._configs[before]
        if config_id is not None:
            self._serving[connection] = config_id
            self._configs[config_id] = self._configs.get(config_id, 0) + 1

    def _take_out(self, connection: int) -> None:
        before = self._free.pop(connection, None)
        if before is None:
            return
        config_id, free = before
        for key in (None, config_id):
            buckets = self._buckets[key]
            same = buckets[free]
            if len(same) > 1:
                del same[connection]
            else:
                del buckets[free]
                if not buckets:
                    del self._buckets[key]
