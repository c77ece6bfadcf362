"""The demo is the product's promise: it holds on this machine, within its time, and says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from replayer.cassette.model import Origin
from replayer.cassette.store import read
from tests import needs


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "replayer", "demo", "--folder", str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs.mitmproxy
def test_every_step_of_the_demo_holds(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    told = demo(folder)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "✗" not in told.stdout
    provider, worker = read(folder / "provider.yaml"), read(folder / "worker.yaml")
    assert [interaction.request.method for interaction in provider.interactions] == ["POST", "POST"]
    assert len(provider.interactions[1].response.chunks) > 1
    (connection,) = worker.interactions
    assert connection.response.frames is not None
    said = [json.loads(frame.text)["type"] for frame in connection.response.frames if frame.text]
    assert said == ["register", "job", "job_result", "drain"]
    for cassette, name in ((provider, "stand-in-provider"), (worker, "stand-in-queue")):
        assert cassette.metadata is not None
        assert cassette.metadata.origin is Origin.RECORDED
        assert list(cassette.metadata.upstreams) == [name]


def test_the_demo_touches_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    told = demo(tmp_path)
    assert told.returncode == 2
    assert "thesis.txt" in told.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
