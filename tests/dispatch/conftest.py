"""A dispatch server on a real port, and a worker written against the protocol's page alone.

The worker here shares no code with `replayer.dispatch` or `replayer.worker`: plain dicts and `json`, as another program
would speak the protocol.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from replayer.cassette.model import Request
from replayer.clock import Clock, SystemClock
from replayer.dispatch.server import DispatchServer, FrameCheck
from replayer.dispatch.settings import Settings
from replayer.dispatch.standin import RecordedWorkers
from replayer.dispatch.store import JobStore
from replayer.journal import Entry, Journal

TASKS = {
    "/v1/chat/completions": "openai/chat-completion",
    "/v1/embeddings": "openai/embeddings",
    "/v1/audio/speech": "openai/audio-speech",
    "/v1/audio/transcriptions": "openai/audio-transcription",
    "/v1/images/generations": "fal/text-to-image",
    "/v1/rerank": "acme/rerank",
}


class Worker:
    """The other side of the socket: says what it is told to say, and shows what it hears."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, type: str, **keys: Any) -> None:
        await self.socket.send_str(json.dumps({"type": type, **keys}))

    async def register(self, worker_id: str = "w", config_id: str = "default", **keys: Any) -> None:
        await self.say("register", worker_id=worker_id, config_id=config_id, **keys)

    async def hear(self) -> dict[str, Any]:
        message = await self.socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        heard: dict[str, Any] = json.loads(message.data)
        return heard

    async def job(self) -> dict[str, Any]:
        heard = await self.hear()
        assert heard["type"] == "job", heard
        assert list(heard)[:6] == ["type", "job_id", "mode", "config_id", "payload", "fence_token"]
        assert set(list(heard)[6:]) <= {"payload_url", "result_upload_url"}
        return heard

    async def finish(self, job: dict[str, Any], result: Any) -> None:
        fence = job["fence_token"] if job["mode"] == "persisted" else 0
        await self.say("job_result", job_id=job["job_id"], result=result, fence_token=fence)

    async def serve(self, result: Any) -> dict[str, Any]:
        job = await self.job()
        await self.finish(job, result)
        return job

    async def settled(self) -> None:
        """Return when the server has heard everything said so far: it answers frames in their order."""
        await self.say("are-you-there")
        assert await self.hear() == {"type": "error", "message": "Unknown message type: are-you-there"}


class Place:
    """A dispatch server behind a bare HTTP server, and a client in front of it."""

    def __init__(self, settings: Settings, clock: Clock, *, show: Callable[[str], str] = str, **parts: Any) -> None:
        self.journal = Journal(clock)
        self.server = DispatchServer(settings, TASKS, clock=clock, journal=self.journal, show=show, **parts)
        self.url = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Place:
        await self.server.start()
        runner = web.ServerRunner(web.Server(self._handle, handler_cancellation=True), shutdown_timeout=1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.push_async_callback(self.server.stop)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession(self.url))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        session = request.headers.get("Replayer-Session", "default")
        if request.headers.get("upgrade") and self.server.serves_socket(request.path):
            return await self.server.connect(request, session=session)
        assert self.server.serves(request.method, request.path)
        asked = Request(
            method=request.method,
            uri=str(request.url),
            headers=tuple(request.headers.items()),
            body=await request.content.read() or None,
        )
        events = self.server.follow(asked, session=session)
        if events is not None:
            return await stream(request, events)
        entry = self.journal.open("http", session=session, method=request.method, target=request.path)
        answer = await self.server.answer(asked, session=session, entry=entry)
        self.journal.complete(entry)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def worker(self, session: str = "default", **keys: Any) -> Worker:
        """A connected and registered worker; `capacity` and the like are keys of `register`."""
        worker = await self.dial(session)
        await worker.register(**keys)
        await worker.settled()
        return worker

    async def dial(self, session: str = "default", **options: Any) -> Worker:
        """A connected worker that has said nothing."""
        headers = {"Replayer-Session": session, "Authorization": "Bearer sk-secret"}
        socket = await self.http.ws_connect("/ws", headers=headers, max_msg_size=1_048_576, **options)
        self._stack.push_async_callback(socket.close)
        return Worker(socket)

    def post(self, path: str, body: Any, session: str = "default") -> asyncio.Task[tuple[int, Any]]:
        """A request under way; its end is the status and the JSON of the answer."""
        return asyncio.create_task(self._post(path, body, session))

    async def _post(self, path: str, body: Any, session: str) -> tuple[int, Any]:
        headers = {"Replayer-Session": session}
        headers["Content-Type"] = "application/json"
        data = io.BytesIO(json.dumps(body).encode())  # aiohttp warns of large bodies in any other form
        async with self.http.post(path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    def chat(self, text: str = "hello", **keys: Any) -> asyncio.Task[tuple[int, Any]]:
        messages = [{"role": "user", "content": text}]
        return self.post("/v1/chat/completions", {"model": "test", "messages": messages, **keys})

    async def get(self, path: str, session: str = "default") -> tuple[int, Any]:
        async with self.http.get(path, headers={"Replayer-Session": session}) as answer:
            return answer.status, await answer.json()

    async def until(self, path: str, wanted: Callable[[Any], bool]) -> Any:
        """Ask again until the answer is the wanted one."""
        async with asyncio.timeout(5):
            while not wanted(body := (await self.get(path))[1]):
                continue
        return body

    def frames(self, kind: str) -> list[Entry]:
        return [entry for entry in self.journal if entry.kind == "frame" and entry.details["type"] == kind]


async def stream(request: web.BaseRequest, events: AsyncGenerator[bytes, None]) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    async with aclosing(events):
        async for event in events:
            await answer.write(event)
    return answer


Open = Callable[..., Awaitable[Place]]


@pytest.fixture
async def open_place() -> AsyncIterator[Open]:
    """Opens a place with the settings given, and closes it after the test."""
    async with AsyncExitStack() as stack:

        async def opened(
            check: FrameCheck | None = None,
            *,
            clock: Clock | None = None,
            store: JobStore | None = None,
            recorded: RecordedWorkers | None = None,
            show: Callable[[str], str] = str,
            **settings: Any,
        ) -> Place:
            chosen = clock or SystemClock()
            place = Place(Settings(**settings), chosen, show=show, check=check, store=store, recorded=recorded)
            return await stack.enter_async_context(place)

        yield opened
