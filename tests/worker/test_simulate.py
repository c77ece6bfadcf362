"""The simulated worker against a dispatch server, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import orjson
import pytest
from aiohttp import web

from replayer.cassette.model import Request
from replayer.clock import SystemClock
from replayer.dispatch.server import DispatchServer
from replayer.dispatch.settings import Settings
from replayer.dispatch.status import DispatchStatus
from replayer.errors import UsageError
from replayer.journal import Journal
from replayer.worker.backoff import Backoff
from replayer.worker.options import Options, Reconnect
from replayer.worker.simulate import SimulatedWorker

TASKS = {"/v1/chat/completions": "openai/chat-completion"}


class Queue:
    """A dispatch server on a port that stays the same over stops and starts."""

    def __init__(self) -> None:
        self.port = 0

    async def __aenter__(self) -> Queue:
        clock = SystemClock()
        self.server = DispatchServer(Settings(), TASKS, clock=clock, journal=Journal(clock), show=str)
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.server.stop()
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self.server.connect(request, session="default")

    async def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        answer = await self.server.answer(Request(method=method, uri=path, body=body), session="default")
        return answer.status, answer.body

    async def chat(self, text: str = "hello") -> tuple[int, bytes]:
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        return await self.ask("POST", "/v1/chat/completions", orjson.dumps(body))

    async def until(self, holds: Callable[[DispatchStatus], bool]) -> None:
        """Return when the server's status is such."""
        async with asyncio.timeout(10):
            while not holds(self.server.status()):  # noqa: ASYNC110 (a state of other tasks; no event tells of it)
                await asyncio.sleep(0.001)

    async def connected(self, number: int = 1) -> None:
        """Return when so many workers have registered."""
        await self.until(lambda status: sum(bool(worker.worker_id) for worker in status.workers) == number)

    async def begun(self) -> str:
        """Submit a job, and return its id when the worker has said that it is at it: it may be told to leave before
        it has heard of a job that it was given, and drops that."""
        body = {"payload": {"task": "openai/chat-completion", "messages": [{"role": "user", "content": "hello"}]}}
        await self.ask("POST", "/jobs", orjson.dumps(body))
        await self.until(lambda _: any(job.status_message == "processing" for job in self.server.jobs()))
        (job,) = self.server.jobs()
        return job.id


@contextlib.asynccontextmanager
async def at_work(url: str, lines: list[str] | None = None, **options: Any) -> AsyncIterator[SimulatedWorker]:
    random = Random(0)
    chosen = Options(url=url, worker_id="sim", **options)
    report: Callable[[str], None] = lines.append if lines is not None else (lambda _: None)
    backoff = Backoff(random, first=0.01, most=0.02)
    worker = SimulatedWorker(chosen, clock=SystemClock(), random=random, report=report, backoff=backoff)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()


async def test_it_answers_a_chat_completion() -> None:
    async with Queue() as queue, at_work(f"ws://127.0.0.1:{queue.port}/"):
        await queue.connected()
        status, body = await queue.chat("hello")
    assert status == 200
    assert b'"content":"Mock response to: hello..."' in body


async def test_it_connects_again_after_the_queue_was_stopped() -> None:
    queue = Queue()
    lines: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        async with queue:
            await stack.enter_async_context(at_work(f"ws://127.0.0.1:{queue.port}", lines))
            await queue.connected()
        async with queue:
            await queue.connected()
            assert (await queue.chat())[0] == 200
    assert any("was lost (close code 1012)" in line for line in lines)


async def test_an_error_rate_of_one_fails_every_job() -> None:
    lines: list[str] = []
    async with Queue() as queue, at_work(f"ws://127.0.0.1:{queue.port}", lines, error_rate=1.0):
        await queue.connected()
        assert await queue.chat() == (502, b'{"detail":"Simulated error (error rate: 1.0)"}')
    assert any("failed: Simulated error" in line for line in lines)


async def test_a_persisted_job_is_answered_with_its_fence() -> None:
    async with Queue() as queue, at_work(f"ws://127.0.0.1:{queue.port}"):
        await queue.connected()
        await queue.ask("POST", "/jobs", b'{"payload":{"task":"x"}}')
        await queue.until(lambda status: status.completed == 1)


async def test_a_payload_that_is_no_object_fails_its_job() -> None:
    async with Queue() as queue, at_work(f"ws://127.0.0.1:{queue.port}"):
        await queue.connected()
        await queue.ask("POST", "/jobs", b'{"payload":"text"}')
        await queue.until(lambda status: status.failed == 1)


async def test_a_stop_finishes_the_running_job_first() -> None:
    async with Queue() as queue:
        async with at_work(f"ws://127.0.0.1:{queue.port}", delay=0.3, renew_every=0.01) as worker:
            await queue.connected()
            await queue.begun()
            worker.stop()
            await queue.until(lambda status: status.completed == 1)
        await queue.connected(0)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://h:1", r"has to begin with ws:// or wss://; did you mean 'ws://h:1'\?"),
        ("h:1", "has to begin with ws://"),
        ("ws://", "names no host"),
        ("ws://h:port", "is no URL"),
    ],
)
def test_a_wrong_url_is_a_clear_error(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Options(url=url, worker_id="w")


async def test_once_gives_up_where_nobody_listens() -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        async with at_work("ws://127.0.0.1:1", reconnect=Reconnect.NEVER):
            await asyncio.Event().wait()
    (error,) = caught.value.exceptions
    assert isinstance(error, UsageError)
    assert str(error).startswith("cannot connect to ws://127.0.0.1:1/ws: ")


async def test_an_answer_that_is_no_websocket_is_said_so() -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404)

    runner = web.ServerRunner(web.Server(refuse))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    worker = SimulatedWorker(
        Options(url=f"ws://127.0.0.1:{runner.addresses[0][1]}", worker_id="w", reconnect=Reconnect.NEVER),
        clock=SystemClock(),
        random=Random(0),
        report=lambda _: None,
    )
    with pytest.raises(UsageError, match="answered 404 where a WebSocket should open"):
        await worker.run()
    await runner.cleanup()


def test_the_waits_double_up_to_a_minute() -> None:
    backoff = Backoff(Random(0))
    waits = [backoff.wait() for _ in range(8)]
    for wait, base in zip(waits, (1, 2, 4, 8, 16, 32, 60, 60), strict=True):
        assert base <= wait <= base * 1.3
    backoff.reset()
    assert backoff.wait() < 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_drains_on_a_signal_and_ends_with_0(number: signal.Signals) -> None:
    async with Queue() as queue:
        program = "from replayer.cli.worker import command; command()"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            "simulate",
            "--delay",
            "1",
            "--renew-every",
            "0.02",
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "CASOLA_WS_URL": f"ws://127.0.0.1:{queue.port}", "CASOLA_INSTANCE_ID": "env-worker"},
        )
        await queue.connected()
        assert queue.server.status().workers[0].worker_id == "env-worker"
        job = await queue.begun()
        process.send_signal(number)
        await queue.until(lambda status: status.completed == 1)
        _, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert b"draining: 1 jobs are still running" in errors
    assert f"job {job} openai/chat-completion done".encode() in errors


async def test_a_job_over_the_protocols_own_socket_is_what_the_page_shows() -> None:
    """The frames of the page's transcript, without our reader and writer on the other side."""
    async with contextlib.AsyncExitStack() as stack:
        heard: asyncio.Queue[Any] = asyncio.Queue()

        async def serve(request: web.BaseRequest) -> web.StreamResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            heard.put_nowait(await socket.receive_json())
            payload = {"task": "openai/chat-completion", "messages": [{"role": "user", "content": None}]}
            job = {"type": "job", "job_id": "j", "mode": "persisted", "config_id": "c", "fence_token": 7}
            await socket.send_json({**job, "payload": payload})
            heard.put_nowait(await socket.receive_json())
            heard.put_nowait(request.headers.get("Authorization"))
            await socket.receive()
            return socket

        runner = web.ServerRunner(web.Server(serve))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await stack.enter_async_context(at_work(f"ws://127.0.0.1:{runner.addresses[0][1]}", token="t", capacity=2))
        assert await heard.get() == {"type": "register", "worker_id": "sim", "config_id": "default", "capacity": 2}
        error = {"type": "job_error", "job_id": "j", "error": "'NoneType' object is not subscriptable"}
        assert await heard.get() == {**error, "fence_token": 7}
        assert await heard.get() == "Bearer t"
