"""What is recorded is known when its answer ends: that waits for the recorder, as long as it is at work on it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
import pytest

from replayer.cassette import store
from replayer.cassette.model import End, Omitted
from replayer.errors import RecorderError
from replayer.record.upstreams import Upstream
from replayer.service import Service
from replayer.source import Mode
from tests import needs
from tests.end_to_end.modes import gateway

pytestmark = needs.mitmproxy
PIECES = (b"one ", b"two ", b"three")


class Loop:
    """The running loop, whose clock can be put forward."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ahead = 0.0
        real: Callable[[], float] = self._loop.time
        self._loop.time = lambda: real() + self._ahead  # type: ignore[method-assign]  # nothing waits for real

    async def passes(self, seconds: int) -> None:
        """So much time goes by, second by second, and everybody has their turn in each."""
        for _ in range(seconds):
            self._ahead += 1.0
            await asyncio.to_thread(time.sleep, 0.01)


@asynccontextmanager
async def stopping_before_its_last_piece(stage: Any) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """An upstream, and what lets it send the last piece of its answer."""
    go_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(b"".join(PIECES)))
        for piece in PIECES[:2]:
            writer.write(piece)
            await writer.drain()
            await asyncio.to_thread(time.sleep, 0.05)  # a write of its own, on every machine
        await go_on.wait()
        writer.write(PIECES[2])
        await writer.drain()
        await reader.read()

    async with stage.raw(serve) as url:
        yield url, go_on


@asynccontextmanager
async def busy(stage: Any) -> AsyncIterator[tuple[Service, asyncio.Task[bytes], Path, BinaryIO]]:
    """A recorder that reads what is in flight, to write it, and does not come to its end.

    Out come the gateway, the rest of the answer that is waited for, what is in flight, and the pipe that the recorder
    reads instead of it.
    """
    path = stage.folder / "a.yaml"
    async with (
        stopping_before_its_last_piece(stage) as (upstream, go_on),
        gateway(path, Mode.NEW_EPISODES, Upstream(name="one", url=upstream)) as (service, url),
        aiohttp.ClientSession() as client,
        client.get(f"{url}/a") as answer,
    ):
        loop = Loop()
        assert await answer.content.readexactly(8) == b"one two "
        (spooled,) = path.with_name("a.yaml.spool").glob("*.jsonl")
        in_flight = spooled.rename(stage.folder / spooled.name)
        os.mkfifo(spooled)
        go_on.set()
        rest = asyncio.create_task(answer.content.read())
        with await asyncio.to_thread(spooled.open, "wb", buffering=0) as pipe:
            await loop.passes(20)
            assert not rest.done()
            yield service, rest, in_flight, pipe


async def test_a_recorder_that_is_at_work_is_waited_for(stage: Any) -> None:
    async with busy(stage) as (service, rest, in_flight, pipe):
        pipe.write(in_flight.read_bytes())
        pipe.close()
        assert await rest == b"three"
        (entry,) = service.run.entries()
        assert entry.interaction == "a.yaml#0"


async def killed(stage: Any) -> None:
    async with busy(stage) as (service, rest, in_flight, _):
        os.kill(int(in_flight.name.partition("-")[0]), signal.SIGKILL)
        assert await rest == b"three"
        (entry,) = service.run.entries()
        assert "not kept" in entry.details["recorded"]


async def test_a_recorder_that_has_died_is_not_waited_for(stage: Any) -> None:
    with pytest.raises(RecorderError, match="killed by signal 9"):
        await killed(stage)


@pytest.mark.parametrize("reads", ["the rest", "nothing"])
@pytest.mark.parametrize("size", [5 << 20, 65 << 20], ids=["held", "spooled"])
async def test_an_upload_that_is_answered_before_it_was_read_is_known(stage: Any, size: int, reads: str) -> None:
    path, asked = stage.folder / "a.yaml", 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        head = await reader.readuntil(b"\r\n\r\n")
        asked += 1
        assert b"replayer" not in head.lower()
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await (reader.read() if reads == "the rest" else writer.wait_closed())

    async def upload(url: str, session: str) -> str:
        body, fields = io.BytesIO(bytes(size)), {"Replayer-Session": session}
        async with client.post(f"{url}/files", data=body, headers=fields) as answer:
            assert (answer.status, await answer.read()) == (413, b"no")
            return answer.headers["Replayer-Outcome"]

    async with (
        stage.raw(serve) as upstream,
        gateway(path, Mode.NEW_EPISODES, Upstream(name="one", url=upstream)) as (_, url),
        aiohttp.ClientSession() as client,
    ):
        assert [await upload(url, "a"), await upload(url, "b")] == ["recorded", "hit"]
        assert asked == 1
    (kept,) = store.read(path).interactions
    assert kept.request.body is None
    assert kept.request.omitted == Omitted(bytes=size, sha256=hashlib.sha256(bytes(size)).hexdigest())
    assert kept.response.end is End.COMPLETE
    async with gateway(path, Mode.NONE) as (_, url), aiohttp.ClientSession() as client:
        assert await upload(url, "c") == "hit"
