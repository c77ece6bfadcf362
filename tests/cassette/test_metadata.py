"""A cassette's word about itself: kept, with what other tools put beside it."""

from __future__ import annotations

from replayer.cassette.codec import Layout, decode, encode
from replayer.cassette.metadata import metadata_of, metadata_to_plain
from replayer.cassette.model import Cassette, Metadata, Origin


def test_other_tools_metadata_is_kept_and_the_origin_is_no_lie() -> None:
    cassette = decode(b"metadata: {seed: 7}\ninteractions: []\n", name="x")
    assert cassette.metadata == Metadata(origin=Origin.IMPORTED, extra={"seed": 7})
    for layout in Layout:
        assert decode(encode(cassette, layout), name="x") == cassette


def test_keys_of_a_newer_version_of_ours_are_kept() -> None:
    plain = {"replayer": {"format": 1, "origin": "stub", "later": [1]}, "other": None}
    metadata = metadata_of(plain, name="x")
    assert metadata is not None
    assert metadata_to_plain(metadata) == plain


def test_a_file_without_metadata_has_none() -> None:
    assert decode(b"interactions: []\n", name="x").metadata is None


def test_a_date_that_nobody_quoted_is_text() -> None:
    plain = decode(
        b"metadata: {replayer: {format: 1, origin: stub, recorded_at: 2026-11-20}}\ninteractions: []\n", name="x"
    )
    assert plain.metadata == Metadata(origin=Origin.STUB, recorded_at="2026-11-20")


def test_a_top_level_key_of_others_is_reported() -> None:
    assert "'recorded_with'" in decode(b"recorded_with: me\ninteractions: []\n", name="x").problems[0].message
    assert Cassette().problems == ()
