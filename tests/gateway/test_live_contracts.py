"""Contracts on what passes live: answers and messages from an upstream, and connections that are played."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from replayer.cassette.model import Cassette, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.clock import SystemClock
from replayer.config import Config
from replayer.gateway.relay import Bending
from replayer.inputs import Loaded
from replayer.record.upstreams import Upstream
from replayer.service import Options, Service, build
from replayer.source import Mode, Source

CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
CHAT = "/v1/chat/completions"
UPDATE = {"type": "session.update", "session": {"type": "realtime"}}
ERROR = {"type": "error", "event_id": "e", "error": {"type": "t", "message": "m"}}
WRONG_ERROR = {"type": "error", "event_id": "e", "error": "m"}

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def passing(
    folder: Path, handle: Handle, *, policy: str | None = None, faults: Bending = Bending.REFUSED
) -> AsyncIterator[tuple[Service, str]]:
    """A gateway that sends everything to an upstream, which answers by `handle`."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream = Upstream(name="openai", url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    source = Source(mode=Mode.PASSTHROUGH, upstreams=(upstream,), faults=faults)
    loaded = Loaded(config=Config(), folder=folder, cassettes=(("a.yaml", Cassette()),))
    service = build(loaded, Options(port=0, seed=1, source=source, policy=policy), clock=SystemClock(), environment={})
    address, *_ = await service.start()
    try:
        yield service, address.url
    finally:
        await service.stop()
        await runner.cleanup()


@asynccontextmanager
async def playing(*frames: Frame, policy: str | None = None) -> AsyncIterator[tuple[Service, str]]:
    """A gateway that plays one connection, as often as it is asked for."""
    recorded = Interaction(
        request=Request(method="GET", uri="wss://api.openai.com/v1/realtime"),
        response=Response(status=101, frames=frames),
    )
    loaded = Loaded(config=Config(), cassettes=(("a.yaml", Cassette(interactions=(recorded,))),))
    service = build(loaded, Options(port=0, seed=1, policy=policy, repeat="last"), clock=SystemClock(), environment={})
    address, *_ = await service.start()
    try:
        yield service, address.url
    finally:
        await service.stop()


def answers(body: Any) -> Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    return handle


def streams(*events: Any, endless: asyncio.Event | None = None) -> Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        for event in events:
            await answer.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        if endless is not None:
            await endless.wait()
        return answer

    return handle


def says(*messages: Any) -> Handle:
    """A server of WebSockets: it says this to the first message, and then what comes back again."""

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for message in messages:
            await socket.send_json(message)
        async for _ in socket:
            pass
        return socket

    return handle


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{url}/v1/realtime", max_msg_size=16 << 20) as socket,
    ):
        yield socket


async def post(url: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as client, client.post(f"{url}{CHAT}", json=ASKED) as answer:
        return answer.status, await answer.read()


def frame(sender: Sender, value: Any, *, at: float = 0) -> Frame:
    return Frame(at=at, sender=sender, kind=FrameKind.TEXT, text=json.dumps(value))


def places(service: Service, number: int = 0) -> list[str]:
    return [violation["where"] for violation in list(service.run.entries())[number].violations]


async def test_a_wrong_answer_from_upstream_is_a_502_where_the_policy_is_to_reject(tmp_path: Path) -> None:
    async with passing(tmp_path, answers({"id": 1}), policy="reject") as (service, url):
        status, body = await post(url)
    assert status == 502
    problem = json.loads(body)
    assert problem["title"] == "The answer breaks its contract"
    (entry,) = service.run.entries()
    assert (entry.outcome, entry.status, len(entry.violations)) == ("refused", 502, len(problem["violations"]))


async def test_a_good_answer_passes_unchanged_where_the_policy_is_to_reject(tmp_path: Path) -> None:
    good = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    async with passing(tmp_path, answers(good), policy="reject") as (service, url):
        status, body = await post(url)
    assert (status, json.loads(body)) == (200, good)
    assert service.run.summary().violations == 0


async def test_a_wrong_answer_from_upstream_is_reported_by_default(tmp_path: Path) -> None:
    async with passing(tmp_path, answers({"id": 1})) as (service, url):
        assert (await post(url))[0] == 200
    assert service.run.summary().violations > 0


async def test_a_stream_whose_first_event_is_wrong_is_a_502(tmp_path: Path) -> None:
    endless = asyncio.Event()
    async with passing(tmp_path, streams({**CHUNK, "choices": 1}, endless=endless), policy="reject") as (_, url):
        status, body = await post(url)
        endless.set()
    assert status == 502
    assert json.loads(body)["violations"][0]["pointer"] == "/choices"


async def test_a_stream_that_goes_wrong_is_cut_off_there(tmp_path: Path) -> None:
    endless = asyncio.Event()
    handle = streams(CHUNK, {**CHUNK, "choices": 1}, CHUNK, endless=endless)
    async with passing(tmp_path, handle, policy="reject") as (service, url):
        async with aiohttp.ClientSession() as client, client.post(f"{url}{CHAT}", json=ASKED) as answer:
            assert answer.status == 200
            got = await answer.content.readline()
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.content.read()
        endless.set()
    assert json.loads(got.removeprefix(b"data: ")) == CHUNK
    (entry,) = service.run.entries()
    assert entry.details["rejected"].startswith("response event 1: /choices: ")
    assert places(service) == ["response event 1"]


async def test_an_answer_that_is_too_large_to_be_judged_passes_and_is_counted(tmp_path: Path) -> None:
    large = {"id": 1, "text": "x" * (5 << 20)}
    for policy in (None, "reject"):
        async with passing(tmp_path, answers(large), policy=policy) as (service, url):
            status, body = await post(url)
        assert (status, len(body)) == (200, len(json.dumps(large)))
        assert service.run.summary().unchecked == {"an answer of more than 4 MiB": 1}
        assert service.run.status()["unchecked"] == {"an answer of more than 4 MiB": 1}


async def test_a_large_answer_that_no_contract_speaks_of_is_not_counted(tmp_path: Path) -> None:
    async with (
        passing(tmp_path, answers("x" * (5 << 20))) as (service, url),
        aiohttp.ClientSession() as client,
        client.get(f"{url}/images/large") as answer,
    ):
        assert len(await answer.read()) > 5 << 20
    assert service.run.summary().unchecked == {}


async def test_messages_of_a_relayed_connection_are_judged_both_ways(tmp_path: Path) -> None:
    async with passing(tmp_path, says(ERROR, WRONG_ERROR)) as (service, url), connected(url) as socket:
        await socket.send_json(UPDATE)
        assert [await socket.receive_json(), await socket.receive_json()] == [ERROR, WRONG_ERROR]
        await socket.send_json({"type": "session.update"})
    assert places(service) == ["frame 2 (server)", "frame 3 (client)"]
    assert service.run.summary().violations == 2


@pytest.mark.parametrize(
    ("said", "code", "begins"),
    [
        ({"type": "session.update"}, 4400, "breaks its contract: frame 0 (client)"),
        (UPDATE, 4502, "breaks its contract: frame 1 (server): /error: "),
    ],
)
async def test_a_relayed_message_that_breaks_its_contract_does_not_pass_where_the_policy_is_to_reject(
    tmp_path: Path, said: Any, code: int, begins: str
) -> None:
    async with passing(tmp_path, says(WRONG_ERROR), policy="reject") as (service, url), connected(url) as socket:
        await socket.send_json(said)
        message = await socket.receive()
        assert (message.type, socket.close_code) == (WSMsgType.CLOSE, code)
        assert str(message.extra).startswith(begins)
    (entry,) = service.run.entries()
    assert len(entry.violations) == 1
    assert entry.details["rejected"].startswith(begins.partition(": ")[2])


async def test_messages_of_a_played_connection_are_judged_the_recorded_ones_once() -> None:
    frames = (frame(Sender.SERVER, WRONG_ERROR), frame(Sender.CLIENT, {"type": "session.update"}))
    async with playing(*frames) as (service, url):
        for _ in range(2):
            async with connected(url) as socket:
                assert await socket.receive_json() == WRONG_ERROR
                await socket.send_json({"type": "session.update"})
    assert places(service, 0) == ["frame 0 (server)", "frame 1 (client)"]
    assert places(service, 1) == ["frame 1 (client)"]


async def test_a_played_message_that_breaks_its_contract_closes_where_the_policy_is_to_reject() -> None:
    frames = (frame(Sender.CLIENT, UPDATE), frame(Sender.SERVER, WRONG_ERROR))
    async with playing(*frames, policy="reject") as (service, url), connected(url) as socket:
        await socket.send_json(UPDATE)
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.close_code == 4502
    (entry,) = service.run.entries()
    assert entry.outcome == "refused"


async def test_a_frame_that_is_too_large_to_be_judged_passes_and_is_counted(tmp_path: Path) -> None:
    large = {**ERROR, "more": "x" * (5 << 20)}
    async with passing(tmp_path, says(large), policy="reject") as (service, url), connected(url) as socket:
        await socket.send_json(UPDATE)
        assert await socket.receive_json() == large
    assert service.run.summary().unchecked == {"a frame of more than 4 MiB": 1}


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 204), ("POST", 304)])
async def test_an_answer_without_a_body_passes_where_the_policy_is_to_reject(
    tmp_path: Path, method: str, status: int
) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"x-told": "yes"})

    async with (
        passing(tmp_path, handle, policy="reject") as (_, url),
        aiohttp.ClientSession() as client,
        client.request(method, f"{url}{CHAT}", json=ASKED) as answer,
    ):
        assert (answer.status, answer.headers["x-told"], await answer.read()) == (status, "yes", b"")


async def test_a_broken_off_answer_breaks_off_where_the_policy_is_to_reject(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "application/json", "content-length": "100"})
        await answer.prepare(request)
        await answer.write(b'{"id": ')
        assert request.transport is not None
        request.transport.close()
        return answer

    async with (
        passing(tmp_path, handle, policy="reject") as (service, url),
        aiohttp.ClientSession() as client,
        client.post(f"{url}{CHAT}", json=ASKED) as answer,
    ):
        assert await answer.content.readany() == b'{"id": '
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()
    (entry,) = service.run.entries()
    assert entry.violations == ()


async def test_an_answer_is_judged_as_the_upstream_said_it_and_not_as_a_fault_made_it(tmp_path: Path) -> None:
    for policy, expected in ((None, 200), ("reject", 502)):
        async with passing(tmp_path, answers({"id": 1}), policy=policy, faults=Bending.ALLOWED) as (service, url):
            headers = {"Replayer-Fault": "truncate;bytes=3"}
            async with (
                aiohttp.ClientSession() as client,
                client.post(f"{url}{CHAT}", json=ASKED, headers=headers) as answer,
            ):
                assert answer.status == expected
                await answer.read()
        (entry,) = service.run.entries()
        assert {violation["where"] for violation in entry.violations} == {"response"}
        assert all(violation["schema"] != "replayer:json" for violation in entry.violations)


async def test_a_compressed_stream_passes_event_by_event_and_breaks_off_where_it_goes_wrong(tmp_path: Path) -> None:
    endless = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream", "content-encoding": "gzip"})
        await answer.prepare(request)
        squeeze = zlib.compressobj(wbits=31)
        for event in (CHUNK, {**CHUNK, "choices": 1}):
            piece = squeeze.compress(b"data: " + json.dumps(event).encode() + b"\n\n")
            await answer.write(piece + squeeze.flush(zlib.Z_SYNC_FLUSH))
            await asyncio.wait_for(read.wait(), 30)
        await endless.wait()
        return answer

    read = asyncio.Event()
    async with passing(tmp_path, handle, policy="reject") as (service, url):
        async with aiohttp.ClientSession() as client, client.post(f"{url}{CHAT}", json=ASKED) as answer:
            assert json.loads((await answer.content.readline()).removeprefix(b"data: ")) == CHUNK
            read.set()
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.content.read()
        endless.set()
    assert places(service) == ["response event 1"]
