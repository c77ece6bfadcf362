from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from replayer.cassette.model import Request, Sender
from replayer.contract.violation import Violation
from replayer.dispatch.settings import Offloading, Policy, WhenNoWorker, Workers

CHAT: dict[str, Any] = {"completion": {"choices": []}}


def broken(value: Any) -> list[Violation]:
    wrong = Violation(where="", pointer="/result", expected="better", actual="bad", schema="test")
    return [wrong] if '"bad"' in json.dumps(value) else []


async def test_reconnecting_with_the_same_id_survives_the_old_socket_closing_late(open_place: Any) -> None:
    place = await open_place()
    old = await place.worker()
    new = await place.worker()
    await old.socket.close()
    assert (await place.get("/health"))[1]["worker_connected"] is True
    asked = place.chat()
    await new.serve(CHAT)
    assert (await asked)[0] == 200


async def test_the_old_socket_may_answer_what_it_was_given(open_place: Any) -> None:
    place = await open_place()
    old = await place.worker(worker_id="old")
    asked = place.chat()
    job = await old.job()
    await place.worker(worker_id="new")
    await old.finish(job, CHAT)
    assert await asked == (200, {"choices": []})


async def test_two_jobs_at_capacity_one_the_second_is_a_503_at_once(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker(capacity=1)
    first = place.chat("first")
    job = await worker.job()
    assert await place.chat("second") == (503, {"detail": "No worker available"})
    await worker.finish(job, CHAT)
    assert (await first)[0] == 200


async def test_persisted_jobs_wait_for_the_slot_and_none_is_stuck(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker(capacity=1)
    ids = [(await place.post("/jobs", {"payload": n}))[1]["id"] for n in range(3)]
    assert [(await worker.serve({"n": n}))["job_id"] for n in range(3)] == ids
    await place.until("/health", lambda body: body["pending_jobs"] == 0)
    assert place.server.status().waiting == 0


async def test_a_lost_worker_is_a_502_at_once(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat()
    job = await worker.job()
    await worker.socket.close()
    assert await asked == (502, {"detail": f"Worker w was lost while it ran job {job['job_id']}"})
    assert (await place.get("/v1/models"))[1]["data"] == []


async def test_a_persisted_job_of_a_lost_worker_is_dispatched_anew_with_a_new_fence(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    await place.post("/jobs", {"payload": 1})
    first = await worker.job()
    await worker.socket.close()
    successor = await place.dial()
    await successor.register()
    second = await successor.job()
    assert second["result_upload_url"] != first["result_upload_url"]
    url = second["result_upload_url"]
    assert second == {**first, "fence_token": first["fence_token"] + 1, "result_upload_url": url}
    await successor.say("job_result", job_id=first["job_id"], result=1, fence_token=first["fence_token"])
    await successor.finish(second, 2)
    done = await place.until(f"/jobs/{first['job_id']}", lambda body: body["status"] == "completed")
    assert (done["result"], done["fence_token"]) == (2, second["fence_token"])


async def test_drain_finishes_what_runs_and_takes_nothing_new(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker(capacity=2)
    asked = place.chat()
    job = await worker.job()
    await worker.say("drain")
    await worker.settled()
    assert (await place.chat("late"))[0] == 503
    assert (await place.get("/health"))[1]["worker_connected"] is True
    await worker.finish(job, CHAT)
    assert (await asked)[0] == 200
    await worker.socket.close()
    assert (await place.get("/health"))[1]["worker_connected"] is False


async def test_pause_and_resume(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    await worker.say("pause")
    await worker.settled()
    assert (await place.chat())[0] == 503
    await place.post("/jobs", {"payload": 1})
    await worker.say("resume")
    assert (await worker.job())["payload"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[" * 500_000 + "]" * 500_000, "Invalid JSON"),
        ("[]", "A message is a JSON object"),
        ('"register"', "A message is a JSON object"),
        ("{}", "Unknown message type: None"),
        ('{"type":"foo"}', "Unknown message type: foo"),
        ('{"type":"heartbeat"}', "Unknown message type: heartbeat"),
        ('{"type":["register"]}', "Unknown message type: ['register']"),
        ('{"type":"register"}', "register: worker_id is required"),
        ('{"type":"register","worker_id":"w"}', "register: config_id is required"),
        ('{"type":"job_result"}', "job_result: job_id is required"),
        ('{"type":"job_result","job_id":7}', "job_result: job_id has to be a string, not 7"),
        (
            '{"type":"job_result","job_id":"j","fence_token":"1"}',
            "job_result: fence_token has to be an integer, not '1'",
        ),
    ],
)
async def test_garbage_is_answered_and_the_connection_stays(open_place: Any, text: str, message: str) -> None:
    place = await open_place()
    worker = await place.worker()
    await worker.socket.send_str(text)
    assert await worker.hear() == {"type": "error", "message": message}
    asked = place.chat()
    await worker.serve(CHAT)
    assert (await asked)[0] == 200
    assert [entry.violations[0]["schema"] for entry in place.journal if entry.violations][-1] == "casola:message"


@pytest.mark.parametrize("capacity", ["2", None, 2.5, -1, True, [1]])
async def test_a_capacity_that_is_none_does_not_register(open_place: Any, capacity: Any) -> None:
    place = await open_place()
    worker = await place.dial()
    await worker.register(capacity=capacity)
    heard = await worker.hear()
    assert heard["type"] == "error"
    assert heard["message"].startswith("register: capacity has to be ")
    assert (await place.get("/health"))[1]["worker_connected"] is False
    assert (await place.chat())[0] == 503
    await worker.register(capacity=1)
    await worker.settled()
    assert (await place.get("/health"))[1]["worker_connected"] is True


async def test_a_binary_frame_is_answered_and_the_connection_stays(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    await worker.socket.send_bytes(b'{"type":"drain"}')
    assert (await worker.hear())["message"] == "A binary frame is no message: send JSON in text frames"
    await worker.settled()


async def test_an_oversized_frame_closes_with_1009_and_fails_the_job_at_once(open_place: Any) -> None:
    place = await open_place()
    worker = await place.dial(compress=15)  # compressed, so that all of it is sent before the server objects
    await worker.register()
    await worker.settled()
    asked = place.chat()
    await worker.job()
    await worker.socket.send_str("x" * (16 * 1024 * 1024 + 1))
    message = await worker.socket.receive(timeout=5)
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)
    assert (await asked)[0] == 502


async def test_a_payload_no_worker_can_take_is_a_413(open_place: Any) -> None:
    place = await open_place(offloading=Offloading.OFF)
    worker = await place.worker()
    status, body = await place.chat("x" * 1_050_000)
    assert status == 413
    assert "over the 1047552 that a worker takes" in body["detail"]
    await worker.settled()


async def test_a_payload_nested_too_deeply_is_a_400(open_place: Any) -> None:
    place = await open_place()
    deep = json.loads("[" * 300 + "]" * 300)
    status, body = await place.post("/jobs", {"payload": deep})
    assert (status, body["detail"][:28]) == (400, "The request nests too deeply")


async def test_a_job_times_out_with_504_and_the_late_result_is_noted(open_place: Any) -> None:
    place = await open_place(job_timeout_ms=100)
    worker = await place.worker()
    asked = place.chat()
    job = await worker.job()
    assert await asked == (504, {"detail": f"Job {job['job_id']} timed out after 0.1s"})
    await worker.finish(job, CHAT)
    await worker.settled()
    late = place.frames("job_result")[-1]
    assert [violation["schema"] for violation in late.violations] == ["casola:one-answer"]
    assert late.violations[0]["where"] == f"journal {late.id} frame 5 from-worker w, job {job['job_id']}"


async def test_a_lease_that_ends_revokes_and_dispatches_anew(open_place: Any) -> None:
    place = await open_place(lease_ms=50)
    worker = await place.worker()
    await place.post("/jobs", {"payload": 1})
    first = await worker.job()
    assert (await worker.hear())["type"] == "job_revoked"
    second = await worker.job()
    assert (second["job_id"], second["fence_token"]) == (first["job_id"], first["fence_token"] + 1)


async def test_a_client_that_leaves_frees_its_slot_when_the_worker_answers(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat()
    job = await worker.job()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (await place.chat())[0] == 503
    await worker.finish(job, CHAT)
    await worker.settled()
    asked = place.chat()
    await worker.serve(CHAT)
    assert (await asked)[0] == 200


async def test_a_session_has_its_own_workers_and_jobs(open_place: Any) -> None:
    place = await open_place()
    mine = await place.worker("mine", config_id="mine")
    assert (await place.chat())[0] == 503
    assert (await place.get("/v1/models"))[1]["data"] == []
    _, job = await place.post("/jobs", {"payload": 1}, session="mine")
    await mine.serve(1)
    assert (await place.get(f"/jobs/{job['id']}"))[0] == 404
    assert (await place.get(f"/jobs/{job['id']}", session="mine"))[0] == 200


async def test_a_session_that_ends_takes_its_workers_and_jobs_with_it(open_place: Any) -> None:
    place = await open_place()
    other = await place.worker()
    mine = await place.worker("mine")
    _, job = await place.post("/jobs", {"payload": 1}, session="mine")
    await mine.job()
    await place.server.end_session("mine")
    message = await mine.socket.receive(timeout=5)
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    assert (await place.get(f"/jobs/{job['id']}", session="mine"))[0] == 404
    await other.settled()


async def test_many_workers_share_the_jobs(open_place: Any) -> None:
    place = await open_place(workers=Workers.MANY)
    workers = [await place.worker(worker_id=name, config_id=name) for name in ("a", "b")]
    asked = [place.chat(), place.chat()]
    await asyncio.gather(*(worker.serve(CHAT) for worker in workers))
    assert [(await one)[0] for one in asked] == [200, 200]
    assert [model["id"] for model in (await place.get("/v1/models"))[1]["data"]] == ["a", "b"]


async def test_a_request_waits_for_a_worker_where_it_is_set_to(open_place: Any) -> None:
    place = await open_place(when_no_worker=WhenNoWorker.QUEUE)
    asked = place.chat()
    await place.until("/health", lambda body: body["pending_jobs"] == 1)
    worker = await place.dial()
    await worker.register()
    await worker.serve(CHAT)
    assert (await asked)[0] == 200


async def test_a_stop_closes_workers_with_1012_and_answers_who_waits(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat()
    await worker.job()
    stopping = asyncio.create_task(place.server.stop())
    message = await worker.socket.receive(timeout=5)
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1012)
    await stopping
    assert await asked == (503, {"detail": "The gateway is stopping"})


async def test_a_worker_that_never_reads_is_dropped_and_blocks_nobody(open_place: Any) -> None:
    place = await open_place()
    await place.worker(worker_id="deaf", capacity=100)
    large = Request(method="POST", uri="/jobs", body=b'{"payload":"' + b"x" * 1_000_000 + b'"}')
    answers = [await place.server.answer(large, session="default") for _ in range(80)]
    assert {answer.status for answer in answers} == {200}
    await place.until("/health", lambda body: not body["worker_connected"])
    reasons = [entry.details["reason"] for entry in place.journal if "reason" in entry.details]
    assert reasons[0].startswith("it does not read: ")
    successor = await place.dial()
    await successor.register()
    assert (await successor.job())["job_id"] == json.loads(answers[0].body)["id"]


async def test_stream_true_is_answered_whole_with_an_info_violation(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat(stream=True)
    assert "stream" not in (await worker.serve(CHAT))["payload"]
    assert await asked == (200, {"choices": []})
    (entry,) = (entry for entry in place.journal if entry.kind == "http")
    assert [violation["severity"] for violation in entry.violations] == ["info"]


async def test_every_frame_is_journalled_with_its_job_and_no_secret(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat()
    job = await worker.serve(CHAT)
    await asked
    (dispatched,), (answered,) = place.frames("job"), place.frames("job_result")
    assert (dispatched.details["job"], dispatched.details["direction"]) == (job["job_id"], "to-worker")
    assert (answered.details["worker"], answered.details["direction"]) == ("w", "from-worker")
    assert answered.duration_ms is not None
    assert "sk-secret" not in repr(list(place.journal))


async def test_frames_of_both_directions_are_checked(open_place: Any) -> None:
    seen: list[tuple[Sender, str]] = []

    def check(sender: Sender, value: Any) -> Sequence[Violation]:
        seen.append((sender, value["type"]))
        return broken(value)

    place = await open_place(check)
    worker = await place.worker()
    asked = place.chat()
    await worker.serve({"completion": {"bad": "bad"}})
    assert (await asked)[0] == 200
    assert seen[0] == (Sender.CLIENT, "register")
    assert seen[-2:] == [(Sender.SERVER, "job"), (Sender.CLIENT, "job_result")]
    assert [violation["pointer"] for violation in place.frames("job_result")[0].violations] == ["/result"]


async def test_policy_reject_fails_the_job_of_a_result_that_breaks_its_contract(open_place: Any) -> None:
    place = await open_place(lambda _, value: broken(value), policy=Policy.REJECT)
    worker = await place.worker()
    asked = place.chat()
    await worker.serve({"completion": {"bad": "bad"}})
    assert await asked == (502, {"detail": "Refused: /result: expected better"})
    await worker.register(worker_id="bad")
    assert await worker.hear() == {"type": "error", "message": "Refused: /result: expected better"}


async def test_a_wrong_method_is_a_405_and_a_plain_get_of_the_socket_a_404(open_place: Any) -> None:
    place = await open_place()
    assert await place.get("/v1/chat/completions") == (405, {"detail": "Method Not Allowed"})
    assert (await place.post("/health", {}))[0] == 405
    answer = await place.server.answer(Request(method="GET", uri=f"{place.url}/ws"), session="default")
    assert (answer.status, answer.body) == (404, b'{"detail":"Not Found"}')


async def test_status_shows_workers_and_counts(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker(capacity=3)
    asked = place.chat()
    job = await worker.job()
    (shown,) = place.server.status().workers
    assert (shown.worker_id, shown.capacity, shown.running) == ("w", 3, (job["job_id"],))
    await worker.finish(job, CHAT)
    await asked
    assert (place.server.status().running, place.server.status().completed) == (0, 1)


def test_paths() -> None:
    from replayer.clock import SystemClock
    from replayer.dispatch.server import DispatchServer
    from replayer.dispatch.settings import Settings
    from replayer.journal import Journal

    clock = SystemClock()
    tasks = {"/v1/embeddings": "openai/embeddings"}
    server = DispatchServer(Settings(), tasks, clock=clock, journal=Journal(clock), show=str)
    assert [server.serves_socket(path) for path in ("/ws", "//ws", "/base/ws", "/wss")] == [True, True, True, False]
    ours = ("/v1/embeddings", "/jobs", "/jobs/x", "/v1/models", "/health", "/v1/chat/completions", "/ws")
    assert [server.serves("GET", path) for path in ours] == [True] * 5 + [False] * 2
