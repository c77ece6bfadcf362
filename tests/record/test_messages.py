"""What the recorder tells its parent, a line each."""

from __future__ import annotations

import pytest

from replayer.record.messages import Exchanged, Failed, Message, Notice, Ready, Standing, Summary, decode, encode


@pytest.mark.parametrize(
    "message",
    [
        Ready(listeners=("http://127.0.0.1:1",), names=(("a", "http://127.0.0.1:1/a"),)),
        Exchanged(upstream="a", method="GET", uri="http://h/", status=200, ms=1.5, bytes=3, frames=0, end="complete"),
        Standing(relay="7", under_way=True),
        Notice(text="two\nlines"),
        Failed(text="no", status=4),
        Summary(exchanges=1, connections=0, frames=0, bytes=3, redacted=0, recovered=0, requests=1, file="x.yaml"),
    ],
)
def test_a_message_survives_its_line(message: Message) -> None:
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


@pytest.mark.parametrize("line", [b"", b"Hello\n", b"[]\n", b'{"message":"other"}\n', b'{"message":"notice"}\n'])
def test_a_line_that_is_none_of_ours_is_none(line: bytes) -> None:
    assert decode(line) is None
