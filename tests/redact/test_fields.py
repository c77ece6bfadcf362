"""Named values are found in the syntax that they are written in, and what replaces them keeps it whole."""

from __future__ import annotations

import json

import pytest

from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT

REDACTOR = Redactor(DEFAULT, ["480912345678"])
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("value", ["plain", 'quo"te', "back\\slash\\", "line\nbreak", "é😀", '\\"', 'x"}'])
def test_a_field_inside_json_inside_json_is_found_and_everything_stays_json(depth: int, value: str) -> None:
    text = json.dumps({"api_key": value, "next": "kept"})
    for _ in range(depth):
        text = json.dumps({"arguments": text, "after": [1]})
    document = json.loads(REDACTOR.text(text))
    for _ in range(depth):
        assert document["after"] == [1]
        document = json.loads(document["arguments"])
    assert document == {"api_key": "[REDACTED]", "next": "kept"}


@pytest.mark.parametrize("depth", range(5))
def test_a_field_deep_inside_is_found_wherever_a_chunk_ends(depth: int) -> None:
    text = json.dumps({"api_key": 'abc"de\\f', "password": 1234, "next": "kept"})
    for _ in range(depth):
        text = json.dumps({"arguments": text})
    body, whole = text.encode(), REDACTOR.body(text.encode(), "application/json")
    for at in range(0, len(body), 3):
        stream = REDACTOR.stream("application/json")
        pieces = [*stream.feed(body[:at]), *stream.feed(body[at:]), *stream.finish()]
        assert b"".join(piece.data for piece in pieces) == whole
    for _ in range(depth):
        whole = json.loads(whole)["arguments"]
    assert json.loads(whole) == {"api_key": "[REDACTED]", "password": "[REDACTED]", "next": "kept"}


@pytest.mark.parametrize("written", ["1234", "-1.5e+3", "0"])
def test_a_number_under_a_secret_name_becomes_the_placeholder(written: str) -> None:
    assert json.loads(REDACTOR.text(f'{{"password": {written}, "n": 1}}')) == {"password": "[REDACTED]", "n": 1}


def test_a_secret_number_gives_way_to_a_text_so_that_it_matches_anything() -> None:
    text = '{"n": 480912345678, "l": [480912345678, 1], "t": "no. 480912345678, please", "m": -480912345678.5}'
    assert json.loads(REDACTOR.text(text)) == {
        "n": "[REDACTED]",
        "l": ["[REDACTED]", 1],
        "t": "no. [REDACTED], please",
        "m": "[REDACTED]",
    }
    nested = json.dumps({"arguments": '{"pin": 480912345678}'})
    assert json.loads(json.loads(REDACTOR.text(nested))["arguments"]) == {"pin": "[REDACTED]"}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b"client_secret=a%20b&x=1", b"client_secret=[REDACTED]&x=1"),
        (b'x=1&PassWord=a"b\\c', b"x=1&PassWord=[REDACTED]"),
        (b"pin=1234", b"pin=[REDACTED]"),
        (b"spin=1234&password=", b"spin=1234&password="),
    ],
)
def test_fields_of_a_form(body: bytes, left: bytes) -> None:
    assert REDACTOR.body(body, FORM) == left
    stream = REDACTOR.stream(FORM)
    pieces = [piece for at in range(len(body)) for piece in stream.feed(body[at : at + 1])]
    assert b"".join(piece.data for piece in [*pieces, *stream.finish()]) == left


@pytest.mark.parametrize("amp", ["&", "\\u0026", "&amp;"])
def test_a_signed_url_in_a_body_loses_its_signature(amp: str) -> None:
    text = f'{{"url": "https://h/f?a=1{amp}sig=abc%3D{amp}b=2"}}'
    assert REDACTOR.text(text) == f'{{"url": "https://h/f?a=1{amp}sig=[REDACTED]{amp}b=2"}}'


def test_a_part_of_a_multipart_form() -> None:
    part = 'content-disposition: form-data; name="{}"\r\ncontent-type: text/plain\r\n\r\n{}\r\n--b'
    body = "--b\r\n" + part.format("api_key", "two\r\nlines") + "\r\n" + part.format("file", "kept") + "--\r\n"
    assert REDACTOR.text(body) == body.replace("two\r\nlines", "[REDACTED]")


def test_a_private_key_goes_and_its_borders_stay() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA+/\n" * 300 + "-----END RSA PRIVATE KEY-----\n"
    expected = "-----BEGIN RSA PRIVATE KEY-----[REDACTED]-----END RSA PRIVATE KEY-----"
    assert REDACTOR.text(key).strip() == expected
    body = json.dumps({"key": key}).encode()
    stream = REDACTOR.stream()
    pieces = [piece for at in range(0, len(body), 100) for piece in stream.feed(body[at : at + 100])]
    assert json.loads(b"".join(p.data for p in [*pieces, *stream.finish()]))["key"].strip() == expected


def test_a_value_that_the_end_of_the_body_cuts_is_taken_out() -> None:
    assert REDACTOR.text('{"a": 1, "api_key": "abc') == '{"a": 1, "api_key": "[REDACTED]'
