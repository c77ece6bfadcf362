"""Matchers: why two requests differ, one matcher a part of the request.

The rule: all matchers pass if and only if the index would call the two requests equal. A matcher yields values as
they are; whoever shows them hides and shortens them first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from replayer.match.body import Body, BodyKind
from replayer.match.jsondiff import ABSENT, Change, diff, pointer
from replayer.match.normalize import Normal
from replayer.match.placeholders import fits

__all__ = ["MATCHERS", "Comparison", "compare"]

_LIMIT = 20
"""Differences shown of one matcher."""

Matcher = Callable[[Normal, Normal], Iterable[Change]]


class Comparison(NamedTuple):
    """What passed, and the differences of what did not, by matcher."""

    matched: tuple[str, ...]
    differed: tuple[tuple[str, Change], ...]


def compare(recorded: Normal, asked: Normal) -> Comparison:
    """Hold an asked request against a recorded one; an asked host of `""` is any host."""
    matched: list[str] = []
    differed: list[tuple[str, Change]] = []
    for name, matcher in MATCHERS.items():
        if name == "headers" and not (recorded.headers or asked.headers):
            continue  # no field matters, and nothing was compared
        changes = list(matcher(recorded, asked))[:_LIMIT]
        if changes:
            differed.extend((name, change) for change in changes)
        else:
            matched.append(name)
    return Comparison(tuple(matched), tuple(differed))


def _method(recorded: Normal, asked: Normal) -> Iterator[Change]:
    if recorded.method != asked.method:
        yield Change("", recorded.method, asked.method)


def _host(recorded: Normal, asked: Normal) -> Iterator[Change]:
    if asked.host not in ("", recorded.host):
        yield Change("", recorded.host, asked.host)


def _path(recorded: Normal, asked: Normal) -> Iterator[Change]:
    ours, theirs = recorded.path.split("/"), asked.path.split("/")
    if len(ours) != len(theirs) or not all(map(fits, ours, theirs)):
        yield Change("", recorded.path, asked.path)


def _query(recorded: Normal, asked: Normal) -> Iterator[Change]:
    return _fields(recorded.query, asked.query)


def _headers(recorded: Normal, asked: Normal) -> Iterator[Change]:
    return _fields(recorded.headers, asked.headers)


def _body(recorded: Normal, asked: Normal) -> Iterable[Change]:
    ours, theirs = recorded.body, asked.body
    if ours.kind is not theirs.kind:
        return [Change("", _named(ours), _named(theirs))]
    if ours.kind is BodyKind.OMITTED:
        return [] if ours.value == theirs.value else [Change("", _named(ours), _named(theirs))]
    if ours.kind is BodyKind.JSON:
        return diff(ours.value, theirs.value, limit=_LIMIT)
    if ours.kind is BodyKind.FORM:
        return _fields(ours.value, theirs.value)
    if ours.kind is BodyKind.MULTIPART:
        return _parts(ours.value, theirs.value)
    if ours.kind is BodyKind.BYTES and not fits(ours.value, theirs.value):
        return [Change("", ours.value, theirs.value)]
    return []


def _named(body: Body) -> str:
    """A body by its kind; one that is known by its digest by that."""
    if body.kind is BodyKind.OMITTED:
        return f"{body.value.bytes} bytes with the SHA-256 {body.value.sha256}"
    return f"{body.kind} body"


MATCHERS: Mapping[str, Matcher] = {
    "method": _method,
    "host": _host,
    "path": _path,
    "query": _query,
    "headers": _headers,
    "body": _body,
}
"""By name, in the order in which they are told."""


def _fields(recorded: Iterable[tuple[str, str]], asked: Iterable[tuple[str, str]]) -> Iterator[Change]:
    """Names with their values; a name that stands once shows its value, a repeated one the list of them."""
    ours, theirs = _by_name(recorded), _by_name(asked)
    for name in dict.fromkeys((*ours, *theirs)):
        left, right = ours.get(name, []), theirs.get(name, [])
        if len(left) != len(right) or not all(map(fits, left, right)):
            yield Change(pointer(name), _single(left), _single(right))


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        grouped[name].append(value)
    return grouped


def _single(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values or ABSENT


def _parts(recorded: Iterable[Any], asked: Iterable[Any]) -> Iterator[Change]:
    """Multipart by part: the n-th part of a name against the n-th of that name."""
    ours, theirs = _numbered(recorded), _numbered(asked)
    for key in dict.fromkeys((*ours, *theirs)):
        place = key[:1] if key[1] == 0 else key
        left, right = ours.get(key), theirs.get(key)
        if left is None or right is None:
            yield Change(pointer(*place), *(ABSENT if part is None else part.content for part in (left, right)))
            continue
        for name in ("filename", "content_type", "content"):
            old, new = getattr(left, name), getattr(right, name)
            if not (fits(old, new) if name == "content" else old == new):
                yield Change(pointer(*place, name), old, new)


def _numbered(parts: Iterable[Any]) -> dict[tuple[str, int], Any]:
    seen: dict[str, int] = defaultdict(int)
    numbered = {}
    for part in parts:
        numbered[part.name, seen[part.name]] = part
        seen[part.name] += 1
    return numbered
