"""`scan`, `redact` and `convert`, as a user calls them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from replayer.cassette import store
from replayer.cassette.codec import FLOW_MARK, Layout
from replayer.cassette.model import Cassette, Frame, FrameKind, Interaction, Metadata, Origin, Request, Response, Sender
from replayer.cli import cli
from replayer.errors import CassetteError, UsageError

TOKEN = "sk-proj-abcdefghijklmnop1234"
JSON_ENTRY = (
    '{"request": {"method": "GET", "uri": "http://h/' + TOKEN + '", "headers": {}, "body": null},'
    ' "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": ""}}}'
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def cassette(text: str = "hello") -> Cassette:
    one = Interaction(
        request=Request(method="POST", uri="https://h/p", headers=(("x-team", "blue"),), body=b"\xff" + text.encode()),
        response=Response(status=200, body=f"say {text}\n\nthen\n".encode(), at=1.5),
    )
    frame = Frame(at=0.5, sender=Sender.CLIENT, kind=FrameKind.BINARY, data=b"\x00\xff")
    two = Interaction(request=Request(method="GET", uri="wss://h/ws"), response=Response(status=101, frames=(frame,)))
    return Cassette(interactions=(one, two), metadata=Metadata(origin=Origin.STUB))


def written(path: Path, text: str = "hello", layout: Layout = Layout.BLOCK) -> Path:
    store.write(path, cassette(text), layout=layout)
    return path


def test_a_leak_ends_the_scan_with_1_and_is_not_shown(tmp_path: Path) -> None:
    written(tmp_path / "clean.yaml")
    written(tmp_path / "leaky.yaml", TOKEN)
    result = run("scan", tmp_path)
    assert result.exit_code == 1
    assert "leaky.yaml#0 request.body" in result.output
    assert TOKEN not in result.output
    assert run("scan", tmp_path, "--fail-on", "none").exit_code == 0
    assert run("scan", tmp_path / "clean.yaml").exit_code == 0
    assert run("scan", tmp_path / "clean.yaml", "--redact", "header:x-team").exit_code == 1


def test_the_report_of_a_scan_is_json_too(tmp_path: Path) -> None:
    written(tmp_path / "leaky.yaml", TOKEN)
    report = json.loads(run("scan", tmp_path, "--report", "json").output)
    assert report["totals"]["secrets"] == 2
    assert TOKEN not in json.dumps(report)


def test_scanning_nothing_is_a_3_and_what_cannot_be_read_a_4(tmp_path: Path) -> None:
    assert run("scan", tmp_path).exit_code == 3
    (tmp_path / "x.yaml").write_text("interactions: [{")
    assert run("scan", tmp_path).exit_code == 4


def test_rules_of_the_folder_count(tmp_path: Path) -> None:
    written(tmp_path / "a.yaml")
    (tmp_path / "replayer.toml").write_text('[redact]\nheader = ["x-team"]\n')
    assert run("scan", tmp_path).exit_code == 1
    assert run("redact", tmp_path / "a.yaml").exit_code == 0
    assert run("scan", tmp_path).exit_code == 0


@pytest.mark.parametrize("layout", [Layout.BLOCK, Layout.FLOW])
def test_redact_cleans_in_place_and_keeps_the_layout(tmp_path: Path, layout: Layout) -> None:
    path = written(tmp_path / "x.yaml", TOKEN, layout)
    result = run("redact", path)
    assert (result.exit_code, "1 of 2 interactions redacted" in result.output) == (0, True)
    assert TOKEN not in path.read_text()
    assert path.read_text().startswith(FLOW_MARK) == (layout is Layout.FLOW)
    assert store.read(path) == cassette("[REDACTED]")
    before = path.stat().st_mtime_ns
    assert "nothing to redact" in run("redact", path).output
    assert path.stat().st_mtime_ns == before


def test_a_flow_file_is_cleaned_and_converted_in_constant_memory(tmp_path: Path) -> None:
    one = Interaction(
        request=Request(method="POST", uri="https://h/p", body=b"x" * 100_000),
        response=Response(status=200, body=f"{'y' * 100_000} {TOKEN}".encode()),
    )
    source, clean, again = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c.json"
    store.write_each(source, Metadata(origin=Origin.STUB), (one for _ in range(100)), layout=Layout.FLOW)
    tracemalloc.start()
    try:
        assert "100 of 100" in run("redact", source, "-o", clean).output
        assert "100 interaction(s), json" in run("convert", clean, "-o", again).output
        assert run("convert", clean, "--layout", "flow").exit_code == 0
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert source.stat().st_size > 20_000_000
    assert most < 6_600_000
    assert len(list(store.iterate(clean))) == 100
    assert TOKEN not in again.read_text()


def test_what_is_lost_on_the_way_leaves_a_flow_file_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path / "x.yaml", TOKEN, Layout.FLOW)
    path.write_text(text := path.read_text() + '- {"kind": "odd"}\n')
    for command in (("redact", path), ("convert", path), ("convert", path, "-o", tmp_path / "y.yaml")):
        assert isinstance(run(*command).exception, CassetteError)
    assert path.read_text() == text
    assert sorted(found.name for found in tmp_path.iterdir()) == ["x.yaml"]


def test_redact_refuses_a_file_of_which_it_would_lose_something(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    text = json.dumps({"interactions": [{"kind": "odd", "text": TOKEN}, json.loads(JSON_ENTRY)]})
    path.write_text(text)
    assert isinstance(run("redact", path).exception, CassetteError)
    assert path.read_text() == text


def test_every_conversion_there_and_back_loses_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "a.yaml")
    for number, layout in enumerate(["flow", "json", "block", "json", "flow", "block"]):
        target = tmp_path / f"{number}{'.json' if layout == 'json' else '.yaml'}"
        result = run("convert", path, "-o", target, "--layout", layout)
        assert result.exit_code == 0, result.output
        assert store.read(target) == cassette()
        path = target


def test_a_layout_is_taken_from_the_suffix_and_must_fit_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.yaml", layout=Layout.FLOW)
    assert run("convert", path, "-o", tmp_path / "b.json").exit_code == 0
    assert (tmp_path / "b.json").read_text().startswith("{")
    assert run("convert", path).exit_code == 0
    assert path.read_text().startswith("version: 1")
    assert isinstance(run("convert", path, "--layout", "json").exception, UsageError)
