"""A live answer is judged while it passes: however it is cut, and without holding up what need not wait."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.model import Cassette, Request, Response
from replayer.clock import SystemClock
from replayer.config import Config
from replayer.contract.registry import bundled
from replayer.contract.violation import Violation
from replayer.gateway.hearing import LONGEST, Answer, Events
from replayer.gateway.inflating import Inflating
from replayer.inputs import Loaded
from replayer.record.upstreams import Upstream
from replayer.service import Options, build
from replayer.source import Mode, Source

CONTRACT = bundled()
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
WRONG = {**CHUNK, "choices": "none"}
ASKED = Request(method="POST", uri="https://api.openai.com/v1/chat/completions")
SSE = (("content-type", "text/event-stream"),)

PIECES = st.lists(
    st.sampled_from(
        [
            b"data: " + json.dumps(CHUNK).encode(),
            b"data: " + json.dumps(WRONG).encode(),
            b"data: [DONE]",
            b": ping",
            b"event: x\r\ndata: {",
            b"",
        ]
    ),
    max_size=5,
)
ENDS = st.lists(st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\n\n", b"\r\n\r\n\n"]), min_size=5, max_size=5)


def fault(event: bytes) -> tuple[Violation, ...]:
    return (Violation(where="e", pointer="", expected="good", actual="bad", schema="s"),) if b"bad" in event else ()


def stream(
    *,
    hold: bool = False,
    judge: Callable[[bytes], tuple[Violation, ...]] = fault,
    undo: Callable[[bytes], bytes] | None = None,
) -> Events:
    return Events(judge, tuple, bool, hold=hold, undo=undo)


@given(PIECES, ENDS, st.lists(st.integers(min_value=0, max_value=600), max_size=9), st.booleans())
def test_a_stream_is_judged_alike_however_it_is_cut(
    pieces: list[bytes], ends: list[bytes], cuts: list[int], torn: bool
) -> None:
    body = b"".join(piece + end for piece, end in zip(pieces, ends, strict=False))
    body = body[:-3] if torn else body
    found: list[Violation] = []

    def weigh(violations: tuple[Violation, ...]) -> bool:
        found.extend(violations)
        return False

    passing = CONTRACT.stream(ASKED, 200, where="r")
    assert passing is not None
    hearing = Events(passing.hear, passing.end, weigh, hold=True)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    passed = b"".join(hearing.hear(body[start:end]) for start, end in pairwise(edges)) + hearing.end()
    whole = CONTRACT.response(ASKED, Response(status=200, headers=SSE, body=body), where="r")
    assert tuple(found) == whole.violations
    assert passing.count == whole.events
    assert passed == body


@given(st.lists(st.integers(min_value=0, max_value=60), max_size=9))
def test_what_must_not_pass_does_not_and_what_came_before_does(cuts: list[int]) -> None:
    body = b"data: good\n\n: ping\n\ndata: bad\n\ndata: good\n\n"
    hearing = stream(hold=True)
    passed = b""
    for start, end in pairwise([0, *sorted(cuts), len(body)]):
        passed += hearing.hear(body[start:end])
        if hearing.refused:
            break
    assert hearing.refused == fault(b"bad")
    assert passed + hearing.end() == b"data: good\n\n: ping\n\n"


@given(st.lists(st.integers(min_value=0, max_value=90), max_size=9), st.booleans())
def test_a_compressed_stream_is_judged_while_it_passes(cuts: list[int], good: bool) -> None:
    said = b"data: good\n\ndata: " + (b"fine" if good else b"bad") + b"\n\n: ping\n\n"
    body = gzip.compress(said[:20]) + gzip.compress(said[20:])
    hearing = stream(hold=True, undo=Inflating(most=LONGEST).feed)
    passed = b""
    for start, end in pairwise([0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]):
        passed += hearing.hear(body[start:end])
        if hearing.refused:
            break
    passed += hearing.end()
    assert hearing.refused == (() if good else fault(b"bad"))
    assert (passed == body) is good
    assert hearing.unchecked == ""


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"data: bad\n\n" + b" " * (LONGEST + 1))])
def test_a_compressed_stream_that_cannot_be_undone_passes_and_is_said_to_be_unchecked(body: bytes) -> None:
    hearing = stream(hold=True, undo=Inflating(most=LONGEST).feed)
    assert hearing.hear(body) + hearing.end() == body
    assert "could not be undone" in hearing.unchecked


def test_an_event_that_was_cut_off_is_not_judged() -> None:
    asked: list[bytes] = []

    def judge(event: bytes) -> tuple[Violation, ...]:
        asked.append(event)
        return ()

    hearing = stream(judge=judge, hold=True)
    assert hearing.hear(b"data: good\n\ndata: bad") == b"data: good\n\n"
    assert hearing.rest() == b"data: bad"
    assert asked == [b"data: good\n\n"]


def test_nothing_is_held_up_where_nothing_is_refused() -> None:
    hearing = stream()
    assert hearing.hear(b"data: b") == b"data: b"
    answer = Answer(fault, lambda _: False, hold=False)
    assert (answer.hear(b"ba"), answer.hear(b"d"), answer.end()) == (b"ba", b"d", b"")


def test_an_answer_is_held_until_it_is_judged_where_it_may_be_refused() -> None:
    answer = Answer(fault, bool, hold=True)
    assert (answer.hear(b"goo"), answer.hear(b"d"), answer.end(), answer.refused) == (b"", b"", b"good", ())
    answer = Answer(fault, bool, hold=True)
    assert (answer.hear(b"bad"), answer.end(), answer.refused) == (b"", b"", fault(b"bad"))


def test_what_is_too_long_passes_and_is_said_to_be_unchecked() -> None:
    for hearing in (stream(hold=True), Answer(fault, bool, hold=True)):
        piece = b"data: bad" + b" " * (LONGEST // 2)
        passed = b"".join(hearing.hear(piece) for _ in range(4)) + hearing.end()
        assert passed == piece * 4
        assert hearing.refused == ()
        assert "more than 4 MiB" in hearing.unchecked


async def test_what_an_event_breaks_stands_in_the_journal_while_the_stream_goes_on(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def events(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        for event in (CHUNK, WRONG):
            await answer.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await may_end.wait()
        await answer.write(b"data: [DONE]\n\n")
        return answer

    application = web.Application()
    application.router.add_post("/v1/chat/completions", events)
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
