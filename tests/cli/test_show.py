"""`replayer show`: the table, one interaction, JSON."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Chunk, End, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.cassette.store import write
from replayer.cli.show import command


def made(folder: Path) -> str:
    path = folder / "a.yaml"
    body = b'data: {"a":1}\n\ndata: [DONE]\n\n'
    interactions = (
        Interaction(
            request=Request(method="POST", uri="https://h/v1/x?a=1", body=b'{"model":"m"}'),
            response=Response(status=200, headers=(("content-type", "application/json"),), body=b'{"b":[1]}', at=0.0),
        ),
        Interaction(
            request=Request(method="GET", uri="https://h/v1/stream"),
            response=Response(
                status=200,
                headers=(("content-type", "text/event-stream"),),
                body=body,
                at=12.4,
                chunks=(Chunk(1.5, 15), Chunk(9.25, len(body) - 15)),
                end=End.UPSTREAM_LOST,
            ),
        ),
        Interaction(
            request=Request(method="GET", uri="wss://h/ws"),
            response=Response(
                status=101,
                frames=(
                    Frame(at=1.0, sender=Sender.CLIENT, kind=FrameKind.TEXT, text='{"type":"register"}'),
                    Frame(at=2.0, sender=Sender.SERVER, kind=FrameKind.BINARY, data=b"\x00\xff"),
                    Frame(at=3.0, sender=Sender.SERVER, kind=FrameKind.CLOSE, code=1000, text="bye"),
                ),
            ),
        ),
    )
    write(path, Cassette(interactions=interactions), layout=Layout.BLOCK)
    return str(path)


def show(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=True)


def test_the_table_has_a_line_an_interaction(tmp_path: Path) -> None:
    lines = show(made(tmp_path)).output.splitlines()
    assert lines[0].startswith("a.yaml: 3 interactions")
    assert lines[1].split() == ["n", "method", "path", "status", "kind", "bytes", "pieces", "at"]
    assert lines[2].split() == ["0", "POST", "/v1/x?a=1", "200", "json", "9", "0", "0"]
    assert lines[3].split() == ["1", "GET", "/v1/stream", "200", "sse", "(upstream-lost)", "29", "2", "12"]
    assert lines[4].split()[:5] == ["2", "GET", "/ws", "101", "websocket"]


def test_json_bodies_are_indented(tmp_path: Path) -> None:
    output = show(made(tmp_path), "-n", "0").output
    assert '{\n  "model": "m"\n}' in output
    assert '{\n  "b": [\n    1\n  ]\n}' in output


def test_events_have_the_time_of_their_last_byte(tmp_path: Path) -> None:
    lines = show(made(tmp_path), "-n", "1").output.splitlines()
    assert '    1.5ms  data: {"a":1}' in lines
    assert "    9.2ms  data: [DONE]" in lines


def test_frames_have_arrows(tmp_path: Path) -> None:
    lines = show(made(tmp_path), "-n", "2").output.splitlines()
    assert lines[-3:] == [
        '     1.0ms → {"type":"register"}',
        "     2.0ms ← 2 bytes: 00 ff",
        "     3.0ms ← close 1000 bye",
    ]


def test_json_is_for_programs(tmp_path: Path) -> None:
    (listed,) = json.loads(show(made(tmp_path), "--json").output)
    assert [row["kind"] for row in listed["interactions"]] == ["json", "sse", "websocket"]
    full = json.loads(show(made(tmp_path), "--json", "-n", "2").output)
    assert full["response"]["frames"][1] == {"at": 2.0, "from": "server", "base64": "AP8="}


def test_an_interaction_that_there_is_not_is_refused(tmp_path: Path) -> None:
    assert str(show(made(tmp_path), "-n", "3").exception).endswith("has 3 interactions, from 0: there is no 3")
