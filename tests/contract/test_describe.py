from __future__ import annotations

from typing import Any

import jsonschema
import jsonschema_rs
from hypothesis import given
from hypothesis import strategies as st

from replayer.contract.describe import schema_of
from replayer.contract.shape import Shape


def described(*samples: Any) -> dict[str, Any]:
    shape = Shape()
    for sample in samples:
        shape.learn(sample)
    return schema_of(shape)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["stop", "2026-01-01T00:00:00Z", "https://a.example/x", "", "[REDACTED]", "ü", "a b"]),
    lambda below: st.lists(below, max_size=4)
    | st.dictionaries(st.sampled_from(["type", "a", "b", "object", "1", "x/y~z"]), below, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_a_schema_holds_for_every_sample_in_both_engines(samples: list[Any]) -> None:
    schema = described(*samples)
    jsonschema.Draft202012Validator.check_schema(schema)
    for sample in samples:
        jsonschema_rs.Draft202012Validator(schema).validate(sample)
        jsonschema.Draft202012Validator(schema).validate(sample)


def test_required_is_what_every_sample_had() -> None:
    assert described({"a": 1, "b": "x"}, {"a": 2}) == {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
    }


def test_kinds_are_told_apart_by_conditions() -> None:
    schema = described({"type": "text", "text": "x"}, {"type": "image", "url": "https://a.example/"})
    assert schema["properties"] == {"type": {"type": "string", "enum": ["image", "text"]}}
    assert [branch["then"]["required"] for branch in schema["allOf"]] == [["url"], ["text"]]
    assert not jsonschema_rs.is_valid(schema, {"type": "text"})
    assert not jsonschema_rs.is_valid(schema, {"type": "video"})


def test_formats_stand_where_all_texts_have_them() -> None:
    assert described("2026-01-01T00:00:00Z", "2026-01-02T00:00:00+01:00")["format"] == "date-time"
    assert "format" not in described("2026-01-01T00:00:00Z", "tomorrow")


def test_a_closed_set_of_words_is_an_enumeration() -> None:
    assert described(*["stop", "length"] * 4) == {"type": "string", "enum": ["length", "stop"]}


def test_a_map_says_what_its_values_are() -> None:
    assert described({"1": 0.5, "2": 1}) == {"type": "object", "additionalProperties": {"type": "number"}}


def test_what_was_redacted_may_be_anything() -> None:
    assert described({"key": "[REDACTED]"})["properties"] == {"key": {}}
