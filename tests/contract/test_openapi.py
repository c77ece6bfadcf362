from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.contract.documents import place
from replayer.contract.openapi import Operation, _pattern, read_openapi
from replayer.contract.schema import Engine
from replayer.errors import ContractError


def never(uri: str) -> Engine:
    raise AssertionError(f"{uri} was compiled while reading")


def read(document: dict[str, Any]) -> list[Operation]:
    document = {"openapi": "3.2.0", "info": {"title": "t", "version": "1"}, **document}
    return read_openapi(place("urn:d", {"urn:d": document}.__getitem__), never)


def near(
    servers: list[str], host: str, path: str, *, service: str | None = None, template: str = "/a/{b}"
) -> int | None:
    described = {"servers": [{"url": url} for url in servers]} if servers else {}
    (operation,) = read({**described, "paths": {template: {"get": {}}}})
    return operation.nearness(host, path, service)


@pytest.mark.parametrize(
    ("servers", "host", "path", "fits"),
    [
        ([], "x.example", "/a/1", True),
        ([], "x.example", "/v1/a/1", False),
        ([], "x.example", "/a/1/2", False),
        ([], "x.example", "/a/", False),
        (["/v1/"], "x.example", "/v1/a/1", True),
        (["https://x.example/v1"], "x.example", "/v1/a/1", True),
        (["https://x.example/v1"], "y.example", "/v1/a/1", False),
        (["https://x.example/v1"], "127.0.0.1", "/v1/a/1", True),
        (["https://{region}.x.example/{v}"], "eu.x.example", "/v2/a/1", True),
        (["{base}"], "y.example", "/deep/er/a/1", True),
        (["{base}"], "y.example", "/deep/a", False),
    ],
)
def test_a_server_says_where_the_paths_apply(servers: list[str], host: str, path: str, fits: bool) -> None:
    assert (near(servers, host, path) is not None) is fits


def test_the_closer_server_wins() -> None:
    exact = near(["https://x.example", "{base}"], "x.example", "/a/1")
    anywhere = near(["{base}"], "x.example", "/a/1")
    assert exact is not None
    assert anywhere is not None
    assert exact < anywhere


def test_a_path_template_may_name_a_part_of_a_segment() -> None:
    assert near([], "h", "/models/gemini:generate", template="/models/{m}:generate") is not None
    assert near([], "h", "/models/gemini:count", template="/models/{m}:generate") is None


def test_servers_of_a_path_replace_those_of_the_document() -> None:
    paths = {"/a": {"servers": [{"url": "/own"}], "get": {}}}
    (operation,) = read({"servers": [{"url": "/all"}], "paths": paths})
    assert operation.nearness("h", "/own/a", None) is not None
    assert operation.nearness("h", "/all/a", None) is None


def test_a_document_of_a_service_binds_only_to_that_service() -> None:
    info = {"title": "t", "version": "1", "x-service": "casola"}
    (operation,) = read({"info": info, "paths": {"/jobs": {"post": {}}}})
    assert operation.nearness("h", "/jobs", None) is None
    assert operation.nearness("h", "/jobs", "other") is None
    assert operation.nearness("h", "/base/jobs", "casola") == 0


def test_answers_are_found_by_status_then_class_then_default() -> None:
    answers: dict[str, Any] = {status: {"content": {f"x/{status.lower()}": {}}} for status in ("200", "4XX", "default")}
    (operation,) = read({"paths": {"/a": {"get": {"responses": answers}}}})
    found = [next(iter(operation.response(status) or {})) for status in (200, 404, 500)]
    assert found == ["x/200", "x/4xx", "x/default"]


def test_a_status_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(ContractError, match=r"urn:d: /paths/~1a/get/responses/ok: 'ok' is no status"):
        read({"paths": {"/a": {"get": {"responses": {"ok": {}}}}}})


def test_references_between_parts_are_followed() -> None:
    document = {
        "paths": {"/a": {"$ref": "#/components/pathItems/A"}},
        "components": {"pathItems": {"A": {"get": {}}}},
    }
    (operation,) = read(document)
    assert operation.uri == "urn:d#/components/pathItems/A/get"


@given(st.lists(st.sampled_from(["a", "-", "ab", "", "/", "{v}"]), max_size=7), st.text("ab-/", max_size=9))
def test_a_template_fits_what_a_pattern_that_tries_all_ways_fits(pieces: list[str], path: str) -> None:
    template = "/" + "".join(pieces)
    every_way = "[^/]+".join(re.escape(literal) for literal in template.split("{v}"))
    assert bool(re.fullmatch(_pattern(template), f"/{path}")) == bool(re.fullmatch(every_way, f"/{path}"))
