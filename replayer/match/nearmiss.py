"""Near misses: the recorded interactions that come nearest to a request that nothing answers.

The rule: bounded work, whatever is loaded: candidates come from an index by path, first those that would be asked
next and those whose bodies are about as long; only they are compared. Nothing is shown but through `show`, which the
caller gives, of requests that went through `redact`: both sides, since an imported recording may hold secrets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import orjson

from replayer.cassette.model import Request
from replayer.match.index import Index, Recorded
from replayer.match.jsondiff import ABSENT, Change
from replayer.match.matchers import MATCHERS, Comparison, compare
from replayer.match.normalize import Normal, normalize
from replayer.match.rules import PLACEHOLDER

__all__ = ["Asked", "Difference", "NearMiss", "Nearest", "Show", "as_text", "shorten"]

Show = Callable[[Any], str]
"""A value of a request (JSON, text, bytes) as a short text without secrets."""

SHOWN = 80
"""Characters of a value that are shown."""
_EACH_WAY = 16
"""Candidates by the order of playing, and as many by the length of their bodies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place in which an asked request differs from a recorded one."""

    matcher: str
    """`method`, `host`, `path`, `query`, `headers` or `body`."""
    pointer: str
    """JSON pointer (RFC 6901) into the body, or `/name` of a query key, field or part; `""` is the whole."""
    recorded: str
    asked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A recorded interaction that did not answer, and why."""

    cassette: str
    index: int
    """In its cassette, from 0."""
    method: str
    uri: str
    """Of the recorded request, shown."""
    matched: tuple[str, ...]
    differed: tuple[Difference, ...]
    used_by: int | None
    """The journal entry that it was played for last; None where it was not played yet."""
    used_up: bool
    """It matches in everything, and nothing may be played again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that nothing answered, and where it was looked for."""

    request: Request
    host: str
    """That was demanded; `""` for any."""
    cassettes: frozenset[str] | None
    exhausted: Sequence[int]
    """Ordinals that match it and are used up."""
    used_by: dict[int, int]
    """The session's: ordinal to journal entry, in the order of playing."""


class Nearest:
    """Finds near misses in one index."""

    def __init__(
        self, recorded: Sequence[Recorded], index: Index, *, show: Show, redact: Callable[[Request], Request]
    ) -> None:
        self._recorded = recorded
        self._index = index
        self._show = show
        self._redact = redact
        self._lengths: dict[str, list[tuple[int, int]]] = {}
        self._by_end: dict[str, list[str]] | None = None

    def find(self, asked: Asked, *, limit: int) -> tuple[NearMiss, ...]:
        """The `limit` nearest, the nearest first; those that are used up before all others."""
        request = self._redact(asked.request)
        normal = normalize(request, self._index.rules)._replace(host=asked.host)
        found = [self._near(ordinal, None, asked) for ordinal in asked.exhausted[-limit:]]
        ranked: list[tuple[tuple[object, ...], int, Comparison]] = []
        for ordinal in self._candidates(normal.path, len(request.body or b""), asked.used_by):
            entry = self._recorded[ordinal]
            if ordinal in asked.exhausted or (asked.cassettes is not None and entry.cassette not in asked.cassettes):
                continue
            verdict = compare(self._normal(entry), normal)
            if not verdict.differed:
                verdict = self._secretly(entry, asked)
            elsewhere = not {"method", "path"} <= set(verdict.matched)
            size = sum(_size(change) for _, change in verdict.differed)
            rank = (elsewhere, -len(verdict.matched), len(verdict.differed), size, ordinal in asked.used_by, ordinal)
            ranked.append((rank, ordinal, verdict))
        ranked.sort(key=lambda near: near[0])
        found.extend(self._near(ordinal, verdict, asked) for _, ordinal, verdict in ranked[: limit - len(found)])
        return tuple(found)

    def _secretly(self, entry: Recorded, asked: Asked) -> Comparison:
        """Two requests that differ in nothing but what redaction takes out: the places, and neither value."""
        normal = normalize(asked.request, self._index.rules)._replace(host=asked.host)
        verdict = compare(self._index.normal(entry), normal)
        hidden = tuple((name, Change(at.pointer, PLACEHOLDER, PLACEHOLDER)) for name, at in verdict.differed)
        return verdict._replace(differed=hidden)

    def _near(self, ordinal: int, verdict: Comparison | None, asked: Asked) -> NearMiss:
        """Without a verdict: one that matches and is used up."""
        entry = self._recorded[ordinal]
        request = self._redact(entry.interaction.request)
        return NearMiss(
            cassette=entry.cassette,
            index=entry.number,
            method=request.method,
            uri=self._show(request.uri),
            matched=verdict.matched if verdict is not None else self._all_matchers(),
            differed=tuple(self._shown(matcher, change) for matcher, change in verdict.differed) if verdict else (),
            used_by=asked.used_by.get(ordinal),
            used_up=verdict is None,
        )

    def _shown(self, matcher: str, change: Change) -> Difference:
        recorded, asked = _around(change.recorded, change.asked)
        return Difference(
            matcher=matcher, pointer=_sendable(change.pointer), recorded=self._show(recorded), asked=self._show(asked)
        )

    def _all_matchers(self) -> tuple[str, ...]:
        return tuple(name for name in MATCHERS if name != "headers" or self._index.rules.match_headers)

    def _normal(self, entry: Recorded) -> Normal:
        interaction = replace(entry.interaction, request=self._redact(entry.interaction.request))
        return self._index.normal(entry._replace(interaction=interaction))

    def _candidates(self, path: str, length: int, used_by: dict[int, int]) -> list[int]:
        """Ordinals, at most a few times `_EACH_WAY`: of this path, else of paths that end alike, else the first."""
        by_path = self._index.by_path
        paths = [path] if path in by_path else self._ending_like(path)
        found: dict[int, None] = {}
        for name in islice(paths, _EACH_WAY):
            found.update(dict.fromkeys(self._of_path(name, length, used_by)))
            if len(found) >= 2 * _EACH_WAY:
                break
        return list(found) or list(range(min(len(self._recorded), _EACH_WAY)))

    def _of_path(self, path: str, length: int, used_by: dict[int, int]) -> Iterator[int]:
        ordinals = self._index.by_path[path]
        if len(ordinals) <= 2 * _EACH_WAY:
            yield from ordinals
            return
        # Where the suite stands: what follows the last one that was played.
        start = bisect_left(ordinals, next(reversed(used_by), 0))
        yield from ordinals[start : start + _EACH_WAY]
        lengths = self._lengths.get(path)
        if lengths is None:
            lengths = sorted((len(self._recorded[o].interaction.request.body or b""), o) for o in ordinals)
            self._lengths[path] = lengths
        near = bisect_left(lengths, (length, -1))
        for _, ordinal in lengths[max(0, near - _EACH_WAY // 2) : near + _EACH_WAY // 2]:
            yield ordinal

    def _ending_like(self, path: str) -> list[str]:
        if self._by_end is None:
            self._by_end = {}
            for known in self._index.by_path:
                self._by_end.setdefault(known.rstrip("/").rpartition("/")[2], []).append(known)
        return self._by_end.get(path.rstrip("/").rpartition("/")[2], [])


def _size(change: Change) -> int:
    """How much a difference weighs: of two texts what comes after the place where they part, else one."""
    recorded, asked = change.recorded, change.asked
    if not (isinstance(recorded, str) and isinstance(asked, str)):
        return 1
    return 1 + max(len(recorded), len(asked)) - _parting(recorded, asked)


def _around(recorded: Any, asked: Any) -> tuple[Any, Any]:
    """Two long texts from shortly before the place where they part."""
    if not (isinstance(recorded, str) and isinstance(asked, str)):
        return recorded, asked
    same = _parting(recorded, asked)
    start = same - SHOWN // 4
    return (recorded, asked) if same < SHOWN // 2 else ("…" + recorded[start:], "…" + asked[start:])


def _parting(left: str, right: str) -> int:
    """The length of what two texts begin with alike: by halves, so that slices are compared and not characters."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if left[low:middle] == right[low:middle] else (low, middle - 1)
    return low


def as_text(value: Any) -> str:
    """A value of a request as text: JSON for JSON values, text as it is, `(absent)` for nothing."""
    if isinstance(value, str):
        return _sendable(value)
    if isinstance(value, bytes):
        return value[: 4 * SHOWN].decode("utf-8", "backslashreplace")
    if value is ABSENT:
        return repr(value)
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return _sendable(repr(value))


def _sendable(text: str) -> str:
    """Without lone surrogates, which nobody can send on as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def shorten(value: Any) -> str:
    """A value in 80 characters. It hides nothing: for callers that hold no secret."""
    text = as_text(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
