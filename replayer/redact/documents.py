"""JSON documents, looked into by value: the places that a rule names, and the texts that go on in a later message.

The rule: what changes is cut out of the document's own bytes, so everything else stays as it was. Pure; a document is
whole (a body, an event's data, a frame), and what is no JSON has no places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from replayer.match.jsonpath import JsonPath, Place
from replayer.redact.find import REPLACEMENT, Span

__all__ = ["Leaf", "growing_texts", "selected", "values"]

_TOKEN = re.compile(rb'[\s,:]*+(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")|([{\[])|([}\]])|([^\s,:{}\[\]"]++))', re.DOTALL)

GROWING = frozenset(
    {
        "arguments",
        "audio_transcript",
        "content",
        "delta",
        "input",
        "partial_json",
        "reasoning",
        "reasoning_content",
        "refusal",
        "summary",
        "text",
        "thinking",
        "token",
        "transcript",
    }
)
"""Names under which providers stream a text piece by piece (chat completions, responses, messages, realtime, Gemini,
worker progress)."""
_GROWING_NAMES = re.compile(rb'"(?:' + b"|".join(sorted(name.encode() for name in GROWING)) + rb')"\s*:\s*"')


class Leaf(NamedTuple):
    """A value: its place, and its bytes in the document."""

    place: Place
    start: int
    end: int


def selected(document: bytes, paths: Sequence[JsonPath], *, offset: int = 0) -> list[Span]:
    """What the paths select, as spans from `offset` on; a value of any kind gives way to the placeholder."""
    value = _parsed(document)
    places = {place: path.text for path in paths for place in path.places(value)} if value is not None else {}
    if not places:
        return []
    return [
        Span(offset + leaf.start, offset + leaf.end, b'"' + REPLACEMENT + b'"', rule=f"the path {places[leaf.place]}")
        for leaf in values(document)
        if leaf.place in places
    ]


def growing_texts(document: bytes) -> Iterator[tuple[Leaf, str]]:
    """The strings of the document that may go on in the next message, decoded."""
    if _GROWING_NAMES.search(document) is None or _parsed(document) is None:
        return
    for leaf in values(document):
        if leaf.place and leaf.place[-1] in GROWING and document[leaf.start] == 0x22:
            yield leaf, orjson.loads(document[leaf.start : leaf.end])


def values(document: bytes) -> Iterator[Leaf]:
    """Every value of a JSON document, containers after what is in them. The document must be valid."""
    place: list[str | int] = []
    starts: list[int] = []
    objects: list[bool] = []
    named = False  # whether the name of the next value of an object has been read
    for match in _TOKEN.finditer(document):
        text, opened, closed, _ = match.groups()
        kind = match.lastindex or 4
        start, end = match.span(kind)
        if closed is None and text is not None and objects and objects[-1] and not named:
            place[-1], named = orjson.loads(text), True
            continue
        if closed is None and objects and not objects[-1]:
            place[-1] = int(place[-1]) + 1
        if opened is not None:
            starts.append(start)
            objects.append(opened == b"{")
            place.append("" if opened == b"{" else -1)
            named = False
            continue
        if closed is not None:
            place.pop()
            objects.pop()
            start = starts.pop()
        yield Leaf(tuple(place), start, end)
        named = False


def _parsed(document: bytes) -> Any:
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:
        return None


def apply(data: bytes, spans: Iterable[Span]) -> bytes:
    """`data` with each span (in order, apart) replaced."""
    parts = []
    at = 0
    for span in spans:
        parts += [data[at : span.start], span.replacement]
        at = span.end
    return b"".join([*parts, data[at:]])
