"""Flow files: bytes within JSON, lines that somebody edited, and a reader that needs no YAML."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import yaml

from replayer.cassette.flow import flow_line, is_flow, preamble, read_flow

HEAD = preamble({"version": 1})


def entries(*lines: bytes) -> list[Any]:
    return read_flow(HEAD + b"".join(lines), name="x").entries


@pytest.mark.parametrize(
    "entry",
    [
        {"a": b"\xff\x00", "b": 'text !!binary "aGk=" text'},
        {"a": '":!!binary "', "b": b"", "c": [b"x", "!!binary "]},
        {"!!binary ": "x", "y !!binary ": b"z"},
        {'!!binary "': "", "b": {"c": '!!binary ""'}, "d": b"\x80" * 100},
    ],
)
def test_bytes_and_texts_that_look_like_them_are_told_apart(entry: dict[str, Any]) -> None:
    line = flow_line(entry)
    assert entries(line) == [entry]
    assert yaml.safe_load(line) == [entry]


def test_a_line_that_somebody_edited_into_yaml_is_read() -> None:
    assert entries(b"- {a: 1, b: !!binary aGk=}\n", b"# a comment\n", b"\n", b'- {"c": 2}\n') == [
        {"a": 1, "b": b"hi"},
        {"c": 2},
    ]


def test_a_file_is_flow_by_its_whole_first_line() -> None:
    assert is_flow(HEAD)
    assert is_flow(b"# replayer flow 1")
    assert not is_flow(b"# replayer flow 12\n")
    assert not is_flow(b"version: 1\n")


def test_the_preamble_may_be_cut_anywhere() -> None:
    for size in range(len("# replayer flow 1"), len(HEAD)):
        if b"\n" in HEAD[:size]:
            assert read_flow(HEAD[:size], name="x").entries == []


def test_crlf_does_not_matter() -> None:
    data = (HEAD + flow_line({"a": 1})).replace(b"\n", b"\r\n")
    assert read_flow(data, name="x").entries == [{"a": 1}]


def test_codec_and_store_start_light() -> None:
    code = (
        "import sys, replayer.cassette.store\n"
        "print([m for m in ('vcr', 'mitmproxy', 'jsonschema', 'rich', 'yaml', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "[]\n"
