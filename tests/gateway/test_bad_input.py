"""What no client of good will sends: bounded, answered with a 4xx that the journal knows, and the next is served."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replayer.cassette.model import Frame, FrameKind, Sender
from replayer.gateway.server import HttpServer
from replayer.journal import Outcome
from replayer.listening import Doors

JSON = "content-type: application/json"


def status(answer: bytes) -> int:
    assert answer[:7] == b"HTTP/1.", answer[:80]
    return int(answer[9:12])


def post(body: bytes, *fields: str, path: str = "/v1/models") -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join([*head, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET /v1/models HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 10_000 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", 400),
        (b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)
async def test_what_is_no_request_is_refused_and_stands_in_the_journal(kit: Any, sent: bytes, answered: int) -> None:
    async with kit.serve(kit.interaction()) as running:
        assert status(await running.raw(sent)) == answered
        (entry,) = running.journal()
        assert (entry.outcome, entry.status) == (Outcome.REFUSED, answered)
        assert entry.details["unreadable"]
        assert status(await running.get("/v1/models")) == 200


async def test_a_head_that_does_not_come_to_its_end_is_timed_out(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpServer.__init__, "__kwdefaults__", {"head_s": 0.05})
    async with kit.serve(kit.interaction()) as running:
        assert status(await running.raw(b"GET /v1/models HTTP/1.1\r\nHost: a\r\nx: ")) == 408
        assert [entry.status for entry in running.journal()] == [408]


async def test_a_later_head_that_does_not_come_to_its_end_is_timed_out_too(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpServer.__init__, "__kwdefaults__", {"head_s": 0.05})
    async with kit.serve(kit.interaction()) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n{}")) == 200
        writer.write(b"GET /v1/models HTTP/1.1\r\n")
        assert status(await reader.read()) == 408
        assert [entry.status for entry in running.journal()] == [200, 408]
        writer.close()
        await writer.wait_closed()


async def test_a_connection_that_only_waits_for_its_next_request_is_left_alone(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpServer.__init__, "__kwdefaults__", {"head_s": 0.02})
    async with kit.serve(kit.interaction()) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n{}")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)  # longer than a head may take
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n{}")) == 200
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("said", [b"", b"CONN", b"CONNECT api.openai.com:443 HTTP/1.1\r\n"])
async def test_a_tunnel_that_is_not_asked_for_to_the_end_is_timed_out(
    kit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: bytes
) -> None:
    monkeypatch.setattr("replayer.gateway.proxy.HEAD_S", 0.05)
    async with kit.serve(kit.interaction(), doors=Doors(tls=tmp_path, proxy_port=0)) as running:
        (port,) = (one.port for one in running.service.run.addresses if one.note == "proxy")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert status(await reader.read()) == 408
        assert [entry.status for entry in running.journal()] == [408]
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "fields",
    [
        ("Upgrade: websocket", "Connection: Upgrade"),
        ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"),
        (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 99",
        ),
    ],
    ids=["no key", "no good key", "no known version"],
)
async def test_a_handshake_that_is_none_is_refused_and_stands_in_the_journal(kit: Any, fields: tuple[str, ...]) -> None:
    async with kit.serve(kit.connection(), kit.interaction()) as running:
        head = "\r\n".join(["GET /v1/realtime HTTP/1.1", "Host: a", *fields, "", ""])
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(head.encode())
        assert status(await reader.readuntil(b"\r\n\r\n")) == 400
        (entry,) = running.journal()
        assert (entry.outcome, entry.status) == (Outcome.REFUSED, 400)
        writer.close()
        await writer.wait_closed()
        assert status(await running.get("/v1/models")) == 200


@pytest.mark.parametrize(
    ("frame", "code", "why"),
    [
        (b"\x82\xff" + (17 * 1024 * 1024).to_bytes(8, "big") + b"mask" + b"\0" * 1000, 1009, "exceeds limit"),
        (b"\x81\x82mask" + bytes(x ^ y for x, y in zip(b"\xff\xfe", b"ma", strict=True)), 1007, "UTF-8"),
        (b"\x8f\x80mask", 1002, "opcode"),
        (b"\xc1\x80mask", 1002, "reserved bits"),
    ],
    ids=["too large", "not UTF-8", "no known opcode", "reserved bits"],
)
async def test_what_is_no_message_closes_its_connection_and_the_journal_says_why(
    kit: Any, frame: bytes, code: int, why: str
) -> None:
    awaited = Frame(at=0, sender=Sender.CLIENT, kind=FrameKind.TEXT, text="hello")
    head = (
        b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    async with kit.serve(kit.connection(awaited), kit.interaction()) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(head)
        assert status(await reader.readuntil(b"\r\n\r\n")) == 101
        writer.write(frame)
        said = await reader.readexactly(4)
        assert (said[0], int.from_bytes(said[2:4], "big")) == (0x88, code)
        writer.close()
        await writer.wait_closed()
        assert status(await running.get("/v1/models")) == 200
        entry, _ = running.journal()
        assert entry.outcome is Outcome.MISS
        assert why in entry.details["awaited"]


async def test_a_session_that_nobody_made_is_not_known_to_control(kit: Any) -> None:
    async with kit.serve(kit.interaction()) as running:
        assert status(await running.get("/__replayer/interactions?session=x")) == 409
        for name in ("%0a", "a" * 300):
            assert 400 <= status(await running.get(f"/__replayer/s/{name}/v1/models")) < 500
        assert status(await running.get("/v1/models")) == 200


async def test_a_body_that_is_promised_too_large_is_not_read(kit: Any) -> None:
    head = b"POST /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10737418240\r\n\r\n"
    async with kit.serve(kit.interaction()) as running:
        assert status(await running.raw(head)) == 413
        assert [entry.status for entry in running.journal()] == [413]


async def test_a_client_that_asks_first_is_told_that_its_body_is_too_large(kit: Any) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10737418240\r\n\r\n"
    async with kit.serve(kit.interaction()) as running:
        assert status(await running.raw(head)) == 413


async def test_a_client_that_asks_first_is_told_to_go_on(kit: Any) -> None:
    interaction = kit.interaction(method="POST", body=b'{"a": 1}', answer=b"got it")
    async with kit.serve(interaction) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        head = post(b'{"a": 1}', "Expect: 100-continue", JSON)
        writer.write(head.removesuffix(b'{"a": 1}'))
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        writer.write(b'{"a": 1}')
        assert (await reader.read()).endswith(b"got it")
        writer.close()
        await writer.wait_closed()


async def test_pipelined_requests_are_answered_in_order(kit: Any) -> None:
    async with kit.serve(kit.interaction("/a", answer=b"one"), kit.interaction("/b", answer=b"two")) as running:
        first = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
        answer = await running.raw(first + b"GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert answer.index(b"one") < answer.index(b"two")


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe{", b'"\\ud800"', gzip.compress(b"\0" * 100_000_000), b"NaN", b""],
    ids=["deep list", "deep object", "not UTF-8", "lone surrogate", "bomb", "NaN", "empty"],
)
async def test_a_body_that_cannot_be_what_it_says_is_a_miss_and_the_next_is_served(kit: Any, body: bytes) -> None:
    async with kit.serve(kit.interaction(method="POST", body=b'{"a": 1}'), kit.interaction()) as running:
        fields = (JSON, "content-encoding: gzip") if body[:2] == b"\x1f\x8b" else (JSON,)
        assert status(await running.raw(post(body, *fields))) == 424
        assert [entry.outcome for entry in running.journal()] == [Outcome.MISS]
        assert status(await running.get("/v1/models")) == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/../../etc/passwd",
            "/v1/../../models",
            "/%2e%2e/%2e%2e/etc/passwd",
            "//",
            "/%00",
            "/%",
            "/?%",
            "/\x7f",
            "/;",
        ),
        *("/v1/models/..%2f..", "/__replayer", "/__replayer/../v1", "/__replayer/s", "/__replayer/s/", "/__replayer//"),
    ],
)
async def test_tricks_with_paths_reach_nothing(kit: Any, path: str) -> None:
    async with kit.serve(kit.interaction()) as running:
        assert 400 <= status(await running.get(path)) < 500
        assert status(await running.get("/v1/models")) == 200


def packed(coding: str, data: bytes) -> bytes:
    """As quickly as may be: what it grows to is what matters."""
    if coding == "gzip":
        return gzip.compress(data, compresslevel=1)
    if coding == "deflate":
        return zlib.compress(data, level=1)
    if coding == "br":
        compressed: bytes = pytest.importorskip("brotli").compress(data, quality=1)
    else:
        compressed = pytest.importorskip("zstandard").compress(data)
    return compressed


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_a_bomb_is_compared_as_it_came_in_little_memory(kit: Any, coding: str) -> None:
    bomb = packed(coding.partition(",")[0], bytes(300_000_000))
    if "," in coding:
        bomb = gzip.compress(bomb)
    async with kit.serve(kit.interaction(method="POST", body=b'{"a": 1}'), kit.interaction()) as running:
        assert status(await running.get("/v1/models")) == 200
        tracemalloc.start()
        try:
            assert status(await running.raw(post(bomb, JSON, f"content-encoding: {coding}"))) == 424
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 220_000_000
        assert status(await running.get("/v1/models")) == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(kit: Any) -> None:
    async with kit.serve(kit.interaction()) as running:
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"POST /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with aiohttp.ClientSession() as client, client.get(f"{running.url}/v1/models") as answer:
            assert answer.status == 200


LINES = st.lists(st.binary(max_size=40), max_size=6).map(b"\r\n".join)
TARGETS = st.text(st.characters(min_codepoint=33, max_codepoint=255), min_size=1, max_size=60).map(
    lambda text: text.encode("latin-1")
)
METHODS = st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"CONNECT", b"TRACE", b"PUT", b"get", b"X"])
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *(b"Replayer-Fault", b"Replayer-Session", b"Replayer-Cassette", b"Replayer-Upstream", b"Replayer-X"),
                *(b"Content-Type", b"Content-Encoding", b"Upgrade", b"Connection", b"Range", b"Expect", b"Host"),
                *(b"X-Envoy-Fault-Delay-Request", b"Transfer-Encoding", b"Content-Length", b"Sec-WebSocket-Key"),
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30).map(lambda t: t.encode("latin-1")),
    ),
    max_size=5,
).map(lambda fields: b"".join(name + b": " + value + b"\r\n" for name, value in fields))


@given(
    requests=st.lists(
        st.one_of(
            LINES,
            st.builds(
                lambda m, t, h, b: m + b" " + t + b" HTTP/1.1\r\n" + h + b"\r\n" + b, METHODS, TARGETS, HEADERS, LINES
            ),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_in_nothing_breaks_and_the_next_request_is_served(kit: Any, requests: list[bytes]) -> None:
    async def go() -> None:
        async with kit.serve(kit.interaction()) as running:
            for request in requests:
                reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
                writer.write(request)
                writer.write_eof()
                while await reader.read(65_536):
                    pass
                writer.close()
            assert status(await running.get("/v1/models")) == 200
            assert not [entry for entry in running.journal() if "defect" in entry.details]

    asyncio.run(asyncio.wait_for(go(), 30))
