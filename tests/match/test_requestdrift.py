from __future__ import annotations

import json
from typing import Any

import pytest

from replayer.cassette.model import Request
from replayer.match.requestdrift import header_drift, header_meaning, request_drift
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


BETA = ("anthropic-beta", "tools-1, files-2")


@pytest.mark.parametrize(
    ("recorded", "asked", "pointers"),
    [
        ([("anthropic-version", "2023-06-01")], [("Anthropic-Version", "2024-01-01")], ["/anthropic-version"]),
        ([BETA], [("anthropic-beta", "tools-1")], ["/anthropic-beta"]),
        ([BETA], [], ["/anthropic-beta"]),
        ([], [("OpenAI-Beta", "assistants=v2")], ["/openai-beta"]),
        ([("x-github-api-version", "1")], [("x-github-api-version", "2")], ["/x-github-api-version"]),
        ([("openai-organization", "org-a")], [("openai-organization", "org-b")], ["/openai-organization"]),
        ([("content-type", "application/json")], [("content-type", "text/plain")], ["/content-type"]),
    ],
)
def test_a_header_that_says_what_is_spoken_is_told(
    recorded: list[tuple[str, str]], asked: list[tuple[str, str]], pointers: list[str]
) -> None:
    found = header_drift(header_meaning(tuple(recorded)), tuple(asked))
    assert [(part, change.pointer) for part, change in found] == [("headers", name) for name in pointers]


@pytest.mark.parametrize(
    ("recorded", "asked"),
    [
        ([BETA], [("anthropic-beta", "files-2"), ("Anthropic-Beta", "tools-1")]),
        ([("content-type", "application/json")], [("Content-Type", "Application/JSON; charset=utf-8")]),
        ([("content-type", "multipart/form-data; boundary=a")], [("content-type", "multipart/form-data; boundary=b")]),
        ([], [("openai-organization", "org-a"), ("content-type", "application/json")]),
        ([("openai-organization", "[REDACTED]")], [("openai-organization", "org-a")]),
        ([("x-stainless-package-version", "1"), ("user-agent", "a")], [("x-stainless-package-version", "2")]),
        ([("idempotency-key", "a")], [("idempotency-key", "b"), ("accept", "*/*"), ("sec-websocket-version", "13")]),
    ],
)
def test_a_header_of_the_clients_own_making_is_not(
    recorded: list[tuple[str, str]], asked: list[tuple[str, str]]
) -> None:
    assert header_drift(header_meaning(tuple(recorded)), tuple(asked)) == []
