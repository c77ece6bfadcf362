"""vcrpy is the reference of the format: it loads what we write, we load what it writes, with equal values."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest
import requests
import vcr  # type: ignore[import-untyped]  # it ships no types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vcr.serialize import deserialize  # type: ignore[import-untyped]  # it ships no types
from vcr.serializers import jsonserializer, yamlserializer  # type: ignore[import-untyped]  # it ships no types

from replayer.cassette import store
from replayer.cassette.codec import Layout, decode, encode
from replayer.cassette.model import Cassette, Headers, Interaction, Request, Response, header


def lists(headers: Headers) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return grouped


def assert_vcrpy_reads(cassette: Cassette, text: str, serializer: Any) -> None:
    """vcrpy's own loader gives the same method, URI, body, headers, status and response body."""
    asked, answered, *_ = deserialize(text, serializer)
    assert len(asked) == len(answered) == len(cassette.interactions)
    for theirs, response, ours in zip(asked, answered, cassette.interactions, strict=True):
        assert (theirs.method, theirs.uri, theirs.body) == (ours.request.method, ours.request.uri, ours.request.body)
        for name, value in theirs.headers.items():
            # vcrpy keeps one value of a request's header, the last name's where two differ only by case.
            assert value in [v for n, v in ours.request.headers if n.lower() == name.lower()]
        assert response["status"] == {"code": ours.response.status, "message": ours.response.reason}
        assert response["headers"] == lists(ours.response.headers)
        assert response["body"]["string"] == ours.response.body


@pytest.mark.parametrize("layout", [Layout.BLOCK, Layout.FLOW])
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_vcrpy_reads_whatever_we_write(
    layout: Layout, data: st.DataObject, cassettes: st.SearchStrategy[Cassette]
) -> None:
    cassette = data.draw(cassettes)
    # vcrpy parses URIs; `http://[` is no URI to it, as to anybody.
    for one in cassette.interactions:
        try:
            vcr.request.Request("GET", one.request.uri, None, {})
        except ValueError:
            return
    assert_vcrpy_reads(cassette, encode(cassette, layout).decode(), yamlserializer)


def test_vcrpy_reads_our_json() -> None:
    one = Interaction(
        request=Request(method="POST", uri="http://a/b", headers=(("a", "b"),), body="é\n".encode()),
        response=Response(
            status=200, reason="OK", headers=(("set-cookie", "a"), ("set-cookie", "b")), body=b"\n\xe2\x82\xac"
        ),
    )
    cassette = Cassette(interactions=(one, one))
    assert_vcrpy_reads(cassette, encode(cassette, Layout.JSON).decode(), jsonserializer)


class Upstream(BaseHTTPRequestHandler):
    """A real server with the answers that tend to break formats."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, tuple[int, list[tuple[str, str]], bytes]]] = {
        "/plain": (200, [("Content-Type", "text/plain")], b"hello\nworld\n"),
        "/gzip": (200, [("Content-Encoding", "gzip")], gzip.compress(b'{"packed": true}')),
        "/binary": (200, [("Content-Type", "image/png")], bytes(range(256))),
        "/redirect": (302, [("Location", "/plain")], b""),
        "/cookies": (200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], b"x"),
        "/empty": (204, [], b""),
        "/unicode": (200, [], "naïve 😀 \u2028\x85\r\n\ttab".encode()),
    }

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, body = self.answers[self.path]
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def upstream() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def ask_with_requests(base: str) -> list[tuple[int, bytes]]:
    with requests.Session() as session:
        seen = [session.get(base + path) for path in Upstream.answers]
        seen.append(session.post(base + "/plain", data=b"\xff\x00"))
        seen.append(session.post(base + "/plain", data="é".encode()))
        return [(answer.status_code, answer.content) for answer in seen]


def test_we_load_what_vcrpy_recorded_and_it_replays_what_we_rewrite(tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    with upstream() as base, vcr.use_cassette(str(path)):
        live = ask_with_requests(base)
    ours = store.read(path)
    assert ours.problems == ()
    # The redirect's target is recorded too, and vcrpy plays the same URI only once: so many were asked.
    assert [one.request.uri.removeprefix(base) for one in ours.interactions][:2] == ["/plain", "/gzip"]
    by_path = {one.request.uri.removeprefix(base): one.response for one in ours.interactions[:8]}
    for where, (status, _, body) in Upstream.answers.items():
        expected = b'{"packed": true}' if where == "/gzip" else body
        assert (by_path[where].status, by_path[where].body) == (status, expected)
    assert by_path["/gzip"].encoding == "gzip"
    assert header(by_path["/gzip"].headers, "content-encoding") is None
    assert [value for name, value in by_path["/cookies"].headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    for layout in (Layout.BLOCK, Layout.FLOW):
        rewritten = tmp_path / f"{layout}.yaml"
        store.write(rewritten, ours, layout=layout)
        with vcr.use_cassette(str(rewritten), record_mode="none", allow_playback_repeats=True):
            assert ask_with_requests(base) == live


async def test_we_load_what_vcrpy_recorded_of_aiohttp(tmp_path: Path) -> None:
    path = tmp_path / "theirs.json"
    with upstream() as base, vcr.use_cassette(str(path), serializer="json"):
        async with aiohttp.ClientSession() as session, session.get(base + "/unicode") as answer:
            live = await answer.read()
    (one,) = store.read(path).interactions
    assert one.response.body == live == Upstream.answers["/unicode"][2]


@pytest.mark.parametrize("layout", [Layout.BLOCK, Layout.FLOW])
def test_what_vcrpy_saves_again_keeps_our_times(layout: Layout, tmp_path: Path, loaded: Callable[[], Cassette]) -> None:
    path = tmp_path / "x.yaml"
    cassette = loaded()
    store.write(path, cassette, layout=layout)
    theirs = vcr.cassette.Cassette.load(path=str(path), serializer=yamlserializer)
    theirs.dirty = True
    theirs._save()
    assert decode(path.read_bytes(), name="x").interactions == cassette.interactions


@pytest.fixture
def loaded() -> Callable[[], Cassette]:
    """A cassette with all that vcrpy has no place for."""
    text = b"""
interactions:
- request: {method: GET, uri: "wss://q/ws", body: null, headers: {a: [b]}}
  response:
    status: {code: 101, message: Switching Protocols}
    headers: {}
    body: {string: ''}
    replayer: {at: 1.5, end: open, frames: [{at: 1, from: client, text: x}, {at: 2, from: server, close: 1006}]}
- request: {method: GET, uri: "https://q/sse", body: null, headers: {}}
  response:
    status: {code: 200, message: OK}
    headers: {}
    body: {string: "data: x\\n\\n"}
    replayer: {at: 1.5, end: complete, chunks: [[1, 4], [2.5, 5]], encoding: gzip}
"""
    return lambda: decode(text, name="x")
