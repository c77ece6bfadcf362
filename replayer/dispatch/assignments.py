"""Assignments: which worker has which job, which jobs wait, and what is timed.

Keeps the books together: a slot that is taken is missing in the roster, a job that ends gives its slot back, a fence is
given once. Which event leads to what is `queue`'s to decide.
"""

from __future__ import annotations

from collections.abc import Iterable

from replayer.dispatch import messages
from replayer.dispatch.backlog import Backlog
from replayer.dispatch.commands import Command, Send
from replayer.dispatch.deadlines import Deadlines
from replayer.dispatch.job import Job, Status
from replayer.dispatch.ledger import Ledger
from replayer.dispatch.messages import JobRevoked, Mode
from replayer.dispatch.roster import Roster
from replayer.dispatch.settings import Settings
from replayer.dispatch.worker import Worker

__all__ = ["Assignments"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every job.
_PENDING, _RUNNING, _PERSISTED = Status.PENDING, Status.RUNNING, Mode.PERSISTED


class Assignments:
    """The books of one queue."""

    def __init__(self, settings: Settings) -> None:
        self.ledger = Ledger(settings.keep_finished)
        self.roster = Roster()
        self.workers: dict[int, Worker] = {}
        self.backlog = Backlog()
        self.timeouts = Deadlines(settings.job_timeout_ms)
        self.leases = Deadlines(settings.lease_ms)
        self._fence = 0

    def add(self, job: Job) -> None:
        """A new job: it gets its fence and its place."""
        self._fence += 1
        job.fence = job.arrival = self._fence
        self.ledger.add(job)

    def restore(self, jobs: Iterable[Job]) -> None:
        """Jobs of an earlier process, in the order of their submission: what had not ended waits."""
        for job in jobs:
            self._fence = max(self._fence, job.fence, job.arrival)
            self.ledger.jobs[job.id] = job
            job.connection = None
            if job.has_ended:
                self.ledger.finished(job)
                continue
            if job.status is Status.RUNNING:
                job.attempts -= 1
            self.wait(job)

    def assign(self, job: Job, worker: Worker, now_ms: float) -> Command:
        """This worker gets this job."""
        if job.dispatches:
            self._fence += 1
            job.fence = self._fence
        job.attempts += 1
        job.dispatches += 1
        job.uploaded = job.progress = job.status_message = None
        job.status = _RUNNING
        job.connection = worker.connection
        job.worker_id = worker.worker_id
        worker.running[job.id] = None
        self.roster.recount(worker)
        if job.mode is _PERSISTED:
            self.leases.set(job.id, now_ms)
            self.ledger.touch(job)
        message = messages.Job(
            job_id=job.id,
            mode=job.mode,
            config_id=worker.config_id,
            payload=job.payload,
            fence_token=job.fence,
            value=job.value,
        )
        return Send(connection=worker.connection, message=message)

    def dispatch(self, now_ms: float) -> list[Command]:
        """Give waiting jobs to free slots, the oldest first."""
        commands: list[Command] = []
        while self.backlog.waiting and (job := self.backlog.pop(self._is_free)) is not None:
            free = self.roster.most_free(job.wanted)
            assert free is not None  # the backlog was told so, and nothing has happened since
            commands.append(self.assign(job, self.workers[free], now_ms))
        return commands

    def wait(self, job: Job) -> None:
        """This job waits for a slot, at the place that it has."""
        self._release(job)
        self.backlog.push(job)
        self.ledger.touch(job)

    def end(self, job: Job, status: Status, how: str) -> None:
        """This job has ended; `how` in one word."""
        if job.status is _PENDING:
            self.backlog.discard(job)
        self._release(job)
        self.timeouts.clear(job.id)
        self.ledger.end(job, status, how)

    def revoke(self, job: Job, reason: str) -> list[Command]:
        """Tell whoever has the job that it is no longer its own."""
        if job.connection is None:
            return []
        self.ledger.revoke(job.worker_id, job.id)
        return [Send(connection=job.connection, message=JobRevoked(job_id=job.id, reason=reason))]

    def _is_free(self, wanted: str | None) -> bool:
        return self.roster.most_free(wanted) is not None

    def _release(self, job: Job) -> None:
        """Free the slot that the job holds, if it holds one."""
        if job.mode is _PERSISTED:
            self.leases.clear(job.id)
        if job.connection is None:
            return
        worker = self.workers.get(job.connection)
        job.connection = None
        if worker is not None:
            worker.running.pop(job.id, None)
            self.roster.recount(worker)
