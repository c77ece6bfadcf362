"""Large payloads and results over HTTP, at URLs that only the worker was told."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import aiohttp

from replayer.cassette.model import Sender
from replayer.contract.violation import Violation
from replayer.dispatch.settings import Offloading, Policy

LARGE = "x" * 1_200_000


def broken(sender: Sender, value: Any) -> Sequence[Violation]:
    if '"bad"' not in json.dumps(value):
        return []
    return [Violation(where="", pointer="/result", expected="better", actual="bad", schema="test")]


async def fetched(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.json()


async def put(url: str, body: bytes) -> int:
    async with aiohttp.ClientSession() as http, http.put(url, data=body) as answer:
        return answer.status


async def test_a_payload_over_a_frame_is_fetched_from_the_host_that_the_worker_dialled(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat(LARGE)
    job = await worker.job()
    assert re.fullmatch(rf"{place.url}/offload/[0-9a-f]{{32}}", job["payload_url"])
    assert job["payload"] == {}
    status, payload = await fetched(job["payload_url"])
    assert (status, payload["messages"][0]["content"]) == (200, LARGE)
    await worker.finish(job, {"completion": {"choices": []}})
    assert (await asked)[0] == 200
    assert (await fetched(job["payload_url"]))[0] == 404
    assert "payload_url" not in (await _next(place, worker))


async def _next(place: Any, worker: Any) -> dict[str, Any]:
    place.chat("small")
    job: dict[str, Any] = await worker.job()
    await worker.finish(job, {})
    return job


async def test_a_worker_without_offload_gets_six_keys_and_its_callers_a_413(open_place: Any) -> None:
    place = await open_place(offloading=Offloading.OFF)
    worker = await place.worker()
    assert (await place.post("/jobs", {"payload": LARGE}))[0] == 413
    await place.post("/jobs", {"payload": 1})
    assert len(await worker.job()) == 6


async def test_a_payload_beyond_all_bounds_is_a_413(open_place: Any) -> None:
    place = await open_place(max_payload_bytes=2_000)
    assert (await place.chat("x" * 2_000))[0] == 413


async def test_a_result_is_put_and_referred_to(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    _, made = await place.post("/jobs", {"payload": 1})
    job = await worker.job()
    assert await put(job["result_upload_url"], b'{"large":true}') == 200
    assert (await place.get(f"/jobs/{made['id']}"))[1]["status"] == "running"
    ref = {"type": "job_result_ref", "job_id": job["job_id"], "fence_token": job["fence_token"]}
    await worker.socket.send_json(ref)
    assert await worker.hear() == ref
    body = (await place.get(f"/jobs/{made['id']}"))[1]
    assert (body["status"], body["result"]) == ("completed", {"large": True})
    assert await put(job["result_upload_url"], b"{}") == 404


async def test_an_upload_is_json_by_its_own_method_and_of_the_newest_attempt(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    await place.post("/jobs", {"payload": 1})
    job = await worker.job()
    assert await put(job["result_upload_url"], b"{") == 400
    assert (await fetched(job["result_upload_url"]))[0] == 405
    await worker.socket.close()
    successor = await place.dial()
    await successor.register()
    await successor.job()
    assert await put(job["result_upload_url"], b"{}") == 404


async def test_a_reference_without_an_upload_is_a_violation_and_an_error_frame(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    await place.post("/jobs", {"payload": 1})
    job = await worker.job()
    await worker.say("job_result_ref", job_id=job["job_id"], fence_token=job["fence_token"])
    assert (await worker.hear())["message"] == f"job_result_ref: nothing was uploaded for job {job['job_id']}"
    assert place.frames("job_result_ref")[0].violations[0]["schema"] == "casola:result-ref"
    await worker.finish(job, 1)
    assert (await place.get(f"/jobs/{job['job_id']}?wait=5"))[1]["status"] == "completed"


async def test_no_token_stands_in_the_journal(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    await place.post("/jobs", {"payload": LARGE})
    job = await worker.job()
    await fetched(job["payload_url"])
    assert await put(job["result_upload_url"], b"{}") == 200
    told = repr(list(place.journal))
    assert job["payload_url"].rpartition("/")[2] not in told
    assert job["result_upload_url"].rpartition("/")[2] not in told


async def test_an_uploaded_result_is_held_against_its_contract(open_place: Any) -> None:
    place = await open_place(broken, policy=Policy.REJECT)
    worker = await place.worker()
    await place.post("/jobs", {"payload": 1})
    job = await worker.job()
    assert await put(job["result_upload_url"], b'{"x":"bad"}') == 200
    await worker.say("job_result_ref", job_id=job["job_id"], fence_token=job["fence_token"])
    body = (await place.get(f"/jobs/{job['job_id']}?wait=5"))[1]
    assert (body["status"], body["error"]) == ("failed", "Refused: /result: expected better")


async def test_a_job_is_held_against_its_contract_as_it_is_sent_and_with_what_went_another_way(open_place: Any) -> None:
    seen: list[dict[str, Any]] = []

    def check(sender: Sender, message: Any) -> Sequence[Violation]:
        seen.extend([message] if message["type"] == "job" else [])
        return []

    place = await open_place(check)
    worker = await place.worker(capacity=3)
    for payload in (1, LARGE):
        await place.post("/jobs", {"payload": payload})
    small, large = [await worker.job() for _ in range(2)]
    inline = {key: value for key, value in large.items() if not key.endswith("_url")}
    assert seen == [small, large, {**inline, "payload": LARGE}]


async def test_a_result_of_a_payload_that_nobody_fetched_fails_its_job(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    asked = place.chat(LARGE)
    await worker.finish(await worker.job(), {"completion": {}})
    assert await asked == (502, {"detail": "The worker answered without having fetched payload_url"})
    assert place.frames("job_result")[0].violations[0]["schema"] == "casola:payload-url"


async def test_who_was_given_a_job_before_may_have_fetched_its_payload_then(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    await place.post("/jobs", {"payload": LARGE})
    job = await worker.job()
    assert (await fetched(job["payload_url"]))[0] == 200
    await worker.socket.close()
    again = await place.dial()
    await again.register()
    await again.finish(await again.job(), {"length": len(LARGE)})
    done = (await place.get(f"/jobs/{job['job_id']}?wait=5"))[1]
    assert (done["status"], done["result"]) == ("completed", {"length": len(LARGE)})
    assert place.frames("job_result")[0].violations == ()


async def test_policy_reject_sends_no_job_that_breaks_its_contract(open_place: Any) -> None:
    place = await open_place(broken, policy=Policy.REJECT)
    worker = await place.worker()
    assert await place.chat("bad") == (422, {"detail": "Refused: /result: expected better"})
    _, made = await place.post("/jobs", {"payload": "bad"})
    assert (await place.get(f"/jobs/{made['id']}"))[1]["status"] == "failed"
    await worker.settled()
    assert [entry.details["sent"] for entry in place.frames("job")] == [False, False]
