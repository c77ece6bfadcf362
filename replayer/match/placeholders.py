"""Placeholders: where a recorded request says `[REDACTED]`, anything may stand.

The rule: a placeholder is matched by place, so that it stays a look-up. The places of a recorded request that hold
one are its shape; requests of one shape are indexed with those places blanked, and a request that is asked is blanked
in the same places once for each shape that its path knows, which are few. What surrounds a placeholder inside its text
(`Bearer [REDACTED]`) is compared afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from replayer.match.body import Body, BodyKind, fingerprint
from replayer.match.jsonpath import Place
from replayer.match.normalize import Key, Normal
from replayer.match.rules import PLACEHOLDER
from replayer.match.target import Query

__all__ = ["Pattern", "Shape", "blank", "fits", "patterns_of", "shape_of"]

_BLANK = "\x00anything"
_ESCAPED = "%5BREDACTED%5D"
"""The placeholder as a normalised path spells it."""
_MARK = PLACEHOLDER.encode()

Pattern = tuple[str | bytes, ...]
"""The texts of a recorded request at its shape's places, in their order."""


class Shape(NamedTuple):
    """The places of a request that hold a placeholder."""

    segments: tuple[int, ...]
    """Of the path."""
    query: tuple[str, ...]
    """Keys; all values of a key are one place."""
    kind: BodyKind | None
    """None where the body holds none."""
    places: tuple[Place, ...]
    """Of the body: paths into JSON, names of fields or parts, or `()` for the whole of its bytes."""
    headers: tuple[str, ...] = ()
    """Of the fields that the rules look at."""


def shape_of(recorded: Normal) -> Shape | None:
    """The shape of a recorded request; None where it holds no placeholder."""
    segments: tuple[int, ...] = ()
    if _ESCAPED in recorded.path:
        segments = tuple(at for at, text in enumerate(recorded.path.split("/")) if _ESCAPED in text)
    query = tuple(dict.fromkeys(name for name, value in recorded.query if PLACEHOLDER in value))
    places = tuple(dict.fromkeys(_places(recorded.body)))
    headers = tuple(dict.fromkeys(name for name, value in recorded.headers if PLACEHOLDER in value))
    if not (segments or query or places or headers):
        return None
    return Shape(segments, query, recorded.body.kind if places else None, places, headers)


def blank(normal: Normal, shape: Shape) -> Key | None:
    """The key of a request with a shape's places blanked; None where the request has no such place."""
    method, _, path, query, body, headers = normal
    if shape.segments:
        parts = path.split("/")
        if shape.segments[-1] >= len(parts):
            return None
        path = "/".join("*" if at in shape.segments else part for at, part in enumerate(parts))
    if shape.query:
        if not set(shape.query) <= {name for name, _ in query}:
            return None
        query = _blank_pairs(query, shape.query)
    if shape.headers:
        if not set(shape.headers) <= {name for name, _ in headers}:
            return None
        headers = _blank_pairs(headers, shape.headers)
    digest = fingerprint(body) if shape.kind is None else _blank_body(body, shape)
    return None if digest is None else Key(method, path, query, digest, headers)


def patterns_of(normal: Normal, shape: Shape) -> tuple[Any, ...]:
    """What stands at a shape's places: of a recorded request its pattern, of an asked one what has to fit."""
    parts = normal.path.split("/") if shape.segments else []
    found: list[Any] = [parts[at] for at in shape.segments]
    for name in shape.query:
        found.extend(value for key, value in normal.query if key == name)
    for name in shape.headers:
        found.extend(value for key, value in normal.headers if key == name)
    body = normal.body
    for place in shape.places:
        if body.kind is BodyKind.JSON:
            found.append(_at(body.value, place))
        elif body.kind is BodyKind.FORM:
            found.extend(value for key, value in body.value if key == place[0])
        elif body.kind is BodyKind.MULTIPART:
            found.extend(part.content for part in body.value if part.name == place[0])
        else:
            found.append(body.value)
    return tuple(found)


def fits(pattern: object, value: object) -> bool:
    """Whether `value` may stand where a recording has `pattern`: the pieces around each placeholder, in order."""
    if pattern in (PLACEHOLDER, _MARK, _ESCAPED):
        return True
    if isinstance(pattern, str) and isinstance(value, str):
        mark = PLACEHOLDER if PLACEHOLDER in pattern else _ESCAPED
        return _in_order(pattern.split(mark), value)
    if isinstance(pattern, bytes) and isinstance(value, bytes):
        # Latin-1 keeps every byte one character.
        return _in_order(pattern.decode("latin-1").split(PLACEHOLDER), value.decode("latin-1"))
    return pattern == value


def _in_order(pieces: list[str], text: str) -> bool:
    first, *middle, last = pieces if len(pieces) > 1 else [pieces[0], ""]
    if len(pieces) == 1:
        return text == first
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _places(body: Body) -> Iterator[Place]:
    if body.kind is BodyKind.JSON:
        yield from _json_places(body.value)
    elif body.kind is BodyKind.FORM:
        yield from ((name,) for name, value in body.value if PLACEHOLDER in value)
    elif body.kind is BodyKind.MULTIPART:
        yield from ((part.name,) for part in body.value if _MARK in part.content)
    elif body.kind is BodyKind.BYTES and _MARK in body.value:
        yield ()


def _json_places(root: Any) -> Iterator[Place]:
    waiting: list[tuple[Place, Any]] = [((), root)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            if PLACEHOLDER in value:
                yield place
        elif isinstance(value, dict):
            waiting.extend(((*place, key), value[key]) for key in sorted(value, reverse=True))
        elif isinstance(value, list):
            waiting.extend(((*place, at), value[at]) for at in range(len(value) - 1, -1, -1))


def _at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def _blank_pairs(pairs: Query, names: tuple[str, ...]) -> Query:
    return tuple((name, _BLANK if name in names else value) for name, value in pairs)


def _blank_body(body: Body, shape: Shape) -> bytes | None:
    kind, value = body
    if kind is not shape.kind:
        return None
    if kind is BodyKind.JSON:
        return _blank_json(value, shape.places)
    if kind is BodyKind.BYTES:
        return b"*"
    names = {str(place[0]) for place in shape.places}
    if kind is BodyKind.FORM:
        return fingerprint(Body(kind, _blank_pairs(value, tuple(names))))
    parts = tuple(part._replace(content=b"*") if part.name in names else part for part in value)
    return fingerprint(Body(kind, parts))


def _blank_json(value: Any, places: tuple[Place, ...]) -> bytes | None:
    """Blank the places, take the fingerprint, put back what was there: no copy of a large body."""
    holder = [value]
    undo: list[tuple[Any, Any, Any]] = []
    try:
        for place in places:
            *above, last = (0, *place)
            parent: Any = holder
            for step in above:
                parent = parent[step]
            if isinstance(parent, str):
                return None
            undo.append((parent, last, parent[last]))
            parent[last] = _BLANK
        return fingerprint(Body(BodyKind.JSON, holder[0]))
    except (KeyError, IndexError, TypeError):
        return None
    finally:
        for parent, last, before in reversed(undo):
            parent[last] = before
