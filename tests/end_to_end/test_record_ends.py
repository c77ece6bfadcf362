"""How exchanges end: each end is kept as what it was, and a cut answer replays cut in the same way."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from replayer.cassette import store
from replayer.cassette.model import End, FrameKind
from replayer.demo.process import started
from tests import needs

pytestmark = needs.mitmproxy
TOP = Path(__file__).parents[2]

CUTS = {
    "in-a-length": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it",
    "in-chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nhalf of it\r\n",
    "in-a-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf of it",
}


async def asked(url: str) -> tuple[int, bytes, bool]:
    """Status, what came of the body, and whether it was whole."""
    got = b""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        try:
            async for piece in answer.content.iter_any():
                got += piece
        except aiohttp.ClientError:
            return answer.status, got, False
    return answer.status, got, True


@pytest.mark.parametrize("cut", CUTS)
async def test_an_answer_that_was_cut_replays_cut(stage: Any, cut: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CUTS[cut])
        await writer.drain()

    async with stage.raw(serve) as url, stage.recording({"a": url}) as recorder:
        live = await asked(recorder.url + "/x")
        await recorder.stop()
    assert live == (200, b"half of it", False)
    (one,) = recorder.interactions()
    assert (one.response.body, one.response.end) == (b"half of it", End.UPSTREAM_LOST)
    async with started("replay", str(stage.output), "--port", "0") as gateway:
        assert await asked(gateway.url + "/x") == live


@pytest.mark.parametrize("abort", [True, False])
async def test_an_upstream_that_dies_in_the_middle_of_a_frame_is_lost(stage: Any, abort: bool) -> None:
    async def die(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(compress=False)
        await connection.prepare(request)
        await connection.send_str("whole")
        assert request.transport is not None
        request.transport.write(b"\x81\x7e\x03\xe8half of a thousand bytes")
        await connection.receive()
        if abort:
            request.transport.abort()
        else:
            request.transport.close()
        return connection

    async with (
        stage.upstream(die) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
        session.ws_connect(recorder.url, compress=0) as connection,
    ):
        assert await connection.receive_str() == "whole"
        await connection.send_str("die")
        assert (await connection.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE)
        assert connection.close_code == 1006
        await recorder.stop()
    (one,) = recorder.interactions()
    assert [(frame.kind, frame.text, frame.code) for frame in one.response.frames] == [
        (FrameKind.TEXT, "whole", 0),
        (FrameKind.TEXT, "die", 0),
        (FrameKind.CLOSE, "", 1006),
    ]
    assert one.response.end is End.UPSTREAM_LOST


async def test_a_client_that_vanishes_from_a_websocket_has_left(stage: Any) -> None:
    gone = asyncio.Event()

    async def talk(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_str("welcome")
        try:
            await connection.receive()
        finally:
            gone.set()
        return connection

    async with stage.upstream(talk) as url, stage.recording({"a": url}) as recorder:
        async with aiohttp.ClientSession() as session:
            connection = await session.ws_connect(recorder.url)
            assert await connection.receive_str() == "welcome"
            response = connection._response
            assert response.connection is not None
            assert response.connection.transport is not None
            response.connection.transport.abort()
        await gone.wait()
        await recorder.stop()
    assert [one.response.end for one in recorder.interactions()] == [End.CLIENT_LEFT]


async def test_a_client_that_leaves_before_its_upload_is_whole_leaves_nothing_false(stage: Any) -> None:
    begun = asyncio.Event()
    over = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        try:
            await request.content.readany()
            begun.set()
            await request.read()
        finally:
            over.set()
        return web.Response(text="never")

    async with stage.upstream(take) as url, stage.recording({"a": url}) as recorder:
        _, writer = await asyncio.open_connection("127.0.0.1", int(recorder.url.rpartition(":")[2]))
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await begun.wait()
        writer.transport.abort()
        await over.wait()
        summary = await recorder.stop()
    assert (summary.requests, summary.exchanges) == (1, 0)
    assert not stage.output.exists()


async def test_a_redirect_is_recorded_as_a_redirect(stage: Any) -> None:
    async def serve(request: web.Request) -> web.Response:
        if request.path == "/old":
            return web.Response(status=307, headers={"location": "/new"})
        return web.Response(text="here")

    async with stage.upstream(serve) as url, stage.recording({"a": url}) as recorder:
        assert await asked(recorder.url + "/old") == (200, b"here", True)
        await recorder.stop()
    assert [(one.request.uri.removeprefix(url), one.response.status) for one in recorder.interactions()] == [
        ("/old", 307),
        ("/new", 200),
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_recording_whatever_is_open(stage: Any, number: signal.Signals) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        if request.headers.get("upgrade"):
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            await connection.send_str("welcome")
            await connection.receive()
            return connection
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: 1\n\n")
        await asyncio.Event().wait()
        return answer

    async with stage.upstream(endless) as url, aiohttp.ClientSession() as session:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "replayer", "record", "--upstream", f"a={url}", "-o", str(stage.output)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=TOP,
            env={**os.environ, "XDG_DATA_HOME": str(stage.folder)},
        )
        assert process.stdout is not None
        base = (await process.stdout.readline()).decode().split()[-1]
        answer = await session.get(base)
        assert await answer.content.readany() == b"data: 1\n\n"
        connection = await session.ws_connect(base)
        assert await connection.receive_str() == "welcome"
        process.send_signal(number)
        _, err = await process.communicate()
        answer.close()
        await connection.close()
    assert process.returncode == 0
    assert b"recorded 2 exchange(s) (1 WebSocket, 1 frames)" in err
    assert [one.response.end for one in store.read(stage.output).interactions] == [End.OPEN, End.OPEN]
