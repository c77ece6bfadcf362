"""Every real cassette of the corpus decodes, with the values that vcrpy reads where vcrpy can read it."""

from __future__ import annotations

import gzip

import pytest
from vcr.serialize import deserialize  # type: ignore[import-untyped]  # it ships no types
from vcr.serializers import jsonserializer, yamlserializer  # type: ignore[import-untyped]  # it ships no types

from replayer.cassette import store
from replayer.cassette.codec import Layout, decode, encode
from tests import needs
from tests.needs import BEFORE_VCRPY, CORPUS, FILES

pytestmark = needs.corpus


@pytest.mark.parametrize("folder", sorted({path.relative_to(CORPUS).parts[0] for path in FILES}))
def test_every_cassette_decodes_to_what_vcrpy_reads(folder: str) -> None:
    for path in (path for path in FILES if path.is_relative_to(CORPUS / folder)):
        cassette = store.read(path)
        assert cassette.interactions, path
        assert cassette.problems == (), path
        if path.name in BEFORE_VCRPY:
            continue
        asked, answered, *_ = deserialize(
            path.read_text(), jsonserializer if path.suffix == ".json" else yamlserializer
        )
        assert len(asked) == len(cassette.interactions)
        for theirs, response, ours in zip(asked, answered, cassette.interactions, strict=True):
            body = theirs.body
            assert (theirs.method, theirs.uri, body) == (ours.request.method, ours.request.uri, ours.request.body), path
            assert response["status"]["code"] == ours.response.status, path
            stored = response["body"]["string"]
            assert ours.response.body == (gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored), path


def test_every_cassette_round_trips_through_each_layout() -> None:
    for path in FILES:
        cassette = store.read(path)
        for layout in (Layout.BLOCK, Layout.FLOW):
            assert decode(encode(cassette, layout), name=str(path)) == cassette, (path, layout)
