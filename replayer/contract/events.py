"""The events of a `text/event-stream`, each held against the schema of its kind.

OpenAPI 3.2 describes an event by `itemSchema`: an object with `event` and `data`, where `data` carries JSON by
`contentSchema`. Its alternatives are told apart one by one, never tried all at once: by a literal (`[DONE]`), by the
event's name, by the `type` in its JSON (`x-when-type` says it without opening the schema), or by a key that only this
kind has (`x-when-key`). Their order is `order.py`'s to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from replayer.cassette.sse import event_data
from replayer.contract.documents import Place
from replayer.contract.message import NO_JSON, REDACTED, Unreadable, excerpt, parse
from replayer.contract.order import Order, Ordering, read_order
from replayer.contract.schema import Compile, Schema
from replayer.contract.violation import Severity, Violation
from replayer.errors import closest

__all__ = ["EventKind", "Events", "read_events"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """One kind of event, and how it is told from the others."""

    literal: str | None = None
    """The data, word for word."""
    name: str | None = None
    type: str | None = None
    key: str | None = None
    schema: Schema | None = None
    """Of the JSON in the data; None where the data is any text."""

    @property
    def label(self) -> str:
        """What the rules of order call it; `""` for what nothing tells apart."""
        return self.literal or self.type or self.name or self.key or ""


class Events:
    """The contract of one stream."""

    def __init__(self, uri: str, kinds: Sequence[EventKind], order: Order | None = None) -> None:
        self.uri = uri
        self.order = order
        self.kinds = tuple(kinds)
        self._literals = {kind.literal for kind in kinds if kind.literal is not None}
        self._names = {kind.name: kind for kind in kinds if kind.name is not None}
        self._types = {kind.type: kind for kind in kinds if kind.type is not None}
        self._keys = {kind.key: kind for kind in kinds if kind.key is not None}
        self._plain = next((kind for kind in kinds if kind.schema is not None and not _told_apart(kind)), None)

    def check(self, event: bytes, where: str, ordering: Ordering | None = None) -> tuple[Violation, ...] | None:
        """Hold one event against its schema, and against the order of its stream where that is followed.

        None for a comment or another piece without data.
        """
        name, data = event_data(event)
        if not data:
            return None
        if data in self._literals:
            return ordering.take(data, None, where) if ordering is not None else ()
        named = self._names.get(name) if name is not None else None
        if named is not None and named.schema is None:
            return ordering.take(named.label, None, where) if ordering is not None else ()
        value = parse(data)
        if isinstance(value, Unreadable):
            if REDACTED in data:
                return None
            return (_violation(where, f"JSON ({value.reason})", excerpt(data), NO_JSON, Severity.ERROR),)
        kind = named or self._kind(value)
        if kind is None:
            told = name or (value.get("type") if isinstance(value, dict) else None)
            return (self._unknown(told, value, where),)
        found = kind.schema.check(value, where) if kind.schema is not None else ()
        return found + ordering.take(kind.label, value, where) if ordering is not None else found

    def _kind(self, value: Any) -> EventKind | None:
        if isinstance(value, dict):
            told = value.get("type")
            if isinstance(told, str) and told in self._types:
                return self._types[told]
            for key, kind in self._keys.items():
                if key in value:
                    return kind
        return self._plain

    def _unknown(self, told: object, value: Any, where: str) -> Violation:
        known = [str(known) for known in (*self._names, *self._types)]
        expected = "an event of a known kind (" + ", ".join(dict.fromkeys(known)) + ")"
        if not isinstance(told, str):
            # No new kind, but none at all: what tells the kinds apart is missing, or of another type.
            return _violation(where, expected, excerpt(told or value), self.uri, Severity.ERROR)
        return _violation(where, expected + closest(told, known), excerpt(told), self.uri, Severity.WARNING)


def read_events(item: Place, compile_: Compile) -> Events:
    """Read an `itemSchema`."""
    whole = item.followed()
    branches = whole.get("oneOf") or whole.get("anyOf")
    places = [below for _, below in branches.each()] if branches is not None else [whole]
    return Events(whole.uri, [_kind(below, compile_) for below in places], read_order(whole))


def _kind(place: Place, compile_: Compile) -> EventKind:
    properties = place.get("properties")
    data = properties.get("data") if properties else None
    event = properties.get("event") if properties else None
    content = data.raw("contentSchema") if data else None
    return EventKind(
        literal=data.text("const") if data else None,
        name=event.text("const") if event else None,
        type=place.text("x-when-type") or (_type_of(content) if content else None),
        key=place.text("x-when-key"),
        schema=Schema(content.target, compile_) if content else None,
    )


def _type_of(content: Place) -> str | None:
    """The constant `type` that messages of this schema carry, if they do."""
    properties = content.followed().get("properties")
    declared = properties.get("type") if properties else None
    return declared.text("const") if declared else None


def _told_apart(kind: EventKind) -> bool:
    return any(told is not None for told in (kind.literal, kind.name, kind.type, kind.key))


def _violation(where: str, expected: str, actual: str, schema: str, severity: Severity) -> Violation:
    return Violation(where=where, pointer="", expected=expected, actual=actual, schema=schema, severity=severity)
