"""No secret is in any file at any moment, and what is written is the redacted original: any body, chunking, frames."""

from __future__ import annotations

import itertools
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replayer.cassette import store
from replayer.cassette.appender import AppendMode
from replayer.cassette.folder import FileWriter
from replayer.cassette.model import End, FrameKind, Metadata, Origin, Sender
from replayer.record.recording import Recording
from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT

VALUE = "p4ss/word+with=signs"
TOKENS = [
    "sk-proj-abcdefghijklmnop1234",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "AIzaSyA1234567890abcdefghijklmnopqrstu",
]
WRITTEN = [VALUE, quote(VALUE, safe=""), *TOKENS]
REDACTOR = Redactor(DEFAULT, [VALUE])
KINDS = ["application/json", "text/event-stream", "text/plain", "application/octet-stream"]

AROUND = st.text(max_size=12).map(lambda text: f" {text} ") | st.sampled_from(
    [" ", "\n\n", "data: ", '"', "sk-", " p4ss/"]
)
PARTS = st.lists(st.sampled_from(WRITTEN) | AROUND, max_size=10).map(" ".join)
BODIES = PARTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | PARTS.map(
    lambda text: b"".join(b"data: " + json.dumps({"delta": piece}).encode() + b"\n\n" for piece in text.split("\n"))
)
CUTS = st.lists(st.integers(0, 400), max_size=10)


class Clock:
    """Moves by a millisecond whenever it is asked."""

    def __init__(self) -> None:
        self._ms = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)

    def ms(self) -> float:
        self._ms += 60.0
        return self._ms


def chunks(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(at % (len(body) + 1) for at in cuts), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges)]


def look(folder: Path) -> None:
    """Every byte of every file."""
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in WRITTEN:
                assert secret.encode() not in data, path
                assert json.dumps(secret)[1:-1].encode() not in data, path


@given(
    sent=BODIES, received=BODIES, kind=st.sampled_from(KINDS), cuts=CUTS, more=CUTS, frames=st.lists(PARTS, max_size=6)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_secret_is_written_and_nothing_else_is_lost(
    sent: bytes, received: bytes, kind: str, cuts: list[int], more: list[int], frames: list[str]
) -> None:
    headers = (("content-type", kind), ("x-note", f"it is {VALUE}"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "x.yaml"
        writer = FileWriter.open(path, metadata=Metadata(origin=Origin.RECORDED), mode=AppendMode.CONTINUE)
        recording = Recording(
            path=path,
            writer=writer,
            latest=None,
            redactor=REDACTOR,
            clock=Clock(),
            tell=lambda _: None,
            max_body=1 << 20,
        )
        asked = recording.begin("up", "POST", f"http://h/{TOKENS[0]}?key=abc&q={quote(VALUE, safe='')}", headers)
        for chunk in chunks(sent, more):
            asked.request_chunk(chunk)
            recording.tick()
            look(folder)
        asked.request_end()
        asked.response_head(200, "OK", headers)
        for chunk in chunks(received, cuts):
            asked.response_chunk(chunk)
            look(folder)
        recording.finish(asked, End.COMPLETE)
        talk = recording.begin("up", "GET", "http://h/ws", headers)
        talk.response_head(101, "Switching Protocols", ())
        talk.uri = "ws://h/ws"
        talk.upgraded()
        for text in frames:
            talk.message(Sender.SERVER, FrameKind.TEXT, text.encode("utf-8", "surrogatepass"))
            look(folder)
        recording.finish(talk, End.OPEN)
        look(folder)
        recording.close()
        writer.close(None)
        look(folder)
        one = store.read(path).interactions[0]
    assert (one.request.body or b"") == REDACTOR.body(sent, kind)
    assert one.response.body == REDACTOR.body(received, kind)
    assert sum(chunk.size for chunk in one.response.chunks) == len(one.response.body)
