from __future__ import annotations

from typing import Any

import pytest

from replayer.contract.documents import place
from replayer.contract.order import Order, read_order
from replayer.contract.violation import Violation
from replayer.errors import ContractError

RULES = {
    "first": ["start"],
    "last": ["stop"],
    "abort": ["error"],
    "anytime": ["ping"],
    "rising": "n",
    "spans": [{"opened": "open", "holds": ["add"], "closed": "close", "by": ["index"]}],
}
GOOD = ["ping", "start", "open 0", "add 0", "close 0", "open 1", "add 1", "open 2", "add 2", "close 1", "stop", "ping"]


def order(rules: Any) -> Order:
    found = read_order(place("file:///a.json", lambda uri: {"x-order": rules}))
    assert found is not None
    return found


def told(events: list[str], rules: Any = RULES) -> list[str]:
    """What is wrong with a stream of `<kind> <index>` events."""
    ordering = order(rules).begin()
    wrong: list[Violation] = []
    for number, event in enumerate(events):
        kind, _, index = event.partition(" ")
        wrong += ordering.take(kind, {"index": int(index or 0), "n": number}, f"event {number}")
    wrong += ordering.end("stream")
    return [f"{violation.where}: {violation.expected}, not {violation.actual}" for violation in wrong]


def test_a_stream_in_order_is_good() -> None:
    assert told(GOOD) == []


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        (["open 0", "stop"], ["event 0: start first, not open"]),
        (["start", "start", "stop"], ["event 1: start once, as the first, not another one"]),
        (
            ["start", "stop", "add 0"],
            ["event 2: nothing after stop, not add", "event 2: open of index 0 before it, not add"],
        ),
        (["start", "add 0", "stop"], ["event 1: open of index 0 before it, not add"]),
        (["start", "open 0", "add 1", "stop"], ["event 2: open of index 1 before it, not add"]),
        (["start", "open 0", "open 0", "stop"], ["event 2: close before another open of index 0, not open"]),
        (["start", "open 0", "close 0", "add 0", "stop"], ["event 3: open of index 0 before it, not add"]),
        (["start"], ["stream: stop as the last event, not the end of the stream"]),
        (["start", "error"], []),
        (["error"], []),
        (["start", "what", "stop"], []),
        ([], []),
    ],
)
def test_what_is_out_of_order_is_told_with_its_place(events: list[str], wrong: list[str]) -> None:
    assert told(events) == wrong


def test_a_number_that_does_not_rise_is_told_with_its_pointer() -> None:
    ordering = order(RULES).begin()
    assert ordering.take("start", {"n": 3}, "e") == ()
    (violation,) = ordering.take("stop", {"n": 3}, "e")
    assert (violation.pointer, violation.expected, violation.actual) == ("/n", "a n above 3", "3")
    assert violation.schema == "file:///a.json/x-order"


def test_a_stream_may_be_allowed_to_end_without_its_last_event() -> None:
    assert told(["add"], {"last": ["stop"], "mayEndEarly": True}) == []
    assert len(told(["stop", "add"], {"last": ["stop"], "mayEndEarly": True})) == 1


@pytest.mark.parametrize("rules", [[], {"firts": []}, {"spans": [{}]}, {"spans": ["a"]}])
def test_wrong_rules_are_refused_with_their_place(rules: Any) -> None:
    with pytest.raises(ContractError, match=r"/a\.json: /x-order: "):
        order(rules)
