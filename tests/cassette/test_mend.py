"""Irregular entries of real cassettes become regular, and say so only where something was lost or guessed."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from base64 import b64encode
from typing import Any

import pytest

from replayer.cassette.codec import decode
from replayer.cassette.model import Cassette, Interaction

PLAIN: dict[str, Any] = {
    "request": {"method": "GET", "uri": "http://a/b", "body": None, "headers": {}},
    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}},
}


def load(text: str) -> Cassette:
    return decode(text.encode(), name="x.yaml")


def one(request: dict[str, Any] | None = None, response: dict[str, Any] | None = None) -> Interaction:
    """The interaction of a plain entry with these changes; nothing in it may be worth a word."""
    asked = {k: v for k, v in {**PLAIN["request"], **(request or {})}.items() if v != "absent"}
    answered = {k: v for k, v in {**PLAIN["response"], **(response or {})}.items() if v != "absent"}
    cassette = decode(json.dumps({"interactions": [{"request": asked, "response": answered}]}).encode(), name="x.json")
    assert cassette.problems == ()
    return cassette.interactions[0]


@pytest.mark.parametrize("version", ["version: 1\n", "version: '1'\n", ""])
def test_the_version_may_be_a_string_or_missing(version: str) -> None:
    assert load(version + "interactions: []").interactions == ()


def test_a_parsed_body_is_the_json_with_pythons_separators() -> None:
    body = {"a": [1, {"b": "é"}]}
    wire = json.dumps(body).encode()
    assert one(request={"body": "absent", "parsed_body": body}).request.body == wire
    assert one(response={"body": "absent", "parsed_body": body}).response.body == wire


def test_a_body_that_is_a_mapping_is_its_json() -> None:
    assert one(request={"body": {"a": 1}}).request.body == b'{"a": 1}'


def test_a_null_body_of_a_response_is_empty() -> None:
    assert one(response={"body": None}).response.body == b""
    assert one(response={"body": {"string": None}}).response.body == b""


@pytest.mark.parametrize(
    "headers",
    [
        {"A": ["1", "2"], "b": "3"},
        [["A", "1"], ["A", "2"], ["b", "3"]],
        ["A: 1\r\n", "A: 2\r\n", "b: 3\r\n"],
        {"A": [1, 2], "b": 3},
    ],
)
def test_headers_may_be_lists_strings_pairs_or_lines(headers: Any) -> None:
    expected = (("A", "1"), ("A", "2"), ("b", "3"))
    assert one(request={"headers": headers}).request.headers == expected
    assert one(response={"headers": headers}).response.headers == expected


def test_headers_may_be_bytes_or_missing() -> None:
    cassette = load(
        "interactions:\n- request: {method: GET, uri: 'http://a', headers: {a: !!binary /w==, b: [!!binary eA==]}}\n"
        "  response: {status: {code: 200, message: null}, body: {string: x}}"
    )
    assert cassette.problems == ()
    assert cassette.interactions[0].request.headers == (("a", "ÿ"), ("b", "x"))
    assert cassette.interactions[0].response.headers == ()


def test_names_that_differ_only_by_case_stay_apart() -> None:
    assert one(request={"headers": {"A": ["1"], "a": ["2"]}}).request.headers == (("A", "1"), ("a", "2"))


def test_a_header_value_that_yaml_may_have_changed_is_reported() -> None:
    cassette = load(
        "interactions:\n- request: {method: GET, uri: 'http://a', body: null, headers: {x-version: 1.10}}\n"
        "  response: {status: {code: 200, message: OK}, headers: {}, body: {string: x}}"
    )
    assert "'x-version' is not text" in cassette.problems[0].message


def test_methods_are_upper_case() -> None:
    assert one(request={"method": "post"}).request.method == "POST"


def test_the_old_layout_for_httpx() -> None:
    response = {"status": "absent", "body": "absent", "content": "é", "http_version": "HTTP/1.1", "status_code": 201}
    mended = one(response=response).response
    assert (mended.status, mended.body, mended.extra) == (201, "é".encode(), {"http_version": "HTTP/1.1"})


def test_the_list_of_before_1_0() -> None:
    parts = {"protocol": "https", "host": "a.example", "port": 8443, "path": "/ip?x=1"}
    entry = {"request": {**parts, "method": "GET", "body": None, "headers": {"a": "b"}}, "response": PLAIN["response"]}
    (interaction,) = decode(json.dumps([entry]).encode(), name="x.json").interactions
    assert interaction.request.uri == "https://a.example:8443/ip?x=1"


def test_a_base64_body_of_an_older_vcrpy() -> None:
    assert one(response={"body": {"base64_string": "/w=="}}).response.body == b"\xff"


def packed(body: bytes, coding: str = "gzip", more: str = "") -> Cassette:
    return load(
        "interactions:\n- request: {method: GET, uri: 'http://a', body: null, headers: {}}\n"
        f"  response: {{status: {{code: 200, message: OK}}, headers: {{Content-Encoding: ['{coding}'], b: [c]}}, "
        f"body: {{string: !!binary '{b64encode(body).decode()}'}}{more}}}"
    )


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(b"hello"), "gzip"),
        (gzip.compress(b"hel") + gzip.compress(b"lo"), "gzip"),
        (b"hello", "gzip"),
        (zlib.compress(b"hello"), "deflate"),
        (b"hello", "br"),
    ],
    ids=["gzip", "members", "decoded", "deflate", "brotli, decoded"],
)
def test_a_body_is_decoded_by_its_bytes_not_by_its_header(body: bytes, coding: str) -> None:
    cassette = packed(body, coding)
    response = cassette.interactions[0].response
    assert (response.body, response.encoding, response.headers) == (b"hello", coding, (("b", "c"),))
    assert cassette.problems == ()


@pytest.mark.parametrize(
    ("body", "coding", "says"),
    [
        (gzip.compress(b"hello")[:-9], "gzip", "cut short"),
        (gzip.compress(b"hello")[:-8] + b"\xff" * 8, "gzip", "damaged"),
        (b"\x0b\x02\x80\xff\x03", "br", "'br' and was left so"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd", "'zstd' and was left so"),
    ],
    ids=["cut", "damaged", "brotli", "zstandard"],
)
def test_a_body_that_cannot_be_decoded_stays_with_its_header(body: bytes, coding: str, says: str) -> None:
    cassette = packed(body, coding)
    response = cassette.interactions[0].response
    assert (response.body, response.encoding, response.headers[0]) == (body, None, ("Content-Encoding", coding))
    assert says in cassette.problems[0].message


def test_our_own_word_on_a_body_is_taken() -> None:
    body = gzip.compress(b"a file that is gzip")
    assert packed(body, more=", replayer: {end: complete}").interactions[0].response.body == body


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{kind: websocket, direction: in}", "no request .a private format, of kind 'websocket'"),
        ("{request: {uri: 'http://a'}, response: {}, x: 1}", "method is None"),
        ("{request: {method: GET}, response: {}, x: 1}", "no uri"),
        ("{request: {method: GET, uri: a, body: {1: 2001-01-01}}, response: {}, x: 1}", "cannot be written as JSON"),
        ("{request: {method: GET, uri: a, headers: 3}, response: {}, x: 1}", "headers are a int"),
        ("{request: {method: GET, uri: a}, response: {status: {code: x}, body: {string: ''}}}", "no status"),
        ("{request: {method: GET, uri: a}, response: {status: {code: 1}, body: 2001-01-01}}", "body is a date"),
        ("3", "not a mapping"),
    ],
)
def test_what_cannot_be_mended_is_left_out_and_named(entry: str, says: str) -> None:
    good = "{request: {method: GET, uri: a}, response: {status: 200, body: x}}"
    cassette = load(f"interactions:\n- {good}\n- {entry}\n- {good}\n")
    assert len(cassette.interactions) == 2
    (problem,) = cassette.problems
    assert problem.index == 1
    assert problem.lost
    assert re.search(says, problem.message)


def test_a_key_in_a_request_that_vcrpy_does_not_know_is_reported() -> None:
    cassette = load(
        "interactions:\n- request: {method: GET, uri: a, timing: 3}\n  response: {status: 200, body: {string: ''}}\n"
    )
    assert "'timing'" in cassette.problems[0].message
    assert not cassette.problems[0].lost
