"""Upstreams that speak HTTP/2 only, from clients that speak HTTP/1.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from replayer.cassette.model import End
from tests import needs

pytestmark = needs.mitmproxy


class Http2:
    """A server without HTTP/1.1: /stream answers in pieces as `more` allows, anything else echoes its body."""

    def __init__(self) -> None:
        self.more = asyncio.Event()
        self.bodies: dict[int, bytes] = {}
        self.paths: dict[int, str] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h2.config  # type: ignore[import-untyped]  # h2 has no types
        import h2.connection  # type: ignore[import-untyped]  # h2 has no types
        import h2.events  # type: ignore[import-untyped]  # h2 has no types

        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        async with asyncio.TaskGroup() as group:
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        headers = {bytes(name): bytes(value) for name, value in event.headers or ()}
                        self.paths[event.stream_id] = headers[b":path"].decode()
                        self.bodies[event.stream_id] = b""
                    elif isinstance(event, h2.events.DataReceived):
                        self.bodies[event.stream_id] += event.data
                        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        group.create_task(self._answer(connection, writer, event.stream_id))
                writer.write(connection.data_to_send())

    async def _answer(self, connection: Any, writer: asyncio.StreamWriter, stream: int) -> None:
        streams = self.paths[stream] == "/stream"
        connection.send_headers(stream, [(":status", "200"), ("content-type", "text/event-stream")])
        pieces = [b"data: one\n\n", b"data: two\n\n"] if streams else [self.bodies[stream]]
        for piece in pieces:
            connection.send_data(stream, piece)
            writer.write(connection.data_to_send())
            if streams:
                await self.more.wait()
        if self.paths[stream] == "/trailers":
            connection.send_headers(stream, [("x-sum", "1")], end_stream=True)
        elif self.paths[stream] == "/cut":
            connection.reset_stream(stream, error_code=2)
        else:
            connection.end_stream(stream)
        writer.write(connection.data_to_send())


async def upload() -> AsyncIterator[bytes]:
    yield b"one,"
    yield b"two"


async def test_streams_and_uploads_pass_and_are_recorded(stage: Any) -> None:
    server = Http2()
    async with (
        stage.raw(server.serve, stage.authority.context("h2")) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(recorder.url + "/stream") as answer:
            assert await answer.content.readany() == b"data: one\n\n"
            server.more.set()
            assert await answer.content.read() == b"data: two\n\n"
        async with session.post(recorder.url + "/up", data=upload()) as answer:
            assert await answer.read() == b"one,two"
        async with session.post(recorder.url + "/trailers", data=b"x") as answer:
            assert await answer.read() == b"x"
        await recorder.stop()
    stream, up, trailed = recorder.interactions()
    assert [chunk.size for chunk in stream.response.chunks] == [11, 11]
    assert (up.request.body, up.response.body) == (b"one,two", b"one,two")
    assert ("host", url.removeprefix("https://")) in up.request.headers
    assert [one.response.end for one in (stream, up, trailed)] == [End.COMPLETE] * 3
    assert [text for text in recorder.notices if "x-sum" in text]


async def test_a_stream_that_is_reset_is_a_cut(stage: Any) -> None:
    async with (
        stage.raw(Http2().serve, stage.authority.context("h2")) as url,
        stage.recording({"a": url}) as recorder,
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            async with session.post(recorder.url + "/cut", data=b"half") as answer:
                await answer.read()
        await recorder.stop()
    (one,) = recorder.interactions()
    assert (one.response.body, one.response.end) == (b"half", End.UPSTREAM_LOST)
