"""Faults on one piece of a body."""

from __future__ import annotations

from typing import Any

import pytest

from replayer.faults.chance import FaultState
from replayer.faults.decision import Rewritten, decide
from replayer.faults.grammar import parse
from replayer.faults.plan import Plan, Send, Wait

SSE = (("content-type", "text/event-stream"),)


def rewritten(faults: str, *steps: Any, headers: Any = SSE) -> Rewritten:
    drawn = decide(parse(faults), state=FaultState(), seed="1", session="s", rule="header")
    return drawn.rewrite(Plan(status=200, headers=headers, streamed=True, steps=steps))


def sent(faults: str) -> list[bytes | float]:
    steps = rewritten(faults, Send(b"one"), Wait(1.0), Send(b"two"), Send(b"three")).plan.steps
    return [step.data if isinstance(step, Send) else step.ms for step in steps]


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        ("stall;at=2;ms=70", [b"one", 1.0, 70.0, b"two", b"three"]),
        ("drop;at=1", [1.0, b"two", b"three"]),
        ("duplicate;at=3", [b"one", 1.0, b"two", b"three", b"three"]),
        ("reorder;at=1", [b"two", 1.0, b"one", b"three"]),
        ("reorder;at=2", [b"one", 1.0, b"three", b"two"]),
        ("slice;bytes=2;ms=5", [b"on", 5.0, b"e", 1.0, b"tw", 5.0, b"o", b"th", 5.0, b"re", 5.0, b"e"]),
        ("insert;at=2;what=comment", [b"one", 1.0, b": injected by Replayer-Fault\n\n", b"two", b"three"]),
        ("insert;at=1;what=ping", [b'event: ping\ndata: {"type": "ping"}\n\n', b"one", 1.0, b"two", b"three"]),
    ],
)
def test_a_piece_is_bent(fault: str, steps: list[bytes | float]) -> None:
    assert sent(fault) == steps


def test_a_corrupted_chunk_differs_in_one_byte() -> None:
    _, _, two, _ = sent("corrupt;at=2")
    assert isinstance(two, bytes)
    assert sum(left != right for left, right in zip(b"two", two, strict=True)) == 1


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("drop;at=4", "drop: the answer has 3 chunks"),
        ("reorder;at=3", "reorder: nothing comes after it"),
        ("stall;at=1;ms=1;from=client", "stall: from=client is about connections"),
        ("truncate;chunks=1;from=client", "truncate: from=client is about connections"),
    ],
)
def test_what_is_not_there_cannot_be_bent(fault: str, why: str) -> None:
    result = rewritten(fault, Send(b"one"), Send(b"two"), Send(b"three"))
    assert (result.applied, result.not_applied) == ((), (why,))


def test_nothing_is_inserted_into_what_is_no_stream_of_events() -> None:
    result = rewritten("insert;at=1;what=error", Send(b"{}"), headers=(("content-type", "application/json"),))
    assert result.not_applied == ("insert: the answer is no stream of events",)
