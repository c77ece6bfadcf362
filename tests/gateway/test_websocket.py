"""Recorded connections, played over real sockets."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from replayer.cassette.model import End, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.config import Config, PlayedRoute
from replayer.gateway import websocket
from replayer.journal import Outcome

HOUR_MS = 3_600_000.0


def client(text: str, at: float = 0) -> Frame:
    return Frame(at=at, sender=Sender.CLIENT, kind=FrameKind.TEXT, text=text)


def server(text: str, at: float = 0) -> Frame:
    return Frame(at=at, sender=Sender.SERVER, kind=FrameKind.TEXT, text=text)


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


async def test_several_connections_to_one_path_play_in_the_recorded_order(kit: Any) -> None:
    recorded = [kit.connection(server(name), closed(1000)) for name in ("first", "second")]
    async with kit.serve(*recorded, repeat="none") as running, aiohttp.ClientSession() as session:
        heard = []
        for _ in recorded:
            async with session.ws_connect(f"{running.url}/v1/realtime") as socket:
                heard.append(await socket.receive_str())
        assert heard == ["first", "second"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"{running.url}/v1/realtime")
        (*_, missed) = running.journal()
    assert [near["used_by_entry"] for near in missed.details["nearest"] if near["used_up"]] == [1, 2]


async def test_an_awaited_message_that_does_not_come_is_named(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "STALL_S", 0.05)
    recorded = kit.connection(client('{"type":"session.update"}'), server("never"))
    async with (
        kit.serve(recorded) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/v1/realtime") as socket,
    ):
        end = await socket.receive()
    assert (end.data, end.extra) == (4424, 'frame 0: 0.05 s without text {"type":"session.update"}')


async def test_a_client_that_leaves_too_early_is_told_in_the_journal(kit: Any) -> None:
    async with kit.serve(kit.connection(server("hi"), client("x"))) as running:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/v1/realtime") as socket:
            assert await socket.receive_str() == "hi"
        (entry,) = running.journal()
        assert (entry.outcome, entry.details["awaited"]) == (
            Outcome.MISS,
            "frame 1: awaited text x, the client left",
        )


async def test_a_departure_is_a_near_miss_with_every_difference(kit: Any) -> None:
    recorded = kit.connection(client('{"type":"a","n":{"x":1},"gone":0}'))
    async with kit.serve(recorded) as running:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/v1/realtime") as socket:
            await socket.send_str('{"type":"b","n":{"x":2}}')
            await socket.receive()
        (entry,) = running.journal()
    (near,) = entry.details["nearest"]
    assert (near["interaction"], near["frame"]) == ("a.yaml#0", 0)
    assert near["differed"] == [
        {"matcher": "frame", "pointer": "/type", "recorded": "a", "asked": "b"},
        {"matcher": "frame", "pointer": "/n/x", "recorded": "1", "asked": "2"},
        {"matcher": "frame", "pointer": "/gone", "recorded": "0", "asked": "(absent)"},
    ]


async def test_no_secret_of_a_frame_is_told(kit: Any) -> None:
    secret = "sk-proj-" + "a1B2" * 12
    recorded = kit.connection(client('{"api_key":"' + secret + '","n":1}'))
    other = secret.replace("a1", "c3")
    for message in ('{"api_key":"' + other + '","n":1}', '{"api_key":"' + other + '","n":2}', other):
        async with kit.serve(recorded) as running:
            async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/v1/realtime") as socket:
                await socket.send_str(message)
                end = await socket.receive()
            (entry,) = running.journal()
        assert end.data == 4424
        assert secret not in f"{end.extra} {entry}"
        assert other not in f"{end.extra} {entry}"


async def test_a_reason_is_cut_between_characters(kit: Any) -> None:
    async with (
        kit.serve(kit.connection(client("é" * 200))) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/v1/realtime") as socket,
    ):
        await socket.send_str("ü" * 200)
        end = await socket.receive()
    assert end.data == 4424
    assert len((end.extra or "").encode()) <= 123


async def test_an_upstream_that_was_lost_is_lost_again(kit: Any) -> None:
    lost = Interaction(
        request=Request(method="GET", uri="wss://api.openai.com/v1/realtime"),
        response=Response(status=101, frames=(server("hello"),), end=End.UPSTREAM_LOST),
    )
    async with (
        kit.serve(lost) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/v1/realtime") as socket,
    ):
        assert await socket.receive_str() == "hello"
        assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
        assert socket.close_code == 1006


async def test_a_handshake_that_was_refused_is_refused_again(kit: Any) -> None:
    refused = Interaction(
        request=Request(method="GET", uri="wss://api.openai.com/v1/realtime"),
        response=Response(status=401, reason="Unauthorized", body=b'{"error":"key"}'),
    )
    async with kit.serve(refused) as running, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{running.url}/v1/realtime")
        (entry,) = running.journal()
    assert caught.value.status == 401
    assert (entry.outcome, entry.status, entry.interaction) == (Outcome.HIT, 401, "a.yaml#0")


def routed(**keys: Any) -> Config:
    return Config(played=(PlayedRoute(prefix="/v1", **keys),))


async def test_a_routes_rules_and_gate_hold_for_its_connections(kit: Any) -> None:
    recorded = kit.connection(client('{"id":1,"type":"a"}'), client('{"id":2,"type":"b"}'), server("done"))
    async with (
        kit.serve(recorded, config=routed(ignore=("$.id",), gate="loose")) as running,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/v1/realtime") as socket,
    ):
        await socket.send_str('{"id":9,"type":"b"}')
        await socket.send_str('{"id":8,"type":"a"}')
        assert await socket.receive_str() == "done"


async def test_frames_go_out_at_the_recorded_pace_and_the_client_is_heard_meanwhile(kit: Any) -> None:
    recorded = kit.connection(server("one", 5), client("x", 10), server("two", 15), server("late", HOUR_MS))
    async with kit.serve(recorded, config=routed(pace="recorded")) as running:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/v1/realtime") as socket:
            await socket.send_str("x")
            assert await socket.receive_str() == "one"
            assert await socket.receive_str() == "two"
            await socket.send_str("not now")
            end = await socket.receive()
        (entry,) = running.journal()
    assert (end.data, end.extra) == (4424, "after the last recorded client frame: got not now")
    assert entry.outcome is Outcome.MISS


async def test_a_client_that_closes_in_a_long_pause_ends_the_connection_at_once(kit: Any) -> None:
    recorded = kit.connection(server("one"), server("late", HOUR_MS))
    async with kit.serve(recorded, config=routed(pace="recorded")) as running:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/v1/realtime") as socket:
            assert await socket.receive_str() == "one"
            assert await socket.close()
        (entry,) = running.journal()
    assert (entry.outcome, entry.duration_ms is None) == (Outcome.HIT, False)
