"""The job queue: a pure state machine. An event in, commands out; no sockets, no clock, no waiting.

A connection (columns: what it says; a dash is a violation that changes nothing; "=" is allowed and changes nothing):

| state    | register        | pause  | resume       | drain    | result, error, progress | lost              |
|----------|-----------------|--------|--------------|----------|-------------------------|-------------------|
| NEW      | ACTIVE, backlog | -      | -            | -        | -                       | gone              |
| ACTIVE   | ACTIVE, backlog | PAUSED | =            | DRAINING | see the job             | gone, see the job |
| PAUSED   | ACTIVE, backlog | =      | ACTIVE, back.| DRAINING | see the job             | gone, see the job |
| DRAINING | ACTIVE, backlog | -      | -            | =        | see the job             | gone, see the job |
| REPLACED | ACTIVE, backlog | -      | -            | =        | see the job             | gone, see the job |

A registration makes REPLACED of every other connection that serves (workers = one), or of those with the same
`worker_id` (many). "backlog": waiting jobs are dispatched while slots are free, oldest first; the same happens whenever
a slot frees.

A job:

| state     | submit                    | its result    | its error  | worker or lease lost            | time-out |
|-----------|---------------------------|---------------|------------|---------------------------------|----------|
| transient | slot free: RUNNING, Send  |               |            |                                 |          |
|           | else Fail 503, or PENDING |               |            |                                 |          |
| PENDING   |                           | -             | -          |                                 | Fail 504 |
| RUNNING   |                           | Resolve       | Fail 502   | Fail 502                        | Fail 504 |
| persisted | slot free: RUNNING, Send  |               |            |                                 |          |
|           | else PENDING              |               |            |                                 |          |
| PENDING   |                           | COMPLETED (1) | FAILED (1) |                                 |          |
| RUNNING   |                           | COMPLETED (2) | FAILED (2) | PENDING; FAILED at max_attempts |          |
| ended     |                           | -             | -          |                                 |          |

(1) Only from the worker that had the last attempt, with its fence: it came back with the result before anybody else
began. (2) Only with the fence of the newest attempt. A reference to an uploaded result counts as that result. Fences of
transient jobs are never looked at: the public SDK answers them with 0. A lease is renewed by progress. An answer to a
job that has ended, or from a worker that was told that it is revoked, changes nothing and is noted. `cancel` ends a
job as FAILED and revokes it; a transient one keeps its slot until its worker answers. `restore` makes PENDING of what
an earlier process had not ended; an attempt that it cut short does not count.

A job that wants a configuration waits for its workers alone; every other goes to whoever has the most free slots.

Therefore no job is lost, none ends twice, and no worker is given more than its capacity. A slot whose job timed out or
lost its lease counts as free, though the worker may be at it still: it holds nothing that anybody waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import orjson

from replayer.contract.violation import Violation
from replayer.dispatch import messages, order
from replayer.dispatch.assignments import Assignments
from replayer.dispatch.commands import Command, Fail, Failure, Resolve, Send, Violated
from replayer.dispatch.job import Job, Status
from replayer.dispatch.ledger import Changes
from replayer.dispatch.messages import (
    Answer,
    JobError,
    JobProgress,
    JobResult,
    Malformed,
    Mode,
    Register,
    WorkerMessage,
)
from replayer.dispatch.settings import Settings, WhenNoWorker, Workers
from replayer.dispatch.worker import State, Worker

__all__ = ["Queue"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every job.
_TRANSIENT, _PERSISTED = Mode.TRANSIENT, Mode.PERSISTED
_COMPLETED, _FAILED = Status.COMPLETED, Status.FAILED
_NEW = State.NEW


class Queue:
    """The jobs and workers of one session. Each event gives the commands to carry out, in their order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._books = Assignments(settings)
        self._jobs = self._books.ledger.jobs

    # What can be seen

    @property
    def workers(self) -> Mapping[int, Worker]:
        """Every open connection of a worker, by its number."""
        return self._books.workers

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Persisted jobs, and transient ones that have not ended, by id, in the order of their submission."""
        return self._jobs

    @property
    def completed(self) -> int:
        """Jobs that ended with a result."""
        return self._books.ledger.completed

    @property
    def failed(self) -> int:
        """Jobs that ended without one."""
        return self._books.ledger.failed

    @property
    def waiting(self) -> int:
        """Jobs without a slot."""
        return len(self._books.backlog.waiting)

    @property
    def running(self) -> int:
        """Jobs that hold a slot."""
        return sum(len(worker.running) for worker in self._books.workers.values())

    def serving(self) -> Iterator[Worker]:
        """The registered workers that nobody replaced, in the order of their connections."""
        return (worker for worker in self._books.workers.values() if worker.serves)

    def serves(self, config_id: str) -> bool:
        """Whether a worker of this configuration is registered, busy or not."""
        return self._books.roster.serves(config_id)

    def changes(self) -> Changes:
        """What became of persisted jobs since this was last asked: to be written down before the commands are
        carried out."""
        return self._books.ledger.changes()

    def next_deadline(self) -> float | None:
        """When `tick` has something to do, in the milliseconds of the other events; None while nothing is timed."""
        times = [at for at in (self._books.timeouts.next(), self._books.leases.next()) if at is not None]
        return min(times) if times else None

    # Connections

    def connected(self, connection: int) -> Worker:
        """A worker's connection is open; its number is never used again."""
        worker = self._books.workers[connection] = Worker(connection=connection)
        return worker

    def disconnected(self, connection: int, now_ms: float) -> list[Command]:
        """The connection is closed: its transient jobs fail, its persisted ones wait again."""
        worker = self._books.workers.pop(connection, None)
        if worker is None:
            return []
        self._books.roster.remove(connection)
        commands: list[Command] = []
        for job_id in tuple(worker.running):
            commands += self._give_up(self.jobs[job_id], f"Worker {worker.worker_id} was lost")
        return commands + self._books.dispatch(now_ms)

    def malformed(self, connection: int, frame: Malformed) -> list[Command]:
        """A frame was no message: it is noted, the worker is told, the connection stays."""
        return self._refuse(connection, order.malformed(frame), frame.why)

    def message(self, connection: int, message: WorkerMessage, now_ms: float) -> list[Command]:
        """A worker said something."""
        worker = self._books.workers[connection]
        if isinstance(message, Register):
            return self._register(worker, message, now_ms)
        if worker.state is _NEW:
            return self._unregistered(connection, message)
        if isinstance(message, Answer):
            return self._answered(worker, message, now_ms)
        if isinstance(message, JobProgress):
            return self._progress(worker, message, now_ms)
        return self._steer(worker, message, now_ms)

    def _register(self, worker: Worker, message: Register, now_ms: float) -> list[Command]:
        for other in self._books.workers.values():
            namesake = other.worker_id == message.worker_id
            if other is not worker and other.serves and (namesake or self._settings.workers is Workers.ONE):
                other.state = State.REPLACED
                self._books.roster.put(other)
        worker.worker_id = message.worker_id
        worker.config_id = message.config_id
        worker.capacity = message.capacity
        worker.state = State.ACTIVE
        self._books.roster.put(worker)
        return self._books.dispatch(now_ms)

    def _steer(
        self, worker: Worker, message: messages.Drain | messages.Pause | messages.Resume, now_ms: float
    ) -> list[Command]:
        leaving = worker.state in (State.DRAINING, State.REPLACED)
        if isinstance(message, messages.Drain):
            worker.state = worker.state if leaving else State.DRAINING
        elif leaving:
            return [Violated(connection=worker.connection, violation=order.after_drain(message.type))]
        else:
            worker.state = State.PAUSED if isinstance(message, messages.Pause) else State.ACTIVE
        self._books.roster.put(worker)
        return self._books.dispatch(now_ms)

    # Jobs

    def submit(self, job: Job, now_ms: float) -> list[Command]:
        """A new job: dispatched, made to wait, or refused (then it takes no fence)."""
        books = self._books
        free = books.roster.most_free(job.wanted)
        transient = job.mode is _TRANSIENT
        if free is None and transient and self._settings.when_no_worker is not WhenNoWorker.QUEUE:
            return [Fail(job_id=job.id, failure=Failure.UNAVAILABLE, detail="No worker available")]
        if job.wanted is not None:
            job.config_id = job.wanted
        elif free is not None:
            job.config_id = books.workers[free].config_id
        else:
            job.config_id = next((worker.config_id for worker in self.serving()), job.config_id)
        books.add(job)
        if transient:
            books.timeouts.set(job.id, now_ms)
        if free is not None:
            return [books.assign(job, books.workers[free], now_ms)]
        books.backlog.push(job)
        return []

    def restore(self, jobs: Iterable[Job]) -> None:
        """Take over what an earlier process has written down, in the order of submission, before anything else."""
        self._books.restore(jobs)

    def refuse(self, job_id: str, why: str, now_ms: float) -> list[Command]:
        """Nobody is to have this job: its dispatch broke the contract."""
        job = self.jobs.get(job_id)
        if job is None or job.has_ended:
            return []
        job.error = why
        self._books.end(job, Status.FAILED, "refused")
        return [*self._tell(job, Failure.REFUSED, why), *self._books.dispatch(now_ms)]

    def cancel(self, job_id: str, now_ms: float) -> list[Command]:
        """Nobody wants this job any more. A transient one keeps its slot until its worker answers or its time is up."""
        job = self.jobs.get(job_id)
        if job is None or job.has_ended:
            return []
        if job.connection is not None and job.mode is Mode.TRANSIENT:
            job.abandoned = True
            return []
        commands = self._books.revoke(job, "Cancelled")
        job.error = "Cancelled"
        self._books.end(job, Status.FAILED, "cancelled")
        return commands + self._books.dispatch(now_ms)

    def uploaded(self, job_id: str, fence: int, result: bytes) -> bool:
        """A result (encoded JSON) was put where this attempt's `result_upload_url` said; whether anybody wants it.
        A transient job has no such place: its caller is told what its worker says.
        """
        job = self.jobs.get(job_id)
        if job is None or job.has_ended or job.fence != fence or job.mode is not Mode.PERSISTED:
            return False
        job.uploaded = result
        self._books.ledger.touch(job)
        return True

    def tick(self, now_ms: float) -> list[Command]:
        """Time has passed: end what timed out, dispatch anew what lost its lease."""
        commands: list[Command] = []
        for job_id in self._books.timeouts.expired(now_ms):
            job = self.jobs[job_id]
            detail = f"Job {job_id} timed out after {self._settings.job_timeout_ms / 1000}s"
            self._books.end(job, Status.FAILED, "timed out")
            commands += self._tell(job, Failure.TIMED_OUT, detail)
        for job_id in self._books.leases.expired(now_ms):
            job = self.jobs[job_id]
            reason = f"Lease of {self._settings.lease_ms / 1000}s ended without progress"
            commands += self._books.revoke(job, reason)
            commands += self._give_up(job, reason)
        return commands + self._books.dispatch(now_ms)

    def _answered(self, worker: Worker, message: Answer, now_ms: float) -> list[Command]:
        job = self._judge(worker, message)
        if isinstance(job, Violation):
            return [Violated(connection=worker.connection, violation=job, job_id=message.job_id)]
        if isinstance(message, JobResult):
            commands = self._complete(job, message)
        elif isinstance(message, JobError):
            commands = self._fail(job, message.error)
        elif job.uploaded is None:
            broken = order.not_uploaded(job.id, offered=job.mode is _PERSISTED)
            why = f"job_result_ref: nothing was uploaded for job {job.id}"
            return self._refuse(worker.connection, broken, why, job.id)
        else:
            job.result = job.uploaded
            self._books.end(job, _COMPLETED, "answered")
            commands = [Send(connection=worker.connection, message=message)]
        return commands + self._books.dispatch(now_ms)

    def _complete(self, job: Job, message: JobResult) -> list[Command]:
        if job.mode is _TRANSIENT:
            self._books.end(job, _COMPLETED, "answered")
            return [] if job.abandoned else [Resolve(job_id=job.id, result=message.result)]
        try:
            job.result = orjson.dumps(message.result)
        except TypeError:
            return self._fail(job, "The result nests too deeply (more than 254 levels)")
        self._books.end(job, _COMPLETED, "answered")
        return []

    def _fail(self, job: Job, error: str) -> list[Command]:
        job.error = error
        self._books.end(job, Status.FAILED, "answered")
        return self._tell(job, Failure.WORKER, error)

    def _progress(self, worker: Worker, message: JobProgress, now_ms: float) -> list[Command]:
        job = self._judge(worker, message)
        if isinstance(job, Job) and job.connection is None:
            job = order.not_running(job)
        if isinstance(job, Violation):
            return [Violated(connection=worker.connection, violation=job, job_id=message.job_id)]
        job.progress = job.progress if message.progress is None else message.progress
        job.status_message = message.status_message or job.status_message
        if job.mode is Mode.PERSISTED:
            self._books.leases.set(job.id, now_ms)
            self._books.ledger.touch(job)
        return []

    def _judge(self, worker: Worker, message: Answer | JobProgress) -> Job | Violation:
        """The job that this worker may speak of, or the rule that it breaks."""
        job = self._jobs.get(message.job_id)
        if job is None or job.status is _COMPLETED or job.status is _FAILED:
            return self._late(worker, message.job_id, job)
        stale = job.mode is _PERSISTED and message.fence_token != job.fence
        if stale and self._books.ledger.was_revoked(worker.worker_id, job.id):
            return order.revoked(job)
        theirs = worker.connection == job.connection or worker.worker_id == job.worker_id
        if job.dispatches == 0 or not theirs:
            return order.not_running(job)
        return order.stale_fence(job, message.fence_token) if stale else job

    def _late(self, worker: Worker, job_id: str, job: Job | None) -> Violation:
        """The rule that is broken by speaking of a job that has ended, or that never was."""
        how = self._books.ledger.how_ended(job_id)
        again = self._books.ledger.was_revoked(worker.worker_id, job_id) or (job is not None and job.dispatches > 1)
        return order.late(job_id, how, again=again) if how else order.no_such_job(job_id)

    # Ends

    def _give_up(self, job: Job, reason: str) -> list[Command]:
        """An attempt failed through no word of the worker's: a persisted job waits again, if it may."""
        if job.mode is Mode.TRANSIENT:
            self._books.end(job, Status.FAILED, "failed")
            return self._tell(job, Failure.WORKER, f"{reason} while it ran job {job.id}")
        if job.attempts >= self._settings.max_attempts:
            job.error = f"{reason}; gave up after {job.attempts} attempts"
            self._books.end(job, Status.FAILED, "failed")
            return []
        self._books.wait(job)
        return []

    # Words

    def _tell(self, job: Job, failure: Failure, detail: str) -> list[Command]:
        """The caller's answer, where there is a caller."""
        if job.mode is Mode.PERSISTED or job.abandoned:
            return []
        return [Fail(job_id=job.id, failure=failure, detail=detail)]

    def _unregistered(self, connection: int, message: WorkerMessage) -> list[Command]:
        return self._refuse(connection, order.register_first(message.type), f"Register first, then {message.type}")

    def _refuse(self, connection: int, violation: Violation, why: str, job_id: str | None = None) -> list[Command]:
        violated = Violated(connection=connection, violation=violation, job_id=job_id)
        return [violated, Send(connection=connection, message=messages.Error(message=why))]
