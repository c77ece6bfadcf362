from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.contract.change import ChangeKind
from replayer.contract.compare import compare, outline, type_name
from replayer.contract.shape import Shape


def learned(*samples: Any) -> Shape:
    shape = Shape()
    for sample in samples:
        shape.learn(sample)
    return shape


def changes(old: list[Any], new: list[Any]) -> list[tuple[str, str]]:
    return [(str(change.kind), change.pointer) for change in compare(learned(*old), learned(*new))]


WORDS = [{"reason": word} for word in ("stop", "length") * 4]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ([{"a": 1}], [{"a": 2}], []),
        ([{"a": "x"}], [{"a": "y"}], []),
        ([{"a": 1}], [{"a": 1, "b": {"c": 1}}], [(ChangeKind.ADDED, "/b")]),
        ([{"a": 1, "b": {"c": 1}}], [{"a": 1}], [(ChangeKind.REMOVED, "/b")]),
        ([{"a": 1, "b": 1}, {"a": 1}], [{"a": 1}], []),
        ([{"a": 1}], [{"a": 1}, {}], [(ChangeKind.OPTIONAL, "/a")]),
        ([{"a": 1}], [{"a": "1"}], [(ChangeKind.TYPE, "/a")]),
        ([{"a": "x"}], [{"a": None}], [(ChangeKind.TYPE, "/a")]),
        ([{"a": "x"}, {"a": None}], [{"a": None}], []),
        ([{"a": None}], [{"a": "x"}], [(ChangeKind.FILLED, "/a")]),
        ([{"a": 1}], [{"a": 1.5}], [(ChangeKind.FRACTION, "/a")]),
        ([{"a": 1.5}], [{"a": 1}], []),
        ([{"a": [{"b": 1}]}], [{"a": [{"b": "1"}]}], [(ChangeKind.TYPE, "/a/*/b")]),
        ([{"a": [{"b": 1}]}], [{"a": []}], []),
        (WORDS, [{"reason": "stop"}], []),
        (WORDS, [{"reason": "end"}], [(ChangeKind.ENUM, "/reason")]),
        ([{"status": "done"}], [{"status": "failed"}], [(ChangeKind.WORD, "/status")]),
        ([{"t": "2026-01-01T00:00:00Z"}], [{"t": "yesterday at noon"}], [(ChangeKind.FORMAT, "/t")]),
        ([{"key": "[REDACTED]"}], [{"key": 3}], []),
        ([{"a/b~c": 1}], [{}], [(ChangeKind.REMOVED, "/a~1b~0c")]),
        ([{"1": 1}], [{"2": 2, "3": 3}], []),
        ([{"1": 1}], [{"2": "x"}], [(ChangeKind.TYPE, "/*")]),
    ],
)
def test_what_changed_is_told_by_kind_and_place(
    old: list[Any], new: list[Any], found: list[tuple[ChangeKind, str]]
) -> None:
    assert changes(old, new) == [(str(kind), pointer) for kind, pointer in found]


def test_kinds_of_objects_are_compared_each_with_its_own() -> None:
    old = [[{"type": "text", "text": "x"}, {"type": "image", "url": "u"}]]
    assert changes(old, [[{"type": "text", "text": "x"}]]) == []
    assert changes(old, [[{"type": "text"}, {"type": "image", "url": "u"}]]) == [("field removed", "/*/text")]
    assert changes(old, [[*old[0], {"type": "audio"}]]) == [("enum changed", "/*/type")]


def test_a_renamed_kind_is_one_change_and_what_else_changed_is_seen() -> None:
    found = changes([{"object": "thing", "a": 1, "b": 1}], [{"object": "thing.v2", "a": "1", "b": 1}])
    assert sorted(found) == [("enum changed", "/object"), ("type changed", "/a")]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["stop", "x y", "[REDACTED]"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["type", "a", "b", "7"]), below),
    max_leaves=8,
)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_nothing_changed_against_itself(samples: list[Any]) -> None:
    assert changes(samples, samples) == []


@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(VALUES, min_size=1, max_size=4))
def test_what_a_side_has_learned_already_is_no_change(old: list[Any], new: list[Any]) -> None:
    for change in compare(learned(*old, *new), learned(*old, *new)):
        raise AssertionError(change)


def test_an_outline_tells_names_and_types_and_no_values() -> None:
    shape = learned({"id": "secret", "n": 1}, {"id": "other"})
    assert outline(shape.fields) == ("id: string", "n?: integer")
    assert type_name(learned(None, "x")) == "string or null"
