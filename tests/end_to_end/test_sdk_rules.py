"""The rules of the public worker SDK, played against the whole gateway over real sockets.

The worker here is written against the protocol's page alone and shares no code with ours: it reconnects with backoff,
runs each job in a thread of its own, renews the leases of what it tracks, fetches and puts what is large by plain HTTP,
and answers transient jobs with fence 0.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from replayer.clock import Clock, SystemClock
from replayer.inputs import load
from replayer.journal import Entry
from replayer.service import Options, Service, build

THRESHOLD = 262_144
Handler = Callable[[Any], Any]


class HandTime:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC) + timedelta(milliseconds=self.passed)

    def ms(self) -> float:
        return self.passed


class Gateway:
    """The bundled directory `casola`, on a port that stays the same over restarts."""

    def __init__(self, clock: Clock, store: Path | None) -> None:
        self._clock = clock
        self._store = store
        self._port = 0
        self.url = ""

    async def start(self) -> None:
        options = Options(port=self._port, seed=1, job_store=str(self._store) if self._store else None)
        self.service: Service = build(load(["casola"]), options, clock=self._clock, environment={})
        (address,) = await self.service.start()
        self._port, self.url = address.port, address.url

    async def stop(self) -> None:
        await self.service.stop()

    def tick(self) -> None:
        assert self.service.live is not None
        self.service.live.tick()

    def frames(self, kind: str) -> list[Entry]:
        entries = self.service.run.entries()
        return [entry for entry in entries if entry.kind == "frame" and entry.details["type"] == kind]

    def violations(self) -> list[Any]:
        return [violation for entry in self.service.run.entries() for violation in entry.violations]


class Sdk:
    """A worker that keeps the SDK's rules; `handler` does the jobs."""

    def __init__(self, url: str, handler: Handler, *, capacity: int = 1) -> None:
        self.url = url.replace("http", "ws").rstrip("/") + "/ws"
        self.handler = handler
        self.capacity = capacity
        self.tracked: dict[str, dict[str, Any]] = {}
        self.heard: list[dict[str, Any]] = []
        self.sleeps: list[float] = []
        self.registered = asyncio.Event()
        self.draining = False
        self.running = True
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._threads: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        backoff = 1.0
        async with aiohttp.ClientSession() as http:
            while self.running:
                try:
                    async with http.ws_connect(self.url, max_msg_size=1_048_576, compress=15) as self._socket:
                        await self.say(type="register", worker_id="sdk", config_id="default", capacity=self.capacity)
                        backoff = 1.0
                        self.registered.set()
                        async for message in self._socket:
                            self._hear(json.loads(message.data))
                except aiohttp.ClientError:
                    pass
                self._socket = None
                self.registered.clear()
                if self.running:
                    self.sleeps.append(backoff + random.uniform(0, 0.3 * backoff))
                    backoff = min(backoff * 2, 60.0)
                    await asyncio.sleep(0.01)  # the real one sleeps what it has just written down
        while self._threads:
            await asyncio.wait(self._threads)

    async def stop(self) -> None:
        """As on SIGTERM: drain, finish, close with 1000."""
        self.draining = True
        await self.say(type="drain")
        while self._threads:
            await asyncio.wait(self._threads)
        self.running = False
        if self._socket is not None:
            await self._socket.close(code=1000)

    async def renew(self) -> None:
        """What happens every 30 s."""
        for job_id, job in list(self.tracked.items()):
            await self.say(
                type="job_progress", job_id=job_id, fence_token=job["fence_token"], status_message="processing"
            )

    async def say(self, **keys: Any) -> None:
        if self._socket is not None:
            await self._socket.send_str(json.dumps(keys))

    def _hear(self, message: dict[str, Any]) -> None:
        self.heard.append(message)
        if message["type"] == "job" and not self.draining:
            if message["mode"] == "persisted":
                self.tracked[message["job_id"]] = message
            thread = asyncio.create_task(self._work(message))
            self._threads.add(thread)
            thread.add_done_callback(self._threads.discard)
        elif message["type"] == "job_revoked":
            self.tracked.pop(message["job_id"], None)

    async def _work(self, job: dict[str, Any]) -> None:
        """One job, in a thread of its own."""
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        threading.Thread(target=self._run, args=(job, asyncio.get_running_loop(), outcome), daemon=True).start()
        result = await outcome
        active = self.tracked.pop(job["job_id"], {})
        fence, upload = active.get("fence_token", 0), active.get("result_upload_url")
        encoded = json.dumps(result).encode()
        if upload and len(encoded) > THRESHOLD:
            await asyncio.to_thread(put, upload, encoded)
            await self.say(type="job_result_ref", job_id=job["job_id"], fence_token=fence)
        else:
            await self.say(type="job_result", job_id=job["job_id"], result=result, fence_token=fence)

    def _run(self, job: dict[str, Any], loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Any]) -> None:
        payload = fetch(job["payload_url"]) if job.get("payload_url") else job["payload"]
        result = self.handler(payload)
        loop.call_soon_threadsafe(outcome.set_result, result)


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def put(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60):
        pass


@asynccontextmanager
async def playing(
    handler: Handler, *, base: str = "", capacity: int = 1, clock: Clock | None = None, store: Path | None = None
) -> AsyncIterator[tuple[Gateway, Sdk, aiohttp.ClientSession]]:
    """A gateway, a registered worker, and a client of the REST surface."""
    async with AsyncExitStack() as stack:
        gateway = Gateway(clock or SystemClock(), store)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        sdk = Sdk(gateway.url + base, handler, capacity=capacity)
        working = asyncio.create_task(sdk.start())
        stack.push_async_callback(asyncio.wait_for, working, 5)
        stack.push_async_callback(sdk.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession(gateway.url + (base or "") + "/"))
        async with asyncio.timeout(5):
            await sdk.registered.wait()
            while (await asked(http, "health"))["worker_connected"] is False:
                continue
        yield gateway, sdk, http


async def until(condition: Callable[[], bool]) -> None:
    """Let the others go on until it holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it is another thread, or the gateway's own books, that change
            await asyncio.sleep(0)


async def asked(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as answer:
        return await answer.json()


async def posted(http: aiohttp.ClientSession, path: str, body: Any) -> tuple[int, Any]:
    data = io.BytesIO(json.dumps(body).encode())  # aiohttp warns of large bodies in any other form
    async with http.post(path, data=data, headers={"content-type": "application/json"}) as answer:
        return answer.status, await answer.json()


async def chat(http: aiohttp.ClientSession, text: str) -> tuple[int, Any]:
    messages = [{"role": "user", "content": text}]
    return await posted(http, "v1/chat/completions", {"model": "test", "messages": messages})


def echo(payload: Any) -> Any:
    text = payload["messages"][-1]["content"]
    message = {"role": "assistant", "content": f"{len(text)} characters"}
    completion = {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return {"status": "success", "completion": completion}


def content(body: Any) -> str:
    text: str = body["choices"][0]["message"]["content"]
    return text


async def test_a_transient_answer_with_fence_0_counts() -> None:
    async with playing(echo) as (gateway, _, http):
        status, body = await chat(http, "hello")
        assert (status, content(body)) == (200, "5 characters")
        assert gateway.violations() == []


async def test_a_base_path_and_a_session_are_kept_in_the_url() -> None:
    async with playing(echo, base="/__replayer/s/mine") as (gateway, _, http):
        assert (await chat(http, "hello"))[0] == 200
        async with aiohttp.ClientSession(gateway.url) as other:
            assert (await chat(other, "hello"))[0] == 503
    async with playing(echo) as (gateway, _, http):
        based = Sdk(gateway.url + "/some/base/", echo)
        working = asyncio.create_task(based.start())
        await based.registered.wait()
        await until(lambda: len(gateway.frames("register")) == 2)
        assert (await chat(http, "hello"))[0] == 200
        assert [frame["type"] for frame in based.heard] == ["job"]
        await based.stop()
        await working


async def test_each_job_has_a_thread_so_that_two_run_together() -> None:
    together = threading.Barrier(2, timeout=5)

    def meet(payload: Any) -> Any:
        together.wait()
        return echo(payload)

    async with playing(meet, capacity=2) as (_, _, http):
        answers = await asyncio.gather(chat(http, "one"), chat(http, "three"))
        assert [(status, content(body)) for status, body in answers] == [(200, "3 characters"), (200, "5 characters")]


async def test_a_large_payload_is_fetched_and_a_large_result_put() -> None:
    large = "x" * 1_300_000
    async with playing(lambda payload: payload) as (gateway, sdk, http):
        status, made = await posted(http, "jobs", {"payload": {"text": large}})
        assert status == 200
        done = await asked(http, f"jobs/{made['id']}?wait=10")
        assert (done["status"], done["result"]) == ("completed", {"text": large})
        await until(lambda: len(sdk.heard) == 2)
        assert [frame["type"] for frame in sdk.heard] == ["job", "job_result_ref"]
        assert [len(gateway.frames(kind)) for kind in ("job_result_ref", "job_result")] == [2, 0]
        assert gateway.violations() == []
    async with playing(echo) as (gateway, _, http):
        assert content((await chat(http, large))[1]) == "1300000 characters"
        assert gateway.violations() == []


async def test_leases_are_renewed_every_30_seconds_and_end_without_that() -> None:
    clock = HandTime()
    may_end = threading.Event()

    def slow(payload: Any) -> Any:
        may_end.wait(5)
        return {"x": 1}

    async with playing(slow, clock=clock) as (gateway, sdk, http):
        _, made = await posted(http, "jobs", {"payload": {"n": 1}})
        await until(lambda: bool(sdk.heard))
        for _ in range(7):
            before = len(gateway.frames("job_progress"))
            clock.passed += 30_000
            await sdk.renew()
            await until(partial(lambda before: len(gateway.frames("job_progress")) > before, before))
            gateway.tick()
        assert gateway.frames("job_revoked") == []
        clock.passed += 120_001
        gateway.tick()
        await until(lambda: len(sdk.heard) >= 3)
        assert [frame["type"] for frame in sdk.heard] == ["job", "job_revoked", "job"]
        may_end.set()
        done = await asked(http, f"jobs/{made['id']}?wait=5")
        assert (done["status"], done["fence_token"]) == ("completed", sdk.heard[2]["fence_token"])
        await until(lambda: len(gateway.frames("job_result")) == 2)
        # The thread of the revoked attempt and that of the new one share one entry, so one reports with fence 0.
        assert {violation["severity"] for violation in gateway.violations()} <= {"info"}


async def test_the_worker_comes_back_after_a_restart_and_finishes_what_was_accepted(tmp_path: Path) -> None:
    waiting = threading.Event()

    def slow(payload: Any) -> Any:
        waiting.wait(0 if payload["n"] else 5)
        return {"n": payload["n"]}

    async with playing(slow, store=tmp_path / "jobs.db") as (gateway, sdk, http):
        ids = [(await posted(http, "jobs", {"payload": {"n": number}}))[1]["id"] for number in range(3)]
        await until(lambda: bool(sdk.heard))
        await gateway.stop()
        await gateway.start()
        await sdk.registered.wait()
        waiting.set()
        done = [await asked(http, f"jobs/{job_id}?wait=5") for job_id in ids]
        assert [(one["status"], one["result"]) for one in done] == [("completed", {"n": n}) for n in range(3)]
        assert len(sdk.sleeps) >= 1
        assert all(1.0 * 2**n <= sleep <= 1.3 * 2**n for n, sleep in enumerate(sdk.sleeps))
        assert {violation["severity"] for violation in gateway.violations()} <= {"info", "warning"}


async def test_drain_finishes_what_runs_and_closes_with_1000() -> None:
    may_end = threading.Event()

    def slow(payload: Any) -> Any:
        may_end.wait(5)
        return echo(payload)

    async with playing(slow) as (gateway, sdk, http):
        asking = asyncio.create_task(chat(http, "hello"))
        await until(lambda: bool(sdk.heard))
        stopping = asyncio.create_task(sdk.stop())
        await until(lambda: bool(gateway.frames("drain")))
        assert (await chat(http, "late"))[0] == 503
        may_end.set()
        assert (await asking)[0] == 200
        await stopping
        while (await asked(http, "health"))["worker_connected"]:
            continue
        left = [entry for entry in gateway.service.run.entries() if entry.details.get("event") == "worker-left"]
        assert left[0].details["code"] == 1000
