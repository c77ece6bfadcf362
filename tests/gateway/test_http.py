"""Delivery: what a plan looks like on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from replayer.cassette.model import Chunk, End, Headers, Response
from replayer.faults.pacing import plan_of
from replayer.gateway.prepared import prepare, whole_head

PIECES = (b"data: one\n\n", b"data: tw", b"o\n\n", b"data: [DONE]\n\n")
CHUNKED = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in PIECES)


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


async def test_a_stream_has_the_recorded_chunks(kit: Any) -> None:
    async with kit.serve(kit.stream(*PIECES)) as running:
        answer = await running.get("/v1/stream")
    assert b"\r\ntransfer-encoding: chunked\r\n" in answer
    assert b"content-length" not in answer.lower()
    assert body_of(answer) == CHUNKED + b"0\r\n\r\n"


async def test_a_large_stream_has_them_too(kit: Any) -> None:
    pieces = tuple(bytes([65 + number]) * 30_000 for number in range(4))
    async with kit.serve(kit.stream(*pieces)) as running:
        answer = await running.get("/v1/stream")
    assert body_of(answer) == b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


async def test_an_old_client_gets_a_stream_without_chunks(kit: Any) -> None:
    async with kit.serve(kit.stream(*PIECES)) as running:
        answer = await running.raw(b"GET /v1/stream HTTP/1.0\r\nHost: h\r\n\r\n")
    assert b"transfer-encoding" not in answer.lower()
    assert body_of(answer) == b"".join(PIECES)


async def test_a_stream_that_was_cut_while_recorded_is_cut_again(kit: Any) -> None:
    async with kit.serve(kit.stream(*PIECES[:2], end=End.UPSTREAM_LOST)) as running:
        answer = await running.get("/v1/stream")
    assert body_of(answer) == b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in PIECES[:2])


async def test_a_clean_cut_ends_as_a_stream_does(kit: Any) -> None:
    async with kit.serve(kit.stream(*PIECES)) as running:
        answer = await running.get("/v1/stream", "Replayer-Fault: truncate;chunks=1")
    assert b"\r\nreplayer-faults: truncate\r\n" in answer
    assert body_of(answer) == b"b\r\n" + PIECES[0] + b"\r\n0\r\n\r\n"


async def test_an_abrupt_cut_has_no_end(kit: Any) -> None:
    async with kit.serve(kit.stream(*PIECES)) as running:
        answer = await running.get("/v1/stream", "Replayer-Fault: truncate;chunks=1;end=abrupt")
    assert body_of(answer) == b"b\r\n" + PIECES[0] + b"\r\n"


async def test_a_reset_resets(kit: Any) -> None:
    async with kit.serve(kit.interaction()) as running:
        with pytest.raises(ConnectionResetError):
            await running.get("/v1/models", "Replayer-Fault: reset")
        assert running.journal()[-1].faults == ("reset",)


async def test_a_whole_answer_has_its_length(kit: Any) -> None:
    async with kit.serve(kit.interaction(answer=b"12345")) as running:
        answer = await running.get("/v1/models")
    assert b"\r\ncontent-length: 5\r\n" in answer
    assert b"transfer-encoding" not in answer


async def test_a_head_request_has_no_body_and_keeps_its_length(kit: Any) -> None:
    recorded = kit.interaction(method="HEAD", headers=(("content-length", "1234"),), answer=b"")
    async with kit.serve(recorded) as running:
        answer = await running.raw(b"HEAD /v1/models HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert b"\r\ncontent-length: 1234\r\n" in answer
    assert body_of(answer) == b""


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_neither_body_nor_length(kit: Any, status: int) -> None:
    async with kit.serve(kit.interaction(status=status, answer=b"")) as running:
        answer = await running.get("/v1/models")
    assert b"content-length" not in answer
    assert body_of(answer) == b""


async def test_repeated_fields_stay_repeated(kit: Any) -> None:
    recorded = kit.interaction(headers=(("set-cookie", "a=1"), ("set-cookie", "b=2")))
    async with kit.serve(recorded) as running:
        answer = await running.get("/v1/models")
    assert b"set-cookie: a=1\r\nset-cookie: b=2\r\n" in answer


async def test_a_field_that_would_break_the_head_is_left_out(kit: Any) -> None:
    recorded = kit.interaction(headers=(("x-a", "1\r\nx-injected: yes"), ("x b", "2"), ("x-c", "3")))
    async with kit.serve(recorded) as running:
        answer = await running.get("/v1/models")
    assert b"injected" not in answer
    assert b"x b" not in answer
    assert b"\r\nx-c: 3\r\n" in answer


async def test_an_untimed_stream_is_cut_after_its_events(kit: Any) -> None:
    recorded = kit.interaction(headers=(("content-type", "text/event-stream"),), answer=b"data: 1\n\ndata: 2\n\n")
    async with kit.serve(recorded) as running:
        answer = await running.get("/v1/models")
    assert body_of(answer) == b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"


async def test_chunks_of_a_body_that_somebody_edited_do_not_lose_it(kit: Any) -> None:
    recorded = kit.interaction(answer=b"123456", chunks=(Chunk(0.0, 2), Chunk(1.0, 2)))
    async with kit.serve(recorded) as running:
        answer = await running.get("/v1/models")
    assert body_of(answer) == b"2\r\n12\r\n2\r\n34\r\n2\r\n56\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, (("content-type", "application/json"),)),
        (422, (("content-type", "text/plain"), ("Connection", "x-hop, close"), ("X-Hop", "1"), ("X-Kept", "2"))),
        (599, ()),
    ],
)
def test_a_live_answer_has_the_head_that_its_plan_would_have(status: int, headers: Headers) -> None:
    plan = plan_of(Response(status=status, headers=headers, body=b"{}"))
    assert whole_head(status, "", headers) == prepare(plan).head


@pytest.mark.parametrize(
    ("status", "kind"), [(204, "application/json"), (304, "text/plain"), (200, "text/event-stream")]
)
def test_what_has_no_body_or_goes_out_step_by_step_needs_its_plan(status: int, kind: str) -> None:
    assert whole_head(status, "", (("content-type", kind),)) is None
