"""The end of a file that another writes: each whole line once, as soon as it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from replayer.cassette.appender import Appender
from replayer.cassette.codec import Layout, encode
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response
from replayer.cassette.tail import Tail, entries
from replayer.errors import CassetteError


def interaction(n: int, body: bytes = b"x") -> Interaction:
    return Interaction(request=Request(method="GET", uri=f"http://a/{n}"), response=Response(status=200, body=body))


def test_what_is_appended_is_read_once_text_or_not(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    tail = Tail(path, known=0)
    assert tail.next() is None
    with Appender.open(path, metadata=Metadata(origin=Origin.RECORDED)) as appender:
        for n, body in enumerate((b"text", b"\xff\x00")):
            appender.append(interaction(n, body))
            assert tail.next() == interaction(n, body)
            assert tail.next() is None
    tail.close()


@pytest.mark.parametrize("layout", list(Layout))
def test_interactions_are_counted_in_any_layout(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "x.yaml"
    assert entries(path) == 0
    path.write_bytes(encode(Cassette(interactions=(interaction(0), interaction(1))), layout))
    assert entries(path) == 2


def test_a_torn_line_is_no_interaction(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(encode(Cassette(interactions=(interaction(0), interaction(1))), Layout.FLOW)[:-1])
    assert entries(path) == 1
    tail = Tail(path, known=0)
    assert tail.next() == interaction(0)
    assert tail.next() is None
    tail.close()


def test_a_line_that_is_no_interaction_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(encode(Cassette(interactions=(interaction(0),)), Layout.FLOW) + b"- [1]\n- {\n")
    tail = Tail(path, known=1)
    for _ in range(2):
        with pytest.raises(CassetteError, match=r"x\.yaml"):
            tail.next()
    tail.close()
