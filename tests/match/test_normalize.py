"""A permutation table: a request changed in one respect, and which matcher says that it is another."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.model import Request
from replayer.match.matchers import compare
from replayer.match.normalize import Normal, normalize
from replayer.match.rules import Rules

JSON = (("Content-Type", "application/json"),)
BODY = b'{"model": "m", "n": 1, "messages": [{"role": "user", "content": "hi"}]}'
RECORDED = Request(method="POST", uri="https://api.openai.com/v1/chat?a=1&b=2", headers=JSON, body=BODY)

Change = Callable[[Request], Request]


def uri(text: str) -> Change:
    return lambda request: replace(request, uri=text)


def body(data: bytes | None, content_type: str | None = "application/json", **headers: str) -> Change:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if content_type is not None:
        fields.append(("content-type", content_type))
    return lambda request: replace(request, body=data, headers=tuple(fields))


def normal(request: Request, rules: Rules | None = None) -> Normal:
    return normalize(request, rules or Rules())._replace(host="")


SAME: dict[str, Change] = {
    "nothing changed": lambda request: request,
    "the method in lower case": lambda request: replace(request, method="post"),
    "another host": uri("http://127.0.0.1:8080/v1/chat?a=1&b=2"),
    "the default port": uri("https://api.openai.com:443/v1/chat?a=1&b=2"),
    "a doubled slash": uri("https://api.openai.com//v1//chat?a=1&b=2"),
    "dot segments": uri("https://api.openai.com/v1/x/../chat?a=1&b=2"),
    "escaped letters": uri("https://api.openai.com/v1/%63hat?a=1&b=2"),
    "the query in another order": uri("https://api.openai.com/v1/chat?b=2&a=1"),
    "an escape in the query": uri("https://api.openai.com/v1/chat?%61=1&b=2"),
    "a fragment": uri("https://api.openai.com/v1/chat?a=1&b=2#x"),
    "the target alone": uri("/v1/chat?a=1&b=2"),
    "no spaces": body(json.dumps(json.loads(BODY), separators=(",", ":")).encode()),
    "keys in another order": body(b'{"n":1,"messages":[{"content":"hi","role":"user"}],"model":"m"}'),
    "1 as 1.0": body(BODY.replace(b": 1", b": 1.0")),
    "1 as 10e-1": body(BODY.replace(b": 1", b": 10e-1")),
    "a repeated key, the last of which counts": body(BODY.replace(b'"n": 1', b'"n": 7, "n": 1')),
    "no content type": body(BODY, None),
    "another JSON type": body(BODY, "application/vnd.api+json; charset=utf-8"),
    "gzip": body(gzip.compress(BODY), content_encoding="gzip"),
    "deflate": body(zlib.compress(BODY), content_encoding="deflate"),
    "bare deflate": body(zlib.compress(BODY)[2:-4], content_encoding="deflate"),
}

OTHER: dict[str, tuple[str, Change]] = {
    "the method": ("method", lambda request: replace(request, method="PUT")),
    "a WebSocket": ("method", uri("wss://api.openai.com/v1/chat?a=1&b=2")),
    "the path": ("path", uri("https://api.openai.com/v1/chats?a=1&b=2")),
    "the case of the path": ("path", uri("https://api.openai.com/V1/chat?a=1&b=2")),
    "a closing slash": ("path", uri("https://api.openai.com/v1/chat/?a=1&b=2")),
    "an escaped slash": ("path", uri("https://api.openai.com/v1%2Fchat?a=1&b=2")),
    "a value of the query": ("query", uri("https://api.openai.com/v1/chat?a=1&b=3")),
    "a pair too many": ("query", uri("https://api.openai.com/v1/chat?a=1&b=2&c=3")),
    "a pair repeated": ("query", uri("https://api.openai.com/v1/chat?a=1&a=1&b=2")),
    "no query": ("query", uri("https://api.openai.com/v1/chat")),
    "a text of the body": ("body", body(BODY.replace(b"hi", b"ho"))),
    "1 as true": ("body", body(BODY.replace(b": 1", b": true"))),
    "1 as text": ("body", body(BODY.replace(b": 1", b': "1"'))),
    "a field as null": ("body", body(BODY.replace(b": 1", b": null"))),
    "a field missing": ("body", body(BODY.replace(b'"n": 1, ', b""))),
    "a message too many": ("body", body(BODY.replace(b"}]", b"}, {}]"))),
    "no body": ("body", body(None)),
    "an empty object": ("body", body(b"{}")),
    "half a body": ("body", body(BODY[:-1])),
}


@pytest.mark.parametrize("name", SAME)
def test_requests_that_mean_the_same_have_one_key(name: str) -> None:
    asked = normal(SAME[name](RECORDED))
    assert asked.key == normal(RECORDED).key
    assert compare(normal(RECORDED), asked).differed == ()


@pytest.mark.parametrize("name", OTHER)
def test_one_respect_makes_another_key_and_its_matcher_says_so(name: str) -> None:
    matcher, change = OTHER[name]
    asked = normal(change(RECORDED))
    assert asked.key != normal(RECORDED).key
    assert {found for found, _ in compare(normal(RECORDED), asked).differed} == {matcher}


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (b"a=1&b=2", b"b=2&a=1", True),
        (b"a=x+y", b"a=x%20y", True),
        (b"a=1&a=2", b"a=2&a=1", False),
        (b"a=1", b"a=1&b=", False),
    ],
)
def test_forms_are_compared_by_field(left: bytes, right: bytes, same: bool) -> None:
    assert (normal(body(left, FORM)(RECORDED)).key == normal(body(right, FORM)(RECORDED)).key) is same


def multipart(boundary: str, content: str = "A", *, filename: str = "f.txt", newline: str = "\r\n") -> Request:
    lines = [
        f"--{boundary}",
        'Content-Disposition: form-data; name="model"',
        "",
        "whisper",
        f"--{boundary}",
        f'Content-Disposition: form-data; name="file"; filename="{filename}"',
        "Content-Type: text/plain",
        "",
        content,
        f"--{boundary}--",
        "",
    ]
    return body(newline.join(lines).encode(), f"multipart/form-data; boundary={boundary}")(RECORDED)


def test_the_boundary_of_a_multipart_body_does_not_matter() -> None:
    assert normal(multipart("one")).key == normal(multipart("two")).key
    assert normal(multipart("one")).key == normal(multipart("two", newline="\n")).key


def test_multipart_bodies_differ_by_part() -> None:
    recorded = normal(multipart("one"))
    for asked, pointer in (
        (multipart("two", "B"), "/file/content"),
        (multipart("two", filename="g.txt"), "/file/filename"),
    ):
        assert normal(asked).key != recorded.key
        assert [change.pointer for _, change in compare(recorded, normal(asked)).differed] == [pointer]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (b"[12345678901234567890123]", b"[12345678901234567890124]", False),
        (b"[18446744073709551616]", b"[18446744073709551617]", False),
        (b"[100000000000000000000]", b"[1e20]", True),
        (b"[9007199254740993]", b"[9007199254740992]", False),
        (b"[-0]", b"[0]", True),
        (b"[-0.0]", b"[0]", True),
        (b'["\\ud800"]', b'[ "\\ud800" ]', True),
        (b'["\\ud800"]', b'["\\ud801"]', False),
        (b"[NaN]", b"[ NaN]", False),
        (b"[NaN]", b"[NaN]", True),
        (b'["\xff"]', b'["\xfe"]', False),
        (b"[1e400]", b"[1e401]", False),
        (b"[" * 100_000, b"[" * 100_001, False),
    ],
)
def test_numbers_and_what_is_no_json(left: bytes, right: bytes, same: bool) -> None:
    assert (normal(body(left)(RECORDED)).key == normal(body(right)(RECORDED)).key) is same


def test_a_compressed_bomb_is_compared_as_it_came() -> None:
    bomb = gzip.compress(bytes(65 * 1024 * 1024), compresslevel=1)
    assert normal(body(bomb, content_encoding="gzip")(RECORDED)).body.value == bomb


def test_ignored_places_and_query_keys_play_no_part() -> None:
    rules = Rules.of(ignore=["$.messages[*].content", "$..n"], ignore_query=["b"])
    asked = replace(RECORDED, uri="https://api.openai.com/v1/chat?a=1&b=9", body=BODY.replace(b"hi", b"ho"))
    assert normal(asked, rules).key == normal(RECORDED, rules).key
    asked = replace(asked, body=BODY.replace(b"user", b"tool"))
    assert normal(asked, rules).key != normal(RECORDED, rules).key


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def as_other_spelling(value: Any) -> Any:
    """The same value: keys backwards, small integers as floats."""
    if isinstance(value, dict):
        return {key: as_other_spelling(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [as_other_spelling(child) for child in value]
    if type(value) is int and abs(value) < 2**53:
        return float(value)
    return value


@given(values)
def test_any_json_value_keeps_its_key_in_another_spelling(value: Any) -> None:
    left = body(json.dumps([value]).encode())(RECORDED)
    right = body(json.dumps([as_other_spelling(value)], indent=1, ensure_ascii=True).encode())(RECORDED)
    assert normal(left).key == normal(right).key


@given(values, values)
def test_the_key_and_the_body_matcher_agree(left: Any, right: Any) -> None:
    one, two = (normal(body(json.dumps([value]).encode())(RECORDED)) for value in (left, right))
    assert (one.key == two.key) is (compare(one, two).differed == ())


@given(st.binary(max_size=200), st.sampled_from(["application/json", FORM, "multipart/form-data; boundary=x", ""]))
def test_no_body_is_too_strange_for_a_key(data: bytes, content_type: str) -> None:
    request = body(data, content_type)(RECORDED)
    assert normal(request).key == normal(request).key


@given(st.text(max_size=40))
def test_no_target_is_too_strange_and_normalising_twice_changes_nothing(text: str) -> None:
    once = normal(replace(RECORDED, uri="https://h/" + text))
    again = normal(replace(RECORDED, uri="https://h" + once.path))
    assert again.path == once.path
