from __future__ import annotations

from dataclasses import replace

import pytest

from replayer.contract.violation import Violation
from replayer.dispatch.messages import (
    Drain,
    Job,
    JobError,
    JobProgress,
    JobResult,
    JobResultRef,
    Mode,
    Pause,
    Register,
    Resume,
    WorkerMessage,
)
from replayer.worker.check.ledger import Ledger

JOB = Job(job_id="j", mode=Mode.PERSISTED, config_id="c", payload=b"{}", fence_token=7)
RESULT = JobResult(job_id="j", fence_token=7)
REGISTER = Register(worker_id="w", config_id="c")


def heard(*messages: WorkerMessage, job: Job = JOB, times: int = 1, revoked: bool = False) -> list[str | None]:
    """The rules that a worker's messages break, after it registered and was given a job so many times."""
    ledger = Ledger()
    ledger.hear(1, REGISTER, 0)
    for _ in range(times):
        ledger.give(job, 0).revoked = revoked
    return [rule(ledger.hear(1, message, 1)) for message in messages]


def rule(violation: Violation | None) -> str | None:
    return violation.schema if violation else None


@pytest.mark.parametrize("answer", [RESULT, JobError(job_id="j", fence_token=7)], ids=lambda answer: answer.type)
def test_an_answer_with_its_fence_is_in_order(answer: WorkerMessage) -> None:
    assert heard(JobProgress(job_id="j", fence_token=7), answer) == [None, None]


@pytest.mark.parametrize("fence", [0, 7, 8])
def test_the_fence_of_a_transient_answer_does_not_matter(fence: int) -> None:
    assert heard(replace(RESULT, fence_token=fence), job=replace(JOB, mode=Mode.TRANSIENT)) == [None]


def test_anything_before_register_is_out_of_order() -> None:
    assert rule(Ledger().hear(1, Drain(), 0)) == "casola:register-first"


def test_each_connection_has_to_register() -> None:
    ledger = Ledger()
    ledger.hear(1, REGISTER, 0)
    ledger.give(JOB, 0)
    assert rule(ledger.hear(2, RESULT, 0)) == "casola:register-first"


def test_an_answer_may_come_over_the_next_connection() -> None:
    ledger = Ledger()
    ledger.hear(1, REGISTER, 0)
    given = ledger.give(JOB, 5)
    ledger.hear(2, REGISTER, 0)
    assert ledger.hear(2, RESULT, 9) is None
    assert (given.at, given.answered_at, given.answers) == (5, 9, [RESULT])
    assert ledger.open == ()


@pytest.mark.parametrize(
    ("messages", "rules"),
    [
        ([replace(RESULT, fence_token=8)], ["casola:fence"]),
        ([replace(RESULT, fence_token=0)], ["casola:fence"]),
        ([JobProgress(job_id="j", fence_token=8)], ["casola:fence"]),
        ([RESULT, RESULT], [None, "casola:one-answer"]),
        ([RESULT, JobProgress(job_id="j", fence_token=7)], [None, "casola:one-answer"]),
        ([JobResult(job_id="k")], ["casola:known-job"]),
        ([JobResultRef(job_id="j", fence_token=7)], ["casola:result-ref"]),
        ([Drain(), Pause()], [None, "casola:after-drain"]),
        ([Drain(), Resume()], [None, "casola:after-drain"]),
        ([Drain(), RESULT], [None, None]),
        ([Drain(), REGISTER, Pause()], [None, None, None]),
    ],
)
def test_the_order_of_a_connection(messages: list[WorkerMessage], rules: list[str | None]) -> None:
    assert heard(*messages) == rules


def test_a_job_that_came_twice_may_be_answered_twice_and_the_second_time_with_fence_0() -> None:
    again = replace(RESULT, fence_token=0)
    assert heard(RESULT, again, again, times=2) == [None, None, "casola:one-answer"]


def test_a_revoked_job_may_be_answered_with_fence_0() -> None:
    assert heard(replace(RESULT, fence_token=0), revoked=True) == [None]


def test_a_reference_to_what_was_uploaded_is_an_answer() -> None:
    ledger = Ledger()
    ledger.hear(1, REGISTER, 0)
    ledger.give(JOB, 0).uploaded = b"{}"
    assert ledger.hear(1, JobResultRef(job_id="j", fence_token=7), 0) is None
