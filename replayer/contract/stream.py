"""Streams of messages, learned from samples: the kinds of their messages, the shape of each, and in which order.

A kind is told by an event's name, by the `type` of its JSON, or by a literal (`[DONE]`); repeats of one kind count as
one step, because how often a delta comes says nothing. Knows no sockets and no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from replayer.cassette.sse import event_data
from replayer.contract.message import Unreadable, parse
from replayer.contract.shape import Shape
from replayer.contract.words import DISCRIMINATORS, is_token

__all__ = ["BEGIN", "END", "Kind", "Stream", "Told", "event_of", "kind_of"]

BEGIN, END = "(the beginning)", "(the end)"
_MOST_ORDERS = 512
_MOST_STEPS = 4096


class Told(StrEnum):
    """How the kind of a message is told."""

    NAME = "name"
    """By the name of the event."""
    TYPE = "type"
    """By a property of its JSON."""
    LITERAL = "literal"
    """Its whole data is one word."""
    PLAIN = "plain"
    """It is not: it is like all others of its stream."""


class Kind(NamedTuple):
    """The kind of a message."""

    told: Told
    text: str
    """`content_block_delta`; `""` where nothing tells."""
    by: str = ""
    """The property that tells it."""

    def __str__(self) -> str:
        return self.text or "message"


def kind_of(value: Any) -> Kind:
    """The kind of a message by its JSON."""
    if isinstance(value, dict):
        for name in DISCRIMINATORS[:-1]:
            told = value.get(name)
            if isinstance(told, str) and is_token(told):
                return Kind(Told.TYPE, told, name)
    return Kind(Told.PLAIN, "")


def event_of(event: bytes) -> tuple[Kind, Any] | None:
    """Kind and JSON of one server-sent event; None for a comment. The value of a literal is `Unreadable`."""
    name, data = event_data(event)
    if not data:
        return None
    value = parse(data)
    if isinstance(value, Unreadable):
        return Kind(Told.LITERAL, data if len(data) <= 64 else f"{data[:63]}…"), value
    return (Kind(Told.NAME, name) if name is not None else kind_of(value)), value


@dataclass(slots=True)
class Stream:
    """What one direction of a connection, or one kind of stream, was seen to say."""

    count: int = 0
    """Streams that were learned from."""
    shapes: dict[Kind, Shape] = field(default_factory=dict)
    orders: set[tuple[str, ...]] = field(default_factory=set)
    """Sequences of kinds, without repeats."""

    def learn(self, messages: Iterable[tuple[Kind, Any]], *, whole: bool) -> None:
        """Take in one stream; `whole` says that its end is where the sender ended it."""
        self.count += 1
        steps = [BEGIN]
        for kind, value in messages:
            shape = self.shapes.setdefault(kind, Shape())
            if isinstance(value, Unreadable):
                shape.count += 1
            else:
                shape.learn(value)
            if len(steps) < _MOST_STEPS and str(kind) != steps[-1]:
                steps.append(str(kind))
        if whole and len(steps) < _MOST_STEPS:
            steps.append(END)
        if len(self.orders) < _MOST_ORDERS:
            self.orders.add(tuple(steps))

    def names(self) -> set[str]:
        """Of the kinds."""
        return {str(kind) for kind in self.shapes}

    def steps(self, among: set[str]) -> set[tuple[str, str]]:
        """Which kind was seen right after which, where only those `among` are looked at."""
        return {pair for order in self.orders for pair in pairwise(_without_repeats(order, among | {BEGIN, END}))}


def _without_repeats(order: tuple[str, ...], among: set[str]) -> Iterator[str]:
    return (name for name, _ in groupby(name for name in order if name in among))
