"""Content codings: decoding is bounded."""

from __future__ import annotations

import gzip

from replayer.cassette.content import Content, undo


def test_a_bomb_stays_packed() -> None:
    body = gzip.compress(b"\0" * 100_000)
    content = undo(body, "gzip", limit=99_999)
    assert (content.body, content.encoding) == (body, None)
    assert content.note is not None
    assert "more than 99999 bytes" in content.note
    assert undo(body, "gzip", limit=100_000) == Content(b"\0" * 100_000, "gzip")


def test_the_limit_counts_all_members() -> None:
    assert undo(gzip.compress(b"x" * 60) * 2, "gzip", limit=100).encoding is None


def test_bytes_behind_the_last_member_are_ignored() -> None:
    assert undo(gzip.compress(b"x") + b"\0\0", "x-gzip") == Content(b"x", "x-gzip")
    assert undo(gzip.compress(b"x") + b"junk", "gzip") == Content(b"x", "gzip")


def test_a_body_that_was_decoded_long_ago_is_taken_as_it_is() -> None:
    assert undo(b"", "gzip") == Content(b"", "gzip")
    assert undo(b"\xff\xd8 an image", "gzip") == Content(b"\xff\xd8 an image", "gzip")
