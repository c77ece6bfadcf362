"""The backlog: the jobs that wait for a slot, in the order of their submission.

A job that comes back after its worker was lost takes the place that it had. One that ended while it waited is passed
over when its turn comes. Nothing here knows workers.
"""

from __future__ import annotations

import heapq

from replayer.dispatch.job import Job, Status

__all__ = ["Backlog"]


class Backlog:
    """Waiting jobs; `len` counts those that still wait."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._waiting: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, job: Job) -> None:
        """This job waits."""
        job.status = Status.PENDING
        if job.id not in self._waiting:
            self._waiting[job.id] = job
            heapq.heappush(self._heap, (job.arrival, job.id))

    def discard(self, job: Job) -> None:
        """This job waits no longer."""
        self._waiting.pop(job.id, None)

    def pop(self) -> Job | None:
        """The job that has waited longest; None where none waits."""
        while self._heap:
            _, job_id = heapq.heappop(self._heap)
            job = self._waiting.pop(job_id, None)
            if job is not None:
                return job
        return None
