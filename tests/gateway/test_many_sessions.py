"""Thousands of sessions side by side: each is played its own answers, and nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
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


async def play(client: aiohttp.ClientSession, url: str, number: int, gate: asyncio.Semaphore) -> list[str]:
    """One session, by its header or by its base URL: all its answers."""
    answers = []
    headers, base = ({"Replayer-Session": f"s{number}"}, url) if number % 2 else ({}, f"{url}/__replayer/s/s{number}")
    for _ in range(4):
        async with gate, client.get(f"{base}/v1/models", headers=headers) as answer:
            answers.append(await answer.text() if answer.status == 200 else str(answer.status))
    return answers


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
        gate, all_open = asyncio.Semaphore(AT_ONCE), asyncio.Barrier(CONNECTIONS)
        talks = [asyncio.create_task(talk(client, running.url, number, all_open)) for number in range(CONNECTIONS)]
        plays = [asyncio.create_task(play(client, running.url, number, gate)) for number in range(SESSIONS)]
        assert all([await one == ["one", "two", "three", "424"] for one in plays])
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
