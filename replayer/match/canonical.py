"""Canonical JSON: equal values have equal bytes.

The rule: `1` and `1.0` are one number, the order of keys says nothing, of repeated keys the last counts, and an
integer of any size is compared exactly. What is not JSON (NaN, an infinity, invalid UTF-8, nesting too deep to read)
is no value at all, and its bytes are compared instead.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson

__all__ = ["canonical", "parse"]

_EXACT_BELOW = 2.0**63
"""Integers beyond 64 bits come out of orjson as floats from here on: those documents are read again, exactly."""

_DEEPEST = 250
"""About what orjson writes. A bound of our own, so that the caller's stack never decides what is JSON."""


class _Inexact(Exception):
    """A float so large that it may have been an integer."""


def parse(data: bytes) -> Any:
    """The value, its integral numbers all `int`. ValueError where the bytes are no JSON."""
    try:
        value = orjson.loads(data)
        # How orjson spells an integral float; a false alarm (text that looks like it) costs a walk, never a wrong key.
        spelled = orjson.dumps(value)
        if b".0" in spelled or b"e+" in spelled:
            value = _integral(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, _Inexact):
        return _parse_exactly(data)
    return value


def canonical(value: Any) -> bytes:
    """Bytes of a value that `parse` gave: one spelling for each value."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # An integer beyond 64 bits, or a lone surrogate: a property of the value, so both sides come this way.
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _parse_exactly(data: bytes) -> Any:
    try:
        return _integral_exactly(json.loads(data, parse_constant=_refuse))
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError("not JSON") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _integral(value: Any) -> Any:
    """Integral floats become integers; a large one says that orjson may have rounded an integer."""
    if type(value) is float:
        if abs(value) >= _EXACT_BELOW:
            raise _Inexact
        return int(value) if value.is_integer() else value
    if type(value) is dict:
        return {key: _integral(child) for key, child in value.items()}
    if type(value) is list:
        return [_integral(child) for child in value]
    return value


def _integral_exactly(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if type(value) is float:
        if value in (float("inf"), float("-inf")):
            raise ValueError("a number beyond what a double holds")
        return int(value) if value.is_integer() else value
    if type(value) is dict:
        return {key: _integral_exactly(child, depth + 1) for key, child in value.items()}
    if type(value) is list:
        return [_integral_exactly(child, depth + 1) for child in value]
    return value
