"""Which Python runs the recorder, and what it is told."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from replayer import __version__
from replayer.errors import RecorderError
from replayer.record.environment import child_environment, confdir, data_folder, interpreter
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream

linux = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the folder of another platform")


def without_mitmproxy(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mitmproxy" else found(name))


def made(home: Path) -> Path:
    """The recorder's own environment, as far as a look at it goes."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = data_folder({"HOME": str(home)}) / f"recorder-{__version__}-py{version}" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return python


@linux
def test_data_is_kept_where_the_platform_keeps_it() -> None:
    assert data_folder({"HOME": "/home/me"}) == Path("/home/me/.local/share/replayer")
    assert data_folder({"HOME": "/home/me", "XDG_DATA_HOME": "/data"}) == Path("/data/replayer")
    assert confdir({"XDG_DATA_HOME": "/data"}) == Path("/data/replayer/ca")


@linux
def test_without_mitmproxy_here_its_own_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_mitmproxy(monkeypatch)
    python = made(tmp_path)
    assert interpreter({"HOME": str(tmp_path)}) == python


def test_without_either_the_two_ways_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_mitmproxy(monkeypatch)
    with pytest.raises(RecorderError) as caught:
        interpreter({"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)})
    assert "replayer record --setup" in str(caught.value)
    assert "replayer-proxy[record]" in str(caught.value)
    assert caught.value.exit_status == 2


def test_the_same_interpreter_imports_the_same_program() -> None:
    child = child_environment(Path(sys.executable), {"PYTHONPATH": "mine", "A": "b"})
    here, mine = child["PYTHONPATH"].split(":" if sys.platform != "win32" else ";")
    assert (Path(here) / "replayer").is_dir()
    assert (mine, child["A"]) == ("mine", "b")


def test_another_interpreter_keeps_its_own_program() -> None:
    assert "PYTHONPATH" not in child_environment(Path("/elsewhere/python"), {})


def test_settings_survive_their_line(tmp_path: Path) -> None:
    told = Settings(
        output=tmp_path / "x.yaml",
        upstreams=(Upstream(name="a", url="http://h"), Upstream(name="b", url="http://h", port=8081)),
        confdir=tmp_path,
        rewrite=True,
        layout="flow",
    )
    assert Settings.from_line(told.to_line()) == told


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"upstreams": [], "output": "x", "confdir": "y", "other": 1}'])
def test_a_line_that_is_no_settings_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Settings.from_line(line)
