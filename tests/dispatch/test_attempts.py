"""The attempts at jobs in recorded worker connections: which answer belongs to which."""

from __future__ import annotations

import json
from typing import Any

from replayer.cassette.model import Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.dispatch.attempts import Attempt, attempts

REGISTER = {"type": "register", "worker_id": "w", "config_id": "c"}


def job(job_id: str = "a", fence: int = 1, mode: str = "persisted") -> dict[str, Any]:
    keys = {"mode": mode, "config_id": "c", "payload": {"n": 1}, "fence_token": fence}
    return {"type": "job", "job_id": job_id, **keys}


def result(value: Any, fence: int = 0, job_id: str = "a") -> dict[str, Any]:
    return {"type": "job_result", "job_id": job_id, "result": value, "fence_token": fence}


def revoked(job_id: str = "a") -> dict[str, Any]:
    return {"type": "job_revoked", "job_id": job_id, "reason": "r"}


def connection(*messages: dict[str, Any], at: float | None = None) -> Interaction:
    """Of these messages, ten milliseconds apart; the queue's are jobs and revocations."""
    frames = [
        Frame(
            at=10.0 * number,
            sender=Sender.SERVER if one["type"] in ("job", "job_revoked") else Sender.CLIENT,
            kind=FrameKind.TEXT,
            text=json.dumps(one),
        )
        for number, one in enumerate(messages)
    ]
    request = Request(method="GET", uri="wss://queue.example/ws")
    return Interaction(request=request, response=Response(status=101, at=at, frames=tuple(frames)))


def answered(*connections: Interaction) -> list[tuple[int, int, Any]]:
    """Connection, fence and result of each attempt; None where it has no answer."""
    return [(one.connection, one.job.fence_token, _result(one)) for one in attempts(connections)]


def _result(attempt: Attempt) -> Any:
    return getattr(attempt.answer, "result", attempt.answer and attempt.answer.type)


def test_an_answer_belongs_to_the_attempt_whose_fence_it_names() -> None:
    first = connection(REGISTER, job(fence=1))
    second = connection(REGISTER, job(fence=2), result("old", 1), result("new", 2))
    assert answered(first, second) == [(0, 1, "old"), (1, 2, "new")]


def test_fence_0_is_for_the_newest_attempt_without_an_answer() -> None:
    one = connection(REGISTER, job(mode="transient"), result(1), result(2), job("b", 2, mode="transient"))
    assert answered(one) == [(0, 1, 1), (0, 2, None)]


def test_fence_0_of_a_persisted_job_is_for_the_attempt_that_was_revoked() -> None:
    first = connection(REGISTER, job(fence=1), revoked())
    second = connection(REGISTER, job(fence=2), result("untracked", 0), result("tracked", 2))
    assert answered(first, second) == [(0, 1, "untracked"), (1, 2, "tracked")]


def test_a_job_that_was_given_twice_has_an_answer_for_each() -> None:
    assert answered(connection(REGISTER, job(), job(), result(1, 1), result(2, 1), result(3, 1))) == [
        (0, 1, 2),
        (0, 1, 1),
    ]


def test_a_fence_that_nobody_was_given_counts_all_the_same() -> None:
    """The original queue validates none."""
    assert answered(connection(REGISTER, job(), result(1, 12345))) == [(0, 1, 1)]


def test_a_result_that_was_put_elsewhere_is_a_reference() -> None:
    ref = {"type": "job_result_ref", "job_id": "a", "fence_token": 1}
    assert answered(connection(REGISTER, job(), ref)) == [(0, 1, "job_result_ref")]


def test_a_connection_on_which_nobody_registered_has_no_attempts() -> None:
    assert attempts([connection(job(), result(1))]) == ()


def test_an_attempt_is_told_with_its_place_and_times() -> None:
    progress = {"type": "job_progress", "job_id": "a", "fence_token": 1}
    (_, one) = attempts([connection(REGISTER, job("b"), job(), progress, progress, result(1, 1))])
    assert (one.place("w.yaml"), one.number, one.worker) == ("w.yaml#0", 2, "w")
    assert (one.at, one.ms, one.progress, one.revoked) == (20.0, 30.0, 2, False)


def test_what_came_over_the_next_connection_took_until_then_where_both_times_are_known() -> None:
    second = [REGISTER, result(1, 1)]
    (known,) = attempts([connection(REGISTER, job(), at=100.0), connection(*second, at=500.0)])
    (unknown,) = attempts([connection(REGISTER, job()), connection(*second, at=500.0)])
    assert (known.ms, unknown.ms) == (400.0, None)
    assert known.answer == unknown.answer is not None


def test_a_revocation_after_the_answer_changes_nothing() -> None:
    (one,) = attempts([connection(REGISTER, job(), result(1, 1), revoked())])
    assert (one.revoked, one.ms) == (False, 10.0)
