"""A learned shape written as JSON Schema 2020-12: what all samples had in common, and nothing else.

Required is what every sample had; other properties stay allowed. Kinds of objects are told apart by `if`/`then` on
their discriminator, never by a `oneOf` whose error nobody can read. A closed set of words is an `enum`.
"""

from __future__ import annotations

from typing import Any

from replayer.contract.shape import Fields, Shape

__all__ = ["schema_of"]

_ORDER = ("null", "boolean", "integer", "number", "string", "array", "object")


def schema_of(shape: Shape | None) -> dict[str, Any]:
    """The schema of a place; `{}` allows anything, where nothing is known."""
    if shape is None or shape.unknown or not shape.types:
        return {}
    types = sorted(shape.named(), key=_ORDER.index)
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    if "string" in types:
        schema |= _text(shape, alone=len(types) == 1)
    if shape.items is not None and shape.items.count:
        items = schema_of(shape.items)
        if items:
            schema["items"] = items
    if "object" in types:
        schema |= _object(shape)
    return schema


def _text(shape: Shape, *, alone: bool) -> dict[str, Any]:
    if alone and shape.closed:
        return {"enum": sorted(shape.texts or {})}
    # Of two formats that fit all texts, neither is proven.
    return {"format": next(iter(shape.formats))} if shape.formats and len(shape.formats) == 1 else {}


def _object(shape: Shape) -> dict[str, Any]:
    told, kinds = shape.discriminator, shape.kinds
    if told is None or None in kinds:
        return _fields(shape.fields)
    if len(kinds) == 1:
        ((kind, fields),) = kinds.items()
        return _fields(fields, told, {"const": kind})
    branches = [
        {"if": {"properties": {told: {"const": kind}}, "required": [told]}, "then": _fields(fields, told, {})}
        for kind, fields in sorted(kinds.items(), key=lambda pair: pair[0] or "")
    ]
    known = sorted(kind for kind in kinds if kind is not None)
    return {"required": [told], "properties": {told: {"type": "string", "enum": known}}, "allOf": branches}


def _fields(fields: Fields, told: str | None = None, constant: dict[str, Any] | None = None) -> dict[str, Any]:
    """The objects of one kind; `told` is the property that says so, `constant` what is said of it."""
    if fields.is_map:
        whole: Shape | None = None
        for below in fields.properties.values():
            whole = below if whole is None else whole.merged(below)
        return {} if fields.more else {"additionalProperties": schema_of(whole)}
    properties: dict[str, Any] = {}
    for name, below in fields.properties.items():
        if name == told and constant is not None:
            if constant:
                properties[name] = {"type": "string", **constant}
        else:
            properties[name] = schema_of(below)
    required = [name for name in fields.properties if fields.always(name) and (name != told or constant)]
    schema: dict[str, Any] = {"required": required} if required else {}
    return schema | ({"properties": properties} if properties else {})
