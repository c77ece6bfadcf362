"""The jobs in recorded worker connections."""

from __future__ import annotations

import json
from typing import Any

from replayer.cassette.model import Chunk, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.dispatch.messages import Mode
from replayer.dispatch.recorded import Outcome, recorded_jobs

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def frame(at: float, sender: Sender, **message: Any) -> Frame:
    return Frame(at=at, sender=sender, kind=FrameKind.TEXT, text=json.dumps(message))


def worker(at: float, **message: Any) -> Frame:
    return frame(at, Sender.CLIENT, **message)


def queue(at: float, job_id: str, *, mode: str = "transient", payload: Any = None) -> Frame:
    asked = {"task": "openai/chat-completion", **CHAT} if payload is None else payload
    return frame(at, Sender.SERVER, type="job", job_id=job_id, mode=mode, config_id="c", payload=asked, fence_token=3)


def connection(*frames: Frame, at: float | None = 0.0) -> Interaction:
    registered = worker(1, type="register", worker_id="w", config_id="c")
    return Interaction(
        request=Request(method="GET", uri="ws://queue.example/ws"),
        response=Response(status=101, at=at, frames=(registered, *frames)),
    )


def rest(
    at: float,
    ms: float,
    *,
    body: Any = CHAT,
    answer: Any = None,
    method: str = "POST",
    uri: str = "http://api.example/x",
) -> Interaction:
    said = json.dumps(answer if answer is not None else {"ok": True}).encode()
    return Interaction(
        request=Request(method=method, uri=uri, body=json.dumps(body).encode()),
        response=Response(status=200, body=said, at=at, chunks=(Chunk(ms, len(said)),)),
    )


def test_a_job_is_told_from_its_beginning_to_its_end() -> None:
    (job,) = recorded_jobs(
        [
            connection(
                queue(10, "j1", mode="persisted"),
                worker(20, type="job_progress", job_id="j1", fence_token=3),
                worker(40.5, type="job_result", job_id="j1", result={}, fence_token=3),
            )
        ]
    )
    assert (job.worker, job.job_id, job.task, job.mode) == ("w", "j1", "openai/chat-completion", Mode.PERSISTED)
    assert (job.fence, job.at, job.ms, job.progress, job.outcome) == (3, 10, 30.5, 1, Outcome.RESULT)
    assert job.caused_by is None


def test_every_end_has_its_name() -> None:
    jobs = recorded_jobs(
        [
            connection(
                *(queue(1, job_id) for job_id in ("failed", "revoked", "open", "reported", "late")),
                worker(2, type="job_error", job_id="failed", error="out of memory"),
                frame(3, Sender.SERVER, type="job_revoked", job_id="revoked", reason="gone"),
                worker(4, type="job_result_ref", job_id="reported", fence_token=1),
                frame(5, Sender.SERVER, type="job_revoked", job_id="late", reason="gone"),
                worker(6, type="job_result", job_id="late"),
            )
        ]
    )
    assert [(job.job_id, job.outcome, job.error) for job in jobs] == [
        ("failed", Outcome.ERROR, "out of memory"),
        ("revoked", Outcome.REVOKED, ""),
        ("open", Outcome.UNFINISHED, ""),
        ("reported", Outcome.RESULT, ""),
        ("late", Outcome.RESULT, ""),
    ]


def test_an_answer_that_names_the_job_caused_it() -> None:
    looked = rest(0, 1, answer={"id": "j1"}, method="GET")
    created = rest(0, 1, body={"payload": {}}, answer={"id": "j1", "status": "running"})
    (job,) = recorded_jobs([connection(queue(10, "j1", payload={})), looked, created])
    assert job.caused_by == 2


def test_a_request_that_was_under_way_and_asked_for_it_caused_it() -> None:
    before, other = rest(0, 20), rest(90, 30, body={**CHAT, "model": "other"})
    cause = rest(95, 30, body={**CHAT, "name": "what the queue drops"})
    (job,) = recorded_jobs([before, other, cause, connection(queue(10, "j1"), at=90)])
    assert job.caused_by == 2


def test_equal_requests_caused_one_job_each() -> None:
    jobs = recorded_jobs([rest(0, 50), rest(1, 50), connection(queue(10, "j1"), queue(11, "j2"), queue(12, "j3"))])
    assert [job.caused_by for job in jobs] == [0, 1, None]


def test_what_is_no_worker_connection_has_no_jobs() -> None:
    other = connection(Frame(at=2, sender=Sender.SERVER, kind=FrameKind.TEXT, text='{"type":"session.created"}'))
    garbage = connection(Frame(at=2, sender=Sender.SERVER, kind=FrameKind.TEXT, text="no JSON"))
    assert recorded_jobs([rest(0, 1), other, garbage]) == ()


def test_a_job_that_is_handed_out_again_is_another_attempt() -> None:
    first = connection(queue(10, "j1"))
    second = connection(queue(10, "j1"), worker(20, type="job_result", job_id="j1"), at=100)
    assert [(job.connection, job.outcome) for job in recorded_jobs([first, second])] == [
        (0, Outcome.UNFINISHED),
        (1, Outcome.RESULT),
    ]
