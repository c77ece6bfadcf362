"""The ledger: every job that the queue knows, how the ended ones ended, and what has changed since anybody looked.

Of persisted jobs that have ended, the newest are kept for whoever asks; of transient ones only their ids, to tell a
late answer from one to a job that never was. The number is bounded in both, so that a queue that runs for weeks does
not grow. Nothing here knows workers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from replayer.dispatch.job import Job, Status
from replayer.dispatch.messages import Mode

__all__ = ["NOTHING", "Changes", "Ledger"]

_REMEMBERED = 10_000
"""Ended transient jobs, and revoked attempts, whose ids are kept."""

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every job.
_PERSISTED, _COMPLETED = Mode.PERSISTED, Status.COMPLETED


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What became of persisted jobs since the last look: to be written down before anything else is carried out."""

    jobs: tuple[Job, ...] = ()
    """New or changed, as they stand now, in the order of their first change."""
    forgotten: tuple[str, ...] = ()
    """Ids of ended jobs that are kept no longer."""

    def __bool__(self) -> bool:
        return bool(self.jobs or self.forgotten)

    def __add__(self, later: Changes) -> Changes:
        if self is NOTHING:
            return later
        jobs = {job.id: job for job in (*self.jobs, *later.jobs)}
        return Changes(jobs=tuple(jobs.values()), forgotten=(*self.forgotten, *later.forgotten))


NOTHING = Changes()
"""Nothing has changed."""


class Ledger:
    """Jobs by id, in the order of their submission."""

    def __init__(self, keep_finished: int) -> None:
        self.jobs: dict[str, Job] = {}
        """Persisted jobs, and transient ones that have not ended."""
        self.completed = 0
        self.failed = 0
        self._keep_finished = keep_finished
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._revoked: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._changed: dict[str, Job] = {}
        self._forgotten: list[str] = []

    def add(self, job: Job) -> None:
        """A new job."""
        self.jobs[job.id] = job
        if job.mode is _PERSISTED:
            self._changed[job.id] = job

    def touch(self, job: Job) -> None:
        """This job is no longer as it was."""
        if job.mode is _PERSISTED:
            self._changed[job.id] = job

    def end(self, job: Job, status: Status, how: str) -> None:
        """This job has ended; `how` in one word for whoever answers it later."""
        job.status = status
        job.uploaded = None
        if status is _COMPLETED:
            self.completed += 1
        else:
            self.failed += 1
        self._ended[job.id] = how
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        if job.mode is _PERSISTED:
            self.touch(job)
            self.finished(job)
        else:
            del self.jobs[job.id]

    def finished(self, job: Job) -> None:
        """Keep an ended persisted job, and forget the oldest ones that are too many."""
        self._finished[job.id] = None
        while len(self._finished) > self._keep_finished:
            oldest, _ = self._finished.popitem(last=False)  # a plain dict passes over all that it has lost before
            del self.jobs[oldest]
            self._forgotten.append(oldest)

    def how_ended(self, job_id: str) -> str | None:
        """In which way a job ended; None for one that has not, or that was never there."""
        job = self.jobs.get(job_id)
        ended = job is not None and job.has_ended
        return self._ended.get(job_id, "answered" if ended else None)

    def revoke(self, worker_id: str, job_id: str) -> None:
        """This worker was told that the job is no longer its own: it reports it all the same, with fence 0."""
        key = (worker_id, job_id)
        self._revoked[key] = None
        if len(self._revoked) > _REMEMBERED:
            self._revoked.popitem(last=False)

    def was_revoked(self, worker_id: str, job_id: str) -> bool:
        """Whether this worker was told so."""
        return (worker_id, job_id) in self._revoked

    def changes(self) -> Changes:
        """What has changed since this was last asked."""
        if not self._changed and not self._forgotten:
            return NOTHING
        found = Changes(jobs=tuple(self._changed.values()), forgotten=tuple(self._forgotten))
        self._changed.clear()
        self._forgotten.clear()
        return found
