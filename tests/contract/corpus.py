"""The corpus of real cassettes: what is in it, and the same traffic broken in every known place."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from replayer.cassette.model import Interaction
from replayer.cassette.sse import split_events
from replayer.cassette.store import read
from replayer.errors import CassetteError
from tests.contract.mutations import CONTRACT, Score
from tests.needs import CORPUS

__all__ = ["cassettes", "interactions", "moved", "retyped", "scores"]

SUFFIXES = (".yaml", ".yml", ".json")

SURVIVORS = {
    r"parameters/|/args/": "what a tool takes and is given is the user's",
    r"^billing|^(frequency|presence)_penalty$|^store$": "not in the types of the official client, which nobody reads",
    r"pydantic_ai_gateway|usageMetadata/serviceTier$": "not in the types of the official client, which nobody reads",
}
"""Places in real answers where another type is not found, and why."""


@cache
def cassettes() -> tuple[tuple[str, Any], ...]:
    """Every cassette of the corpus that can be read."""
    found = []
    for file in sorted(CORPUS.rglob("*")):
        if file.suffix not in SUFFIXES:
            continue
        try:
            found.append((file.name, read(file)))
        except CassetteError:
            continue  # the store's own tests judge these
    return tuple(found)


def interactions() -> Iterator[tuple[str, Interaction]]:
    for name, cassette in cassettes():
        for index, interaction in enumerate(cassette.interactions):
            yield f"{name}#{index}", interaction


def covered() -> list[tuple[str, Interaction]]:
    """The exchanges whose answers have a contract."""
    return [
        (w, each) for w, each in interactions() if CONTRACT.response(each.request, each.response, where=w).responses
    ]


def scores() -> list[Score]:
    """Those of real traffic; none where there is none."""
    return [retyped(), moved()] if CORPUS.is_dir() else []


def retyped() -> Score:
    """Real answers, each with one value of another type."""
    score = Score("real answers, one value of another type")
    tried: set[tuple[str, str]] = set()
    for where, each in covered():
        try:
            body = orjson.loads(each.response.body)
        except orjson.JSONDecodeError:
            continue
        route = each.request.uri.partition("?")[0].rpartition("/")[2].rpartition(":")[2]
        for place, mutated in _retyped(body):
            if (route, place) not in tried:
                tried.add((route, place))
                response = dataclasses.replace(each.response, body=orjson.dumps(mutated))
                why = next((reason for known, reason in SURVIVORS.items() if re.search(known, place)), None)
                found = CONTRACT.response(each.request, response, where=where).violations
                score.take("retyped", f"{route} {place}", found=bool(found), why=why)
    return score


def moved() -> Score:
    """Real streams, their events not as they came."""
    score = Score("real streams, their events out of order")
    for where, each in covered():
        pieces = [piece for piece in split_events(each.response.body) if piece.strip()]
        route = each.request.uri.partition("?")[0]
        if len(pieces) < 4 or not route.endswith(("/messages", "/responses")):
            continue
        for what, events in _out_of_order(pieces):
            response = dataclasses.replace(each.response, body=b"".join(events))
            found = CONTRACT.response(each.request, response, where=where).violations
            score.take("moved", f"{where}: {what}", found=bool(found))
    return score


def _retyped(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Copies of a message, each with one value of another type; a null could be of any."""
    if path and value is not None:
        place = "/".join("*" if isinstance(step, int) else step for step in path)
        yield place, [] if isinstance(value, dict) else {"of another": "type"}
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, below in items:
        for place, mutated in _retyped(below, (*path, key)):
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = mutated
            yield place, copy


def _out_of_order(pieces: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A stream's events, not as they came."""
    yield "the first one missing", pieces[1:]
    yield "the first one twice", [pieces[0], *pieces]
    yield "the last one first", [pieces[-1], *pieces[:-1]]
    yield "the last one missing", pieces[:-1]
    yield "the first two exchanged", [pieces[1], pieces[0], *pieces[2:]]
