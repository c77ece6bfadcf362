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
began. (2) Only with the fence of the newest attempt. Fences of transient jobs are never looked at: the public SDK
answers them with 0. A lease is renewed by progress. An answer to a job that has ended changes nothing and is noted.

Therefore no job is lost, none ends twice, and no worker is given more than its capacity. A slot whose job timed out or
lost its lease counts as free, though the worker may be at it still: it holds nothing that anybody waits for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

import orjson

from replayer.contract.violation import Violation
from replayer.dispatch import messages, order
from replayer.dispatch.backlog import Backlog
from replayer.dispatch.commands import Command, Fail, Failure, Resolve, Send, Violated
from replayer.dispatch.deadlines import Deadlines
from replayer.dispatch.job import Job, Status
from replayer.dispatch.messages import JobError, JobProgress, JobResult, Malformed, Mode, Register, WorkerMessage
from replayer.dispatch.settings import Settings, WhenNoWorker, Workers
from replayer.dispatch.slots import Slots
from replayer.dispatch.worker import State, Worker

__all__ = ["Queue"]

_REMEMBERED = 10_000
"""Ended transient jobs whose ids are kept, to tell a late answer from one to a job that never was."""


class Queue:
    """The jobs and workers of one session. Each event gives the commands to carry out, in their order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workers: dict[int, Worker] = {}
        self._jobs: dict[str, Job] = {}
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._backlog = Backlog()
        self._slots = Slots()
        self._timeouts = Deadlines(settings.job_timeout_ms)
        self._leases = Deadlines(settings.lease_ms)
        self._fence = 0
        self.completed = 0
        self.failed = 0

    # What can be seen

    @property
    def workers(self) -> Mapping[int, Worker]:
        """Every open connection of a worker, by its number."""
        return self._workers

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Persisted jobs, and transient ones that have not ended, by id."""
        return self._jobs

    @property
    def waiting(self) -> int:
        """Jobs without a slot."""
        return len(self._backlog)

    @property
    def running(self) -> int:
        """Jobs that hold a slot."""
        return sum(len(worker.running) for worker in self._workers.values())

    def serving(self) -> Iterator[Worker]:
        """The registered workers that nobody replaced, in the order of their connections."""
        return (worker for worker in self._workers.values() if worker.serves)

    def next_deadline(self) -> float | None:
        """When `tick` has something to do, in the milliseconds of the other events; None while nothing is timed."""
        times = [at for at in (self._timeouts.next(), self._leases.next()) if at is not None]
        return min(times) if times else None

    # Connections

    def connected(self, connection: int) -> None:
        """A worker's connection is open; its number is never used again."""
        self._workers[connection] = Worker(connection=connection)

    def disconnected(self, connection: int, now_ms: float) -> list[Command]:
        """The connection is closed: its transient jobs fail, its persisted ones wait again."""
        worker = self._workers.pop(connection, None)
        if worker is None:
            return []
        self._slots.put(connection, 0)
        commands: list[Command] = []
        for job_id in tuple(worker.running):
            commands += self._give_up(self._jobs[job_id], f"Worker {worker.worker_id} was lost")
        return commands + self._dispatch(now_ms)

    def malformed(self, connection: int, frame: Malformed) -> list[Command]:
        """A frame was no message: it is noted, the worker is told, the connection stays."""
        return self._refuse(connection, order.malformed(frame), frame.why)

    def message(self, connection: int, message: WorkerMessage, now_ms: float) -> list[Command]:
        """A worker said something."""
        worker = self._workers[connection]
        if isinstance(message, JobResult | JobError):
            if worker.state is State.NEW:
                return self._unregistered(connection, message)
            return self._answered(worker, message, now_ms)
        if isinstance(message, Register):
            return self._register(worker, message, now_ms)
        if worker.state is State.NEW:
            return self._unregistered(connection, message)
        if isinstance(message, JobProgress):
            return self._progress(worker, message, now_ms)
        if isinstance(message, messages.JobResultRef):
            why = f"Unknown message type: {message.type}"  # word for word the original server's
            return self._refuse(connection, order.unasked(message.type), why, message.job_id)
        return self._steer(worker, message, now_ms)

    def _register(self, worker: Worker, message: Register, now_ms: float) -> list[Command]:
        for other in self._workers.values():
            namesake = other.worker_id == message.worker_id
            if other is not worker and other.serves and (namesake or self._settings.workers is Workers.ONE):
                other.state = State.REPLACED
                self._slots.put(other.connection, 0)
        worker.worker_id = message.worker_id
        worker.config_id = message.config_id
        worker.capacity = message.capacity
        worker.state = State.ACTIVE
        self._slots.put(worker.connection, worker.free)
        return self._dispatch(now_ms)

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
        self._slots.put(worker.connection, worker.free)
        return self._dispatch(now_ms)

    # Jobs

    def submit(self, job: Job, now_ms: float) -> list[Command]:
        """A new job: dispatched, made to wait, or refused (then it takes no fence)."""
        free = self._slots.most()
        transient = job.mode is Mode.TRANSIENT
        if free is None and transient and self._settings.when_no_worker is WhenNoWorker.UNAVAILABLE:
            return [Fail(job_id=job.id, failure=Failure.UNAVAILABLE, detail="No worker available")]
        self._fence += 1
        job.fence = job.arrival = self._fence
        job.config_id = next((worker.config_id for worker in self.serving()), job.config_id)
        self._jobs[job.id] = job
        if transient:
            self._timeouts.set(job.id, now_ms)
        if free is not None:
            return [self._assign(job, self._workers[free], now_ms)]
        self._backlog.push(job)
        return []

    def cancel(self, job_id: str, now_ms: float) -> list[Command]:
        """Nobody wants this job any more. A transient one keeps its slot until its worker answers or its time is up."""
        job = self._jobs.get(job_id)
        if job is None or job.has_ended:
            return []
        if job.connection is None:
            self._end(job, Status.FAILED, "cancelled")
            job.error = "Cancelled"
            return []
        if job.mode is Mode.TRANSIENT:
            job.abandoned = True
            return []
        revoked = messages.JobRevoked(job_id=job.id, reason="Cancelled")
        commands: list[Command] = [Send(connection=job.connection, message=revoked)]
        self._end(job, Status.FAILED, "cancelled")
        job.error = "Cancelled"
        return commands + self._dispatch(now_ms)

    def tick(self, now_ms: float) -> list[Command]:
        """Time has passed: end what timed out, dispatch anew what lost its lease."""
        commands: list[Command] = []
        for job_id in self._timeouts.expired(now_ms):
            job = self._jobs[job_id]
            detail = f"Job {job_id} timed out after {self._settings.job_timeout_ms / 1000}s"
            self._end(job, Status.FAILED, "timed out")
            commands += self._tell(job, Failure.TIMED_OUT, detail)
        for job_id in self._leases.expired(now_ms):
            job = self._jobs[job_id]
            reason = f"Lease of {self._settings.lease_ms / 1000}s ended without progress"
            if job.connection is not None:
                revoked = messages.JobRevoked(job_id=job_id, reason=reason)
                commands.append(Send(connection=job.connection, message=revoked))
            commands += self._give_up(job, reason)
        return commands + self._dispatch(now_ms)

    def _dispatch(self, now_ms: float) -> list[Command]:
        """Give waiting jobs to free slots, the oldest first."""
        commands: list[Command] = []
        while len(self._backlog) and (free := self._slots.most()) is not None:
            job = self._backlog.pop()
            if job is not None:
                commands.append(self._assign(job, self._workers[free], now_ms))
        return commands

    def _assign(self, job: Job, worker: Worker, now_ms: float) -> Command:
        if job.attempts:
            self._fence += 1
            job.fence = self._fence
        job.attempts += 1
        job.status = Status.RUNNING
        job.connection = worker.connection
        job.worker_id = worker.worker_id
        worker.running[job.id] = None
        self._slots.put(worker.connection, worker.free)
        if job.mode is Mode.PERSISTED:
            self._leases.set(job.id, now_ms)
        message = messages.Job(
            job_id=job.id, mode=job.mode, config_id=worker.config_id, payload=job.payload, fence_token=job.fence
        )
        return Send(connection=worker.connection, message=message)

    def _answered(self, worker: Worker, message: JobResult | JobError, now_ms: float) -> list[Command]:
        job = self._judge(worker, message)
        if isinstance(job, Violation):
            return [Violated(connection=worker.connection, violation=job, job_id=message.job_id)]
        if isinstance(message, JobResult) and job.mode is Mode.PERSISTED:
            try:
                job.result = orjson.dumps(message.result)
            except TypeError:
                message = JobError(job_id=job.id, error="The result nests too deeply (more than 254 levels)")
        commands: list[Command] = []
        if isinstance(message, JobResult):
            self._end(job, Status.COMPLETED, "answered")
            if job.mode is Mode.TRANSIENT and not job.abandoned:
                commands.append(Resolve(job_id=job.id, result=message.result))
        else:
            self._end(job, Status.FAILED, "answered")
            job.error = message.error
            commands += self._tell(job, Failure.WORKER, message.error)
        return commands + self._dispatch(now_ms)

    def _progress(self, worker: Worker, message: JobProgress, now_ms: float) -> list[Command]:
        job = self._judge(worker, message)
        if isinstance(job, Job) and job.connection is None:
            job = order.not_running(job)
        if isinstance(job, Violation):
            return [Violated(connection=worker.connection, violation=job, job_id=message.job_id)]
        if job.mode is Mode.PERSISTED:
            self._leases.set(job.id, now_ms)
        return []

    def _judge(self, worker: Worker, message: JobResult | JobError | JobProgress) -> Job | Violation:
        """The job that this worker may speak of, or the rule that it breaks."""
        job = self._jobs.get(message.job_id)
        if job is None or job.has_ended:
            how = self._ended.get(message.job_id, "answered" if job else None)
            return order.late(message.job_id, how) if how else order.no_such_job(message.job_id)
        theirs = worker.connection == job.connection or worker.worker_id == job.worker_id
        if job.attempts == 0 or not theirs:
            return order.not_running(job)
        if job.mode is Mode.PERSISTED and message.fence_token != job.fence:
            return order.stale_fence(job, message.fence_token)
        return job

    # Ends

    def _give_up(self, job: Job, reason: str) -> list[Command]:
        """An attempt failed through no word of the worker's: a persisted job waits again, if it may."""
        if job.mode is Mode.TRANSIENT:
            self._end(job, Status.FAILED, "failed")
            return self._tell(job, Failure.WORKER, f"{reason} while it ran job {job.id}")
        if job.attempts >= self._settings.max_attempts:
            self._end(job, Status.FAILED, "failed")
            job.error = f"{reason}; gave up after {job.attempts} attempts"
            return []
        self._release(job)
        self._backlog.push(job)
        return []

    def _end(self, job: Job, status: Status, how: str) -> None:
        self._release(job)
        self._backlog.discard(job)
        self._timeouts.clear(job.id)
        job.status = status
        if status is Status.COMPLETED:
            self.completed += 1
        else:
            self.failed += 1
        self._ended[job.id] = how
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        if job.mode is Mode.TRANSIENT:
            del self._jobs[job.id]

    def _release(self, job: Job) -> None:
        """Free the slot that the job holds, if it holds one."""
        self._leases.clear(job.id)
        worker = self._workers.get(job.connection) if job.connection is not None else None
        job.connection = None
        if worker is not None:
            worker.running.pop(job.id, None)
            self._slots.put(worker.connection, worker.free)

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
