"""A recording into a folder: each interaction in its file, one recorder at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from replayer.cassette import store
from replayer.cassette.appender import AppendMode
from replayer.cassette.folder import FolderWriter
from replayer.cassette.model import Interaction, Metadata, Origin, Request, Response
from replayer.errors import LockedError, WriteError


def interaction(uri: str, at: float = 0.0) -> Interaction:
    return Interaction(request=Request(method="GET", uri=uri), response=Response(status=200, at=at))


def writer(folder: Path, mode: AppendMode = AppendMode.CONTINUE) -> FolderWriter:
    def name_of(one: Interaction, session: str) -> str:
        return f"{session or 'none'}/{one.request.uri[-1]}.yaml"

    return FolderWriter(folder, name_of, Metadata(origin=Origin.RECORDED), mode)


def test_each_interaction_has_its_file_and_the_lock_goes(tmp_path: Path) -> None:
    one = writer(tmp_path / "new")
    for uri, session in (("http://h/a", ""), ("http://h/b", "s"), ("http://h/a", "")):
        one.append(interaction(uri), session)
    assert one.close(None) == ((str(tmp_path / "new" / "none/a.yaml"), 2), (str(tmp_path / "new" / "s/b.yaml"), 1))
    assert len(store.read(tmp_path / "new" / "none" / "a.yaml").interactions) == 2
    assert sorted(os.listdir(tmp_path / "new")) == ["none", "s"]


def test_a_second_recorder_is_refused(tmp_path: Path) -> None:
    one = writer(tmp_path)
    with pytest.raises(LockedError):
        writer(tmp_path)
    one.abandon()
    writer(tmp_path).abandon()


def test_times_go_on_behind_the_latest_of_all_files(tmp_path: Path) -> None:
    one = writer(tmp_path)
    assert one.latest is None
    one.append(interaction("http://h/a", at=7.0))
    one.append(interaction("http://h/b", at=9.0))
    one.close(None)
    again = writer(tmp_path)
    assert again.latest == 9.0
    assert [found.request.uri for found in again.held()] == ["http://h/a", "http://h/b"]
    again.abandon()


def test_a_file_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.yaml").write_text("{broken")
    one = writer(tmp_path)
    with pytest.raises(WriteError, match=r"a\.yaml"):
        one.append(interaction("http://h/a"))
    one.abandon()
    assert (tmp_path / "none" / "a.yaml").read_text() == "{broken"
