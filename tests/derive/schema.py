"""Schemas from shapes, in the words that schemas/README.md allows: open enumerations, `if` and `then`, no `anyOf`."""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.derive.shape import Shape

__all__ = ["document"]

BASE = "https://replayer.dev/schemas/"
_NAME = "x-name"
_LONG = 160
"""Characters of a schema that is worth a definition of its own where it is said twice."""


def document(path: str, title: str, shape: Shape) -> dict[str, Any]:
    """The whole of a schema file."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": BASE + path, "title": title}
    shape.file = None
    return {**head, **_defined(_schema(shape, path))}


def _schema(shape: Shape, at: str) -> dict[str, Any]:
    if shape.anything:
        return {}
    if shape.file is not None and shape.types == ["object"]:
        return {"$ref": _relative(shape.file, at)}
    if shape.constant and shape.types == ["string"] and shape.known:
        return {"const": shape.known[0]}
    types = [name for name in shape.types if not (name == "integer" and "number" in shape.types)]
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    if shape.name:
        schema[_NAME] = shape.name
    if shape.known is not None and "string" in types:
        schema["x-known-values"] = [*shape.known, *shape.numbers]
    elif shape.encoded:
        schema["contentEncoding"] = "base64"
    elif shape.numbers:
        schema["x-known-values"] = shape.numbers
    if shape.items is not None and not shape.items.anything:
        schema["items"] = _schema(shape.items, at)
    if shape.least is not None:
        schema["minItems"] = shape.least
    if shape.file is not None:
        return {**schema, "if": {"type": "object"}, "then": {"$ref": _relative(shape.file, at)}}
    if shape.variants:
        return {**schema, **_variants(shape, at)}
    if shape.values is not None:
        schema["additionalProperties"] = _schema(shape.values, at)
    if shape.fields is not None:
        if shape.required:
            schema["required"] = list(shape.required)
        schema["properties"] = {name: _schema(below, at) for name, below in shape.fields.items()}
    return schema


def _variants(shape: Shape, at: str) -> dict[str, Any]:
    tag = shape.tag
    rules = []
    for name, variant in shape.variants.items():
        told: dict[str, Any] = {"type": "object", "properties": {tag: {"const": name}}, "required": [tag]}
        if shape.untagged == (name,):
            told = {"type": "object", "properties": {tag: {"enum": [name, None]}}}
        then = _schema(variant, at)
        if "$ref" not in then:
            properties = {key: below for key, below in then.get("properties", {}).items() if key != tag}
            required = [key for key in then.get("required", ()) if key != tag]
            then = {key: below for key, below in then.items() if key not in ("type", "required", "properties")}
            then |= {"required": required} if required else {}
            then |= {"properties": properties} if properties else {}
        if set(then) - {_NAME}:
            rules.append({"if": told, "then": then})
            needed = [key for key in variant.required if key != tag]
            if name in shape.untagged and len(shape.untagged) > 1 and needed:
                # Several may come without their tag: then what they need tells them apart.
                bare = {"type": "object", "properties": {tag: {"const": None}}, "required": needed}
                rules.append({"if": bare, "then": then})
    whole: dict[str, Any] = {} if shape.untagged else {"required": [tag]}
    type_ = ["string", "null"] if shape.untagged else "string"
    whole["properties"] = {tag: {"type": type_, "x-known-values": list(shape.variants)}}
    return {**whole, "allOf": rules} if rules else whole


def _relative(path: str, at: str) -> str:
    return posixpath.relpath(path, posixpath.dirname(at))


def _defined(schema: dict[str, Any]) -> dict[str, Any]:
    """The same with what is said more than once said in `$defs`."""
    texts: dict[str, dict[str, Any]] = {}
    counts: Counter[str] = Counter()
    for below in _objects(schema):
        text = json.dumps(below, sort_keys=True)
        if len(text) > _LONG and ("properties" in below or "allOf" in below):
            texts[text] = below
            counts[text] += 1
    names: dict[str, str] = {}
    for text, count in counts.items():
        if count > 1:
            name = _definition(texts[text])
            taken = set(names.values())
            names[text] = next(n for n in (name, *(f"{name}{i}" for i in range(2, 99))) if n not in taken)
    whole = _replaced(schema, names, keep=schema)
    definitions = {name: _replaced(texts[text], names, keep=texts[text]) for text, name in names.items()}
    used = json.dumps([whole, definitions])
    definitions = {name: below for name, below in definitions.items() if f'"#/$defs/{name}"' in used}
    return {**whole, "$defs": dict(sorted(definitions.items()))} if definitions else dict(whole)


def _definition(schema: dict[str, Any]) -> str:
    name = schema.get(_NAME)
    if not isinstance(name, str):
        tags = schema.get("properties", {}).get("type", {}).get("x-known-values") or ["shared"]
        name = "Any_" + tags[0]
    name = re.sub(r"^(Beta|Response|Realtime)(?=[A-Z])|Param$", "", name)
    parts = [part for part in re.split(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", name) if part]
    return parts[0].lower() + "".join(part[:1].upper() + part[1:] for part in parts[1:])


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for below in value.values():
            yield from _objects(below)
    elif isinstance(value, list):
        for below in value:
            yield from _objects(below)


def _replaced(value: Any, names: dict[str, str], *, keep: Any = None) -> Any:
    if isinstance(value, dict):
        if value is not keep:
            name = names.get(json.dumps(value, sort_keys=True))
            if name is not None:
                return {"$ref": f"#/$defs/{name}"}
        return {
            key: _replaced(below, names) for key, below in value.items() if key != _NAME or not isinstance(below, str)
        }
    return [_replaced(below, names) for below in value] if isinstance(value, list) else value
