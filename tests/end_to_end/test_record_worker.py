"""A worker's exchanges with its queue: recorded between the two, and told by `show --jobs`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from replayer.cassette.model import End, FrameKind, Sender
from replayer.demo.process import Child, run, started
from tests import needs

pytestmark = needs.mitmproxy
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


async def connected(session: aiohttp.ClientSession, base: str, *, until: bool = True) -> None:
    """Once the queue has a worker, or has none any more."""
    async with asyncio.timeout(20):
        while True:
            async with session.get(base + "/health") as answer:
                if (await answer.json())["worker_connected"] is until:
                    return
            await asyncio.sleep(0.02)


async def work(queue: Child, recorder: Any, session: aiohttp.ClientSession, job: dict[str, Any] | None) -> None:
    """A worker's life: it connects through the recorder, does a job, drains and leaves."""
    url = recorder.url.replace("http", "ws")
    arguments = ("worker", "simulate", "--url", url, "--worker-id", "w", "--config-id", "c", "--delay", "0")
    async with started(*arguments, listens=False) as worker:
        await connected(session, queue.url)
        async with session.post(recorder.url + "/v1/chat/completions", json=CHAT) as answer:
            assert answer.status == 200
        if job is not None:
            async with session.post(recorder.url + "/jobs", json={"payload": job}) as answer:
                identity = (await answer.json())["id"]
            async with asyncio.timeout(10):
                status = ""
                while status != "completed":
                    async with session.get(f"{queue.url}/jobs/{identity}") as answer:
                        status = (await answer.json())["status"]
        await worker.stop()
    await connected(session, queue.url, until=False)


async def test_register_jobs_results_drain_and_a_reconnect_are_recorded(stage: Any) -> None:
    async with (
        started("replay", "casola", "--port", "0") as queue,
        stage.recording({"casola": queue.url}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        await work(queue, recorder, session, {"task": "any"})
        await work(queue, recorder, session, None)
        await recorder.stop()
    every = recorder.interactions()
    first, second = [(index, one) for index, one in enumerate(every) if one.is_websocket]
    for _, one in (first, second):
        said = [json.loads(frame.text) for frame in one.response.frames if frame.kind is FrameKind.TEXT]
        assert said[0]["type"] == "register"
        assert [message["type"] for message in said if message["type"] == "job"]
        last = one.response.frames[-1]
        assert (last.kind, last.code, last.sender) == (FrameKind.CLOSE, 1000, Sender.CLIENT)
        assert one.response.end is End.COMPLETE

    shown = await run("show", str(stage.output), "--jobs", "--json")
    (listed,) = json.loads(shown.stdout)
    jobs = listed["jobs"]
    assert [(job["connection"], job["mode"], job["outcome"], job["worker"]) for job in jobs] == [
        (first[0], "transient", "result", "w"),
        (first[0], "persisted", "result", "w"),
        (second[0], "transient", "result", "w"),
    ]
    causes = [every[job["caused_by"]].request.uri.removeprefix(queue.url) for job in jobs]
    assert causes == ["/v1/chat/completions", "/jobs", "/v1/chat/completions"]
    assert jobs[0]["caused_by"] != jobs[2]["caused_by"]
    page = (await run("show", str(stage.output), "--jobs")).stdout
    assert "3 jobs on 2 connections" in page
    assert "POST /jobs" in page


async def test_a_worker_that_is_working_when_recording_stops_is_kept_open(stage: Any) -> None:
    async with (
        started("replay", "casola", "--port", "0") as queue,
        stage.recording({"casola": queue.url}) as recorder,
        aiohttp.ClientSession() as session,
        session.ws_connect(recorder.url + "/ws") as worker,
    ):
        await worker.send_json({"type": "register", "worker_id": "w", "config_id": "c"})
        async with session.post(queue.url + "/jobs", json={"payload": {"task": "any"}}):
            assert (await worker.receive_json())["type"] == "job"
        summary = await recorder.stop()
    assert summary.connections == 1
    (one,) = recorder.interactions()
    assert one.response.end is End.OPEN
    (listed,) = json.loads((await run("show", str(stage.output), "--jobs", "--json")).stdout)
    assert [job["outcome"] for job in listed["jobs"]] == ["unfinished"]
