"""A worker written against the protocol's page alone, and the gateway it is played against.

The worker shares no code with ours. It keeps the rules of the public SDK, its weak points included: it reconnects with
backoff after whatever ended its connection, runs each job in a thread of its own whatever its capacity, renews the
leases of what it tracks, fetches and puts what is large by plain HTTP and goes on inline where that fails, answers
transient jobs with fence 0, drops what comes while it drains, and does not answer a payload that is no object.
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
from pathlib import Path
from typing import Any

import aiohttp

from replayer.clock import Clock, SystemClock
from replayer.inputs import load
from replayer.journal import Entry
from replayer.service import Options, Service, build

__all__ = ["Gateway", "HandTime", "Sdk", "asked", "chat", "content", "echo", "playing", "posted", "until"]

LIMIT = 1_048_576
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

    def __init__(self, url: str, handler: Handler, *, capacity: int = 1, token: str | None = None) -> None:
        self.url = url.replace("http", "ws").rstrip("/") + "/ws"
        self.handler = handler
        self.capacity = capacity
        self.tracked: dict[str, dict[str, Any]] = {}
        self.token = token
        self.heard: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        """Bytes of the messages heard."""
        self.compressed: list[int] = []
        """The window bits of permessage-deflate, connection by connection; 0 where the gateway took none."""
        self.closed: list[int | None] = []
        """The close codes of the connections that ended."""
        self.sleeps: list[float] = []
        self.registered = asyncio.Event()
        self.draining = False
        self.running = True
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._threads: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        backoff = 1.0
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with aiohttp.ClientSession(headers=headers) as http:
            while self.running:
                try:
                    async with http.ws_connect(self.url, max_msg_size=LIMIT, compress=15, heartbeat=30) as self._socket:
                        self.compressed.append(self._socket.compress)
                        await self.say(type="register", worker_id="sdk", config_id="default", capacity=self.capacity)
                        backoff = 1.0
                        self.registered.set()
                        async for message in self._socket:
                            self.sizes.append(len(message.data.encode()))
                            self._hear(json.loads(message.data))
                        self.closed.append(self._socket.close_code)
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

    def cut(self) -> None:
        """The network is gone, in the middle of whatever it was."""
        assert self._socket is not None
        wire = self._socket.get_extra_info("socket")
        wire.shutdown(2)

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
        if result is None:
            return  # the thread died of its payload, and nobody answers
        active = self.tracked.pop(job["job_id"], {})
        about = {"job_id": job["job_id"], "fence_token": active.get("fence_token", 0)}
        upload = active.get("result_upload_url")
        encoded = json.dumps(result, default=str).encode()
        if isinstance(result, Exception):
            await self.say(type="job_error", error=str(result), **about)
        elif upload and len(encoded) > THRESHOLD and await asyncio.to_thread(self.put, upload, encoded):
            await self.say(type="job_result_ref", **about)
        else:
            await self.say(type="job_result", result=result, **about)

    def _run(self, job: dict[str, Any], loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Any]) -> None:
        payload = self.fetch(job["payload_url"], job["payload"]) if job.get("payload_url") else job["payload"]
        result: Any = None
        if isinstance(payload, dict):
            try:
                result = self.handler(payload)
            except Exception as error:  # whatever went wrong is the job's error
                result = error
        loop.call_soon_threadsafe(outcome.set_result, result)

    def fetch(self, url: str, inline: Any) -> Any:
        """The payload, or the one of the message where that cannot be had."""
        try:
            with urllib.request.urlopen(self.reached(url), timeout=30) as answer:
                return json.load(answer)
        except OSError:
            return inline

    def put(self, url: str, body: bytes) -> bool:
        """Whether the result was taken; where it was not, the message carries it."""
        asked = urllib.request.Request(self.reached(url), data=body, method="PUT")
        asked.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(asked, timeout=60):
                return True
        except OSError:
            return False

    def reached(self, url: str) -> str:
        """Where a URL leads from here."""
        return url


@asynccontextmanager
async def playing(
    handler: Handler,
    *,
    base: str = "",
    capacity: int = 1,
    clock: Clock | None = None,
    store: Path | None = None,
    token: str | None = None,
    kind: type[Sdk] = Sdk,
) -> AsyncIterator[tuple[Gateway, Sdk, aiohttp.ClientSession]]:
    """A gateway, a registered worker, and a client of the REST surface."""
    async with AsyncExitStack() as stack:
        gateway = Gateway(clock or SystemClock(), store)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        sdk = kind(gateway.url + base, handler, capacity=capacity, token=token)
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
