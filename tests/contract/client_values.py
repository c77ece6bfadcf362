"""Values of an official client's types, made from nothing but the types: what the client itself says may travel.

Independent of the schemas and of how they were derived. A `Choose` says which alternative; everything optional is
there, down to a depth.
"""

from __future__ import annotations

import collections.abc
import datetime
import enum
import types
import typing
from typing import Any

import pydantic
import typing_extensions

from tests.contract.examples import Choose

__all__ = ["client_value"]

_PLAIN: dict[Any, Any] = {
    str: "text",
    bytes: "dGV4dA==",
    int: 1,
    float: 0.5,
    bool: True,
    type(None): None,
    datetime.datetime: "2026-01-01T00:00:00Z",
    datetime.date: "2026-01-01",
    object: "anything",
    Any: "anything",
}
_WRAPPERS = (typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
_DEEP = 6


def client_value(type_: Any, choose: Choose, *, left_out: frozenset[str] = frozenset()) -> Any:
    """The JSON of one value of a type."""
    return _Maker(choose, left_out).value(type_, "", 0)


class _Maker:
    def __init__(self, choose: Choose, left_out: frozenset[str]) -> None:
        self._choose = choose
        self._left_out = left_out

    def value(self, type_: Any, place: str, depth: int) -> Any:
        while typing.get_origin(type_) in (typing.Annotated, *_WRAPPERS):
            type_ = typing.get_args(type_)[0]
        if isinstance(type_, typing_extensions.TypeAliasType):
            type_ = type_.__value__
        origin, inner = typing.get_origin(type_), typing.get_args(type_)
        if type_ in _PLAIN:
            return _PLAIN[type_]
        if origin is typing.Literal:
            return inner[self._choose(place + "=", len(inner))]
        if origin in (typing.Union, types.UnionType):
            options = list(inner)
            if depth >= _DEEP:
                options = sorted(options, key=lambda option: option not in _PLAIN)[:1]
            picked = self._choose(f"{place}|{type_!r}", len(options))
            return self.value(options[picked], f"{place}|{picked}", depth)
        if origin in (list, tuple, collections.abc.Iterable, collections.abc.Sequence) or type_ is list:
            return [self.value(inner[0], place + "/0", depth + 1)] if inner and depth < _DEEP else []
        if getattr(origin, "__name__", "") == "SequenceNotStr":
            return [self.value(inner[0], place + "/0", depth + 1)]
        if origin in (dict, collections.abc.Mapping) or type_ is dict:
            return {"free": self.value(inner[1], place + "/*", depth + 1)} if inner and depth < _DEEP else {}
        if isinstance(type_, type) and issubclass(type_, enum.Enum):
            members = list(type_)
            return members[self._choose(place + "=", len(members))].value
        if typing.get_origin(type_) is typing.IO or isinstance(type_, typing.TypeVar) or origin is not None:
            return "text"
        return self._object(type_, place, depth)

    def _object(self, type_: Any, place: str, depth: int) -> Any:
        made = {}
        for name, (hint, required) in _fields(type_).items():
            if name in self._left_out or not (required or depth < _DEEP):
                continue
            made[name] = self.value(hint, f"{place}/{name}", depth + 1)
        return made


def _fields(type_: Any) -> dict[str, tuple[Any, bool]]:
    if isinstance(type_, type) and issubclass(type_, pydantic.BaseModel):
        return {info.alias or name: (info.annotation, info.is_required()) for name, info in type_.model_fields.items()}
    if typing_extensions.is_typeddict(type_):
        hints = typing_extensions.get_type_hints(type_, include_extras=True)
        return {_alias(hint) or name: (hint, _is_required(type_, name, hint)) for name, hint in hints.items()}
    raise TypeError(f"{type_!r} is no message")


def _is_required(type_: Any, name: str, hint: Any) -> bool:
    """`Required` in an annotation that is a text is not seen by `__required_keys__`."""
    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing_extensions.Required):
        return True
    return name in type_.__required_keys__ and origin not in (typing.NotRequired, typing_extensions.NotRequired)


def _alias(hint: Any) -> str | None:
    while typing.get_origin(hint) in _WRAPPERS:
        hint = typing.get_args(hint)[0]
    return next((note.alias for note in getattr(hint, "__metadata__", ()) if getattr(note, "alias", None)), None)
