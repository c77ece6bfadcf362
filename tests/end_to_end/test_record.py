"""Recording, with real sockets, the real mitmproxy in its own process, and real clients."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web

from replayer.cassette import store
from replayer.cassette.model import End, FrameKind, Interaction, Sender
from replayer.errors import RecorderError
from replayer.record.launch import Recorder, recorder
from replayer.record.messages import Exchanged, Message, Notice
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream
from tests import needs

pytestmark = needs.mitmproxy

SECRET = "sk-proj-abcdefghijklmnopqrstuvwx"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[str]:
    """A server on loopback whose every request goes to `handler`; its base URL."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_upstream(answer: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that reads a request's head and lets `answer` do what it likes with the socket."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def settings(tmp_path: Path, **upstreams: str) -> Settings:
    return Settings(
        output=tmp_path / "recorded.yaml",
        upstreams=tuple(Upstream(name=name, url=url) for name, url in upstreams.items()),
        confdir=tmp_path / "ca",
    )


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


@asynccontextmanager
async def recording(told: Settings) -> AsyncIterator[tuple[Recorder, aiohttp.ClientSession, list[Message]]]:
    heard: list[Message] = []
    async with aiohttp.ClientSession() as session, recorder(told, hear=heard.append) as running:
        yield running, session, heard


def interactions(told: Settings) -> tuple[Interaction, ...]:
    return store.read(told.output).interactions


def only(told: Settings) -> Interaction:
    (interaction,) = interactions(told)
    return interaction


async def answer_json(request: web.Request) -> web.Response:
    return web.json_response({"path": request.path_qs, "got": (await request.read()).decode()})


async def test_an_exchange_is_recorded_as_it_was_and_redacted(tmp_path: Path) -> None:
    async with upstream(answer_json) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, session, _):
            headers = {"authorization": f"Bearer {SECRET}", "Replayer-Session": "s"}
            target = f"{running.listeners[0]}/v1/x?key=abc&b=2"
            async with session.post(target, json={"m": SECRET}, headers=headers) as answer:
                live = await answer.read()
            running.stop()
            summary = await running.wait()
    assert SECRET.encode() in live
    recorded = only(told)
    assert recorded.request.method == "POST"
    assert recorded.request.uri == f"{url}/v1/x?key=[REDACTED]&b=2"
    assert recorded.request.body == b'{"m": "[REDACTED]"}'
    assert ("authorization", "[REDACTED]") in recorded.request.headers
    assert ("host", url.removeprefix("http://")) in recorded.request.headers
    assert not [name for name, _ in recorded.request.headers if name.startswith("replayer")]
    assert json.loads(recorded.response.body)["got"] == '{"m": "[REDACTED]"}'
    assert recorded.response.at == 0
    assert recorded.response.end is End.COMPLETE
    assert sum(chunk.size for chunk in recorded.response.chunks) == len(recorded.response.body)
    assert (summary.exchanges, summary.requests, summary.file) == (1, 1, str(told.output))
    assert SECRET.encode() not in told.output.read_bytes()


async def test_the_client_has_the_first_chunk_before_the_upstream_sends_the_last(tmp_path: Path) -> None:
    seen = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        await seen.wait()
        await answer.write(b"data: last\n\n")
        await answer.write_eof()
        return answer

    async with upstream(stream) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, session, _), session.get(running.listeners[0]) as answer:
            assert await answer.content.readany() == b"data: first\n\n"
            seen.set()
            assert await answer.content.read() == b"data: last\n\n"
    recorded = only(told).response
    assert recorded.body == b"data: first\n\ndata: last\n\n"
    assert [chunk.size for chunk in recorded.chunks] == [13, 12]
    assert recorded.chunks[0].at < recorded.chunks[1].at


async def test_an_upload_reaches_the_upstream_before_its_last_chunk_is_sent(tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        first = await request.content.readany()
        arrived.set()
        return web.Response(body=first + await request.content.read())

    async def body() -> AsyncIterator[bytes]:
        yield b"first,"
        await arrived.wait()
        yield b"last"

    async with upstream(take) as url:
        told = settings(tmp_path, openai=url)
        async with (
            recording(told) as (running, session, _),
            session.post(running.listeners[0], data=body()) as answer,
        ):
            assert await answer.read() == b"first,last"
    assert only(told).request.body == b"first,last"


async def test_an_encoded_body_is_stored_decoded(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"key": "' + SECRET.encode() + b'"}')

    async def answer_gzip(_: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"content-encoding": "gzip", "content-type": "application/json"})

    async with upstream(answer_gzip) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, session, _), session.get(running.listeners[0]) as answer:
            assert SECRET in await answer.text()
    recorded = only(told).response
    assert recorded.body == b'{"key": "[REDACTED]"}'
    assert recorded.encoding == "gzip"
    assert dict(recorded.headers).get("content-encoding") is None
    assert dict(recorded.headers)["content-length"] == str(len(recorded.body))


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_are_recorded(tmp_path: Path, status: int) -> None:
    async def empty(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with upstream(empty) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, session, _):
            async with session.get(running.listeners[0]) as answer:
                assert answer.status == status
            async with session.head(running.listeners[0]) as answer:
                assert answer.status == status
    assert [(i.request.method, i.response.status, i.response.body) for i in interactions(told)] == [
        ("GET", status, b""),
        ("HEAD", status, b""),
    ]


async def test_named_upstreams_are_prefixes_of_one_listener(tmp_path: Path) -> None:
    async with upstream(answer_json) as one, upstream(answer_json) as two:
        told = settings(tmp_path, openai=one, anthropic=two)
        async with recording(told) as (running, session, _):
            for name in ("openai", "anthropic"):
                async with session.get(running.names[name] + "/v1/x?a=1") as answer:
                    assert (await answer.json())["path"] == "/v1/x?a=1"
            async with session.get(running.listeners[0] + "/v1/x") as answer:
                assert answer.status == 404
                assert "/openai/, /anthropic/" in await answer.text()
    assert [i.request.uri for i in interactions(told)] == [f"{one}/v1/x?a=1", f"{two}/v1/x?a=1"]


async def test_an_upstream_with_a_port_of_its_own_needs_no_prefix(tmp_path: Path) -> None:
    async with upstream(answer_json) as url:
        port = unused_port()
        told = Settings(
            output=tmp_path / "recorded.yaml",
            upstreams=(Upstream(name="a", url=url), Upstream(name="b", url=url + "/base", port=port)),
            confdir=tmp_path / "ca",
        )
        async with recording(told) as (running, session, _):
            assert running.names["b"] == f"http://127.0.0.1:{port}"
            async with session.get(running.names["b"] + "/x") as answer:
                assert (await answer.json())["path"] == "/base/x"
    assert only(told).request.uri == f"{url}/base/x"


async def test_a_websocket_is_recorded_frame_by_frame(tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str("echo " + message.data)
            else:
                await socket.send_bytes(message.data[::-1])
        return socket

    async with upstream(echo) as url:
        told = settings(tmp_path, queue=url)
        async with recording(told) as (running, session, _):
            async with session.ws_connect(running.listeners[0] + "/ws?token=abc") as socket:
                await socket.send_str(f"hello {SECRET}")
                assert await socket.receive_str() == f"echo hello {SECRET}"
                await socket.send_bytes(b"\x00\xff")
                assert await socket.receive_bytes() == b"\xff\x00"
                await socket.close(code=1000, message=b"done")
            running.stop()
            summary = await running.wait()
    recorded = only(told)
    assert recorded.request.uri == url.replace("http", "ws") + "/ws?token=[REDACTED]"
    frames = recorded.response.frames
    assert frames is not None
    assert [(f.sender, f.kind, f.text, f.data, f.code) for f in frames] == [
        (Sender.CLIENT, FrameKind.TEXT, "hello [REDACTED]", b"", 0),
        (Sender.SERVER, FrameKind.TEXT, "echo hello [REDACTED]", b"", 0),
        (Sender.CLIENT, FrameKind.BINARY, "", b"\x00\xff", 0),
        (Sender.SERVER, FrameKind.BINARY, "", b"\xff\x00", 0),
        (Sender.CLIENT, FrameKind.CLOSE, "done", b"", 1000),
    ]
    assert recorded.response.end is End.COMPLETE
    assert (summary.connections, summary.frames) == (1, 4)


async def test_a_websocket_that_is_open_at_the_end_is_written_with_what_there_was(tmp_path: Path) -> None:
    async def greet(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("welcome")
        await socket.receive()
        return socket

    async with upstream(greet) as url:
        told = settings(tmp_path, queue=url)
        async with recording(told) as (running, session, _):
            socket = await session.ws_connect(running.listeners[0])
            assert await socket.receive_str() == "welcome"
            running.stop()
            await running.wait()
            await socket.close()
    recorded = only(told).response
    assert recorded.end is End.OPEN
    assert recorded.frames is not None
    assert [frame.text for frame in recorded.frames] == ["welcome"]


async def test_an_upstream_that_aborts_a_websocket_is_a_1006(tmp_path: Path) -> None:
    async def vanish(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("welcome")
        assert request.transport is not None
        request.transport.abort()
        return socket

    async with upstream(vanish) as url:
        told = settings(tmp_path, queue=url)
        async with recording(told) as (running, session, _), session.ws_connect(running.listeners[0]) as socket:
            assert await socket.receive_str() == "welcome"
            await socket.receive()
    recorded = only(told).response
    assert recorded.frames is not None
    assert (recorded.frames[-1].kind, recorded.frames[-1].code) == (FrameKind.CLOSE, 1006)
    assert recorded.end is End.UPSTREAM_LOST


async def fail(_: asyncio.StreamWriter) -> None:
    """Close without a word."""


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 this is no HTTP\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("answer", [fail, reset, garbage])
async def test_an_upstream_that_does_not_answer_is_a_502_and_nothing_is_kept(
    tmp_path: Path, answer: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> None:
    async with raw_upstream(answer) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, session, heard):
            async with session.post(running.listeners[0] + "/v1", data=b"x" * 100) as refused:
                assert refused.status == 502
            running.stop()
            summary = await running.wait()
    assert (summary.exchanges, summary.requests, summary.file) == (0, 1, "")
    assert [m.text for m in heard if isinstance(m, Notice) and m.text.startswith(f"openai: POST {url}/v1: ")]
    assert not told.output.exists()


async def test_an_upstream_that_is_not_there_is_a_502_that_names_it(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    told = settings(tmp_path, openai=url)
    async with recording(told) as (running, session, heard):
        async with session.get(running.listeners[0]) as refused:
            assert refused.status == 502
        running.stop()
        await running.wait()
    (notice,) = [message.text for message in heard if isinstance(message, Notice)]
    assert notice.startswith(f"openai: GET {url}/: ")
    assert not told.output.exists()


async def test_an_answer_that_is_cut_is_kept_and_marked_as_cut(tmp_path: Path) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it")
        await writer.drain()

    async with raw_upstream(cut) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, session, _):
            with pytest.raises(aiohttp.ClientPayloadError):
                async with session.get(running.listeners[0]) as answer:
                    await answer.read()
    recorded = only(told).response
    assert recorded.end is End.UPSTREAM_LOST
    assert recorded.body == b"half of it"
    assert dict(recorded.headers)["content-length"] == "100"


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"one\n")
    await answer.write(b"two\n")
    await asyncio.Event().wait()
    return answer


async def test_an_answer_that_comes_before_the_request_is_whole_is_complete(tmp_path: Path) -> None:
    answered = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first,"
        await answered.wait()
        yield b"last"

    async def early(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly")
        await writer.drain()
        await answered.wait()

    async with raw_upstream(early) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, session, _):
            async with session.post(running.listeners[0], data=body()) as answer:
                assert await answer.read() == b"early"
                answered.set()
            running.stop()
            await running.wait()
    assert only(told).response.body == b"early"


async def test_a_client_that_leaves_is_marked_as_gone(tmp_path: Path) -> None:
    async with upstream(endless) as url:
        told = settings(tmp_path, openai=url)
        heard: list[Message] = []
        left = asyncio.Event()

        def hear(message: Message) -> None:
            heard.append(message)
            left.set()

        async with recorder(told, hear=hear) as running:
            async with aiohttp.ClientSession() as session, session.get(running.listeners[0]) as answer:
                await answer.content.readexactly(8)
                answer.close()
            waiting = asyncio.create_task(running.wait())
            await left.wait()
            running.stop()
            await waiting
    assert [m.end for m in heard if isinstance(m, Exchanged)] == ["client-left"]
    assert only(told).response.end is End.CLIENT_LEFT


async def spooled(told: Settings, text: str) -> Path:
    """The spool file, once `text` is in it; looked for between other events of the loop."""
    folder = told.output.with_name(told.output.name + ".spool")
    async with asyncio.timeout(10):
        while True:
            for path in folder.glob("*.jsonl"):
                if text in path.read_text():
                    return path
            await asyncio.sleep(0.01)


async def killed_in_the_middle(told: Settings) -> None:
    """Three exchanges, and a fourth under way when the recorder is killed."""
    async with recording(told) as (running, session, _):
        for number in range(3):
            async with session.get(f"{running.listeners[0]}/{number}") as answer:
                await answer.read()
        async with session.get(f"{running.listeners[0]}/endless") as answer:
            await answer.content.readexactly(8)
            spool = await spooled(told, "two")
            assert spool.stat().st_mode & 0o777 == 0o600
            os.kill(running.pid, signal.SIGKILL)
            with pytest.raises(aiohttp.ClientError):
                await answer.content.read()
        await running.wait()


async def test_a_killed_recorder_loses_nothing_that_was_finished_and_recovers_the_rest(tmp_path: Path) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await (endless if request.path == "/endless" else answer_json)(request)

    async with upstream(serve) as url:
        told = settings(tmp_path, openai=url)
        with pytest.raises(RecorderError, match="was killed by signal 9"):
            await killed_in_the_middle(told)
        assert [i.request.uri for i in interactions(told)] == [f"{url}/{n}" for n in range(3)]
        async with recording(told) as (running, session, _):
            async with session.get(f"{running.listeners[0]}/after") as answer:
                await answer.read()
            running.stop()
            summary = await running.wait()
    assert (summary.recovered, summary.exchanges) == (1, 1)
    kept = interactions(told)
    assert [i.request.uri.removeprefix(url) for i in kept] == ["/0", "/1", "/2", "/endless", "/after"]
    assert kept[3].response.end is End.LOST
    assert kept[3].response.body == b"one\ntwo\n"
    times = [i.response.at or 0 for i in kept]
    assert times == sorted(times)
    assert sorted(os.listdir(tmp_path)) == ["ca", "recorded.yaml"]


async def command(*arguments: str, data: Path, before: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *before,
        sys.executable,
        "-m",
        "replayer",
        "record",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "XDG_DATA_HOME": str(data)},
    )


async def listening(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("listening on http://127.0.0.1:"), line
    return line.split()[-1]


async def test_a_full_disk_ends_the_recording_and_keeps_what_was_finished(tmp_path: Path) -> None:
    async def serve(request: web.Request) -> web.Response:
        return web.Response(text="x" * (200_000 if request.path == "/big" else 10))

    output = tmp_path / "x.yaml"
    async with upstream(serve) as url, aiohttp.ClientSession() as session:
        limited = ("bash", "-c", 'ulimit -f 64; exec "$@"', "bash")  # 64 KiB a file: as full as a disk can be made
        process = await command("--upstream", f"a={url}", "-o", str(output), data=tmp_path, before=limited)
        base = await listening(process)
        async with session.get(base + "/small") as answer:
            await answer.read()
        async with session.get(base + "/big") as answer:
            assert len(await answer.read()) == 200_000
        _, told = await process.communicate()
    assert process.returncode == 4
    assert b"cannot be written" in told
    assert b"Traceback" not in told
    assert [i.request.uri for i in store.read(output).interactions] == [f"{url}/small"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_ends_with_a_summary_when_it_is_asked_to(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "x.yaml"
    async with upstream(answer_json) as url, aiohttp.ClientSession() as session:
        process = await command("--upstream", f"openai={url}", "-o", str(output), data=tmp_path)
        async with session.get(await listening(process)) as answer:
            await answer.read()
        process.send_signal(number)
        _, told = await process.communicate()
    assert process.returncode == 0
    assert b"recorded 1 exchange(s)" in told
    assert str(output).encode() in told
    assert len(store.read(output).interactions) == 1


async def test_a_command_to_which_no_request_came_ends_with_3(tmp_path: Path) -> None:
    process = await command("--upstream", "a=http://127.0.0.1:9", "-o", str(tmp_path / "x.yaml"), data=tmp_path)
    await listening(process)
    process.send_signal(signal.SIGINT)
    _, told = await process.communicate()
    assert process.returncode == 3
    assert b"no request came" in told
    assert not (tmp_path / "x.yaml").exists()


async def test_a_killed_parent_leaves_a_whole_file(tmp_path: Path) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await (endless if request.path == "/endless" else answer_json)(request)

    output = tmp_path / "x.yaml"
    async with upstream(serve) as url, aiohttp.ClientSession() as session:
        arguments = ("--upstream", f"openai={url}", "-o", str(output), "--record-mode", "all")
        process = await command(*arguments, data=tmp_path)
        base = await listening(process)
        async with session.get(base) as answer:
            await answer.read()
        async with session.get(base + "/endless") as answer:
            await answer.content.readexactly(8)
            process.kill()
            # The pipes reach their end when the child is gone too.
            await process.communicate()
    assert not output.read_bytes().startswith(b"# replayer flow")
    assert [i.response.end for i in store.read(output).interactions] == [End.COMPLETE, End.OPEN]
    assert sorted(os.listdir(tmp_path)) == ["replayer", "x.yaml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "x.yaml"], b"say what to record"),
        (["--upstream", "openai", "-o", "x.yaml"], b"write NAME=URL"),
        (["--upstream", "a=ftp://h", "-o", "x.yaml"], b"no address of an upstream"),
        (["--upstream", "a=http://h"], b"say where to record to"),
    ],
)
async def test_wrong_use_is_one_message_and_2(tmp_path: Path, arguments: list[str], message: bytes) -> None:
    process = await command(*arguments, data=tmp_path)
    _, told = await process.communicate()
    assert process.returncode == 2
    assert message in told
    assert b"Traceback" not in told


async def test_a_file_that_is_no_cassette_is_4_and_stays(tmp_path: Path) -> None:
    output = tmp_path / "x.yaml"
    output.write_text("not: [a, cassette")
    process = await command("--upstream", "a=http://127.0.0.1:9", "-o", str(output), data=tmp_path)
    _, told = await process.communicate()
    assert process.returncode == 4
    assert str(output).encode() in told
    assert b"Traceback" not in told
    assert output.read_text() == "not: [a, cassette"


async def test_a_port_in_use_is_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        arguments = ["--upstream", "a=http://127.0.0.1:9", "-o", str(tmp_path / "x.yaml"), "--port", port]
        process = await command(*arguments, data=tmp_path)
        _, told = await process.communicate()
    assert process.returncode == 2
    assert port.encode() in told
    assert b"in use" in told


CHUNKS = [
    {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    for choice in (
        {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None},
        {"index": 0, "delta": {"content": "lo"}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    )
]


async def provider(request: web.Request) -> web.StreamResponse:
    """Answers as OpenAI does, plain and streaming."""
    asked = await request.json()
    if not asked.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        return web.json_response(
            {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        )
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(request)
    for chunk in CHUNKS:
        await answer.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def ask_openai(base: str) -> tuple[str | None, str]:
    question: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    async with openai.AsyncOpenAI(api_key=SECRET, base_url=f"{base}/v1", max_retries=0) as client:
        plain = await client.chat.completions.create(**question)
        stream = await client.chat.completions.create(**question, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    return plain.choices[0].message.content, "".join(pieces)


async def test_the_official_client_of_openai_records_and_vcrpy_loads_the_file(tmp_path: Path) -> None:
    async with upstream(provider) as url:
        told = settings(tmp_path, openai=url)
        async with recording(told) as (running, _, _heard):
            assert await ask_openai(running.listeners[0]) == ("Hello", "Hello")
    plain, streamed = interactions(told)
    assert json.loads(plain.response.body)["choices"][0]["message"]["content"] == "Hello"
    assert streamed.response.body.endswith(b"data: [DONE]\n\n")
    assert len(streamed.response.chunks) >= 1
    assert SECRET not in told.output.read_text()
    from vcr.persisters.filesystem import FilesystemPersister  # type: ignore[import-untyped]  # vcrpy has no types
    from vcr.serializers import yamlserializer  # type: ignore[import-untyped]  # vcrpy has no types

    requests, responses = FilesystemPersister.load_cassette(str(told.output), yamlserializer)[:2]
    assert [(r.method, r.uri) for r in requests] == [("POST", f"{url}/v1/chat/completions")] * 2
    assert [r["body"]["string"] for r in responses] == [plain.response.body, streamed.response.body]


@pytest.mark.parametrize("asked_for", [True, False])
async def test_what_takes_long_is_left_for_whoever_waits_and_done_for_a_program(
    tmp_path: Path, asked_for: bool
) -> None:
    async def serve(request: web.Request) -> web.Response:
        return web.Response(text="x" * (3 << 20))  # longer than what is laid out while somebody waits

    output = tmp_path / "x.yaml"
    async with upstream(serve) as url, aiohttp.ClientSession() as session:
        options = ("--upstream", f"openai={url}", "-o", str(output), "--record-mode", "all", "--layout", "block")
        if asked_for:
            process = await command(*options, data=tmp_path)
            async with session.get(await listening(process)) as answer:
                await answer.read()
            process.send_signal(signal.SIGINT)
        else:
            program = "import os, urllib.request; urllib.request.urlopen(os.environ['OPENAI_BASE_URL']).read()"
            process = await command(*options, "--", sys.executable, "-c", program, data=tmp_path)
        _, told = await process.communicate()
    assert process.returncode == 0, told
    assert b"recorded 1 exchange(s)" in told
    assert (b"is left in the flow layout" in told) is asked_for
    assert output.read_text().startswith("# replayer flow 1" if asked_for else "version: 1")
    assert [len(one.response.body) for one in store.read(output).interactions] == [3 << 20]
