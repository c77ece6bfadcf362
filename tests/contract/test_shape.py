from __future__ import annotations

from typing import Any

import pytest

from replayer.contract.shape import Shape


def learned(*samples: Any) -> Shape:
    shape = Shape()
    for sample in samples:
        shape.learn(sample)
    return shape


def test_what_every_object_has_is_always_there_and_the_rest_is_not() -> None:
    fields = learned({"a": 1, "b": 1}, {"a": 2}).fields
    assert (fields.always("a"), fields.always("b"), fields.always("c")) == (True, False, False)


def test_objects_are_learned_by_kind_so_that_a_field_of_one_kind_is_no_optional_field_of_all() -> None:
    shape = learned({"type": "text", "text": "x"}, {"type": "image", "url": "y"}, {"type": "text", "text": "z"})
    assert shape.discriminator == "type"
    assert shape.kinds["text"].count == 2
    assert shape.kinds["text"].always("text")
    assert shape.kinds["image"].always("url")


def test_a_number_that_was_ever_a_fraction_is_a_number() -> None:
    assert list(learned(1, 0.5).named()) == ["number"]
    assert list(learned(1, 2).named()) == ["integer"]


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        (["stop", "length"] * 4, True),
        (["stop"] * 8, False),
        (["stop", "length"] * 3, False),
        (["stop"] * 7 + ["length"], False),
        (["a sentence", "another one"] * 4, False),
        ([f"id{number % 2}" for number in range(8)], False),
    ],
)
def test_words_are_a_closed_set_by_the_evidence_alone(words: list[str], closed: bool) -> None:
    assert learned(*words).closed is closed


def test_what_redaction_left_teaches_nothing() -> None:
    assert learned({"key": "[REDACTED]"}).fields.properties["key"].unknown
    assert learned("key [REDACTED]").texts is None


def test_objects_whose_names_are_data_are_maps() -> None:
    assert learned({"12": 1, "7": 2}).fields.is_map
    assert learned(*({f"id-{number}": number} for number in range(60))).fields.is_map
    assert not learned({"a": 1}).fields.is_map


def test_learning_is_bounded_in_depth_and_width() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    learned(deep)
    wide = learned({f"name-{number}": 1 for number in range(5000)}).fields
    assert wide.more
    assert len(wide.properties) == 512


def test_shapes_that_are_merged_are_as_if_learned_from_all_samples() -> None:
    ours = [{"type": "a", "x": 1}, {"type": "b", "y": ["s"]}]
    theirs = [{"type": "a", "x": None, "z": "2026-01-01"}, {"type": "c"}]
    assert learned(*ours).merged(learned(*theirs)) == learned(*ours, *theirs)
