"""The request headers that are ours: taken out of a request before anything else sees it.

The rule: they are never matched, forwarded or recorded; and one that we do not know is refused, because a test that
misspells `Replayer-Fault` must not pass believing that it injected something.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from replayer.cassette.model import Headers
from replayer.errors import UsageError, closest
from replayer.match.requestdrift import meaning_of

__all__ = ["NAMES", "NOTHING", "Ours", "cassette_names", "split_headers"]

PREFIX = "replayer-"
SESSION = "replayer-session"
CASSETTE = "replayer-cassette"
UPSTREAM = "replayer-upstream"
FAULT = "replayer-fault"
ANSWERS = frozenset({"replayer-outcome", "replayer-interaction", "replayer-violations", "replayer-faults"})
"""Ours in answers: a program that sends an answer's headers on is not mistaken, they are taken out in silence."""
NAMES = (SESSION, CASSETTE, UPSTREAM, FAULT)
_ENVOY = "x-envoy-fault-"
_OURS = (PREFIX, _ENVOY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What the headers of ours ask for; None where one is absent."""

    session: str | None = None
    cassette: str | None = None
    """As it came: a Structured Field list of strings."""
    upstream: str | None = None
    host: str | None = None
    """The host that a proxy was asked for: no header says it, the connection does."""
    faults: Headers = ()
    """Those that ask for faults, Envoy's names among them."""


NOTHING = Ours()
"""Of a request that has none of them."""


def split_headers(headers: Headers) -> tuple[Headers, Ours, Headers]:
    """The request's own headers, what ours ask for, and those of its own that change what is asked beside its content
    type, in one pass: every request comes by here. UsageError for a header of ours that there is not."""
    kinds = list(map(_kind, [name for name, _ in headers]))
    if not any(kinds):
        return headers, NOTHING, ()
    telling = tuple(field for field, kind in zip(headers, kinds, strict=True) if kind is _Kind.TELLING)
    return *(_split(headers) if _Kind.OURS in kinds else (headers, NOTHING)), telling


class _Kind(Enum):
    OURS = "ours"
    TELLING = "telling"


@lru_cache(maxsize=1024)
def _kind(name: str) -> _Kind | None:
    """What is to be done with headers of this name; nothing with most."""
    if name.lower().startswith(_OURS):
        return _Kind.OURS
    return None if meaning_of(name) in (None, "content-type") else _Kind.TELLING


def cassette_names(value: str) -> tuple[str, ...]:
    """The names in a `Replayer-Cassette` header. UsageError where it is no list of strings."""
    import http_sf  # 4 ms of every start, and few requests need it

    try:
        parsed: Any = http_sf.parse(value.encode("utf-8", "surrogateescape"), tltype="list")
    except ValueError as error:
        raise UsageError(_not_a_list(value)) from error
    names = tuple(item for item, _ in parsed if type(item) is str)
    if not names or len(names) < len(parsed):
        raise UsageError(_not_a_list(value))
    return names


def _not_a_list(value: str) -> str:
    return (
        f"Replayer-Cassette: {value[:80]} is not a list of strings in quotes (RFC 9651); write it like this: "
        '"tests/a.yaml", "tests/b.yaml"'
    )


def _split(headers: Headers) -> tuple[Headers, Ours]:
    theirs: list[tuple[str, str]] = []
    asked: dict[str, str] = {}
    faults: list[tuple[str, str]] = []
    for name, value in headers:
        lower = name.lower()
        if lower == FAULT or lower.startswith(_ENVOY):
            faults.append((lower, value))
        elif lower in NAMES:
            # A Structured Field list may be spread over several fields (RFC 9651, 4.2).
            asked[lower] = f"{asked[lower]}, {value}" if lower in asked else value
        elif not lower.startswith(PREFIX):
            theirs.append((name, value))
        elif lower not in ANSWERS:
            raise UsageError(f"there is no header {name}{closest(lower, NAMES)} (there are: {', '.join(NAMES)})")
    return tuple(theirs), Ours(
        session=asked.get(SESSION), cassette=asked.get(CASSETTE), upstream=asked.get(UPSTREAM), faults=tuple(faults)
    )
