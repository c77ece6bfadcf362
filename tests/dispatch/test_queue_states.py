"""The queue in any order of messages, losses, uploads, ticks and restarts: no job lost, none ended twice, capacity
never exceeded, no fence given twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from replayer.dispatch.commands import Command, Fail, Resolve, Send, Violated
from replayer.dispatch.job import Job, Status
from replayer.dispatch.messages import (
    Drain,
    JobError,
    JobProgress,
    JobResult,
    JobResultRef,
    JobRevoked,
    Mode,
    Pause,
    Register,
    Resume,
    WorkerMessage,
)
from replayer.dispatch.messages import Job as JobMessage
from replayer.dispatch.queue import Queue
from replayer.dispatch.settings import Settings, WhenNoWorker, Workers

WORKERS = st.sampled_from(["a", "b", "c"])
CONFIGS = st.sampled_from(["small", "large"])


class Model(RuleBasedStateMachine):
    """Plays workers, callers and time; keeps its own books from what was said and what was commanded."""

    options = Settings(job_timeout_ms=100, lease_ms=70, max_attempts=3)

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue(self.options)
        self.now = 0.0
        self.count = 0
        self.capacity: dict[int, int] = {}
        """Of each open connection; 0 before it registers, and while it is paused, draining or replaced."""
        self.held: dict[int, set[str]] = {}
        """Jobs that each connection has been given and still counts."""
        self.offers: list[tuple[int, JobMessage]] = []
        """Everything ever dispatched."""
        self.callers: dict[str, str] = {}
        """Transient jobs: `waiting`, `left`, or `answered`."""
        self.ended: dict[str, tuple[Status, bytes | None, str | None]] = {}
        """Persisted jobs that have ended, as they ended."""
        self.submitted: set[str] = set()
        self.written: dict[str, Job] = {}
        """What a store would hold: the persisted jobs as `changes` told of them."""
        self.fences: set[int] = set()
        """Of persisted jobs, as they were dispatched."""

    # Books

    def write(self) -> None:
        for job in self.queue.changes().jobs:
            self.written[job.id] = replace(job)

    def take(self, commands: list[Command]) -> None:
        self.write()
        for command in commands:
            match command:
                case Send(connection=connection, message=JobMessage() as offer):
                    assert offer.job_id not in set().union(*self.held.values()), "given out twice"
                    self.held[connection].add(offer.job_id)
                    self.offers.append((connection, offer))
                    if offer.mode is Mode.PERSISTED:
                        assert offer.fence_token not in self.fences, "a fence given twice"
                        self.fences.add(offer.fence_token)
                        assert self.written[offer.job_id].fence == offer.fence_token, "sent before it was written down"
                    job = self.queue.jobs[offer.job_id]
                    assert job.wanted in (None, self.queue.workers[connection].config_id), "another configuration's"
                    assert len(self.held[connection]) <= self.capacity[connection], "over its capacity"
                case Send(connection=connection, message=JobRevoked(job_id=job_id)):
                    self.held[connection].discard(job_id)
                case Resolve(job_id=job_id) | Fail(job_id=job_id):
                    assert self.callers[job_id] == "waiting", "answered twice, or after its caller had left"
                    self.callers[job_id] = "answered"
                    self.release(job_id)
                case _:
                    assert isinstance(command, Send | Violated)

    def release(self, job_id: str) -> None:
        for held in self.held.values():
            held.discard(job_id)

    def say(self, connection: int, message: WorkerMessage) -> None:
        if isinstance(message, JobResult | JobError | JobResultRef):
            self.answer(connection, message)
        else:
            self.take(self.queue.message(connection, message, self.now))

    def answer(self, connection: int, message: JobResult | JobError | JobResultRef) -> None:
        """An accepted answer frees the slot before anything that it leads to is dispatched."""
        commands = self.queue.message(connection, message, self.now)
        if not any(isinstance(command, Violated) for command in commands):
            self.release(message.job_id)
        self.take(commands)

    # Events

    @rule()
    def connect(self) -> None:
        self.count += 1
        self.queue.connected(self.count)
        self.capacity[self.count] = 0
        self.held[self.count] = set()

    @precondition(lambda self: self.capacity)
    @rule(data=st.data(), worker_id=WORKERS, config_id=CONFIGS, capacity=st.integers(0, 3))
    def register(self, data: st.DataObject, worker_id: str, config_id: str, capacity: int) -> None:
        connection = data.draw(st.sampled_from(sorted(self.capacity)))
        for other in self.queue.workers.values():
            if self.options.workers is Workers.ONE or other.worker_id == worker_id:
                self.capacity[other.connection] = 0
        self.capacity[connection] = capacity
        self.say(connection, Register(worker_id=worker_id, config_id=config_id, capacity=capacity))

    @precondition(lambda self: self.capacity)
    @rule(data=st.data(), message=st.sampled_from([Drain(), Pause(), Resume()]))
    def steer(self, data: st.DataObject, message: Drain | Pause | Resume) -> None:
        connection = data.draw(st.sampled_from(sorted(self.capacity)))
        if isinstance(message, Resume):
            worker = self.queue.workers[connection]
            if worker.state in ("active", "paused"):
                self.capacity[connection] = worker.capacity
        else:
            self.capacity[connection] = 0
        self.say(connection, message)

    @rule(mode=st.sampled_from(Mode), wanted=st.one_of(st.none(), st.none(), CONFIGS))
    def submit(self, mode: Mode, wanted: str | None) -> None:
        self.count += 1
        job = Job(id=f"j{self.count}", mode=mode, payload=b"1", created_at=0.0, wanted=wanted)
        if mode is Mode.TRANSIENT:
            self.callers[job.id] = "waiting"
        else:
            self.submitted.add(job.id)
        self.take(self.queue.submit(job, self.now))

    @precondition(lambda self: self.offers and self.capacity)
    @rule(
        data=st.data(),
        fence=st.sampled_from(["right", "right", "right", "zero", "wrong"]),
        kind=st.sampled_from([JobResult, JobResult, JobError, JobProgress, JobResultRef]),
    )
    def reply(
        self, data: st.DataObject, fence: str, kind: type[JobResult | JobError | JobProgress | JobResultRef]
    ) -> None:
        """Any open connection may speak of any job that was ever dispatched."""
        offered_to, offer = data.draw(st.sampled_from(self.offers[-6:]))
        others = sorted(self.capacity)
        connection = offered_to if offered_to in self.capacity else data.draw(st.sampled_from(others))
        token = {"right": offer.fence_token, "zero": 0, "wrong": 999_999}[fence]
        self.say(connection, kind(job_id=offer.job_id, fence_token=token))

    @precondition(lambda self: self.offers)
    @rule(data=st.data())
    def upload(self, data: st.DataObject) -> None:
        _, offer = data.draw(st.sampled_from(self.offers[-6:]))
        self.queue.uploaded(offer.job_id, offer.fence_token, b'"uploaded"')
        self.take([])

    @rule()
    def kill(self) -> None:
        """The process is gone with all its connections and callers; the next one has what was written down."""
        self.queue = Queue(self.options)
        jobs = sorted(self.written.values(), key=lambda job: job.arrival)
        self.queue.restore(replace(job) for job in jobs)
        self.capacity.clear()
        self.held.clear()
        self.callers.clear()
        self.offers = [(connection, offer) for connection, offer in self.offers if offer.mode is Mode.PERSISTED]
        self.take([])

    @precondition(lambda self: self.capacity)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(sorted(self.capacity)))
        del self.capacity[connection]
        del self.held[connection]
        self.take(self.queue.disconnected(connection, self.now))

    @precondition(lambda self: self.callers or self.submitted)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted([*self.callers, *self.submitted])))
        if self.callers.get(job_id) == "waiting":
            self.callers[job_id] = "left"
        self.take(self.queue.cancel(job_id, self.now))

    @rule(ms=st.sampled_from([1, 20, 69, 100]))
    def wait(self, ms: int) -> None:
        self.now += ms
        before = set(self.callers)
        commands = self.queue.tick(self.now)
        for job_id in before:  # one that timed out after its caller had left frees its slot without a word
            if job_id not in self.queue.jobs:
                self.release(job_id)
        self.take(commands)

    # What holds always

    @invariant()
    def no_job_is_lost(self) -> None:
        assert self.submitted <= set(self.queue.jobs)
        open_jobs = [job for job in self.queue.jobs.values() if not job.has_ended]
        assert self.queue.waiting == sum(job.status is Status.PENDING for job in open_jobs)
        assert self.queue.running == sum(job.status is Status.RUNNING for job in open_jobs)
        waiting_callers = {job_id for job_id, state in self.callers.items() if state == "waiting"}
        assert waiting_callers <= set(self.queue.jobs), "a caller waits for nothing"

    @invariant()
    def none_ends_twice(self) -> None:
        for job_id in self.submitted:
            job = self.queue.jobs[job_id]
            end = (job.status, job.result, job.error)
            assert self.ended.setdefault(job_id, end) == end if job.has_ended else job_id not in self.ended

    @invariant()
    def the_books_agree(self) -> None:
        for connection, worker in self.queue.workers.items():
            assert set(worker.running) == self.held[connection]

    @invariant()
    def nobody_waits_beside_a_free_slot(self) -> None:
        free = {
            self.queue.workers[connection].config_id
            for connection, capacity in self.capacity.items()
            if len(self.held[connection]) < capacity
        }
        waiting = [job for job in self.queue.jobs.values() if job.status is Status.PENDING]
        assert not [job.id for job in waiting if (free if job.wanted is None else free & {job.wanted})]

    @invariant()
    def what_is_written_is_what_is(self) -> None:
        assert {job_id: self.queue.jobs[job_id] for job_id in self.submitted} == self.written

    def teardown(self) -> None:
        """With a good worker, everything ends."""
        for connection in sorted(self.capacity):
            del self.capacity[connection]
            del self.held[connection]
            self.take(self.queue.disconnected(connection, self.now))
        self.connect()
        last = self.count
        for config_id in ("small", "large"):
            self.capacity[last] = 1
            self.say(last, Register(worker_id="last", config_id=config_id, capacity=1))
            while self.held[last]:
                (job_id,) = self.held[last]
                self.say(last, JobResult(job_id=job_id, result=job_id, fence_token=self.queue.jobs[job_id].fence))
        assert all(self.queue.jobs[job_id].has_ended for job_id in self.submitted)
        assert "waiting" not in self.callers.values()


class ManyModel(Model):
    """The same with several workers, and transient jobs that wait."""

    options = Settings(
        job_timeout_ms=100, lease_ms=70, workers=Workers.MANY, when_no_worker=WhenNoWorker.QUEUE, max_attempts=2
    )


LIMITS = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_one_worker_in_any_order_of_events() -> None:
    run_state_machine_as_test(Model, settings=LIMITS)


def test_many_workers_in_any_order_of_events() -> None:
    run_state_machine_as_test(ManyModel, settings=LIMITS)
