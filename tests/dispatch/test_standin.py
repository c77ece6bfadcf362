from __future__ import annotations

import json
from typing import Any

import pytest

from replayer.cassette.model import Cassette, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.dispatch.settings import WhenNoWorker
from replayer.dispatch.standin import RecordedWorkers

PAYLOAD = {"task": "openai/chat-completion", "model": "test", "messages": [{"role": "user", "content": "hello"}]}


def says(sender: Sender, type: str, **keys: Any) -> Frame:
    return Frame(at=0.0, sender=sender, kind=FrameKind.TEXT, text=json.dumps({"type": type, **keys}))


def job(job_id: str, payload: Any = PAYLOAD, fence: int = 1, mode: str = "transient") -> Frame:
    keys = {"mode": mode, "config_id": "c", "payload": payload, "fence_token": fence}
    return says(Sender.SERVER, "job", job_id=job_id, **keys)


def result(job_id: str, result: Any, fence: int = 0) -> Frame:
    return says(Sender.CLIENT, "job_result", job_id=job_id, result=result, fence_token=fence)


def recorded(*connections: list[Frame]) -> Cassette:
    request = Request(method="GET", uri="wss://queue.example/ws")
    registered = says(Sender.CLIENT, "register", worker_id="w", config_id="c")
    return Cassette(
        interactions=tuple(
            Interaction(request=request, response=Response(status=101, frames=(registered, *frames)))
            for frames in connections
        )
    )


def workers(*connections: list[Frame]) -> RecordedWorkers:
    return RecordedWorkers([("worker.yaml", recorded(*connections))])


def completion(text: str) -> dict[str, Any]:
    return {"completion": {"choices": [{"message": {"role": "assistant", "content": text}}]}}


def test_a_job_whose_answer_was_not_recorded_answers_nobody() -> None:
    reference = says(Sender.CLIENT, "job_result_ref", job_id="b", fence_token=2)
    assert len(workers([job("a"), job("b", fence=2, mode="persisted"), reference])) == 0


def test_equal_jobs_are_answered_in_their_order_and_the_last_one_again() -> None:
    known = workers([job("a"), result("a", 1), job("b", fence=2), result("b", 2)])
    played: dict[bytes, int] = {}
    spelled_otherwise = json.dumps(dict(reversed(PAYLOAD.items()))).encode()
    found = [known.answer(spelled_otherwise, played) for _ in range(3)]
    assert [getattr(one and one.answer, "result", None) for one in found] == [1, 2, 2]
    assert known.answer(b'{"task":"other"}', played) is None


async def test_without_a_worker_a_recorded_one_answers(open_place: Any) -> None:
    known = workers([job("a"), result("a", completion("from the cassette"))])
    place = await open_place(when_no_worker=WhenNoWorker.CASSETTE, recorded=known)
    status, body = await place.chat("hello")
    assert (status, body["choices"][0]["message"]["content"]) == (200, "from the cassette")
    (entry,) = (entry for entry in place.journal if entry.kind == "http")
    assert (entry.outcome, entry.interaction) == ("hit", "worker.yaml#0")


async def test_a_recorded_error_is_a_502_and_an_unknown_job_a_503_that_says_so(open_place: Any) -> None:
    known = workers([job("a"), says(Sender.CLIENT, "job_error", job_id="a", error="OOM")])
    place = await open_place(when_no_worker=WhenNoWorker.CASSETTE, recorded=known)
    assert await place.chat("hello") == (502, {"detail": "OOM"})
    detail = "No worker available, and no recorded worker was given this job"
    assert await place.chat("something else") == (503, {"detail": detail})


@pytest.mark.parametrize("capacity", [0, 1])
async def test_a_live_worker_comes_before_a_recorded_one(open_place: Any, capacity: int) -> None:
    known = workers([job("a"), result("a", completion("from the cassette"))])
    place = await open_place(when_no_worker=WhenNoWorker.CASSETTE, recorded=known)
    worker = await place.worker(capacity=capacity)
    asked = place.chat("hello")
    if capacity:
        await worker.serve(completion("live"))
        assert (await asked)[1]["choices"][0]["message"]["content"] == "live"
    else:
        assert await asked == (503, {"detail": "No worker available"})
