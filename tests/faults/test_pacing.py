from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.model import Chunk, End, Response
from replayer.errors import ConfigError
from replayer.faults.pacing import Pace, plan_of
from replayer.faults.plan import Ending, Send, Wait

RECORDED = Pace(factor=1)
SSE = (("Content-Type", "text/event-stream; charset=utf-8"),)
TIMED = Response(status=200, headers=SSE, body=b"aaabbc", chunks=(Chunk(100, 3), Chunk(110.5, 2), Chunk(110.5, 1)))


def test_recorded_chunks_keep_their_boundaries_and_the_first_wait_comes_before_the_head() -> None:
    plan = plan_of(TIMED, pace=RECORDED)
    assert plan.before == (Wait(100),)
    assert plan.steps == (Send(b"aaa"), Wait(10.5), Send(b"bb"), Send(b"c"))
    assert (plan.streamed, plan.ending) == (True, Ending.COMPLETE)


def test_at_once_nobody_waits_and_a_factor_is_a_part_of_the_time() -> None:
    assert plan_of(TIMED).before == ()
    assert plan_of(TIMED).steps == (Send(b"aaa"), Send(b"bb"), Send(b"c"))
    assert plan_of(TIMED, pace=Pace.parse("0.5")).before == (Wait(50),)


def test_an_sse_body_without_times_is_cut_at_its_events() -> None:
    plan = plan_of(Response(status=200, headers=SSE, body=b"data: 1\r\n\r\nevent: x\ndata: 2\n\ndata: [DONE]"))
    assert plan.steps == (Send(b"data: 1\r\n\r\n"), Send(b"event: x\ndata: 2\n\n"), Send(b"data: [DONE]"))
    assert plan.streamed


def test_a_plain_body_is_one_send_with_its_length() -> None:
    plan = plan_of(Response(status=200, body=b"x" * 9, chunks=(Chunk(3, 9),)), pace=RECORDED)
    assert (plan.steps, plan.streamed, plan.promised, plan.before) == ((Send(b"x" * 9),), False, None, (Wait(3),))


def test_framing_and_hop_by_hop_fields_are_left_out_and_repeated_ones_stay() -> None:
    headers = (
        ("Content-Length", "9"),
        ("Transfer-Encoding", "chunked"),
        ("content-encoding", "gzip"),
        ("Connection", "close, X-Hop"),
        ("x-hop", "1"),
        ("Set-Cookie", "a"),
        ("set-cookie", "b"),
    )
    plan = plan_of(Response(status=200, headers=headers, body=b"x"))
    assert plan.headers == (("Set-Cookie", "a"), ("set-cookie", "b"))


@pytest.mark.parametrize("end", [End.UPSTREAM_LOST, End.LOST, End.CLIENT_LEFT, End.OPEN])
def test_what_was_cut_short_replays_cut_short(end: End) -> None:
    cut = plan_of(Response(status=200, headers=(("content-length", "9"),), body=b"abc", end=end))
    assert (cut.ending, cut.promised, cut.streamed) == (Ending.EOF, 9, False)
    cut = plan_of(Response(status=200, body=b"abc", end=end))
    assert (cut.ending, cut.promised, cut.streamed) == (Ending.EOF, None, True)
    cut = plan_of(Response(status=200, headers=SSE, body=b"data: 1\n\ndata", end=end))
    assert (cut.ending, cut.promised, cut.streamed) == (Ending.EOF, None, True)


def test_head_204_and_304_have_no_body() -> None:
    head = plan_of(Response(status=200, headers=(("content-length", "12"),)), method="HEAD")
    assert (head.steps, head.promised, head.streamed) == ((), 12, False)
    for status in (204, 304):
        plan = plan_of(Response(status=status, headers=SSE, body=b"x", chunks=(Chunk(1, 1),)), pace=RECORDED)
        assert (plan.steps, plan.streamed) == ((), False)
    assert plan_of(Response(status=200)).steps == ()


@pytest.mark.parametrize(("text", "factor"), [("instant", 0), ("recorded", 1), ("0.5", 0.5), ("2", 2)])
def test_a_pace_is_a_word_or_a_factor(text: str, factor: float) -> None:
    assert Pace.parse(text).factor == factor


@pytest.mark.parametrize("text", ["", "fast", "-1", "nan", "inf", "1e9"])
def test_another_pace_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="instant, recorded"):
        Pace.parse(text)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.binary(max_size=5)), max_size=8), st.sampled_from([0.0, 0.5, 1.0]))
def test_every_byte_goes_out_once_and_the_waits_add_up(pieces: list[tuple[float, bytes]], factor: float) -> None:
    pieces.sort(key=lambda piece: piece[0])
    body = b"".join(data for _, data in pieces)
    chunks = tuple(Chunk(at, len(data)) for at, data in pieces)
    plan = plan_of(Response(status=200, body=body, chunks=chunks), pace=Pace(factor=factor))
    steps = (*plan.before, *plan.steps)
    assert b"".join(step.data for step in steps if isinstance(step, Send)) == body
    waited = sum(step.ms for step in steps if isinstance(step, Wait))
    assert waited == pytest.approx((pieces[-1][0] if pieces else 0) * factor, abs=0.01)
