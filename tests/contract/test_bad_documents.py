"""Contracts that are wrong, endless, or made to hurt: each is refused with its file and place, or bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replayer.cassette.model import Request
from replayer.contract.registry import bundled, load
from replayer.contract.validate import Contract
from replayer.errors import ContractError


def document(schema: Any, **components: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    paths = {"/x": {"post": {"requestBody": {"content": content}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": components},
    }


def loaded(folder: Path, contents: Any) -> Contract:
    path = folder / "own.json"
    path.write_text(json.dumps(contents), encoding="utf-8")
    return load([path])


def refusal(folder: Path, contents: Any) -> str:
    with pytest.raises(ContractError) as caught:
        loaded(folder, contents)
    return str(caught.value)


def ask(body: bytes, uri: str = "http://localhost/x") -> Request:
    return Request(method="POST", uri=uri, headers=(("content-type", "application/json"),), body=body)


A, B = {"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}


@pytest.mark.parametrize(
    "components",
    [
        {"A": A},
        {"A": B, "B": A},
        {"A": {"allOf": [B]}, "B": {"anyOf": [{"type": "string"}, A]}},
        {"A": {"if": {"type": "object"}, "then": {"not": A}}},
        {"A": {"type": "object", "properties": {"b": B}}, "B": {"oneOf": [B]}},
        {"A": {"items": {"allOf": [B]}}, "B": {"else": {"$ref": "own.json#/components/schemas/B"}}},
    ],
)
def test_a_schema_that_leads_back_to_itself_is_refused_with_file_and_place(tmp_path: Path, components: Any) -> None:
    message = refusal(tmp_path, document(A, **components))
    assert "own.json: /components/schemas/" in message
    assert "leads back to itself" in message


def test_a_schema_of_a_tree_may_refer_to_itself(tmp_path: Path) -> None:
    tree = {"type": "object", "required": ["name"], "properties": {"below": {"type": "array", "items": A}}}
    contract = loaded(tmp_path, document(A, A=tree))
    (violation,) = contract.request(ask(b'{"name": 1, "below": [{"name": 1, "below": [{}]}]}'), where="r").violations
    assert violation.pointer == "/below/0/below/0"


def test_a_schema_used_twice_for_one_value_is_no_loop(tmp_path: Path) -> None:
    contract = loaded(tmp_path, document({"allOf": [A, {"anyOf": [A, B]}]}, A={"type": "string"}, B=A))
    assert contract.request(ask(b'"x"'), where="r").violations == ()


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*\\1$", "^(?=(a+)+$)(a+)+b", "(.*a){40}$"])
def test_a_pattern_made_to_hang_is_bounded(tmp_path: Path, pattern: str) -> None:
    contract = loaded(tmp_path, document({"type": "string", "pattern": pattern}))
    body = b'"' + b"a" * 5_000 + b'!"'
    (violation,) = contract.request(ask(body), where="r").violations
    assert violation.expected.startswith("a text that matches")
    assert len(str(violation)) < 1_000


def test_a_pattern_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, document({"pattern": "((a{1,1000}){1,1000}){1,1000}"}))
    assert "own.json: /paths/~1x/post/requestBody/content/application~1json/schema" in message


def test_a_document_of_a_hundred_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    with path.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    with pytest.raises(ContractError, match=r"own\.json: larger than 64 MiB"):
        load([path])


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_document_nested_ten_thousand_deep_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"own.{suffix}"
    path.write_text('{"not":' * 10_000 + "{}" + "}" * 10_000, encoding="utf-8")
    with pytest.raises(ContractError, match=rf"own\.{suffix}: "):
        load([path])


DEEP = b'{"model":"m","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


@pytest.mark.parametrize(
    "body",
    [DEEP, b'{"model": NaN}', b'{"model": "\xed\xa0\x80"}', b'{"model": "\\ud800"}', b'{"model": 1e999}', b"\xff"],
)
def test_what_no_engine_can_take_is_a_violation_and_no_exception(body: bytes) -> None:
    checked = bundled().request(ask(body, "https://api.openai.com/v1/chat/completions"), where="r")
    assert checked.requests == 1
    assert checked.violations
