"""A live stream is judged event by event, while it passes."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path

import aiohttp
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.model import Cassette
from replayer.clock import SystemClock
from replayer.config import Config
from replayer.contract.violation import Violation
from replayer.gateway.hearing import Hearing
from replayer.inputs import Loaded
from replayer.record.upstreams import Upstream
from replayer.service import Options, build
from replayer.source import Mode, Source

CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
WRONG = {**CHUNK, "choices": "none"}


def broken(event: bytes, number: int) -> tuple[Violation, ...]:
    wrong = Violation(where=f"event {number}", pointer="", expected="good", actual="bad", schema="s")
    return (wrong,) if b"bad" in event else ()


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=8))
def test_events_are_numbered_alike_however_the_stream_is_cut(cuts: list[int]) -> None:
    body = b"data: good\n\ndata: bad\n\ndata: good\n\ndata: bad\n\n"
    found: list[str] = []
    hearing = Hearing(broken, lambda violations: found.extend(one.where for one in violations))
    edges = [0, *sorted(cuts), len(body)]
    for start, end in pairwise(edges):
        hearing.hear(body[start:end])
    assert found == ["event 1", "event 3"]


def test_an_event_that_was_cut_off_is_not_judged() -> None:
    found: list[Violation] = []
    Hearing(broken, found.extend).hear(b"data: bad")
    assert not found


async def test_what_an_event_breaks_stands_in_the_journal_while_the_stream_goes_on(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        for event in (CHUNK, WRONG):
            await answer.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await may_end.wait()
        await answer.write(b"data: [DONE]\n\n")
        return answer

    application = web.Application()
    application.router.add_post("/v1/chat/completions", stream)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream = Upstream(name="openai", url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    loaded = Loaded(config=Config(), folder=tmp_path, cassettes=(("a.yaml", Cassette()),))
    options = Options(port=0, seed=1, source=Source(mode=Mode.SPY, upstreams=(upstream,)))
    service = build(loaded, options, clock=SystemClock(), environment={})
    address, *_ = await service.start()
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{address.url}/v1/chat/completions", json=asked) as answer,
        ):
            while b"none" not in await answer.content.readline():
                pass
            (entry,) = service.run.entries()
            assert entry.duration_ms is None
            assert [violation["where"] for violation in entry.violations] == ["response event 1"]
            may_end.set()
            await answer.read()
        assert [violation["pointer"] for violation in entry.violations] == ["/choices"]
    finally:
        may_end.set()
        await service.stop()
        await runner.cleanup()
