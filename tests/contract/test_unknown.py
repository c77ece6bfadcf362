from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replayer.cassette.model import Request
from replayer.contract.registry import BASE, Detail, load
from replayer.contract.violation import Severity
from tests.contract.examples import everything, schema_names

CONTRACT = load((), Detail.UNKNOWN_FIELDS)
CHAT = "openai/chat-completion-request.json"


def told(value: Any, name: str = CHAT) -> list[tuple[str, str]]:
    found = CONTRACT.against(BASE + name, value, where="m")
    return [(violation.severity.value, violation.pointer) for violation in found]


def test_an_unknown_field_is_information_with_its_place() -> None:
    message = {"model": "m", "messages": [{"role": "user", "content": "x", "mood/~": 1}], "zeal": {"a": 1}}
    assert sorted(told(message)) == [("info", "/messages/0/mood~1~0"), ("info", "/zeal")]


def test_a_free_object_has_no_unknown_fields() -> None:
    assert told({"model": "m", "messages": [{"role": "user", "content": "x"}], "metadata": {"anything": 1}}) == []


def test_a_message_that_is_wrong_is_told_of_by_what_is_wrong() -> None:
    assert told({"model": 3, "messages": [{"role": "user", "content": "x"}], "zeal": 1}) == [("error", "/model")]


def test_live_checks_do_not_tell_of_unknown_fields() -> None:
    assert (
        load(()).against(
            BASE + CHAT, {"model": "m", "messages": [{"role": "user", "content": "x"}], "zeal": 1}, where="m"
        )
        == ()
    )


@pytest.mark.parametrize("name", schema_names())
def test_nothing_that_a_schema_has_is_unknown(name: str) -> None:
    for made in everything(name):
        assert told(made.value, name) == []


def test_a_users_contract_tells_of_them_too(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    path = tmp_path / "own.json"
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/x": {"post": body}}}
    path.write_text(json.dumps(document), encoding="utf-8")
    ask = Request(method="POST", uri="http://localhost/x", body=b'{"id": 1, "name": 2}')
    (violation,) = load([path], Detail.UNKNOWN_FIELDS).request(ask, where="r").violations
    assert (violation.severity, violation.pointer) == (Severity.INFO, "/name")
