"""Real traffic keeps the bundled contracts; the same traffic with a field removed does not."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from replayer.cassette.model import Interaction
from replayer.contract.registry import bundled
from replayer.contract.validate import Checked
from replayer.errors import CassetteError

store = pytest.importorskip("replayer.cassette.store", reason="needs the cassette store")

CORPUS = Path(os.environ.get("REPLAYER_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real cassettes is not here")
CONTRACT = bundled()
MARKS = (b"/chat/completions", b"/embeddings")


def interactions() -> Iterator[tuple[str, Interaction]]:
    """Every recorded exchange of the endpoints that the bundled documents speak of."""
    for file in sorted(CORPUS.rglob("*")):
        if file.suffix not in (".yaml", ".yml", ".json") or not any(mark in file.read_bytes() for mark in MARKS):
            continue
        try:
            cassette = store.read(file)
        except CassetteError:
            continue  # the store's own tests judge these
        for index, interaction in enumerate(cassette.interactions):
            if any(mark.decode() in interaction.request.uri for mark in MARKS):
                yield f"{file.name}#{index}", interaction


def test_real_exchanges_keep_the_contract() -> None:
    checked = sum((CONTRACT.interaction(each, where=name) for name, each in interactions()), Checked())
    assert checked.violations == ()
    assert checked.requests >= 80
    assert checked.responses == checked.requests
    assert checked.events > 500


def test_a_real_answer_without_one_of_its_fields_does_not() -> None:
    missed, tried = [], 0
    for name, each in interactions():
        try:
            body = orjson.loads(each.response.body)
        except orjson.JSONDecodeError:
            continue
        for key in ("choices", "object", "model", "data", "error"):
            if key not in body:
                continue
            mutated = orjson.dumps({field: value for field, value in body.items() if field != key})
            response = dataclasses.replace(each.response, body=mutated)
            tried += 1
            if not CONTRACT.response(each.request, response, where=name).violations:
                missed.append((name, key))
    assert missed == []
    assert tried > 50
