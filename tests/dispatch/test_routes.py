"""Persisted jobs over REST: lists, waiting, events, cancelling; and what becomes of them over a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from replayer.dispatch.settings import Workers
from replayer.dispatch.store import JobStore


async def made(place: Any, count: int, **keys: Any) -> list[str]:
    return [(await place.post("/jobs", {"payload": number, **keys}))[1]["id"] for number in range(count)]


async def events(answer: aiohttp.ClientResponse, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        line = (await answer.content.readline()).decode()
        assert line, found
        if line.startswith("data: "):
            found.append(json.loads(line.removeprefix("data: ")))
    return found


async def test_jobs_are_listed_newest_first_in_pages(open_place: Any) -> None:
    place = await open_place()
    ids = await made(place, 5)
    _, page = await place.get("/jobs?limit=2")
    assert [job["id"] for job in page["data"]] == [ids[4], ids[3]]
    assert (page["object"], page["has_more"], page["last_id"]) == ("list", True, ids[3])
    _, page = await place.get(f"/jobs?limit=3&after={page['last_id']}")
    assert ([job["id"] for job in page["data"]], page["has_more"]) == (ids[2::-1], False)
    _, page = await place.get("/jobs?order=asc&limit=1")
    assert page["data"][0]["id"] == ids[0]


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
async def test_a_job_is_json_whatever_its_content_type_says(open_place: Any, kind: str) -> None:
    place = await open_place()
    async with place.http.post("/jobs", data=b'{"payload":"x"}', headers={"content-type": kind}) as made:
        assert (made.status, (await made.json())["payload"]) == (200, "x")
    async with place.http.post("/jobs", data=b"payload=x", headers={"content-type": kind}) as refused:
        assert refused.status == 422


async def test_jobs_are_listed_by_status_and_configuration(open_place: Any) -> None:
    place = await open_place(workers=Workers.MANY)
    (large,) = await made(place, 1, config_id="large")
    await made(place, 1)
    worker = await place.dial()
    await worker.register(config_id="small")
    job = await worker.job()
    assert [one["id"] for one in (await place.get("/jobs?status=running"))[1]["data"]] == [job["job_id"]]
    assert [one["id"] for one in (await place.get("/jobs?status=pending,failed"))[1]["data"]] == [large]
    assert [one["id"] for one in (await place.get("/jobs?config_id=large"))[1]["data"]] == [large]


@pytest.mark.parametrize("query", ["status=done", "limit=0", "limit=x", "order=up", "after=nobody", "stat=failed"])
async def test_a_list_that_cannot_be_is_a_422(open_place: Any, query: str) -> None:
    place = await open_place()
    status, body = await place.get(f"/jobs?{query}")
    assert (status, body["detail"][0]["loc"]) == (422, ["query", query.partition("=")[0]])


async def test_a_job_can_be_waited_for(open_place: Any) -> None:
    place = await open_place()
    (job_id,) = await made(place, 1)
    waiting = asyncio.create_task(place.get(f"/jobs/{job_id}?wait=30"))
    worker = await place.dial()
    await worker.register()
    await worker.serve({"x": 1})
    status, body = await waiting
    assert (status, body["status"], body["result"]) == (200, "completed", {"x": 1})
    assert (await place.get(f"/jobs/{job_id}?wait=30"))[1]["status"] == "completed"


async def test_a_wait_that_is_over_shows_the_job_as_it_stands(open_place: Any) -> None:
    place = await open_place()
    (job_id,) = await made(place, 1)
    assert (await place.get(f"/jobs/{job_id}?wait=0.01"))[1]["status"] == "pending"
    for wait in ("-1", "soon", "nan", "1e9"):
        assert (await place.get(f"/jobs/{job_id}?wait={wait}"))[0] == 422


async def test_the_events_of_a_job_begin_as_it_stands_and_end_with_it(open_place: Any) -> None:
    place = await open_place()
    (job_id,) = await made(place, 1)
    async with place.http.get(f"/jobs/{job_id}/events") as answer:
        assert answer.content_type in ("text/event-stream", "application/octet-stream")
        worker = await place.dial()
        await worker.register()
        job = await worker.job()
        await worker.say("job_progress", job_id=job_id, fence_token=job["fence_token"], progress=0.5)
        await worker.finish(job, {"x": 1})
        seen = await events(answer, 4)
        assert [(one["status"], one["progress"]) for one in seen] == [
            ("pending", None),
            ("running", None),
            ("running", 0.5),
            ("completed", 0.5),
        ]
        assert seen[-1]["result"] == {"x": 1}
        assert not (await answer.content.read()).strip()
    assert (await place.get("/jobs/nobody/events"))[0] == 404


async def test_the_events_of_all_jobs_go_on_until_the_server_stops(open_place: Any) -> None:
    place = await open_place()
    async with place.http.get("/jobs/events") as answer:
        ids = await made(place, 2)
        assert [one["id"] for one in await events(answer, 2)] == ids
        await place.server.stop()
        assert not (await answer.content.read()).strip()


async def test_a_cancelled_job_is_revoked_and_what_its_worker_reports_is_noted(open_place: Any) -> None:
    place = await open_place()
    worker = await place.worker()
    (job_id,) = await made(place, 1)
    job = await worker.job()
    status, body = await place.post(f"/jobs/{job_id}/cancel", {})
    assert (status, body["status"], body["error"]) == (200, "failed", "Cancelled")
    assert await worker.hear() == {"type": "job_revoked", "job_id": job_id, "reason": "Cancelled"}
    await worker.say("job_result", job_id=job["job_id"], result=1, fence_token=0)
    await worker.settled()
    assert [violation["severity"] for violation in place.frames("job_result")[0].violations] == ["info"]
    assert await place.post(f"/jobs/{job_id}/cancel", {}) == (409, {"detail": f"Job {job_id} has already failed"})
    assert (await place.post("/jobs/nobody/cancel", {}))[0] == 404
    assert (await place.get(f"/jobs/{job_id}/cancel"))[0] == 405


async def test_what_was_accepted_survives_and_ends_once(open_place: Any, tmp_path: Path) -> None:
    place = await open_place(store=JobStore(tmp_path / "jobs.db"))
    worker = await place.worker()
    ids = await made(place, 3)
    await worker.serve({"n": 0})
    await worker.job()
    await place.until(f"/jobs/{ids[0]}", lambda body: body["status"] == "completed")
    await place.server.stop()
    again = await open_place(store=JobStore(tmp_path / "jobs.db"))
    assert [one["status"] for one in (await again.get("/jobs?order=asc"))[1]["data"]] == [
        "completed",
        "pending",
        "pending",
    ]
    worker = await again.dial()
    await worker.register()
    for number in (1, 2):
        assert (await worker.serve({"n": number}))["job_id"] == ids[number]
    body = (await again.get(f"/jobs/{ids[2]}?wait=5"))[1]
    assert (body["status"], body["result"]) == ("completed", {"n": 2})
    assert (await again.get(f"/jobs/{ids[0]}"))[1]["result"] == {"n": 0}


async def test_a_job_that_cannot_be_written_down_was_never_accepted(open_place: Any, tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.db")
    place = await open_place(store=store)
    worker = await place.worker()
    store._database.execute("pragma query_only = on")  # a disk that says no
    status, body = await place.post("/jobs", {"payload": 1})
    assert status == 507
    assert "jobs.db: attempt to write a readonly database" in body["detail"]
    await worker.settled()
    store._database.execute("pragma query_only = off")
    (job_id,) = await made(place, 1)
    assert (await worker.job())["job_id"] == job_id


async def test_a_session_of_its_own_keeps_its_jobs_over_a_restart(open_place: Any, tmp_path: Path) -> None:
    place = await open_place(store=JobStore(tmp_path / "jobs.db"))
    _, job = await place.post("/jobs", {"payload": 1}, session="mine")
    _, gone = await place.post("/jobs", {"payload": 1}, session="gone")
    await place.server.end_session("gone")
    await place.server.stop()
    again = await open_place(store=JobStore(tmp_path / "jobs.db"))
    assert (await again.get(f"/jobs/{job['id']}", session="mine"))[0] == 200
    assert (await again.get(f"/jobs/{job['id']}"))[0] == 404
    assert (await again.get(f"/jobs/{gone['id']}", session="gone"))[0] == 404
