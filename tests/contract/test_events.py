from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from replayer.contract.documents import place
from replayer.contract.events import Events, read_events
from replayer.contract.violation import Severity


def kind(schema: dict[str, Any], **event: str) -> dict[str, Any]:
    data = {"contentMediaType": "application/json", "contentSchema": schema}
    named = {name: {"const": value} for name, value in event.items()}
    return {"properties": {"data": data, **named}}


def read(*kinds: dict[str, Any]) -> Events:
    document = {"oneOf": list(kinds)} if len(kinds) > 1 else kinds[0]
    fetch = {"urn:d": document}.__getitem__
    return read_events(
        place("urn:d", fetch), lambda uri: jsonschema_rs.Draft202012Validator({"$ref": uri}, retriever=fetch)
    )


def typed(name: str) -> dict[str, Any]:
    return kind({"type": "object", "required": ["n"], "properties": {"type": {"const": name}}})


def sent(data: Any, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def test_one_kind_is_every_event() -> None:
    events = read(kind({"required": ["a"]}))
    assert events.check(sent({"a": 1}), "w") == ()
    assert len(events.check(sent({}), "w") or ()) == 1


def test_kinds_are_told_apart_by_the_events_name() -> None:
    events = read(kind({"required": ["a"]}, event="x"), kind({"required": ["b"]}, event="y"))
    assert events.check(sent({"b": 1}, "y"), "w") == ()
    (violation,) = events.check(sent({"b": 1}, "x"), "w") or ()
    assert violation.expected == 'a property "a"'


def test_kinds_are_told_apart_by_the_type_in_their_json() -> None:
    events = read(typed("start"), typed("stop"))
    assert events.check(sent({"type": "stop", "n": 1}), "w") == ()
    assert len(events.check(sent({"type": "stop"}), "w") or ()) == 1


def test_an_event_of_a_new_kind_is_a_warning_that_names_the_known_ones() -> None:
    (violation,) = read(typed("start"), typed("stop")).check(sent({"type": "stopp"}), "w") or ()
    assert violation.severity is Severity.WARNING
    assert violation.expected == "an event of a known kind (start, stop); did you mean 'stop'?"


@pytest.mark.parametrize("data", [{"n": 1}, {"type": 3}, ["start"], "text", None])
def test_an_event_of_no_kind_at_all_is_an_error(data: object) -> None:
    (violation,) = read(typed("start"), typed("stop")).check(sent(json.dumps(data)), "w") or ()
    assert violation.severity is Severity.ERROR


def test_a_kind_may_be_a_literal_and_another_be_known_by_a_key() -> None:
    error = {**kind({"properties": {"error": {"type": "string"}}}), "x-when-key": "error"}
    events = read(kind({"required": ["a"]}), error, {"properties": {"data": {"const": "[DONE]"}}})
    assert events.check(sent("[DONE]"), "w") == ()
    assert events.check(sent({"error": "e"}), "w") == ()
    assert [v.pointer for v in events.check(sent({"error": 3}), "w") or ()] == ["/error"]


@pytest.mark.parametrize("event", [b": comment\n\n", b"id: 3\n\n", b"\n\n", b"data: [REDACTED]\n\n"])
def test_what_carries_no_data_is_not_judged(event: bytes) -> None:
    assert read(kind({})).check(event, "w") is None


def test_data_that_is_no_json_is_a_violation() -> None:
    (violation,) = read(kind({})).check(b"data: {\n\n", "w") or ()
    assert violation.schema == "replayer:json"
