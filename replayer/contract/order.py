"""The order of a stream's events: what comes first and last, what must be open before it is added to.

An `itemSchema` says it as `x-order`; nothing in OpenAPI does. One `Ordering` follows one stream. It never refuses what
it does not know, and says each mistake once. Knows no schemas: it is told the kind of each event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from replayer.contract.documents import Place
from replayer.contract.message import excerpt
from replayer.contract.violation import Violation

__all__ = ["Order", "Ordering", "Span", "read_order"]

_KEYS = ("first", "last", "abort", "anytime", "rising", "spans", "mayEndEarly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that is opened, added to and closed: a block of a message, by its index."""

    opened: str
    holds: frozenset[str]
    closed: str
    by: tuple[str, ...]
    """The fields of an event that say which one is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The rules of one kind of stream, over the kinds of its events."""

    uri: str
    first: frozenset[str]
    """Empty: a stream may begin with anything."""
    last: frozenset[str]
    """One of these ends a stream, and nothing comes after it."""
    abort: frozenset[str]
    """May come at any time, and is the last."""
    anytime: frozenset[str]
    """Outside of all order, before the first and after the last too."""
    rising: str | None
    """A field whose number rises from event to event."""
    spans: tuple[Span, ...]
    may_end_early: bool
    """Whether a stream without a last event is a good one."""

    def begin(self) -> Ordering:
        """Follow a new stream."""
        return Ordering(self)


class Ordering:
    """One stream as far as it has come."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._began = False
        self._ended: str | None = None
        self._number: float | None = None
        self._open: set[tuple[Span, tuple[Any, ...]]] = set()

    def take(self, kind: str, value: Any, where: str) -> tuple[Violation, ...]:
        """The next event, by its kind and its parsed data: what is wrong with its coming now."""
        order = self._order
        if kind in order.anytime:
            return ()
        wrong: list[Violation] = []
        if self._ended is not None:
            wrong.append(self._wrong(where, f"nothing after {self._ended}", kind))
        elif not self._began and order.first and kind not in order.first | order.abort:
            wrong.append(self._wrong(where, f"{_either(order.first)} first", kind))
        elif self._began and kind in order.first:
            wrong.append(self._wrong(where, f"{kind} once, as the first", "another one"))
        self._began = True
        if isinstance(value, dict):
            wrong += self._number_rises(value, where)
            wrong += self._spans(kind, value, where)
        if kind in order.last or kind in order.abort:
            self._ended = kind
        return tuple(wrong)

    def end(self, where: str) -> tuple[Violation, ...]:
        """The stream is over and nobody cut it."""
        order = self._order
        if not self._began or self._ended is not None or order.may_end_early or not order.last:
            return ()
        return (self._wrong(where, f"{_either(order.last)} as the last event", "the end of the stream"),)

    def _number_rises(self, value: dict[str, Any], where: str) -> list[Violation]:
        field = self._order.rising
        number = value.get(field) if field is not None else None
        if not isinstance(number, int | float) or isinstance(number, bool):
            return []
        before, self._number = self._number, number
        if before is None or number > before:
            return []
        return [self._wrong(where, f"a {field} above {excerpt(before)}", excerpt(number), f"/{field}")]

    def _spans(self, kind: str, value: dict[str, Any], where: str) -> list[Violation]:
        for span in self._order.spans:
            if kind != span.opened and kind != span.closed and kind not in span.holds:
                continue
            which = tuple(excerpt(value.get(field)) for field in span.by)
            told = ", ".join(f"{field} {text}" for field, text in zip(span.by, which, strict=True))
            here = (span, which)
            if kind == span.opened:
                known = here in self._open
                self._open.add(here)
                return [self._wrong(where, f"{span.closed} before another {kind} of {told}", kind)] if known else []
            if here not in self._open:
                return [self._wrong(where, f"{span.opened} of {told} before it", kind)]
            if kind == span.closed:
                self._open.discard(here)
            return []
        return []

    def _wrong(self, where: str, expected: str, actual: str, pointer: str = "") -> Violation:
        return Violation(
            where=where, pointer=pointer, expected=expected, actual=actual, schema=f"{self._order.uri}/x-order"
        )


def read_order(item: Place) -> Order | None:
    """The `x-order` of an `itemSchema`, or None. Raises ContractError for one that is wrong."""
    place = item.get("x-order")
    if place is None:
        return None
    rules = place.value
    if not isinstance(rules, dict) or not set(rules) <= set(_KEYS):
        raise place.wrong(f"x-order is an object of {', '.join(_KEYS)}")
    try:
        spans = tuple(
            Span(
                opened=str(span["opened"]),
                holds=frozenset(span.get("holds", ())),
                closed=str(span["closed"]),
                by=tuple(span.get("by", ())),
            )
            for span in rules.get("spans", ())
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise place.wrong("a span has opened, holds, closed and by") from error
    return Order(
        uri=item.uri,
        first=frozenset(rules.get("first", ())),
        last=frozenset(rules.get("last", ())),
        abort=frozenset(rules.get("abort", ())),
        anytime=frozenset(rules.get("anytime", ())),
        rising=rules.get("rising"),
        spans=spans,
        may_end_early=rules.get("mayEndEarly") is True,
    )


def _either(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))
