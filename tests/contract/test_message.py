from __future__ import annotations

import pytest

from replayer.contract.message import Unreadable, excerpt, parse


@pytest.mark.parametrize("payload", ["", "{", "NaN", '"\\ud800"', "[" * 5000 + "]" * 5000, "\ud800", b"\xff", "1e999"])
def test_what_is_not_json_is_a_value_and_no_exception(payload: str | bytes) -> None:
    assert isinstance(parse(payload), Unreadable)


def test_json_is_read() -> None:
    assert parse(b'{"a": [1, null]}') == {"a": [1, None]}


def test_an_excerpt_is_short_and_outlines_long_objects() -> None:
    assert excerpt({"a": 1}) == '{"a":1}'
    assert excerpt({"a": "x" * 500, "b": 1}) == 'an object with "a", "b"'.replace('"', "'")
    assert len(excerpt("x" * 500)) == 120
    assert len(excerpt({"k" * 300: 1})) == 120
    assert len(excerpt(b"\x00" * 500)) <= 120


def test_an_excerpt_of_what_json_cannot_say_is_still_a_text() -> None:
    assert excerpt("\ud800") == "'\\ud800'"
    assert excerpt({1: 2}).startswith("{1")
