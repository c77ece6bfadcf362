from __future__ import annotations

import json
from typing import Any

import pytest

from replayer.cassette.model import Request
from replayer.match.requestdrift import request_drift
from replayer.match.rules import Rules

RECORDED = {
    "model": "m-1",
    "n": 1,
    "id": "0f6a6a6d1c118b1c",
    "at": 1763640000,
    "text": "hello there",
    "tools": ["a", "b"],
}
LOOSE = Rules.of(ignore=["$.model", "$.n", "$.id", "$.at", "$.text", "$.tools", "$.user", "$.key"])


def asked(body: Any, query: str = "") -> Request:
    headers = (("content-type", "application/json"),)
    return Request(method="POST", uri=f"https://a.example/x{query}", headers=headers, body=json.dumps(body).encode())


def found(changed: dict[str, Any], rules: Rules = LOOSE) -> list[tuple[str, str]]:
    body = {name: value for name, value in {**RECORDED, **changed}.items() if value is not ...}
    return [(part, change.pointer) for part, change in request_drift(asked(RECORDED), asked(body), rules)]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"model": "m-2"}, "/model"),
        ({"n": 2}, "/n"),
        ({"user": "u"}, "/user"),
        ({"text": ...}, "/text"),
        ({"tools": ["a"]}, "/tools/1"),
        ({"tools": "a"}, "/tools"),
    ],
)
def test_what_changes_what_is_asked_is_told_although_it_matches(changed: dict[str, Any], pointer: str) -> None:
    assert found(changed) == [("body", pointer)]


@pytest.mark.parametrize(
    "changed", [{}, {"id": "aaaaaaaaaaaaaaaa"}, {"at": 1763649999}, {"text": "good morning"}], ids=str
)
def test_what_differs_from_run_to_run_is_not(changed: dict[str, Any]) -> None:
    assert found(changed) == []


def test_without_loose_rules_nothing_is_compared() -> None:
    assert found({"model": "m-2"}, Rules()) == []


def test_a_parameter_in_the_query_is_one_too() -> None:
    rules = Rules.of(ignore_query=["beta"])
    changes = request_drift(asked(RECORDED), asked(RECORDED, "?beta=true"), rules)
    assert [(part, change.pointer) for part, change in changes] == [("query", "/beta")]
