"""Real traffic keeps the bundled contracts, all of it; the same traffic broken in every known place does not."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from replayer.cassette.model import Interaction
from replayer.cassette.sse import split_events
from replayer.contract.registry import bundled
from replayer.contract.verify import Verification, verify
from replayer.contract.violation import Severity
from replayer.errors import CassetteError, ExitStatus

store = pytest.importorskip("replayer.cassette.store", reason="needs the cassette store")

CORPUS = Path(os.environ.get("REPLAYER_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real cassettes is not here")
CONTRACT = bundled()
SUFFIXES = (".yaml", ".yml", ".json")

UNCOVERED = {
    "bedrock-runtime.us-east-1.amazonaws.com": "no contract of Bedrock",
    "localhost": "Logfire's own queries, and OpAMP",
    "httpbin.org": "no provider",
    "moz.com": "no provider",
    "seomoz.org": "no provider",
    "www.google.com": "no provider",
    "raw.githubusercontent.com": "a price list",
    "static.simonwillison.net": "an image",
}
"""Hosts in the corpus that no contract speaks of, and why."""

EXPLAINED: dict[tuple[str, str], str] = {}
"""Violations in real traffic by schema and pointer, and why they are right: none, at any severity."""

SURVIVORS = {
    r"parameters/|/args/": "what a tool takes and is given is the user's",
    r"^billing|^(frequency|presence)_penalty$|^store$": "not in the types of the official client, which nobody reads",
    r"pydantic_ai_gateway|usageMetadata/serviceTier$": "the same",
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
            found.append((file.name, store.read(file)))
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


def test_real_traffic_keeps_the_contracts_and_the_counts_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    verification: Verification = verify(cassettes(), CONTRACT)
    checked = verification.checked
    unexplained = [each for each in verification.findings if (each.schema, each.pointer) not in EXPLAINED]
    with capsys.disabled():
        told = f"{checked.requests} requests, {checked.responses} answers, {checked.events} events"
        print(f"\ncorpus: {told}; {checked.uncovered} uncovered; {len(verification.findings)} findings")  # noqa: T201
    assert unexplained == []
    assert verification.status(Severity.WARNING) is ExitStatus.HELD
    assert (checked.requests, checked.responses, checked.events) >= (226, 226, 1602)


def test_what_has_no_contract_is_known() -> None:
    hosts: Counter[str] = Counter()
    for where, each in interactions():
        if CONTRACT.interaction(each, where=where).count == 0:
            hosts[each.request.uri.split("/")[2].partition(":")[0]] += 1
    assert set(hosts) <= set(UNCOVERED), hosts


def retyped(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Copies of a message, each with one value of another type; a null could be of any."""
    if path and value is not None:
        place = "/".join("*" if isinstance(step, int) else step for step in path)
        yield place, [] if isinstance(value, dict) else {"of another": "type"}
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, below in items:
        for place, mutated in retyped(below, (*path, key)):
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = mutated
            yield place, copy


def test_real_answers_with_one_value_of_another_type_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    survivors: set[str] = set()
    tried: set[tuple[str, str]] = set()
    for where, each in covered():
        try:
            body = orjson.loads(each.response.body)
        except orjson.JSONDecodeError:
            continue
        route = each.request.uri.partition("?")[0].rpartition("/")[2].rpartition(":")[2]
        for place, mutated in retyped(body):
            if (route, place) not in tried:
                tried.add((route, place))
                response = dataclasses.replace(each.response, body=orjson.dumps(mutated))
                if not CONTRACT.response(each.request, response, where=where).violations:
                    survivors.add(place)
    unexplained = {place for place in survivors if not any(re.search(known, place) for known in SURVIVORS)}
    with capsys.disabled():
        score = f"{len(tried) - len(survivors)} of {len(tried)} found, {len(survivors)} explained"
        print(f"\nretyped values of real answers: {score}")  # noqa: T201 - the score is to be read
    assert unexplained == set()
    assert len(tried) > 200


def out_of_order(pieces: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A stream's events, not as they came."""
    yield "the first one missing", pieces[1:]
    yield "the first one twice", [pieces[0], *pieces]
    yield "the last one first", [pieces[-1], *pieces[:-1]]
    yield "the last one missing", pieces[:-1]
    yield "the first two exchanged", [pieces[1], pieces[0], *pieces[2:]]


def test_real_streams_out_of_order_are_found() -> None:
    missed, tried = [], 0
    for where, each in covered():
        pieces = [piece for piece in split_events(each.response.body) if piece.strip()]
        route = each.request.uri.partition("?")[0]
        if len(pieces) < 4 or not route.endswith(("/messages", "/responses")):
            continue
        for what, moved in out_of_order(pieces):
            tried += 1
            response = dataclasses.replace(each.response, body=b"".join(moved))
            if not CONTRACT.response(each.request, response, where=where).violations:
                missed.append((where, what))
    assert missed == []
    assert tried > 50
