from __future__ import annotations

from typing import Any

import orjson
import pytest

from replayer.contract.violation import Severity
from replayer.dispatch.commands import Command, Fail, Failure, Resolve, Send, Violated
from replayer.dispatch.job import Job, Status
from replayer.dispatch.messages import (
    Drain,
    Error,
    JobError,
    JobProgress,
    JobResult,
    JobResultRef,
    JobRevoked,
    Malformed,
    Mode,
    Pause,
    Register,
    Resume,
    WorkerMessage,
)
from replayer.dispatch.messages import Job as JobMessage
from replayer.dispatch.queue import Queue
from replayer.dispatch.settings import Settings, WhenNoWorker, Workers


class Conversation:
    """A queue and the time; what is said to it, and what it wants done, in the order of a test."""

    def __init__(self, **settings: Any) -> None:
        self.queue = Queue(Settings(**settings))
        self.now = 0.0

    def connect(self, connection: int, worker_id: str = "w", capacity: int = 1) -> list[Command]:
        self.queue.connected(connection)
        return self.say(connection, Register(worker_id=worker_id, config_id="c", capacity=capacity))

    def say(self, connection: int, message: WorkerMessage) -> list[Command]:
        return self.queue.message(connection, message, self.now)

    def submit(self, job_id: str, mode: Mode = Mode.TRANSIENT, wanted: str | None = None) -> list[Command]:
        job = Job(id=job_id, mode=mode, payload=b'{"task":"t"}', created_at=1.5, wanted=wanted)
        return self.queue.submit(job, self.now)

    def keep(self, job_id: str) -> list[Command]:
        return self.submit(job_id, Mode.PERSISTED)

    def lose(self, connection: int) -> list[Command]:
        return self.queue.disconnected(connection, self.now)

    def after(self, ms: float) -> list[Command]:
        self.now += ms
        return self.queue.tick(self.now)

    def status(self, job_id: str) -> Status:
        return self.queue.jobs[job_id].status


def sent(connection: int, job_id: str, fence: int, mode: Mode = Mode.TRANSIENT) -> Send:
    message = JobMessage(job_id=job_id, mode=mode, config_id="c", payload=b'{"task":"t"}', fence_token=fence)
    return Send(connection=connection, message=message)


def kept(connection: int, job_id: str, fence: int) -> Send:
    return sent(connection, job_id, fence, Mode.PERSISTED)


def rules(commands: list[Command]) -> list[str]:
    return [command.violation.schema for command in commands if isinstance(command, Violated)]


UNAVAILABLE = "No worker available"


def test_a_transient_job_goes_to_the_worker_and_its_result_to_the_caller() -> None:
    talk = Conversation()
    assert talk.connect(1) == []
    assert talk.submit("a") == [sent(1, "a", 1)]
    assert talk.say(1, JobResult(job_id="a", result={"x": 1})) == [Resolve(job_id="a", result={"x": 1})]
    assert (talk.queue.completed, talk.queue.running, dict(talk.queue.jobs)) == (1, 0, {})


def test_without_a_worker_a_transient_job_is_refused_and_takes_no_fence() -> None:
    talk = Conversation()
    assert talk.submit("a") == [Fail(job_id="a", failure=Failure.UNAVAILABLE, detail=UNAVAILABLE)]
    talk.connect(1)
    assert talk.submit("b") == [sent(1, "b", 1)]


def test_two_jobs_at_capacity_one_the_second_is_refused_at_once() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("a")
    assert talk.submit("b") == [Fail(job_id="b", failure=Failure.UNAVAILABLE, detail=UNAVAILABLE)]


def test_a_transient_job_waits_for_a_slot_where_it_is_set_to() -> None:
    talk = Conversation(when_no_worker=WhenNoWorker.QUEUE)
    assert talk.submit("a") == []
    assert talk.submit("b") == []
    assert talk.connect(1) == [sent(1, "a", 1)]
    assert talk.say(1, JobResult(job_id="a")) == [Resolve(job_id="a", result={}), sent(1, "b", 2)]


def test_the_backlog_drains_in_order_whenever_a_slot_frees() -> None:
    talk = Conversation()
    for job_id in "abc":
        assert talk.keep(job_id) == []
    assert talk.connect(1) == [kept(1, "a", 1)]
    assert talk.say(1, JobResult(job_id="a", fence_token=1)) == [kept(1, "b", 2)]
    assert talk.say(1, JobError(job_id="b", error="no", fence_token=2)) == [kept(1, "c", 3)]
    assert [talk.status(job_id) for job_id in "abc"] == [Status.COMPLETED, Status.FAILED, Status.RUNNING]
    assert talk.queue.jobs["b"].error == "no"


def test_a_transient_reply_carries_fence_0_and_counts() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("a")
    assert talk.say(1, JobResult(job_id="a", fence_token=12345)) == [Resolve(job_id="a", result={})]


@pytest.mark.parametrize("fence", [0, 2, 12345])
def test_a_persisted_reply_with_another_fence_is_ignored(fence: int) -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    assert rules(talk.say(1, JobResult(job_id="a", fence_token=fence))) == ["casola:fence"]
    assert talk.status("a") is Status.RUNNING


def test_an_error_of_the_worker_is_the_callers_502() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("a")
    assert talk.say(1, JobError(job_id="a", error="OOM")) == [Fail(job_id="a", failure=Failure.WORKER, detail="OOM")]


def test_a_lost_worker_fails_transient_jobs_at_once_and_persisted_ones_wait_again() -> None:
    talk = Conversation()
    talk.connect(1, capacity=2)
    talk.submit("a")
    talk.keep("b")
    detail = "Worker w was lost while it ran job a"
    assert talk.lose(1) == [Fail(job_id="a", failure=Failure.WORKER, detail=detail)]
    assert talk.status("b") is Status.PENDING
    assert talk.connect(2) == [kept(2, "b", 3)]


def test_a_job_that_comes_back_takes_its_old_place() -> None:
    talk = Conversation()
    talk.connect(1)
    for job_id in "abc":
        talk.keep(job_id)
    talk.lose(1)
    assert talk.connect(2) == [kept(2, "a", 4)]


def test_attempts_have_a_limit() -> None:
    talk = Conversation(max_attempts=2)
    talk.keep("a")
    for connection in (1, 2):
        assert len(talk.connect(connection)) == 1
        talk.lose(connection)
    assert talk.status("a") is Status.FAILED
    assert talk.queue.jobs["a"].error == "Worker w was lost; gave up after 2 attempts"
    assert talk.connect(3) == []


def test_a_worker_that_comes_back_may_still_answer_what_nobody_else_began() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.lose(1)
    talk.connect(2, capacity=0)
    assert talk.say(2, JobResult(job_id="a", result=42, fence_token=1)) == []
    assert talk.queue.jobs["a"].result == b"42"
    assert talk.say(2, Register(worker_id="w", config_id="c", capacity=1)) == []


def test_an_answer_to_an_old_attempt_is_stale() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.lose(1)
    talk.connect(2)
    (violated,) = talk.say(2, JobResult(job_id="a", fence_token=1))
    assert isinstance(violated, Violated)
    assert (violated.violation.schema, violated.violation.severity) == ("casola:fence", Severity.WARNING)
    assert talk.say(2, JobResult(job_id="a", fence_token=2)) == []
    assert talk.status("a") is Status.COMPLETED


def test_an_old_connection_that_closes_late_leaves_its_successor_of_the_same_id() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.connect(2)
    assert talk.lose(1) == []
    assert [worker.connection for worker in talk.queue.serving()] == [2]
    assert talk.submit("a") == [sent(2, "a", 1)]


def test_a_replaced_worker_may_finish_what_it_has_and_gets_nothing_new() -> None:
    talk = Conversation()
    talk.connect(1, "old")
    talk.submit("a")
    talk.connect(2, "new")
    assert talk.say(1, JobResult(job_id="a")) == [Resolve(job_id="a", result={})]
    assert talk.submit("b") == [sent(2, "b", 2)]
    assert rules(talk.say(1, Resume())) == ["casola:after-drain"]


def test_an_answer_over_the_new_connection_of_the_same_worker_counts() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("a")
    talk.connect(2)
    assert talk.say(2, JobResult(job_id="a")) == [Resolve(job_id="a", result={})]
    assert talk.lose(1) == []


def test_a_result_from_somebody_elses_worker_is_ignored() -> None:
    talk = Conversation(workers=Workers.MANY)
    talk.connect(1, "one")
    talk.submit("a")
    talk.connect(2, "two")
    assert rules(talk.say(2, JobResult(job_id="a"))) == ["casola:running-job"]
    assert talk.say(1, JobResult(job_id="a")) == [Resolve(job_id="a", result={})]


def test_many_workers_are_dispatched_by_free_capacity() -> None:
    talk = Conversation(workers=Workers.MANY)
    talk.connect(1, "one", capacity=1)
    talk.connect(2, "two", capacity=3)
    where = [command.connection for name in "abcd" for command in talk.submit(name) if isinstance(command, Send)]
    assert where == [2, 2, 1, 2]
    assert isinstance(talk.submit("e")[0], Fail)


def test_registering_again_keeps_running_jobs_in_their_slots() -> None:
    talk = Conversation()
    talk.connect(1, capacity=1)
    talk.submit("a")
    assert talk.say(1, Register(worker_id="other", config_id="c", capacity=1)) == []
    assert isinstance(talk.submit("b")[0], Fail)
    assert talk.say(1, JobResult(job_id="a")) == [Resolve(job_id="a", result={})]


def test_pause_holds_jobs_back_and_resume_lets_them_go() -> None:
    talk = Conversation()
    talk.connect(1)
    assert talk.say(1, Pause()) == []
    assert talk.keep("a") == []
    assert isinstance(talk.submit("b")[0], Fail)
    assert talk.say(1, Resume()) == [kept(1, "a", 1)]


def test_drain_lasts_until_a_new_registration() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.keep("b")
    talk.say(1, Drain())
    assert talk.say(1, JobResult(job_id="a", fence_token=1)) == []
    assert rules(talk.say(1, Resume())) == ["casola:after-drain"]
    assert talk.status("b") is Status.PENDING
    assert talk.say(1, Register(worker_id="w", config_id="c")) == [kept(1, "b", 2)]


def test_capacity_0_registers_and_gets_nothing() -> None:
    talk = Conversation()
    talk.connect(1, capacity=0)
    assert isinstance(talk.submit("a")[0], Fail)
    assert len(list(talk.queue.serving())) == 1


def test_a_transient_job_times_out_and_its_late_result_is_noted() -> None:
    talk = Conversation(job_timeout_ms=120_000)
    talk.connect(1)
    talk.submit("a")
    assert talk.queue.next_deadline() == 120_000
    assert talk.after(119_999) == []
    detail = "Job a timed out after 120.0s"
    assert talk.after(1) == [Fail(job_id="a", failure=Failure.TIMED_OUT, detail=detail)]
    (violated,) = talk.say(1, JobResult(job_id="a"))
    assert isinstance(violated, Violated)
    assert violated.violation.severity is Severity.INFO
    assert talk.submit("b") == [sent(1, "b", 2)]


def test_a_second_answer_is_an_error_and_changes_nothing() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.say(1, JobResult(job_id="a", result=1, fence_token=1))
    (violated,) = talk.say(1, JobError(job_id="a", error="too late", fence_token=1))
    assert isinstance(violated, Violated)
    assert violated.violation.severity is Severity.ERROR
    assert (talk.status("a"), talk.queue.jobs["a"].error) == (Status.COMPLETED, None)


def test_progress_renews_the_lease() -> None:
    talk = Conversation(lease_ms=100)
    talk.connect(1)
    talk.keep("a")
    talk.after(60)
    assert talk.say(1, JobProgress(job_id="a", fence_token=1, progress=0.5)) == []
    assert talk.after(60) == []
    assert talk.queue.next_deadline() == 160


def test_a_lease_that_ends_revokes_the_job_and_dispatches_it_anew() -> None:
    talk = Conversation(lease_ms=100)
    talk.connect(1)
    talk.keep("a")
    reason = "Lease of 0.1s ended without progress"
    revoked = Send(connection=1, message=JobRevoked(job_id="a", reason=reason))
    assert talk.after(100) == [revoked, kept(1, "a", 2)]


def test_a_caller_that_leaves_is_told_nothing_and_the_slot_waits_for_the_worker() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("a")
    assert talk.queue.cancel("a", talk.now) == []
    assert isinstance(talk.submit("b")[0], Fail)
    assert talk.say(1, JobResult(job_id="a")) == []
    assert talk.submit("c") == [sent(1, "c", 2)]


def test_a_cancelled_persisted_job_is_revoked_and_its_slot_free() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.keep("b")
    revoked = Send(connection=1, message=JobRevoked(job_id="a", reason="Cancelled"))
    assert talk.queue.cancel("a", talk.now) == [revoked, kept(1, "b", 2)]
    assert (talk.status("a"), talk.queue.jobs["a"].error) == (Status.FAILED, "Cancelled")
    assert talk.queue.cancel("a", talk.now) == []


@pytest.mark.parametrize(
    "message", [JobResult(job_id="a"), JobError(job_id="a"), JobProgress(job_id="a"), Drain(), Pause(), Resume()]
)
def test_nothing_counts_before_register(message: WorkerMessage) -> None:
    talk = Conversation()
    talk.queue.connected(1)
    violated, told = talk.say(1, message)
    assert rules([violated]) == ["casola:register-first"]
    assert told == Send(connection=1, message=Error(message=f"Register first, then {message.type}"))


def test_a_malformed_frame_is_noted_and_the_worker_told() -> None:
    talk = Conversation()
    talk.connect(1)
    violated, told = talk.queue.malformed(1, Malformed(what="frame", why="Invalid JSON"))
    assert rules([violated]) == ["casola:message"]
    assert told == Send(connection=1, message=Error(message="Invalid JSON"))
    assert talk.submit("a") == [sent(1, "a", 1)]


def test_a_reference_to_a_result_that_was_not_uploaded_is_refused() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    violated, told = talk.say(1, JobResultRef(job_id="a", fence_token=1))
    assert rules([violated]) == ["casola:result-ref"]
    assert told == Send(connection=1, message=Error(message="job_result_ref: nothing was uploaded for job a"))


def test_a_result_too_deep_to_write_down_fails_its_job() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.say(1, JobResult(job_id="a", result=orjson.loads("[" * 300 + "]" * 300), fence_token=1))
    assert talk.queue.jobs["a"].error == "The result nests too deeply (more than 254 levels)"


def test_progress_of_a_job_that_waits_again_is_a_violation() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.lose(1)
    talk.connect(2, capacity=0)
    assert rules(talk.say(2, JobProgress(job_id="a", fence_token=1))) == ["casola:running-job"]


def where(commands: list[Command]) -> list[int]:
    return [command.connection for command in commands if isinstance(command, Send)]


def test_a_job_that_wants_a_configuration_waits_for_it_and_holds_up_nobody() -> None:
    talk = Conversation(workers=Workers.MANY)
    talk.submit("large", Mode.PERSISTED, wanted="large")
    talk.keep("any")
    assert where(talk.connect(1, "one")) == [1]
    assert talk.status("any") is Status.RUNNING
    assert talk.say(1, JobResult(job_id="any", fence_token=2)) == []
    talk.queue.connected(2)
    assert where(talk.say(2, Register(worker_id="two", config_id="large"))) == [2]
    assert isinstance(talk.submit("x", wanted="large")[0], Fail)
    assert where(talk.submit("y")) == [1]


def test_an_uploaded_result_counts_when_it_is_referred_to() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    assert talk.queue.uploaded("a", 1, b'{"x":1}')
    assert talk.status("a") is Status.RUNNING
    ref = JobResultRef(job_id="a", fence_token=1)
    assert talk.say(1, ref) == [Send(connection=1, message=ref)]
    assert (talk.status("a"), talk.queue.jobs["a"].result) == (Status.COMPLETED, b'{"x":1}')
    assert not talk.queue.uploaded("a", 1, b"2")


def test_a_transient_job_takes_no_upload_so_that_its_caller_is_always_told() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("a")
    assert not talk.queue.uploaded("a", 1, b'{"x":1}')
    assert isinstance(talk.say(1, JobResultRef(job_id="a", fence_token=1))[0], Violated)
    assert talk.say(1, JobResult(job_id="a", result={"y": 2})) == [Resolve(job_id="a", result={"y": 2})]


def test_an_upload_of_an_old_attempt_is_not_wanted() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    assert talk.queue.uploaded("a", 1, b"1")
    talk.lose(1)
    talk.connect(2)
    assert not talk.queue.uploaded("a", 1, b"1")
    assert rules(talk.say(2, JobResultRef(job_id="a", fence_token=2))) == ["casola:result-ref"]


def test_a_revoked_job_may_still_be_reported_with_fence_0_and_nobody_minds() -> None:
    talk = Conversation(lease_ms=100, workers=Workers.MANY)
    talk.connect(1, "slow")
    talk.keep("a")
    talk.connect(2, "other")
    talk.after(100)
    (violated,) = talk.say(1, JobResult(job_id="a", fence_token=0))
    assert isinstance(violated, Violated)
    assert (violated.violation.schema, violated.violation.severity) == ("casola:revoked", Severity.INFO)
    talk.say(2, JobResult(job_id="a", result=2, fence_token=2))
    assert talk.queue.jobs["a"].result == b"2"
    (violated,) = talk.say(1, JobResult(job_id="a", fence_token=0))
    assert isinstance(violated, Violated)
    assert violated.violation.severity is Severity.INFO


def test_a_second_answer_to_a_job_that_was_given_twice_is_no_error() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.keep("a")
    talk.lose(1)
    talk.connect(2)
    talk.say(2, JobResult(job_id="a", fence_token=2))
    (violated,) = talk.say(2, JobResult(job_id="a", fence_token=0))
    assert isinstance(violated, Violated)
    assert violated.violation.severity is Severity.INFO


def test_a_refused_job_fails_its_caller_and_frees_the_slot() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("a")
    talk.keep("b")
    refused = Fail(job_id="a", failure=Failure.REFUSED, detail="no")
    assert talk.queue.refuse("a", "no", talk.now) == [refused, kept(1, "b", 2)]
    assert talk.queue.refuse("a", "no", talk.now) == []


def test_finished_jobs_are_forgotten_the_oldest_first() -> None:
    talk = Conversation(keep_finished=2)
    talk.connect(1)
    for number, job_id in enumerate("abc", start=1):
        talk.keep(job_id)
        talk.say(1, JobResult(job_id=job_id, fence_token=number))
    assert list(talk.queue.jobs) == ["b", "c"]
    assert talk.queue.changes().forgotten == ("a",)
    (violated,) = talk.say(1, JobResult(job_id="a", fence_token=1))
    assert isinstance(violated, Violated)
    assert violated.violation.schema == "casola:one-answer"


def test_changes_are_the_persisted_jobs_of_each_event_once() -> None:
    talk = Conversation()
    talk.connect(1)
    talk.submit("transient")
    talk.keep("a")
    assert [job.id for job in talk.queue.changes().jobs] == ["a"]
    assert not talk.queue.changes()
    talk.say(1, JobResult(job_id="transient"))
    (job,) = talk.queue.changes().jobs
    assert (job.id, job.status) == ("a", Status.RUNNING)


def test_a_restored_queue_goes_on_with_new_fences_and_forgives_the_attempt_that_was_cut() -> None:
    before = Conversation(max_attempts=1)
    before.connect(1)
    before.keep("running")
    before.keep("pending")
    jobs = [*before.queue.jobs.values()]
    after = Conversation(max_attempts=1)
    after.queue.restore(jobs)
    assert [job.status for job in jobs] == [Status.PENDING, Status.PENDING]
    assert after.connect(1) == [kept(1, "running", 3)]
    assert after.say(1, JobResult(job_id="running", fence_token=3)) == [kept(1, "pending", 2)]


def test_after_a_restart_the_worker_may_answer_what_it_was_given_before() -> None:
    before = Conversation()
    before.connect(1)
    before.keep("a")
    after = Conversation()
    after.queue.restore([*before.queue.jobs.values()])
    after.connect(1, capacity=0)
    assert after.say(1, JobResult(job_id="a", result=1, fence_token=1)) == []
    assert after.status("a") is Status.COMPLETED
