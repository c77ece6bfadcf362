"""Schemas that lead back to themselves without going down into the message: they say nothing, and are mistakes.

A schema of a tree refers to itself below `properties` or `items`, and is fine. One that comes back by `$ref`, `allOf`
and the like alone asks of a value what it asks of it. An engine lets that pass in silence. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from replayer.contract.documents import Place
from replayer.errors import ContractError

__all__ = ["refuse_loops"]

_SAME_VALUE = ("not", "if", "then", "else")
_SAME_VALUE_EACH = ("allOf", "anyOf", "oneOf")
_BELOW = ("items", "additionalProperties", "contains", "propertyNames", "unevaluatedProperties", "unevaluatedItems")
_BELOW_EACH = ("properties", "patternProperties", "prefixItems", "$defs", "dependentSchemas")


def refuse_loops(schema: Place) -> None:
    """Raise ContractError, with file and pointer, for a loop in `schema` or in anything that it refers to."""
    done: set[str] = set()
    waiting = [schema]
    while waiting:
        start = waiting.pop()
        if start.uri in done:
            continue
        # Depth first over what holds for the same value; `None` marks that a place's own are all done.
        trail: list[str] = []
        steps: list[Place | None] = [start]
        while steps:
            here = steps.pop()
            if here is None:
                done.add(trail.pop())
                continue
            if here.uri in trail:
                raise here.wrong("leads back to itself without going down into the message")
            if here.uri in done:
                continue
            trail.append(here.uri)
            steps.append(None)
            steps.extend(_same_value(here))
            waiting.extend(_below(here))


def _same_value(schema: Place) -> Iterator[Place]:
    reference = schema.value.get("$ref") if isinstance(schema.value, dict) else None
    if isinstance(reference, str):
        # An anchor, or a schema known by its $id: the engine finds it, or says that it is not there.
        with suppress(ContractError):
            yield schema.at(reference)
    yield from _one(schema, _SAME_VALUE)
    yield from _each(schema, _SAME_VALUE_EACH)


def _below(schema: Place) -> Iterator[Place]:
    yield from _one(schema, _BELOW)
    yield from _each(schema, _BELOW_EACH)


def _one(schema: Place, keywords: tuple[str, ...]) -> Iterator[Place]:
    for keyword in keywords:
        below = schema.raw(keyword)
        if below is not None:
            yield below


def _each(schema: Place, keywords: tuple[str, ...]) -> Iterator[Place]:
    for keyword in keywords:
        holder = schema.raw(keyword)
        items = holder.value if holder is not None else None
        if holder is not None and isinstance(items, dict):
            yield from (
                Place(holder.fetch, holder.document, (*holder.path, key), below) for key, below in items.items()
            )
        elif holder is not None and isinstance(items, list):
            for number, below in enumerate(items):
                yield Place(holder.fetch, holder.document, (*holder.path, str(number)), below)
