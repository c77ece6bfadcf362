"""Values that are frozen to the type checker alone: in all else they are as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from replayer.value import value


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    a: int
    b: str = "b"


@value(frozen=True, slots=True, kw_only=True)
class Value:
    a: int
    b: str = "b"


def test_values_are_compared_hashed_shown_and_replaced_as_frozen_dataclasses_are() -> None:
    assert Value(a=1) == Value(a=1) != Value(a=2)
    assert hash(Value(a=1)) == hash(Value(a=1)) == hash(Frozen(a=1))
    assert repr(Value(a=1)) == repr(Frozen(a=1)).replace("Frozen", "Value")
    assert replace(Value(a=1), b="c") == Value(a=1, b="c")
    assert Value.__slots__ == Frozen.__slots__ == ("a", "b")


def test_a_value_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        setattr(Value(a=1), "c", 1)  # noqa: B010 (mypy would refuse it said directly)


def test_the_type_checker_refuses_a_change() -> None:
    Value(a=1).a = 2  # type: ignore[misc]  # mypy reports this comment as unused where it would let it pass
