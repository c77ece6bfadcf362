"""`replayer drift --live` against an upstream that changes in ten named ways: exactly those ten are reported."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response
from replayer.cassette.store import read, write
from replayer.cli.drift import command
from replayer.errors import UsageError

JSON, SSE, HTML = "application/json", "text/event-stream", "text/html"
Answer = tuple[int, str, bytes]


def said(value: Any, status: int = 200, media: str = JSON) -> Answer:
    return status, media, value if isinstance(value, bytes) else json.dumps(value).encode()


def events(*kinds: str) -> Answer:
    return 200, SSE, "".join(f'event: {kind}\ndata: {{"type": "{kind}"}}\n\n' for kind in kinds).encode()


WORDS = ("stop", "length") * 4
OLD: dict[str, Answer] = {
    "/added": said({"id": "a"}),
    "/removed": said({"id": "a", "name": "n"}),
    "/type": said({"id": "a", "size": 1}),
    "/enum": said({"choices": [{"reason": word} for word in WORDS]}),
    "/status": said({"id": "a"}),
    "/media": said({"id": "a"}),
    "/null": said({"parent": {"id": "p"}}),
    "/event-added": events("start", "stop"),
    "/event-removed": events("start", "ping", "stop"),
    "/order": events("start", "item", "stop"),
    "/same": said({"id": "a", "tags": ["x"], "at": 1.5}),
    "/same-stream": events("start", "delta", "stop"),
}
NEW: dict[str, Answer] = {
    "/added": said({"id": "b", "extra": {"deep": 1}}),
    "/removed": said({"id": "b"}),
    "/type": said({"id": "b", "size": "1"}),
    "/enum": said({"choices": [{"reason": word} for word in (*WORDS, "filtered")]}),
    "/status": said({"id": "b"}, status=202),
    "/media": said(b"<p>down</p>", media=HTML),
    "/null": said({"parent": None}),
    "/event-added": events("start", "usage", "stop"),
    "/event-removed": events("start", "stop"),
    "/order": events("item", "start", "stop"),
    "/same": said({"id": "other", "tags": [], "at": 2}),
    "/same-stream": events("start", "delta", "delta", "delta", "stop"),
}
TEN = {
    ("GET /added 200", "field added", "info"),
    ("GET /removed 200", "field removed", "warning"),
    ("GET /type 200", "type changed", "error"),
    ("GET /enum 200", "enum changed", "error"),
    ("GET /status", "status changed", "error"),
    ("GET /media 200", "content type changed", "error"),
    ("GET /null 200", "type changed", "error"),
    ("GET /event-added 200 stream", "event type added", "info"),
    ("GET /event-removed 200 stream", "event type removed", "warning"),
    ("GET /order 200 stream", "order of events changed", "error"),
}


class _Upstream(BaseHTTPRequestHandler):
    answers: dict[str, Answer]
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("authorization")))
        status, media, body = self.answers[self.path]
        self.send_response(status)
        self.send_header("content-type", media)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def upstream(answers: dict[str, Answer]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    class Handler(_Upstream):
        pass

    Handler.answers, Handler.asked = answers, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Handler.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def recorded(folder: Path, base: str = "https://api.example.com") -> Path:
    found = []
    for path, (status, media, body) in OLD.items():
        fields = (("authorization", "[REDACTED]"), ("host", "api.example.com"), ("accept-encoding", "zstd"))
        answer = Response(status=status, headers=(("content-type", media),), body=body)
        found.append(Interaction(request=Request(method="GET", uri=base + path, headers=fields), response=answer))
    metadata = Metadata(origin=Origin.RECORDED, upstreams={"svc": base})
    write(folder / "old.yaml", Cassette(interactions=tuple(found), metadata=metadata), layout=Layout.BLOCK)
    return folder / "old.yaml"


def run(*arguments: str | Path, **environment: str) -> Result:
    told = [str(argument) for argument in arguments]
    return CliRunner().invoke(command, told, env={"SVC_API_KEY": "svc-secret-0123456789", **environment})


def live(cassette: Path, base: str, *arguments: str | Path) -> Result:
    return run(cassette, "--live", "--upstream", f"svc={base}", "--rate", "1000", *arguments)


def test_ten_named_changes_are_exactly_those_that_are_reported(tmp_path: Path) -> None:
    with upstream(NEW) as (base, asked):
        result = live(recorded(tmp_path), base, "--yes", "--report", "json")
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    changes = [found for found in report["results"] if found["status"] in ("failed", "noted")]
    kinds = sorted({kind for _, kind, _ in TEN}, key=len, reverse=True)
    told = [(one["group"], next(kind for kind in kinds if kind in one["name"]), one["severity"]) for one in changes]
    assert set(told) == TEN
    assert len(told) == 10
    assert asked == [(path, "Bearer svc-secret-0123456789") for path in OLD]


def test_an_upstream_that_did_not_change_has_no_drift(tmp_path: Path) -> None:
    with upstream(OLD) as (base, _):
        result = live(recorded(tmp_path), base, "--yes")
    assert result.exit_code == 0
    assert result.stdout.endswith("no drift\n")


def test_nothing_is_sent_before_somebody_has_seen_it_and_said_yes(tmp_path: Path) -> None:
    with upstream(OLD) as (base, asked):
        result = live(recorded(tmp_path), base)
    assert asked == []
    assert isinstance(result.exception, UsageError)
    assert f"12 to {base}, with SVC_API_KEY" in result.stderr
    assert "svc-secret" not in result.output


def test_no_more_is_sent_than_the_limit_allows(tmp_path: Path) -> None:
    with upstream(OLD) as (base, asked):
        result = live(recorded(tmp_path), base, "--yes", "--limit", "3")
    assert len(asked) == 3
    assert "beyond --limit 3" in result.stdout


def test_update_writes_a_cassette_of_what_is_said_now(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    with upstream(NEW) as (base, _):
        live(recorded(tmp_path), base, "--yes", "--update", new)
    answers = {found.request.uri: found.response for found in read(new).interactions}
    assert answers["https://api.example.com/status"].status == 202
    assert json.loads(answers["https://api.example.com/removed"].body) == {"id": "b"}
    assert "svc-secret" not in new.read_text("utf-8")
    assert run(tmp_path / "old.yaml", new).exit_code == 1
    assert run(new, new).exit_code == 0


def test_an_upstream_that_is_not_there_is_said_beside_each_request(tmp_path: Path) -> None:
    result = live(recorded(tmp_path), "http://127.0.0.1:9", "--yes", "--limit", "1")
    assert result.exit_code == 3
    assert "no answer: " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a.yaml"], "OLD and NEW"),
        (["a.yaml", "b.yaml", "--limit", "3"], "go with --live"),
        (["--live", "CASSETTE", "--upstream", "other=http://127.0.0.1:9"], "no cassette has an upstream"),
    ],
)
def test_wrong_use_says_what_to_do(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    cassette = str(recorded(tmp_path))
    fitted = [cassette if argument == "CASSETTE" else argument for argument in arguments]
    result = run(*fitted, OPENAI_API_KEY="")
    assert isinstance(result.exception, UsageError)
    assert complaint in str(result.exception)
