"""Large request bodies: spooled, told by their digest, sent on whole, and gone when they are over."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from replayer.cassette.model import Interaction, Omitted
from replayer.config import Config, DispatchConfig, DispatchedRoute
from replayer.gateway.intake import Intake
from replayer.gateway.spool import BLOCK, Spool
from replayer.journal import Entry, Outcome
from replayer.record.upstreams import Upstream
from replayer.source import Mode, Source
from tests import needs

HELD = 2 * BLOCK
LARGE = bytes(range(251)) * (4 * BLOCK // 251)
FILE = b"not to be taken apart\r\n" * 200_000


@pytest.fixture(autouse=True)
def little_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.service.Intake", partial(Intake, held=HELD))


def omitted(
    kit: Any, body: bytes, content_type: str = "application/octet-stream", answer: bytes = b"{}"
) -> Interaction:
    """An upload whose body was not stored."""
    one: Interaction = kit.interaction("/v1/files", method="POST", body=b"-", answer=answer)
    digest = Omitted(bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
    request = replace(one.request, headers=(("content-type", content_type),), body=None, omitted=digest)
    return replace(one, request=request)


def multipart(boundary: str, content: bytes = FILE) -> bytes:
    disposition = b'content-disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    mark = f"--{boundary}".encode()
    return b"\r\n".join((mark, disposition[:-2], content, mark + b"--", b""))


async def send(
    running: Any, body: Any, content_type: str = "application/octet-stream", **fields: str
) -> tuple[int, dict[str, Any]]:
    headers = {"content-type": content_type} | {name.replace("_", "-"): value for name, value in fields.items()}
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{running.url}/v1/files", data=data, headers=headers) as answer,
    ):
        return answer.status, json.loads(await answer.read() or b"{}")


def spools() -> list[str]:
    """Large files that are open and have no name any more."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        link = f"/proc/self/fd/{number}"
        try:
            if os.readlink(link).endswith("(deleted)") and os.stat(link).st_size >= BLOCK:
                found.append(os.readlink(link))
        except OSError:
            continue
    return found


async def ended(entry: Entry) -> None:
    async with asyncio.timeout(10):
        while entry.duration_ms is None:  # noqa: ASYNC110 (an entry has no event, only a value)
            await asyncio.sleep(0)


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, HELD, HELD + 1, len(LARGE)])
async def test_an_upload_of_any_size_is_told_by_its_digest(kit: Any, size: int) -> None:
    body = LARGE[:size]
    async with kit.serve(omitted(kit, body, answer=b'{"id": "file-1"}')) as running:
        assert await send(running, body) == (200, {"id": "file-1"})
        status, problem = await send(running, body[:-1] + b"\xff")
        assert status == 424
        (difference,) = problem["nearest"][0]["differed"]
        assert difference["recorded"].startswith(f"{size} bytes with the SHA-256 ")
        assert [entry.outcome for entry in running.journal()] == [Outcome.HIT, Outcome.MISS]


async def test_a_stored_body_is_the_recorded_one_whether_it_was_held_or_spooled(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replayer.match.body.LARGE", HELD)
    one = kit.interaction("/v1/files", method="POST", body=LARGE)
    async with kit.serve(one) as running:
        assert (await send(running, LARGE))[0] == 200
        assert (await send(running, LARGE[:-1]))[0] == 424


async def test_what_is_small_enough_to_be_taken_apart_is_matched_by_its_kind(kit: Any) -> None:
    value = {"text": "a" * BLOCK, "b": 1}
    async with kit.serve(kit.interaction("/v1/files", method="POST", body=json.dumps(value).encode())) as running:
        spelled = json.dumps({"b": 1.0, "text": value["text"]}, indent=1).encode()
        assert BLOCK < len(spelled) < HELD
        assert (await send(running, spelled, "application/json"))[0] == 200


@pytest.mark.parametrize("boundary", ["xyz", "----formdata-undici-023948230948", "a" * 70])
@pytest.mark.parametrize("content", [FILE, b"small", b"--xy\r\n--xyz"[:6] * 3])
async def test_a_multipart_upload_is_the_recorded_one_under_any_boundary(
    kit: Any, boundary: str, content: bytes
) -> None:
    recorded = "the-recorded-boundary"
    one = omitted(kit, multipart(recorded, content), f'multipart/form-data; boundary="{recorded}"')
    async with kit.serve(one) as running:
        asked = f"multipart/form-data; boundary={boundary}"
        assert (await send(running, multipart(boundary, content), asked))[0] == 200
        assert (await send(running, multipart(boundary, content + b"."), asked))[0] == 424
        assert (await send(running, multipart(boundary, content[:-1] + b"."), asked))[0] == 424


@pytest.mark.parametrize("body", [LARGE, b"small"], ids=["large", "small"])
async def test_a_compressed_upload_is_told_by_what_it_holds(kit: Any, body: bytes) -> None:
    packed = gzip.compress(os.urandom(3 * BLOCK) if body is LARGE else body, 1)
    plain = gzip.decompress(packed)
    async with kit.serve(omitted(kit, plain)) as running:
        assert (await send(running, packed, content_encoding="gzip"))[0] == 200
        assert (await send(running, packed[:-9] + b"broken!!!", content_encoding="gzip"))[0] == 424
        assert (await send(running, gzip.compress(bytes(len(plain) * 2)), content_encoding="gzip"))[0] == 424


async def test_one_byte_over_the_limit_is_a_413_that_the_journal_knows(kit: Any) -> None:
    async def chunked(size: int) -> AsyncIterator[bytes]:
        for at in range(0, size, BLOCK):
            yield LARGE[at : min(at + BLOCK, size)]

    limit = 3 * BLOCK
    async with kit.serve(omitted(kit, LARGE[:limit]), max_upload=limit) as running:
        assert (await send(running, chunked(limit)))[0] == 200
        status, problem = await send(running, chunked(limit + 1))
        assert (status, problem["type"]) == (413, "https://replayer.dev/problems/body-too-large")
        assert str(limit) in problem["detail"]
        assert (await send(running, LARGE[: limit + 1]))[0] == 413
        assert [entry.status for entry in running.journal()] == [200, 413, 413]
        assert (await send(running, LARGE[:limit]))[0] == 200


class Receiver:
    """An upstream that tells the digest of what it was sent."""

    def __init__(self) -> None:
        self.lengths: list[int | None] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.lengths.append(request.content_length)
        hashed = hashlib.sha256()
        async for piece in request.content.iter_any():
            hashed.update(piece)
        return web.json_response({"sha256": hashed.hexdigest()})


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[Receiver, Upstream]]:
    one = Receiver()
    application = web.Application(client_max_size=0)
    application.router.add_route("*", "/{path:.*}", one.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield one, Upstream(name="one", url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("mode", [Mode.SPY, Mode.PASSTHROUGH])
async def test_a_large_upload_goes_upstream_whole(kit: Any, mode: Mode) -> None:
    async with receiver() as (upstream, named):
        source = Source(mode=mode, upstreams=(named,))
        async with kit.serve(omitted(kit, LARGE + b"!"), source=source) as running:
            digest = hashlib.sha256(LARGE).hexdigest()
            assert await send(running, LARGE) == (200, {"sha256": digest})
            assert upstream.lengths == [len(LARGE)]
            assert [entry.outcome for entry in running.journal()] == [Outcome.LIVE]


async def test_a_worker_is_not_given_more_than_a_job_can_hold(kit: Any) -> None:
    config = Config(
        dispatched=(DispatchedRoute(path="/v1/files", task="openai/transcriptions"),), dispatch=DispatchConfig()
    )
    async with kit.serve(kit.interaction(), config=config) as running:
        assert (await send(running, LARGE))[0] == 413


@needs.linux
async def test_a_spool_is_its_owners_alone_and_gone_however_it_ends(kit: Any) -> None:
    head = f"POST /v1/files HTTP/1.1\r\nHost: h\r\nContent-Length: {len(LARGE)}\r\n\r\n".encode()
    async with kit.serve(omitted(kit, LARGE)) as running:
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(head + LARGE[: 3 * BLOCK])
        async with asyncio.timeout(10):
            while not spools():  # noqa: ASYNC110 (what is waited for is another's file)
                await asyncio.sleep(0.001)
        writer.transport.abort()
        await ended(running.journal()[-1])
        assert not spools()
        for body in (LARGE, LARGE[:-1]):
            await send(running, body)
            await ended(running.journal()[-1])
            assert not spools()
    spool = Spool()
    assert stat.S_IMODE(os.fstat(spool._file.fileno()).st_mode) == 0o600
    spool.close()


async def test_a_disk_that_takes_nothing_more_is_a_507_and_the_next_is_served(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "/dev/full"
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open(full, "r+b", buffering=0))  # noqa: SIM115
    async with kit.serve(kit.interaction()) as running:
        status, problem = await send(running, LARGE)
        assert (status, problem["title"]) == (507, "The body cannot be kept")
        assert b"200" in (await running.get("/v1/models"))[:15]


async def test_a_body_that_dawdles_is_a_408_and_the_next_is_served(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replayer.service.Intake", partial(Intake, body_s=0.05))
    async with kit.serve(kit.interaction()) as running:
        answer = await running.raw(b"POST /v1/models HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close\r\n" in answer
        (entry,) = running.journal()
        assert (entry.outcome, entry.status) == (Outcome.REFUSED, 408)
        answer = await running.raw(
            b"POST /v1/models HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nab"
        )
        assert answer.startswith(b"HTTP/1.1 408 ")
        answer = await running.raw(b"POST /__replayer/reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert (await running.get("/v1/models")).startswith(b"HTTP/1.1 200 ")
