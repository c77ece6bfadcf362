"""`replayer replay` as a process: its first line, its last words, its status."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from websockets.sync.client import connect

CASSETTE = """\
version: 1
interactions:
- request: {method: GET, uri: 'https://api.openai.com/v1/models', body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: '{"data":[]}'}}
- request: {method: GET, uri: 'https://api.openai.com/v1/files', body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: '{}'}}
"""


def cassette(folder: Path, text: str = CASSETTE) -> str:
    path = folder / "a.yaml"
    path.write_text(text)
    return str(path)


def replayer(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "replayer", "replay", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )


class Gateway:
    """A running `replayer replay`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.line = process.stdout.readline()
        self.url = self.line.split()[-1] if self.line else ""
        self.said = ""
        """The rest of stdout, once it has ended."""

    def get(self, path: str, **headers: str) -> bytes:
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
        return body

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Its status, and what it said on stderr."""
        self._process.send_signal(number)
        self.said, said = self._process.communicate(timeout=10)
        return self._process.returncode, said

    def next_line(self) -> str:
        """What it says next on stderr."""
        assert self._process.stderr is not None
        return self._process.stderr.readline().rstrip("\n")


def missed(gateway: Gateway, path: str) -> bool:
    """Whether nothing recorded answers."""
    try:
        gateway.get(path)
    except urllib.request.HTTPError as refused:
        refused.close()
        return refused.code == 424
    return False


def connection(url: str) -> socket.socket:
    """A connection for many requests, one behind the other."""
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


@contextmanager
def running(*arguments: str) -> Iterator[Gateway]:
    process = replayer(*arguments, "--port", "0")
    with process:
        try:
            yield Gateway(process)
        finally:
            process.kill()


def refused(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and words of a command that does not start."""
    with replayer(*arguments, environment=environment) as process:
        _, said = process.communicate(timeout=10)
    assert "Traceback" not in said
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_sums_up_at_its_end(tmp_path: Path, number: signal.Signals) -> None:
    with running(cassette(tmp_path)) as gateway:
        assert gateway.line.startswith("listening on http://127.0.0.1:")
        assert gateway.get("/v1/models") == b'{"data":[]}'
        status, said = gateway.end(number)
    assert status == 0
    assert "1 requests: 1 hit" in said
    assert "1 of 2 interactions played" in said


def test_without_a_request_it_ends_with_3(tmp_path: Path) -> None:
    with running(cassette(tmp_path)) as gateway:
        assert gateway.end()[0] == 3


def test_a_worker_is_a_connection_and_no_request() -> None:
    with running("casola") as gateway:
        with connect(f"ws{gateway.url[4:]}/ws") as worker:
            worker.send('{"type":"register","worker_id":"w","config_id":"c"}')
            while b'"worker_connected":false' in gateway.get("/health"):
                continue
            asked = gateway.get("/__replayer/status")
        status, said = gateway.end()
    assert json.loads(asked)["dispatch"]["connections"] == 1
    assert "dispatched" not in json.loads(asked)["outcomes"]
    assert status == 0
    assert re.search(r"^\d+ requests: \d+ live\n1 worker connection$", said, re.MULTILINE)


def test_control_alone_is_no_request(tmp_path: Path) -> None:
    with running(cassette(tmp_path)) as gateway:
        assert b'"interactions":{"loaded":2,"unplayed":2}' in gateway.get("/__replayer/status")
        assert gateway.end()[0] == 3


def test_what_fails_the_run_is_chosen(tmp_path: Path) -> None:
    with running(cassette(tmp_path), "--fail-on", "miss, unused") as gateway:
        gateway.get("/v1/models")
        status, said = gateway.end()
    assert status == 1
    assert "did not hold: unused" in said
    assert "never played: a.yaml#1" in said


def test_a_fault_that_was_not_applied_fails_the_run(tmp_path: Path) -> None:
    with running(cassette(tmp_path)) as gateway:
        gateway.get("/v1/models", **{"Replayer-Fault": "truncate;chunks=9"})
        status, said = gateway.end()
    assert status == 1
    assert "did not hold: fault-not-applied" in said


def test_an_open_stream_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    with running(cassette(tmp_path)) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: h\r\nReplayer-Fault: delay;ms=60000\r\n\r\n")
            gateway.get("/v1/files")
            status, said = gateway.end()
    assert status == 0
    assert "2 requests" in said


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = refused(cassette(tmp_path), "--port", str(port))
    assert status == 2
    assert f"port {port} of 127.0.0.1 is in use" in said


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("casolla",), 2, "did you mean 'casola'?"),
        (("gone/a.yaml",), 4, "gone/a.yaml: there is no such file"),
        (("casola", "--fail-on", "mis"), 2, "did you mean 'miss'?"),
        (("casola", "--pace", "fast"), 2, "pace 'fast'"),
        (("casola", "--host", "0.0.0.0"), 2, "set REPLAYER_TOKEN"),
    ],
)
def test_wrong_use_is_told_in_one_message(arguments: tuple[str, ...], status: int, message: str) -> None:
    ended, said = refused(*arguments, environment={"REPLAYER_TOKEN": ""})
    assert ended == status
    assert message in said


def test_a_broken_cassette_is_named_and_is_not_absent(tmp_path: Path) -> None:
    status, said = refused(cassette(tmp_path, "version: 1\ninteractions: [\n"))
    assert status == 4
    assert "a.yaml" in said


def test_an_entry_without_a_request_is_left_out_with_a_warning(tmp_path: Path) -> None:
    with running(
        cassette(
            tmp_path, CASSETTE + "- response: {status: {code: 200, message: OK}, headers: {}, body: {string: x}}\n"
        )
    ) as gateway:
        assert gateway.get("/v1/models") == b'{"data":[]}'
        status, said = gateway.end()
    assert status == 0
    assert "warning: a.yaml#2: " in said


def test_nobody_has_to_read_what_it_says(tmp_path: Path) -> None:
    with running(cassette(tmp_path)) as gateway:
        for _ in range(300):
            gateway.get("/v1/models")
        assert gateway.end()[0] == 0


def test_a_directory_is_its_configuration_and_its_cassettes(tmp_path: Path) -> None:
    cassette(tmp_path)
    (tmp_path / "replayer.toml").write_text("miss_status = 404\n")
    (tmp_path / "package.json").write_text('{"name": "no cassette"}')
    with running(str(tmp_path)) as gateway:
        assert gateway.get("/v1/models") == b'{"data":[]}'
        with pytest.raises(urllib.request.HTTPError) as caught:
            gateway.get("/v1/other")
        caught.value.close()
    assert caught.value.code == 404


def test_ten_thousand_requests_are_answered_with_nobody_reading_stdout_or_stderr(tmp_path: Path) -> None:
    # Every tenth is a miss, which is told on stderr: a pipe holds 64 KiB of what nobody reads.
    requests = b"".join(
        f"GET /v1/{'missing' if number % 10 == 0 else 'models'} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        for number in range(100)
    )
    with running(cassette(tmp_path)) as gateway, connection(gateway.url) as client:
        for _ in range(100):
            client.sendall(requests)
            answers = b""
            while answers.count(b"HTTP/1.1 ") < 100 or not answers.endswith(b'{"data":[]}'):
                answers += client.recv(1 << 20)
        status, said = gateway.end()
    assert status == 0
    assert "10000 requests: 9000 hit, 1000 miss" in said


def test_a_miss_is_told_when_it_happens_and_again_at_the_end(tmp_path: Path) -> None:
    with running(cassette(tmp_path), "--fail-on", "miss") as gateway:
        for _ in range(2):
            assert missed(gateway, "/v1/model")
        assert gateway.next_line() == (
            "miss: GET /v1/model: nearest is a.yaml#0; path: recorded /v1/models, asked /v1/model"
        )
        status, said = gateway.end()
    assert status == 1
    assert "missed: GET /v1/model: nearest is a.yaml#0; path: recorded /v1/models, asked /v1/model (2 times)" in said
    assert "did not hold: miss" in said


def test_the_run_is_reported_as_junit(tmp_path: Path) -> None:
    file = tmp_path / "run.xml"
    with running(cassette(tmp_path), "--fail-on", "miss,unused", "--report", f"junit={file}") as gateway:
        gateway.get("/v1/models")
        assert missed(gateway, "/v1/models?key=AIzaSyA-0123456789abcdefghijklmnopqrstu")
        status, _ = gateway.end()
    assert status == 1
    text = file.read_text(encoding="utf-8")
    assert "AIzaSy" not in text
    suites = {suite.get("name"): suite for suite in ElementTree.fromstring(text)}
    assert suites.keys() == {"misses", "interactions"}
    (failure,) = suites["misses"].iter("failure")
    assert "a.yaml#0 (matched: method, host, path, body, used by entry 1)" in (failure.text or "")
    assert [case.get("name") for case in suites["interactions"].iter("testcase")] == ["a.yaml#0", "a.yaml#1"]
    assert suites["interactions"].get("failures") == "1"


def test_a_report_on_stdout_comes_after_the_address(tmp_path: Path) -> None:
    with running(cassette(tmp_path), "--report", "json") as gateway:
        gateway.get("/v1/models")
        _, _ = gateway.end()
    assert json.loads(gateway.said)["command"] == "replay"


def test_a_report_under_a_command_needs_a_file(tmp_path: Path) -> None:
    status, said = refused(cassette(tmp_path), "--report", "junit", "--", "true")
    assert status == 2
    assert "stdout is the command's" in said
