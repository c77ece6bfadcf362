"""JSON that is YAML too."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from replayer.cassette.scalars import json_line, json_text, number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_the_same_to_json_and_to_yaml(value: float) -> None:
    assert json.loads(number(value)) == yaml.safe_load(number(value)) == value


@pytest.mark.parametrize("value", [1e16, 1e-7, 5e-324, 1.5e300, 0.1, -0.0, math.inf, -math.inf])
def test_a_number_is_a_float_to_yaml(value: float) -> None:
    found = yaml.safe_load(number(value))
    assert isinstance(found, float)
    assert found == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_is_the_same_to_json_and_to_every_yaml(text: str) -> None:
    written = json_text(text)
    assert json.loads(written) == text
    assert yaml.load(written, Loader=yaml.CSafeLoader) == yaml.load(written, Loader=yaml.SafeLoader) == text


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff"])
def test_characters_that_yaml_would_not_let_stand_are_escaped(character: str) -> None:
    assert json_text(character) == f'"\\u{ord(character):04x}"'


@pytest.mark.parametrize(
    "value",
    [
        {"a": b"\xff", "b": ['!!binary "aGk="', b""]},
        {"k" * 2000: {"k" * 300 + "é" * 300: 1e16}},
        {2: None, True: [1.5], None: "x"},
        {"a": date(2026, 11, 20), "b": datetime(2026, 11, 20, 15, 40)},  # noqa: DTZ001  # as YAML reads it
        {"a": {"x", "y"}},
        {"a": 2**70, "b": -(2**70), "c": math.inf},
        [],
    ],
)
def test_whatever_yaml_can_say_stands_on_one_line(value: Any) -> None:
    line = json_line(value)
    assert b"\n" not in line
    assert yaml.safe_load(line) == value
