"""The backlog: the jobs that wait for a slot, in the order of their submission.

A job that comes back after its worker was lost takes the place that it had. One that ended while it waited is passed
over when its turn comes. A job that wants a configuration waits for its workers alone, and holds up nobody else.
Nothing here knows workers.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from replayer.dispatch.job import Job, Status

__all__ = ["Backlog"]


class Backlog:
    """Waiting jobs."""

    def __init__(self) -> None:
        self._heaps: dict[str | None, list[tuple[int, str]]] = {}
        self.waiting: dict[str, Job] = {}
        """Those that still wait, by id."""

    def push(self, job: Job) -> None:
        """This job waits."""
        job.status = Status.PENDING
        if job.id not in self.waiting:
            self.waiting[job.id] = job
            heapq.heappush(self._heaps.setdefault(job.wanted, []), (job.arrival, job.id))

    def discard(self, job: Job) -> None:
        """This job waits no longer."""
        self.waiting.pop(job.id, None)

    def pop(self, is_free: Callable[[str | None], bool]) -> Job | None:
        """The job that has waited longest of those whose configuration has a free slot; None where there is none."""
        best: tuple[int, str] | None = None
        wanted: str | None = None
        for key in tuple(self._heaps):
            heap = self._heaps[key]
            while heap and heap[0][1] not in self.waiting:
                heapq.heappop(heap)
            if not heap:
                del self._heaps[key]
            elif (best is None or heap[0] < best) and is_free(key):
                best, wanted = heap[0], key
        if best is None:
            return None
        heapq.heappop(self._heaps[wanted])
        return self.waiting.pop(best[1])
