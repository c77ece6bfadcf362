"""Messages made from a bundled schema, and what the schema demands at each of their places.

Made for the words that schemas/README.md allows, not for any schema: alternatives are `if`/`then` on a constant or on
a type. Everything that a message may have is in it, down to a depth; a `Choose` says which variant, which value. A
message remembers its demands, so that each can be broken, one at a time.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin

from replayer.bundled import schemas_folder
from replayer.contract.registry import BASE

__all__ = ["Choose", "Demand", "Example", "Kinds", "Turns", "everything", "example", "randomly", "schema_names"]

Choose = Callable[[str, int], int]
"""Which of so many, at a place of a schema."""

Kinds = Callable[[tuple[str, ...]], tuple[str, ...]]
"""Of the types that a value may have, those that are used."""

_DEEP = 7
_DEEPEST = 14
_JSON_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")


@dataclass(frozen=True, slots=True)
class Demand:
    """What the schema asks of one value of a message."""

    path: tuple[str | int, ...]
    types: tuple[str, ...]
    """Empty: anything."""
    required: tuple[str, ...] = ()
    known: tuple[str, ...] | None = None
    """The texts that are known."""
    closed: bool = False
    """Whether another text is an error."""


@dataclass(slots=True)
class Example:
    """A message and its demands."""

    value: Any = None
    demands: list[Demand] = field(default_factory=list)


class Turns:
    """Takes turns at every place, so that after enough messages each variant was there."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self.fresh = False
        """Whether something was taken for the first time."""

    def __call__(self, place: str, count: int) -> int:
        turn = self._taken.get(place, 0)
        self.fresh = self.fresh or turn < count
        self._taken[place] = turn + 1
        return turn % count


def schema_names() -> list[str]:
    """The bundled schemas of messages, by their paths."""
    names = sorted(file.relative_to(schemas_folder()).as_posix() for file in schemas_folder().rglob("*.json"))
    return [name for name in names if "$schema" in _document(BASE + name) and not name.startswith("replayer/")]


def everything(name: str, kinds: Kinds = tuple, most: int = 400) -> Iterator[Example]:
    """Messages of a schema until each of its variants and values was in one."""
    turns = Turns()
    for _ in range(most):
        turns.fresh = False
        made = example(name, turns, kinds)
        if not turns.fresh:
            return
        yield made


def example(name: str, choose: Choose, kinds: Kinds = tuple) -> Example:
    """One message of a schema by its path, or of a place in a document (`openai/openapi.json#/…`).

    `kinds` says which of the allowed types are used.
    """
    made = Example()
    home, schema = _resolve(BASE, name)
    maker = _Maker(choose, kinds, made, home)
    made.value = maker.value([(home, schema)], BASE + name, (), 0)
    return made


def randomly(chance: random.Random) -> Choose:
    """Choices by chance."""
    return lambda _place, count: chance.randrange(count)


_DOCUMENTS: dict[str, Any] = {}


def _document(uri: str) -> Any:
    if uri not in _DOCUMENTS:
        _DOCUMENTS[uri] = json.loads((schemas_folder() / uri.removeprefix(BASE)).read_text("utf-8"))
    return _DOCUMENTS[uri]


def _resolve(base: str, reference: str) -> tuple[str, Any]:
    uri, _, fragment = urljoin(base, reference).partition("#")
    value = _document(uri)
    for step in unquote(fragment).split("/")[1:]:
        value = value[step.replace("~1", "/").replace("~0", "~")]
    return uri, value


_Schemas = list[tuple[str, dict[str, Any]]]
"""Schemas that hold together, each with the address of its document."""


class _Maker:
    def __init__(self, choose: Choose, kinds: Kinds, made: Example, home: str) -> None:
        self._choose = choose
        self._kinds = kinds
        self._made = made
        self._home = home

    def _demand(self, flat: _Schemas, demand: Demand) -> None:
        """Remember a demand of this schema; those of others that it refers to are theirs."""
        if any(uri == self._home and set(schema) - {"$ref"} for uri, schema in flat):
            self._made.demands.append(demand)

    def value(self, schemas: _Schemas, place: str, path: tuple[str | int, ...], depth: int) -> Any:
        flat = list(_flat(schemas))
        types = _types(flat)
        kind = self._kind(types, flat, place, depth)
        flat = list(_flat([*flat, *_then_by_type(flat, kind)]))
        if kind == "object":
            return self._object(flat, types, place, path, depth)
        if kind == "array":
            return self._array(flat, types, place, path, depth)
        known = _first(flat, "x-known-values")
        closed = _first(flat, "enum")
        if "const" in (constant := _merged(flat)):
            self._demand(flat, Demand(path, (_type(constant["const"]),), known=(), closed=True))
            return constant["const"]
        options = [v for v in closed or known or () if _type(v) == kind]
        texts = tuple(v for v in closed or known or () if isinstance(v, str))
        self._demand(flat, Demand(path, types, known=texts if closed or known else None, closed=closed is not None))
        if options:
            return options[self._choose(place + "=", len(options))]
        return _plain(kind, flat)

    def _kind(self, types: tuple[str, ...], flat: _Schemas, place: str, depth: int) -> str:
        if not types:
            constant = _merged(flat)
            if "const" in constant:
                return _type(constant["const"])
            return "object" if any("properties" in schema or "allOf" in schema for _, schema in flat) else "string"
        types = self._kinds(types)
        if depth > _DEEP:
            shallow = [name for name in types if name not in ("object", "array")]
            types = tuple(shallow) or types
        return types[self._choose(place + ":", len(types))]

    def _object(
        self, flat: _Schemas, types: tuple[str, ...], place: str, path: tuple[str | int, ...], depth: int
    ) -> dict[str, Any]:
        made: dict[str, Any] = {}
        rules = [(uri, rule) for uri, schema in flat for rule in schema.get("allOf", ()) if "if" in rule]
        for tag in dict.fromkeys(tag for _, rule in rules for tag in _tags(rule)):
            found = _first(
                [(u, s["properties"][tag]) for u, s in flat if tag in s.get("properties", {})], "x-known-values"
            )
            told = found or [rule["if"]["properties"][tag]["const"] for _, rule in rules if tag in _tags(rule)]
            made[tag] = told[self._choose(f"{place}/{tag}", len(told))]
        flat = list(_flat([*flat, *((uri, rule["then"]) for uri, rule in rules if _holds(rule["if"], made))]))
        required = list(dict.fromkeys(name for _, schema in flat for name in schema.get("required", ())))
        required += _one_of(flat)
        properties: dict[str, _Schemas] = {}
        for uri, schema in flat:
            for name, below in schema.get("properties", {}).items():
                properties.setdefault(name, []).append((uri, below))
        self._demand(flat, Demand(path, types, required=tuple(_demanded(flat))))
        for name, below in properties.items():
            if name not in required and depth >= _DEEP:
                continue
            if depth > _DEEPEST:
                raise RecursionError(place)
            if name in made:
                known = _first(list(_flat(below)), "x-known-values")
                closed = known is None
                types = _types(list(_flat(below))) or ("string",)
                self._demand(below, Demand((*path, name), types, known=tuple(known or ()), closed=closed))
            else:
                made[name] = self.value(below, f"{place}/{name}", (*path, name), depth + 1)
        for name in required:
            made.setdefault(name, "anything")
        free = [(uri, schema["additionalProperties"]) for uri, schema in flat if schema.get("additionalProperties")]
        if free and depth < _DEEP:
            made["free"] = self.value(free, place + "/*", (*path, "free"), depth + 1)
        return made

    def _array(
        self, flat: _Schemas, types: tuple[str, ...], place: str, path: tuple[str | int, ...], depth: int
    ) -> list[Any]:
        self._demand(flat, Demand(path, types))
        least = max((schema.get("minItems", 0) for _, schema in flat), default=0)
        items = [(uri, schema["items"]) for uri, schema in flat if "items" in schema]
        if not items or (depth >= _DEEP and not least):
            return []
        return [self.value(items, place + "/0", (*path, n), depth + 1) for n in range(max(1, least))]


def _flat(schemas: _Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas with what they refer to, and with what always holds of their `allOf`."""
    seen: set[int] = set()
    waiting = list(schemas)
    while waiting:
        uri, schema = waiting.pop(0)
        if id(schema) in seen:
            continue
        seen.add(id(schema))
        yield uri, schema
        if "$ref" in schema:
            waiting.append(_resolve(uri, schema["$ref"]))
        waiting += [(uri, part) for part in schema.get("allOf", ()) if "if" not in part]


def _then_by_type(flat: _Schemas, kind: str) -> _Schemas:
    """What holds for values of a type: `{"if": {"type": "object"}, "then": …}` and conditions on a constant beside."""
    chosen = []
    for uri, schema in flat:
        condition = schema.get("if")
        if condition is not None and set(condition) == {"type"} and condition["type"] == kind:
            chosen.append((uri, schema["then"]))
        elif condition is not None and "properties" in condition and kind == "object":
            chosen.append((uri, {"allOf": [{"if": condition, "then": schema["then"]}]}))
    return chosen


def _types(flat: _Schemas) -> tuple[str, ...]:
    allowed: tuple[str, ...] = ()
    for _, schema in flat:
        said = schema.get("type")
        if said is not None:
            names = (said,) if isinstance(said, str) else tuple(said)
            allowed = names if not allowed else tuple(name for name in allowed if name in names)
    return allowed


def _tags(rule: dict[str, Any]) -> list[str]:
    return [name for name, told in rule["if"].get("properties", {}).items() if "const" in told or "enum" in told]


def _holds(condition: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether the condition of a rule is met by what is chosen so far."""
    for name, told in condition.get("properties", {}).items():
        if name in made and made[name] not in told.get("enum", [told.get("const")]):
            return False
        if name not in made and name in condition.get("required", ()):
            return False
    return True


def _one_of(flat: _Schemas) -> list[str]:
    """Of `anyOf` over required fields, the first."""
    return [name for _, schema in flat for branch in schema.get("anyOf", ())[:1] for name in branch.get("required", ())]


def _demanded(flat: _Schemas) -> list[str]:
    return list(dict.fromkeys(name for _, schema in flat for name in schema.get("required", ())))


def _first(flat: _Schemas, keyword: str) -> list[Any] | None:
    return next((schema[keyword] for _, schema in flat if keyword in schema), None)


def _merged(flat: _Schemas) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for _, schema in flat:
        merged |= {key: value for key, value in schema.items() if key == "const"}
    return merged


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _plain(kind: str, flat: _Schemas) -> Any:
    least = next((schema["minimum"] for _, schema in flat if "minimum" in schema), 0)
    encoded = _first(flat, "contentEncoding") is not None
    return {
        "string": "dGV4dA==" if encoded else "2026-01-01T00:00:00Z",  # a text, and where clients want it a time
        "integer": max(1, least),
        "number": max(0.5, least),
        "boolean": True,
        "null": None,
    }[kind]
