"""Request drift: what a request says otherwise than the recorded one that answers it, where rules let that pass.

Rules are for what changes from run to run: ids, times, texts. What changes what is asked (a parameter more or less, a
model, a number, a switch) is told, although it matches. So is a header that says which interface is spoken, to which a
recorded answer may not be the answer; headers of a client's own making are not. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from replayer.cassette.model import Headers, Request
from replayer.match.body import BodyKind
from replayer.match.jsondiff import ABSENT, Change
from replayer.match.matchers import compare
from replayer.match.normalize import normalize
from replayer.match.rules import PLACEHOLDER, Rules

__all__ = ["Meaning", "header_drift", "header_meaning", "meaning_of", "request_drift"]

_STRICT = Rules()
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,63}")
_VOLATILE = re.compile(
    r"[0-9a-fA-F-]{16,}|.*[0-9a-fA-F]{12,}.*|\d{4}-\d\d-\d\dT.*|(?=.*\d)[A-Za-z]+[_-][A-Za-z0-9]{14,}"
)
_EPOCH = 1_000_000_000
"""Numbers from here on are times or ids."""


_INTERFACES = frozenset({"anthropic-version", "anthropic-beta", "openai-beta", "openai-version", "api-version"})
"""Which interface is spoken, and which of its previews; `x-…-api-version` is one too. Lists are in any order."""
_COMPARED = frozenset({"content-type", "openai-organization", "openai-project", "x-goog-user-project"})
"""What says something where both sides have it: recordings are often stripped of them."""
_ENDS = "-api-version"

Meaning = Mapping[str, str]
"""Headers that change what is asked, by name in lower case; each spelled in one way."""


@lru_cache(maxsize=256)
def header_meaning(headers: Headers) -> Meaning:
    """What the headers of a request say of what is asked. A client says the same again and again."""
    found: dict[str, str] = {}
    for spelled, value in headers:
        name = meaning_of(spelled)
        if name is None:
            continue
        if name == "content-type":
            found[name] = value.partition(";")[0].strip().lower()
        elif name in _COMPARED:
            found[name] = value
        else:
            listed = (found[name], value) if name in found else (value,)
            found[name] = ", ".join(sorted({item.strip() for text in listed for item in text.split(",")}))
    return found


@lru_cache(maxsize=1024)
def meaning_of(spelled: str) -> str | None:
    """The name of a header that changes what is asked, in lower case; None of every other."""
    name = spelled.lower()
    return name if name in _INTERFACES or name in _COMPARED or name.endswith(_ENDS) else None


def header_drift(recorded: Meaning, asked: Headers) -> list[tuple[str, Change]]:
    """The differences in meaning between the headers of a recorded request and those of one that it answers."""
    ours, theirs = recorded, header_meaning(asked)
    if ours == theirs:
        return []
    return [
        ("headers", Change(f"/{name}", ours.get(name, ABSENT), theirs.get(name, ABSENT)))
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
        and (name not in _COMPARED or (name in ours and name in theirs))
        and PLACEHOLDER not in ours.get(name, "")
    ]


def request_drift(recorded: Request, asked: Request, rules: Rules) -> list[tuple[str, Change]]:
    """The differences in meaning, with the part of the request (`query`, `body`) that each is in."""
    if not rules.ignore and not rules.ignore_query:
        return []
    if recorded.body == asked.body and not rules.ignore_query:
        return []
    ours, theirs = normalize(recorded, _STRICT), normalize(asked, _STRICT)
    if ours.body.kind is not theirs.body.kind or ours.body.kind not in (BodyKind.JSON, BodyKind.FORM, BodyKind.EMPTY):
        return []
    return [
        (part, change)
        for part, change in compare(ours, theirs).differed
        if part in ("query", "body") and _means(change)
    ]


def _means(change: Change) -> bool:
    if change.recorded is ABSENT or change.asked is ABSENT:
        return True
    if type(change.recorded) is not type(change.asked):
        return not {type(change.recorded), type(change.asked)} <= {int, float}
    return not all(_varies(value) for value in _both(change))


def _both(change: Change) -> Iterator[Any]:
    yield change.recorded
    yield change.asked


def _varies(value: Any) -> bool:
    """Whether a value is of the kind that differs from run to run: an id, a time, a text."""
    if isinstance(value, str):
        return _WORD.fullmatch(value) is None or _VOLATILE.fullmatch(value) is not None
    return type(value) in (int, float) and abs(value) >= _EPOCH
