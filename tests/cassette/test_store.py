"""The store: whole files or none, and the reason where a file cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from replayer.cassette import store
from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response
from replayer.errors import CassetteError, UsageError, WriteError

CASSETTE = Cassette(
    interactions=(Interaction(request=Request(method="GET", uri="http://a/b"), response=Response(status=200)),)
)
UNSPEAKABLE = Cassette(
    interactions=(
        Interaction(
            request=Request(method="GET", uri="http://a/b"),
            response=Response(status=200),
            extra={"by": b"another tool"},
        ),
    )
)


@pytest.mark.parametrize("layout", list(Layout))
def test_what_is_written_is_read(layout: Layout, tmp_path: Path) -> None:
    store.write(tmp_path / "x", CASSETTE, layout=layout)
    assert store.read(tmp_path / "x") == CASSETTE
    assert os.listdir(tmp_path) == ["x"]


def test_an_absent_file_and_a_folder_say_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"x\.yaml: there is no such file"):
        store.read(tmp_path / "x.yaml")
    with pytest.raises(CassetteError, match="cannot be read: Is a directory"):
        store.read(tmp_path)


def test_a_file_keeps_its_mode_and_a_new_one_has_the_usual(tmp_path: Path) -> None:
    path = tmp_path / "x"
    store.write(path, CASSETTE, layout=Layout.FLOW)
    usual = tmp_path / "usual"
    usual.touch()
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o600)
    store.write(path, CASSETTE, layout=Layout.BLOCK)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    store.write(tmp_path / "link", CASSETTE, layout=Layout.FLOW)
    assert (tmp_path / "link").is_symlink()
    assert store.read(tmp_path / "real") == CASSETTE


def test_what_cannot_be_encoded_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x"
    store.write(path, CASSETTE, layout=Layout.JSON)
    with pytest.raises(UsageError):
        store.write(path, UNSPEAKABLE, layout=Layout.JSON)
    assert store.read(path) == CASSETTE


def test_a_path_in_which_nothing_can_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"):
        store.write(tmp_path / "file" / "x", CASSETTE, layout=Layout.FLOW)


@pytest.mark.parametrize("layout", list(Layout))
def test_the_last_interactions_of_a_file_come_with_what_it_says_of_itself(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "x.yaml"
    metadata = Metadata(origin=Origin.STUB)
    interactions = tuple(
        Interaction(request=Request(method="GET", uri=f"http://a/{n}"), response=Response(status=200)) for n in range(3)
    )
    store.write(path, Cassette(interactions=interactions, metadata=metadata), layout=layout)
    for count in range(5):
        expected = interactions[max(0, 3 - count) :]
        assert list(store.last(path, count)) == [(metadata, interaction) for interaction in expected]
