"""Upstreams of every kind, and those that misbehave: what the client gets, what is recorded, what is told."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from replayer.cassette.model import End, FrameKind
from tests import needs

pytestmark = needs.mitmproxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def answering(*pieces: bytes) -> Any:
    """Serves each request of a connection with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

    return serve


async def test_an_informational_answer_is_left_out_and_the_real_one_arrives(stage: Any) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    real = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    async with (
        stage.raw(answering(hints[:20], hints[20:] + b"HTTP/1.1 102 Processing\r\n\r\n" + real)) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        for _ in range(2):  # the connection lives on
            async with session.get(recorder.url) as answer:
                assert (answer.status, await answer.text()) == (200, "ok")
        await recorder.stop()
    assert [one.response.body for one in recorder.interactions()] == [b"ok", b"ok"]
    assert [text for text in recorder.notices if "an answer 103 before the real one was dropped" in text]
    assert [text for text in recorder.notices if "an answer 102" in text]


async def test_trailers_are_left_out_and_the_body_is_whole_at_once(stage: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
    body = b"3\r\none\r\n3\r\ntwo\r\n0\r\nx-sum: 6\r\n\r\n"
    async with (
        stage.raw(answering(head, body)) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        for _ in range(2):  # the upstream keeps the connection open, and it lives on
            async with session.get(recorder.url) as answer:
                assert await answer.read() == b"onetwo"
        await recorder.stop()
    assert [(one.response.body, one.response.end) for one in recorder.interactions()] == [
        (b"onetwo", End.COMPLETE),
        (b"onetwo", End.COMPLETE),
    ]
    assert [text for text in recorder.notices if "trailers behind a body were dropped" in text and "x-sum" in text]


async def test_trailers_of_an_upload_are_left_out(stage: Any) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with stage.upstream(echo) as url, stage.recording({"a": url}) as recorder:
        port = int(recorder.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\nx-sum: 3\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(3) == b"one"
        writer.close()
        await recorder.stop()
    assert [one.request.body for one in recorder.interactions()] == [b"one"]


async def test_a_reset_in_a_body_without_a_length_is_a_cut_and_reaches_the_client_as_one(stage: Any) -> None:
    went_on = asyncio.Event()

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf of it")
        await writer.drain()
        await went_on.wait()
        hard = writer.get_extra_info("socket")
        hard.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with (
        stage.raw(reset) as url,
        stage.recording({"a": url}) as recorder,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(recorder.url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await reader.readuntil(b"half of it")).startswith(b"HTTP/1.1 200")
        went_on.set()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        await recorder.stop()
    (one,) = recorder.interactions()
    assert (one.response.end, one.response.body) == (End.UPSTREAM_LOST, b"half of it")
    assert [text for text in recorder.notices if "the upstream reset the connection" in text]


async def test_the_end_of_a_body_without_a_length_is_its_end(stage: Any) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it")
        await writer.drain()

    async with (
        stage.raw(close) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
        session.get(recorder.url) as answer,
    ):
        assert await answer.read() == b"all of it"
        await recorder.stop()
    assert [one.response.end for one in recorder.interactions()] == [End.COMPLETE]


async def test_an_upstreams_abort_of_a_websocket_reaches_the_client_as_one(stage: Any) -> None:
    async def vanish(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_str("welcome")
        assert request.transport is not None
        request.transport.abort()
        return connection

    async with (
        stage.upstream(vanish) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
        session.ws_connect(recorder.url) as connection,
    ):
        assert await connection.receive_str() == "welcome"
        await connection.receive()
        assert connection.close_code == 1006
        await recorder.stop()
    (one,) = recorder.interactions()
    assert one.response.frames[-1].kind is FrameKind.CLOSE
    assert (one.response.frames[-1].code, one.response.end) == (1006, End.UPSTREAM_LOST)


async def hello(request: web.Request) -> web.StreamResponse:
    if request.headers.get("upgrade", "").lower() == "websocket":
        connection = web.WebSocketResponse(protocols=("realtime", "other"))
        await connection.prepare(request)
        async for message in connection:
            await connection.send_str(f"echo {message.data}")
        return connection
    return web.Response(text="hello")


async def test_an_upstream_under_tls_is_recorded_with_websockets(stage: Any) -> None:
    async with (
        stage.upstream(hello, stage.authority.context()) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(recorder.url + "/x") as answer:
            assert await answer.text() == "hello"
        async with session.ws_connect(recorder.url + "/ws", protocols=("realtime",), compress=15) as connection:
            assert connection.protocol == "realtime"
            assert connection.compress
            await connection.send_str("hi " * 1000)
            assert await connection.receive_str() == "echo " + "hi " * 1000
        await recorder.stop()
    plain, socket_ = recorder.interactions()
    assert plain.request.uri == f"{url}/x"
    assert socket_.request.uri == f"{url.replace('https', 'wss')}/ws"
    assert socket_.response.frames[0].text == "hi " * 1000
    assert ("sec-websocket-protocol", "realtime") in socket_.response.headers


async def test_a_certificate_that_expired_is_a_502_that_says_so(stage: Any) -> None:
    async with (
        stage.upstream(hello, stage.authority.context(days=-1)) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(recorder.url + "/x") as answer:
            assert answer.status == 502
            assert "certificate has expired" in await answer.text()
        summary = await recorder.stop()
    assert (summary.exchanges, summary.requests) == (0, 1)
    assert [text for text in recorder.notices if text.startswith(f"a: GET {url}/x") and "has expired" in text]


async def test_a_certificate_that_nobody_signed_is_a_502_that_says_so(stage: Any) -> None:
    context = stage.authority.context()
    async with (
        stage.upstream(hello, context) as url,
        stage.recording({"a": url.replace("127.0.0.1", "127.0.0.2")}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(recorder.url) as answer:
            assert answer.status == 502
        await recorder.stop()
    assert [text for text in recorder.notices if text.startswith("a: GET ")]


async def test_upstreams_are_reached_through_another_proxy(stage: Any) -> None:
    asked: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0].decode())
        host, port = head.split()[1].decode().split(":")
        inner = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
            target.close()

        await asyncio.gather(copy(reader, inner[1]), copy(inner[0], writer))

    async with (
        stage.upstream(hello, stage.authority.context()) as url,
        stage.raw(proxy) as via,
        stage.recording({"a": url}, via=via) as recorder,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(recorder.url) as answer:
            assert await answer.text() == "hello"
        await recorder.stop()
    assert asked == [f"CONNECT {url.removeprefix('https://')} HTTP/1.1"]
    assert len(recorder.interactions()) == 1


async def test_a_wrong_proxy_address_is_a_502_that_names_it(stage: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    async with (
        stage.upstream(hello) as url,
        stage.recording({"a": url}, via=f"http://127.0.0.1:{port}") as recorder,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(recorder.url) as answer:
            assert answer.status == 502
        await recorder.stop()
    assert [text for text in recorder.notices if str(port) in text], recorder.notices
