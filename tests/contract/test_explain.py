from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from replayer.contract.explain import explain, pointer
from replayer.contract.known import keywords
from replayer.contract.violation import Severity, Violation


def told(schema: dict[str, Any], value: Any) -> list[Violation]:
    engine = jsonschema_rs.Draft202012Validator(schema, keywords=keywords())
    found = [explain(error, where="here", schema="urn:s") for error in engine.iter_errors(value)]
    return [violation for violation in found if violation is not None]


def only(schema: dict[str, Any], value: Any) -> tuple[str, str, str]:
    (violation,) = told(schema, value)
    return violation.pointer, violation.expected, violation.actual


OBJECT_OR_TEXT = {
    "anyOf": [
        {"type": "string"},
        {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}},
    ]
}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "string"}, 12, ("", "string", "12")),
        ({"type": ["string", "null"]}, 12, ("", "null or string", "12")),
        ({"required": ["id"]}, {"ID": 1}, ("", 'a property "id"', 'an object with "ID"')),
        ({"required": ["id"]}, {}, ("", 'a property "id"', "an empty object")),
        ({"enum": ["a", None]}, "b", ("", 'one of "a", null', '"b"')),
        ({"const": "a"}, "b", ("", '"a"', '"b"')),
        ({"minimum": 0}, -1, ("", "at least 0", "-1")),
        ({"maxItems": 1}, [1, 2], ("", "a list of 1 at most", "[1,2]")),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, ("", 'no property "b"', '{"b":1}')),
        ({"properties": {"a/b": {"items": {"type": "null"}}}}, {"a/b": [1]}, ("/a~1b/0", "null", "1")),
        (
            {"propertyNames": {"maxLength": 2}},
            {"a/bc": 1},
            ("/a~1bc", "as a name a text of 2 characters at most", '"a/bc"'),
        ),
        # A choice is explained by the branch that was meant.
        (OBJECT_OR_TEXT, {"url": 3}, ("/url", "string", "3")),
        (OBJECT_OR_TEXT, {}, ("", 'a property "url"', "an empty object")),
        (OBJECT_OR_TEXT, 3, ("", "string, or object", "3")),
        (
            {"not": {"type": "string"}},
            "x",
            ("", 'what the schema says ({"type":"string"} is not allowed for "x")', '"x"'),
        ),
    ],
)
def test_a_violation_says_where_what_was_expected_and_what_was_there(
    schema: dict[str, Any], value: Any, expected: tuple[str, str, str]
) -> None:
    assert only(schema, value) == expected


def test_a_new_value_of_an_open_enumeration_is_a_warning() -> None:
    (violation,) = told({"type": "string", "x-known-values": ["stop", "length"]}, "tired")
    assert violation.severity is Severity.WARNING
    assert violation.expected == 'a known value ("stop", "length")'


def test_a_new_name_in_an_open_enumeration_of_names_is_a_warning() -> None:
    (violation,) = told({"propertyNames": {"x-known-values": ["setup"]}}, {"setup": 1, "shutdown": 2})
    assert violation.severity is Severity.WARNING
    assert (violation.pointer, violation.actual) == ("/shutdown", '"shutdown"')


def test_another_type_in_an_open_enumeration_is_an_error() -> None:
    (violation,) = told({"type": "string", "x-known-values": ["stop"]}, 3)
    assert violation.severity is Severity.ERROR


@pytest.mark.parametrize("value", ["[REDACTED]", "Bearer [REDACTED]"])
def test_a_redacted_value_is_not_judged(value: str) -> None:
    assert told({"type": "integer"}, value) == []


def test_a_redacted_value_below_a_choice_is_not_judged() -> None:
    assert told({"anyOf": [{"properties": {"a": {"type": "integer"}}}, {"type": "null"}]}, {"a": "[REDACTED]"}) == []


def test_what_is_told_stays_short() -> None:
    (violation,) = told({"enum": ["x" * 50] * 1 + [str(n) * 40 for n in range(20)]}, "y" * 1000)
    assert len(violation.expected) <= 240
    assert len(violation.actual) <= 120


def test_pointers_are_escaped() -> None:
    assert pointer(["a~b", "c/d", 3]) == "/a~0b/c~1d/3"
    assert pointer([]) == ""
