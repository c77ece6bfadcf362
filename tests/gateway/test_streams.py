"""Streams under load: many at once, clients that leave, clients that do not read."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any

import pytest

from replayer.cassette.model import Chunk, Frame, FrameKind, Omitted, Response, Sender
from replayer.config import Config
from replayer.journal import Entry, Outcome

HOUR_MS = 3_600_000.0
EVENTS = tuple(b"data: %d\n\n" % number for number in range(5))
ASK = b"GET /v1/stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


async def until(entry: Entry) -> None:
    """Wait for an entry to be complete."""
    async with asyncio.timeout(10):
        while entry.duration_ms is None:  # noqa: ASYNC110 (an entry has no event, only a value)
            await asyncio.sleep(0)


def endless(kit: Any) -> Any:
    """A stream whose second event comes in an hour."""
    body = b"data: 1\n\n"
    return kit.interaction(
        "/v1/stream",
        headers=(("content-type", "text/event-stream"),),
        answer=body * 2,
        chunks=(Chunk(0.0, len(body)), Chunk(HOUR_MS, len(body))),
    )


async def test_a_thousand_streams_at_once_are_all_whole(kit: Any) -> None:
    async with kit.serve(kit.stream(*EVENTS), config=Config(pace="recorded")) as running:
        answers = await asyncio.gather(*(running.raw(ASK) for _ in range(1000)))
        chunked = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in EVENTS) + b"0\r\n\r\n"
        assert {answer.partition(b"\r\n\r\n")[2] for answer in answers} == {chunked}
        assert {entry.outcome for entry in running.journal()} == {Outcome.HIT}


async def test_a_client_that_leaves_frees_everything(kit: Any) -> None:
    async with kit.serve(endless(kit), config=Config(pace="recorded")) as running:
        before = len(asyncio.all_tasks())
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(ASK)
            assert b"data: 1" in await reader.readuntil(b"data: 1\n\n")
            assert running.journal()[-1].duration_ms is None
            writer.close()
            await until(running.journal()[-1])
        assert {entry.details.get("client") for entry in running.journal()} == {"left before the end"}
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= before


def most_buffered() -> int:
    """Bytes that wait in this process for the client that reads the least."""
    transports = [value for value in gc.get_objects() if isinstance(value, asyncio.WriteTransport)]
    return max(value.get_write_buffer_size() for value in transports if not value.is_closing())


async def slowly(running: Any, ask: bytes = ASK) -> int:
    """Ask, read nothing for as long as the gateway is busy with others, then read all of it: its bytes of body."""
    connection = socket.socket()
    # A small window, so that the gateway and not the kernel has to wait.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", running.port))
    await loop.sock_sendall(connection, ask)
    await running.get("/v1/other" if ask is not ASK else "/v1/stream", "Replayer-Session: other")
    assert running.journal()[0].duration_ms is None, "it was given away before anybody took it"
    assert most_buffered() < 1_000_000
    answer = bytearray()
    while data := await loop.sock_recv(connection, 1 << 20):
        answer += data
    connection.close()
    await until(running.journal()[0])
    return len(answer) - answer.index(b"\r\n\r\n") - 4


async def test_a_stream_waits_for_a_client_that_does_not_read(kit: Any) -> None:
    pieces = tuple(bytes(100_000) for _ in range(160))
    async with kit.serve(kit.stream(*pieces)) as running:
        framing = sum(len(b"%x\r\n\r\n" % len(piece)) for piece in pieces) + len(b"0\r\n\r\n")
        assert await slowly(running) == 16_000_000 + framing


async def test_a_whole_answer_waits_for_a_client_that_does_not_read(kit: Any) -> None:
    async with kit.serve(kit.interaction("/v1/stream", answer=bytes(16_000_000))) as running:
        assert await slowly(running) == 16_000_000


@pytest.mark.parametrize("fault", ["none", "slice;bytes=50000", "duplicate;at=1"])
async def test_a_connection_waits_for_a_client_that_does_not_read(kit: Any, fault: str) -> None:
    frames = [Frame(at=0, sender=Sender.SERVER, kind=FrameKind.BINARY, data=bytes(100_000)) for _ in range(160)]
    close = Frame(at=0, sender=Sender.SERVER, kind=FrameKind.CLOSE, code=1006)
    ask = (
        b"GET /v1/realtime HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Replayer-Fault: " + fault.encode() + b"\r\n\r\n"
    )
    async with kit.serve(kit.connection(*frames, close)) as running:
        count = 161 if fault.startswith("duplicate") else 160
        assert await slowly(running, ask) >= count * 100_000


async def test_a_body_that_was_not_stored_is_never_an_empty_one(kit: Any) -> None:
    one = kit.interaction("/v1/files/1/content")
    response = Response(status=200, headers=one.response.headers, omitted=Omitted(bytes=73_400_320, sha256="ab"))
    recorded = type(one)(request=one.request, response=response)
    async with kit.serve(recorded) as running:
        answer = await running.get("/v1/files/1/content")
        (entry,) = running.journal()
    assert answer.startswith(b"HTTP/1.1 424 ")
    assert b"73400320 bytes was over --max-body" in answer
    assert b"replayer-outcome: miss\r\n" in answer
    assert (entry.outcome, entry.status, entry.interaction) == (Outcome.MISS, 424, "a.yaml#0")


async def test_a_stub_says_that_it_is_one(kit: Any) -> None:
    one = kit.interaction()
    recorded = type(one)(request=one.request, response=Response(status=200, body=b"{}", stub={"priority": 1}))
    async with kit.serve(recorded) as running:
        assert b"replayer-outcome: stub\r\n" in await running.get("/v1/models")
