"""Record modes through the gateway: what is known is played, what is not is recorded, as vcrpy does it."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import requests
import vcr  # type: ignore[import-untyped]  # vcrpy has no types
from aiohttp import web

from replayer.cassette import store
from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Frame, FrameKind, Interaction, Omitted, Request, Response, Sender
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream
from replayer.source import Mode
from tests import needs
from tests.end_to_end.modes import gateway

pytestmark = needs.mitmproxy


class Provider:
    """An upstream that counts what it is asked, and answers with the count."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        async for _ in request.content.iter_any():
            pass
        text = f"{request.path} {self.asked[request.path]}"
        if request.path == "/stream":
            answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await answer.prepare(request)
            for word in text.split():
                await answer.write(f"data: {word}\n\n".encode())
            await answer.write_eof()
            return answer
        if request.path == "/socket":
            socket = web.WebSocketResponse(protocols=("realtime",))
            await socket.prepare(request)
            async for message in socket:
                await socket.send_str(f"{text}: {message.data}")
                if message.data == "bye":
                    await socket.close(code=4001, message=b"enough")
            return socket
        return web.Response(text=text)


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    one = Provider()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", one.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        await runner.cleanup()


def recorded(base: str, *paths: str) -> Cassette:
    """A cassette in which each path was answered by its name and `old`."""
    return Cassette(
        interactions=tuple(
            Interaction(
                request=Request(method="GET", uri=f"{base}{path}"),
                response=Response(status=200, reason="OK", body=f"{path} old".encode()),
            )
            for path in paths
        )
    )


async def ask(url: str, paths: Sequence[str], session: str | None = None) -> list[str]:
    """Each answer's text and outcome."""
    headers = {} if session is None else {"Replayer-Session": session}
    async with aiohttp.ClientSession(headers=headers) as client:
        found = []
        for path in paths:
            async with client.get(url + path) as answer:
                text = await answer.text()
                found.append(text if answer.status < 400 else "refused")
        return found


Runs = tuple[tuple[str, ...], ...]
SCENARIOS: dict[str, tuple[tuple[str, ...] | None, Runs]] = {
    "no cassette, asked once": (None, (("/a", "/b"),)),
    "no cassette, asked twice": (None, (("/a", "/a", "/b", "/a"),)),
    "no cassette, nothing asked": (None, ((),)),
    "all is known": (("/a", "/b"), (("/b", "/a"),)),
    "known, then new": (("/a",), (("/a", "/b"),)),
    "new, then known": (("/a",), (("/b", "/a"),)),
    "asked more often than known": (("/a",), (("/a", "/a", "/a"),)),
    "asked less often than known": (("/a", "/a", "/b"), (("/a",),)),
    "known twice": (("/a", "/a"), (("/a", "/a", "/a"),)),
    "new twice beside something known": (("/a",), (("/b", "/b", "/b", "/b"),)),
    "queries tell requests apart": (("/a?x=1",), (("/a?x=2", "/a?x=1", "/a"),)),
    "recorded in one run, played in the next": (None, (("/a", "/b"), ("/b", "/a"))),
    "recorded twice, asked three times": (None, (("/a", "/a"), ("/a", "/a", "/a"))),
    "a second run asks for more": (None, (("/a",), ("/a", "/b"), ("/b", "/a", "/c"))),
}
"""What the cassette holds (None: there is no file), and what each of some runs asks."""


def through_vcrpy(url: str, path: Path, mode: str, paths: Sequence[str]) -> list[str]:
    found = []
    with vcr.use_cassette(str(path), record_mode=mode), requests.Session() as client:
        for one in paths:
            try:
                found.append(client.get(url + one).text)
            except vcr.errors.CannotOverwriteExistingCassetteException:
                found.append("refused")
    return found


@pytest.mark.parametrize("mode", [Mode.ALL, Mode.NEW_EPISODES, Mode.ONCE, Mode.NONE])
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_each_mode_asks_and_answers_as_vcrpy_does(tmp_path: Path, mode: Mode, scenario: str) -> None:
    old, runs = SCENARIOS[scenario]
    theirs, ours = tmp_path / "theirs.yaml", tmp_path / "ours.yaml"
    async with provider() as one, provider() as other:
        if old is not None:
            store.write(theirs, recorded(one.url, *old), layout=Layout.BLOCK)
            store.write(ours, recorded(other.url, *old), layout=Layout.BLOCK)
        upstreams = () if mode is Mode.NONE else (Upstream(name="one", url=other.url),)
        for paths in runs:
            expected = await asyncio.to_thread(through_vcrpy, one.url, theirs, mode.value, paths)
            async with gateway(ours, mode, *upstreams) as (_, url):
                answered = await ask(url, paths)
            assert answered == expected
    assert other.asked == one.asked
    assert bodies(ours) == bodies(theirs)


def bodies(path: Path) -> list[bytes]:
    return [one.response.body for one in store.read(path).interactions] if path.exists() else []


async def test_what_was_recorded_is_known_at_once_and_names_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    async with (
        provider() as one,
        gateway(path, Mode.NEW_EPISODES, Upstream(name="one", url=one.url)) as (service, url),
    ):
        assert await ask(url, ["/stream"], "first") == ["data: /stream\n\ndata: 1\n\n"]
        assert await ask(url, ["/stream"], "second") == ["data: /stream\n\ndata: 1\n\n"]
        first, second = list(service.run.entries())
    assert (first.outcome, first.interaction) == ("recorded", "a.yaml#0")
    assert (second.outcome, second.interaction) == ("hit", "a.yaml#0")
    assert one.asked == {"/stream": 1}
    assert "replayer" not in str(store.read(path).interactions[0].request.headers).lower()


async def converse(url: str, *said: str) -> tuple[list[str], int | None]:
    async with aiohttp.ClientSession() as client, client.ws_connect(f"{url}/socket", protocols=("realtime",)) as socket:
        assert socket.protocol == "realtime"
        heard = []
        for text in said:
            await socket.send_str(text)
            heard.append(await socket.receive_str())
        await socket.receive()
        return heard, socket.close_code


async def test_a_connection_is_recorded_and_then_played(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    async with provider() as one:
        async with gateway(path, Mode.NEW_EPISODES, Upstream(name="one", url=one.url)) as (_, url):
            live = await converse(url, "hello", "bye")
        async with gateway(path, Mode.NONE) as (_, url):
            assert await converse(url, "hello", "bye") == live
    assert live == (["/socket 1: hello", "/socket 1: bye"], 4001)
    (interaction,) = store.read(path).interactions
    frames = interaction.response.frames or ()
    assert [frame.text for frame in frames if frame.sender is Sender.CLIENT] == ["hello", "bye"]
    assert isinstance(frames[-1], Frame)
    assert (frames[-1].kind, frames[-1].code) == (FrameKind.CLOSE, 4001)


async def test_a_request_whose_body_was_not_stored_is_known_by_any_body(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    settings = Settings(output=path, upstreams=(), confdir=tmp_path / "ca", max_body=1000)

    async def send(url: str, *bodies: bytes) -> list[str]:
        async with aiohttp.ClientSession() as client:
            return [await (await client.post(f"{url}/a", data=body)).text() for body in bodies]

    large, larger, small = b"x" * 5000, b"y" * 9000, b"z" * 1000
    async with provider() as one:
        upstream = Upstream(name="one", url=one.url)
        async with gateway(path, Mode.NEW_EPISODES, upstream, settings=settings) as (_, url):
            live = await send(url, large, small)
        kept = store.read(path).interactions
        assert [(found.request.body, found.request.omitted is not None) for found in kept] == [
            (None, True),
            (small, False),
        ]
        # In replay it is known by its digest.
        async with gateway(path, Mode.NONE) as (_, url):
            assert await send(url, large, small) == live
            assert await send(url, larger) != live[:1]
        # And where what is missing is recorded, the known one is not sent again.
        async with gateway(path, Mode.NEW_EPISODES, upstream, settings=settings) as (_, url):
            assert await send(url, large) == live[:1]
    assert one.asked == {"/a": 2}


@pytest.mark.parametrize(("mode", "left"), [(Mode.ALL, [b"/b old", b"/a 1"]), (Mode.REWRITE, [b"/a 1"])])
async def test_all_and_rewrite_ask_for_everything(tmp_path: Path, mode: Mode, left: list[bytes]) -> None:
    path = tmp_path / "a.yaml"
    async with provider() as one:
        store.write(path, recorded(one.url, "/a", "/b"), layout=Layout.BLOCK)
        async with gateway(path, mode, Upstream(name="one", url=one.url)) as (_, url):
            assert await ask(url, ["/a"]) == ["/a 1"]
    assert bodies(path) == left


async def test_several_upstreams_are_meant_by_their_prefix_and_nobody_without_one(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    async with provider() as one, provider() as two:
        upstreams = (Upstream(name="one", url=one.url), Upstream(name="two", url=f"{two.url}/base"))
        async with gateway(path, Mode.NEW_EPISODES, *upstreams) as (_, url):
            assert await ask(url, ["/one/a", "/two/a", "/a"]) == ["/a 1", "/base/a 1", "refused"]
    assert (one.asked, two.asked) == ({"/a": 1}, {"/base/a": 1})


async def test_an_upstream_that_is_not_there_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    async with gateway(path, Mode.NEW_EPISODES, Upstream(name="one", url="http://127.0.0.1:9")) as (service, url):
        async with aiohttp.ClientSession() as client, client.get(f"{url}/a") as answer:
            assert answer.status == 502
            assert "--upstream" in (await answer.json())["detail"]
        (entry,) = service.run.entries()
    assert (entry.outcome, entry.status) == ("refused", 502)
    assert not path.exists()


@pytest.mark.parametrize(("mode", "heard"), [(Mode.SPY, ["/a old", "/b 1"]), (Mode.PASSTHROUGH, ["/a 1", "/b 1"])])
async def test_spying_and_passing_through_keep_nothing(tmp_path: Path, mode: Mode, heard: list[str]) -> None:
    path = tmp_path / "a.yaml"
    async with provider() as one:
        store.write(path, recorded(one.url, "/a"), layout=Layout.BLOCK)
        before = path.read_bytes()
        async with gateway(path, mode, Upstream(name="one", url=one.url)) as (service, url):
            assert await ask(url, ["/a", "/b"]) == heard
            outcomes = [entry.outcome for entry in service.run.entries()]
            assert (await converse(url, "hello", "bye"))[1] == 4001
    assert outcomes == (["hit", "live"] if mode is Mode.SPY else ["live", "live"])
    assert path.read_bytes() == before


async def test_a_fault_is_refused_where_the_answer_may_be_real(tmp_path: Path) -> None:
    async with (
        provider() as one,
        gateway(tmp_path / "a.yaml", Mode.SPY, Upstream(name="one", url=one.url)) as (_, url),
        aiohttp.ClientSession() as client,
        client.get(f"{url}/a", headers={"Replayer-Fault": "status;code=429"}) as answer,
    ):
        assert answer.status == 400
        assert "--allow-faults" in (await answer.json())["detail"]
    assert not one.asked


async def test_an_upload_that_is_too_large_to_be_stored_is_recorded_and_then_played(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    size = 3 * 1024 * 1024
    async with provider() as one, aiohttp.ClientSession() as client:
        upstream = Upstream(name="one", url=one.url)
        settings = Settings(output=path, upstreams=(), confdir=tmp_path / "ca", max_body=size // 3)
        async with gateway(path, Mode.NEW_EPISODES, upstream, settings=settings) as (_, url):
            said = []
            for number, session in ((1, "a"), (1, "b"), (2, "c")):
                fields, body = {"Replayer-Session": session}, io.BytesIO(bytes([number]) * size)
                async with client.post(f"{url}/files", data=body, headers=fields) as answer:
                    said.append((answer.headers["Replayer-Outcome"], await answer.text()))
            assert said == [("recorded", "/files 1"), ("hit", "/files 1"), ("recorded", "/files 2")]
        first, second = store.read(path).interactions
        assert (first.request.omitted, second.request.omitted) == tuple(
            Omitted(bytes=size, sha256=hashlib.sha256(bytes([number]) * size).hexdigest()) for number in (1, 2)
        )
