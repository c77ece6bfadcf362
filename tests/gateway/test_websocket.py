"""Recorded connections, played over real sockets."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from replayer.cassette.model import Frame, FrameKind, Sender
from replayer.journal import Outcome


def client(text: str) -> Frame:
    return Frame(at=0, sender=Sender.CLIENT, kind=FrameKind.TEXT, text=text)


def server(text: str) -> Frame:
    return Frame(at=0, sender=Sender.SERVER, kind=FrameKind.TEXT, text=text)


def closed(code: int, reason: str = "", sender: Sender = Sender.SERVER) -> Frame:
    return Frame(at=0, sender=sender, kind=FrameKind.CLOSE, code=code, text=reason)


async def test_server_frames_come_in_order_after_the_clients_frames(kit: Any) -> None:
    binary = Frame(at=0, sender=Sender.SERVER, kind=FrameKind.BINARY, data=b"\x00\xff")
    recorded = kit.connection(server("hello"), client('{"a":1,"b":2}'), server("one"), binary, closed(4001, "enough"))
    async with (
        kit.serve(recorded) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/v1/realtime") as socket,
    ):
        assert await socket.receive_str() == "hello"
        await socket.send_str('{"b": 2.0, "a": 1}')
        assert await socket.receive_str() == "one"
        assert await socket.receive_bytes() == b"\x00\xff"
        end = await socket.receive()
        assert (end.type, end.data, end.extra) == (WSMsgType.CLOSE, 4001, "enough")


async def test_a_wrong_frame_closes_with_4424_and_says_what_was_awaited(kit: Any) -> None:
    recorded = kit.connection(client('{"type":"session.update"}'), server("never"))
    async with kit.serve(recorded) as running:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/v1/realtime") as socket:
            await socket.send_str('{"type":"response.create"}')
            end = await socket.receive()
        (entry,) = running.journal()
    assert end.data == 4424
    assert end.extra == "frame 0 at /type: awaited session.update, got response.create"
    assert entry.outcome is Outcome.MISS
    assert entry.details["awaited"] == end.extra


async def test_a_recorded_abort_aborts(kit: Any) -> None:
    async with (
        kit.serve(kit.connection(server("hello"), closed(1006))) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/v1/realtime") as socket,
    ):
        assert await socket.receive_str() == "hello"
        assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
        assert socket.close_code == 1006


async def test_a_recorded_close_of_the_client_is_awaited(kit: Any) -> None:
    recorded = kit.connection(server("bye"), closed(1000, sender=Sender.CLIENT))
    async with kit.serve(recorded) as running:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/v1/realtime") as socket:
            assert await socket.receive_str() == "bye"
            await socket.close()
        (entry,) = running.journal()
    assert entry.outcome is Outcome.HIT
    assert "awaited" not in entry.details


async def test_a_subprotocol_is_the_recorded_one(kit: Any) -> None:
    recorded = kit.connection(server("hello"), headers=(("sec-websocket-protocol", "realtime"),))
    async with (
        kit.serve(recorded) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/v1/realtime", protocols=("other", "realtime")) as socket,
    ):
        assert socket.protocol == "realtime"


async def test_an_unknown_connection_is_refused_before_the_handshake(kit: Any) -> None:
    async with kit.serve(kit.connection()) as running, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{running.url}/v1/other")
    assert caught.value.status == 424


async def test_an_ordinary_request_to_a_connections_path_is_a_miss(kit: Any) -> None:
    async with kit.serve(kit.connection()) as running:
        assert (await running.get("/v1/realtime")).startswith(b"HTTP/1.1 424 ")
