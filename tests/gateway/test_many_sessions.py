"""Thousands of sessions side by side: each is played its own answers, and nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp

from replayer.cassette.model import Frame, FrameKind, Interaction, Sender
from replayer.gateway.exchange import Exchange
from replayer.gateway.session import Session
from replayer.gateway.websocket import Playing
from replayer.match.conversation import Conversation
from replayer.match.playstate import PlayState

SESSIONS = 5000
CONNECTIONS = 500
AT_ONCE = 250


class Moved:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)

    def ms(self) -> float:
        return self.at


def said(text: str, sender: Sender) -> Frame:
    return Frame(at=0, sender=sender, kind=FrameKind.TEXT, text=text)


def recorded(kit: Any) -> tuple[Interaction, ...]:
    answers = [kit.interaction(answer=text) for text in (b"one", b"two", b"three")]
    talks = [
        kit.connection(said("hello", Sender.CLIENT), said(f"{number}", Sender.SERVER), said("bye", Sender.CLIENT))
        for number in ("first", "second")
    ]
    return (*answers, *talks)


def alive(*kinds: type) -> dict[str, int]:
    """How many values of each kind there are."""
    gc.collect()
    found = dict.fromkeys((kind.__name__ for kind in kinds), 0)
    for value in gc.get_objects():
        if type(value) in kinds:
            found[type(value).__name__] += 1
    return found


async def play(port: int, numbers: Sequence[int]) -> list[list[str]]:
    """Some sessions in turn, by their header or by their base URL, over one connection: all answers of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard: list[list[str]] = [[] for _ in numbers]
    for _ in range(4):
        for number, answers in zip(numbers, heard, strict=True):
            base, field = ("", f"Replayer-Session: s{number}\r\n") if number % 2 else (f"/__replayer/s/s{number}", "")
            writer.write(f"GET {base}/v1/models HTTP/1.1\r\nHost: h\r\n{field}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            body = await reader.readexactly(int(length[1]))
            answers.append(body.decode() if head.startswith(b"HTTP/1.1 200 ") else head.split()[1].decode())
    writer.close()
    await writer.wait_closed()
    return heard


async def talk(client: aiohttp.ClientSession, url: str, number: int, all_open: asyncio.Barrier) -> list[str]:
    """Two connections of one session, open while all others are too: what each heard."""
    base = f"{url}/__replayer/s/c{number}/v1/realtime"
    heard = []
    for _ in range(2):
        async with client.ws_connect(base) as socket:
            await socket.send_str("hello")
            heard.append(await socket.receive_str())
            await all_open.wait()
            await socket.send_str("bye")
    return heard


async def test_thousands_of_sessions_play_their_own_answers_and_leave_nothing(kit: Any) -> None:
    clock = Moved()
    kinds = (Session, PlayState, Exchange, Playing, Conversation)
    async with (
        kit.serve(*recorded(kit), repeat="none", clock=clock) as running,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        before = alive(*kinds)
        all_open = asyncio.Barrier(CONNECTIONS)
        talks = [asyncio.create_task(talk(client, running.url, number, all_open)) for number in range(CONNECTIONS)]
        mine = [range(first, SESSIONS, AT_ONCE) for first in range(AT_ONCE)]
        plays = [asyncio.create_task(play(running.port, numbers)) for numbers in mine]
        played = [answers for one in plays for answers in await one]
        assert played == [["one", "two", "three", "424"]] * SESSIONS
        assert all([await one == ["first", "second"] for one in talks])
        while any(entry.duration_ms is None for entry in running.journal()):  # noqa: ASYNC110 (entries have no event)
            await asyncio.sleep(0)
        assert alive(Session)["Session"] == before["Session"] + SESSIONS + CONNECTIONS
        clock.at += 3_600_001.0
        async with client.get(f"{running.url}/__replayer/sessions") as answer:
            assert [one["name"] for one in (await answer.json())["sessions"]] == ["default"]
        assert alive(*kinds) == before
        assert running.service.run.summary().unplayed == ()


async def test_an_open_connection_keeps_its_session(kit: Any) -> None:
    clock = Moved()
    async with kit.serve(*recorded(kit), repeat="none", clock=clock) as running, aiohttp.ClientSession() as client:
        base = f"{running.url}/__replayer/s/mine"
        async with client.ws_connect(f"{base}/v1/realtime") as socket:
            async with client.get(f"{base}/v1/models") as answer:
                assert await answer.text() == "one"
            clock.at += 10_000_000.0
            async with client.get(f"{running.url}/__replayer/sessions") as answer:
                assert {one["name"] for one in (await answer.json())["sessions"]} == {"default", "mine"}
            async with client.get(f"{base}/v1/models") as answer:
                assert await answer.text() == "two"
            await socket.send_str("hello")
            assert await socket.receive_str() == "first"
            await socket.send_str("bye")
