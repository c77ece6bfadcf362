"""Shapes from Python types: pydantic models, typed dictionaries, unions, literals and enums of the official clients."""

from __future__ import annotations

import collections.abc
import datetime
import enum
import io
import os
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic
import typing_extensions

from tests.derive.shape import Shape, either

__all__ = ["Reader", "bare", "parts"]

_PLAIN: dict[Any, str] = {
    str: "string",
    bytes: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    datetime.datetime: "string",
    datetime.date: "string",
}
_WRAPPERS = (typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
_LISTS = (list, collections.abc.Iterable, collections.abc.Sequence, set, tuple)
_CONSTANTS = ("type", "object", "role")
"""Fields whose only known text no message can do without; elsewhere another text is only new."""


class Reader:
    """Reads types; what has a file of its own becomes a reference to it."""

    def __init__(
        self,
        files: Mapping[str, Sequence[Any]],
        *,
        opaque: str = "(?!)",
        numbered: bool = False,
        left_out: Iterable[str] = (),
    ):
        self._files = {bare(type_): path for path, several in files.items() for type_ in several}
        self._several = files
        self._opaque = re.compile(opaque)
        self._enum = ["string", "integer"] if numbered else ["string"]
        self._left_out = frozenset(left_out)
        self._known: dict[Any, Shape] = {}
        self._open: list[Any] = []

    def root(self, path: str) -> Shape:
        """The shape that the file itself says."""
        return either(_inside_out(self.shape(type_)) for type_ in self._several[path])

    def shape(self, type_: Any) -> Shape:
        """The shape of any type. Raises TypeError for one that nobody thought of, or that contains itself."""
        type_ = bare(type_)
        origin = typing.get_origin(type_)
        if origin is typing.Literal:
            return _literal(typing.get_args(type_))
        if origin in _LISTS or type_ in _LISTS or getattr(origin, "__name__", "") == "SequenceNotStr":
            inner = typing.get_args(type_)
            return Shape(types=["array"], items=self.shape(inner[0]) if inner else None)
        if origin in (dict, collections.abc.Mapping) or type_ is dict:
            inner = typing.get_args(type_)
            values = self.shape(inner[1]) if inner else Shape()
            return Shape(types=["object"], values=None if values.anything else values)
        if type_ in _PLAIN:
            return Shape(types=[_PLAIN[type_]], encoded=type_ is bytes)
        if type_ in (object, Any) or isinstance(type_, typing.TypeVar):
            return Shape()
        if isinstance(type_, type) and issubclass(type_, enum.Enum):
            return Shape(types=list(self._enum), known=[str(member.value) for member in type_])
        if isinstance(type_, type) and self._opaque.fullmatch(type_.__name__):
            return Shape(types=["object"])
        if _is_file(type_):
            return Shape(types=["string"])
        if type_ in self._known:
            return self._known[type_]
        file = self._files.get(type_)
        if file is not None:
            return self._filed(type_, file)
        if type_ in self._open:
            raise TypeError(f"{type_!r} contains itself: give it a file")
        self._open.append(type_)
        shape = self._known[type_] = self._union(type_) if _is_union(type_) else self._object(type_)
        self._open.pop()
        return shape

    def constants(self, type_: Any, field: str) -> list[str]:
        """The texts that a field of an object may be."""
        hint, _ = _fields(type_)[field]
        return self.shape(hint).known or []

    def _filed(self, type_: Any, file: str) -> Shape:
        shape = self._known[type_] = Shape(types=["object"], file=file)  # before its fields: it may contain itself
        outside, self._open = self._open, []
        whole = self._union(type_) if _is_union(type_) else self._object(type_)
        self._open = outside
        shape.types = whole.types
        shape.fields, shape.required, shape.values = whole.fields, whole.required, whole.values
        shape.tag, shape.variants, shape.untagged = whole.tag, whole.variants, whole.untagged
        return shape

    def _union(self, type_: Any) -> Shape:
        return either(self.shape(part) for part in parts(type_))

    def _object(self, type_: Any) -> Shape:
        shape = Shape(types=["object"], fields={}, name=type_.__name__)
        assert shape.fields is not None
        for name, (hint, required) in _fields(type_).items():
            if name in self._left_out:
                continue
            below = self.shape(hint)
            if below.known is not None and len(below.known) == 1 and name in _CONSTANTS and not below.constant:
                below = Shape(types=below.types, known=below.known, constant=True)
            shape.fields[name] = below
            if required:
                shape.required.append(name)
        return shape


def _fields(type_: Any) -> dict[str, tuple[Any, bool]]:
    """The annotations of an object's fields by their names on the wire, and whether each is required."""
    if isinstance(type_, type) and issubclass(type_, pydantic.BaseModel):
        return {info.alias or name: (info.annotation, info.is_required()) for name, info in type_.model_fields.items()}
    if typing_extensions.is_typeddict(type_):
        hints = typing_extensions.get_type_hints(type_, include_extras=True)
        return {_alias(hint) or name: (hint, _is_required(type_, name, hint)) for name, hint in hints.items()}
    raise TypeError(f"{type_!r} has no shape")


def _inside_out(shape: Shape) -> Shape:
    """The shape without its own file."""
    if shape.file is None:
        return shape
    plain = Shape(types=shape.types, fields=shape.fields, required=shape.required, values=shape.values)
    plain.tag, plain.variants, plain.untagged = shape.tag, shape.variants, shape.untagged
    return plain


def bare(type_: Any) -> Any:
    """The type without what is written around it."""
    while True:
        origin = typing.get_origin(type_)
        if origin is typing.Annotated or origin in _WRAPPERS:
            type_ = typing.get_args(type_)[0]
        elif isinstance(type_, typing_extensions.TypeAliasType):
            type_ = type_.__value__
        else:
            return type_


def _is_union(type_: Any) -> bool:
    return typing.get_origin(type_) in (typing.Union, types.UnionType)


def _is_file(type_: Any) -> bool:
    """What a client reads and sends as base64."""
    return typing.get_origin(type_) in (typing.IO, os.PathLike) or type_ in (os.PathLike, io.IOBase)


def parts(type_: Any) -> list[Any]:
    names = ("Omit", "NotGiven")
    return [part for part in typing.get_args(type_) if getattr(part, "__name__", "") not in names]


def _literal(values: tuple[Any, ...]) -> Shape:
    texts = [str(value) for value in values if isinstance(value, str)]
    numbers = [value for value in values if type(value) is int]
    return Shape(
        types=list(dict.fromkeys(_PLAIN[type(value)] for value in values)), known=texts or None, numbers=numbers
    )


def _is_required(type_: Any, name: str, hint: Any) -> bool:
    """`Required` in an annotation that is a text is not seen by `__required_keys__`."""
    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing_extensions.Required):
        return True
    return name in type_.__required_keys__ and origin not in (typing.NotRequired, typing_extensions.NotRequired)


def _alias(hint: Any) -> str | None:
    """The name on the wire that a typed dictionary's annotation gives."""
    while typing.get_origin(hint) in _WRAPPERS:
        hint = typing.get_args(hint)[0]
    for note in getattr(hint, "__metadata__", ()):
        alias = getattr(note, "alias", None)
        if isinstance(alias, str):
            return alias
    return None
