"""Faults on played connections: of the server's messages and of the client's."""

from __future__ import annotations

import asyncio
import base64
import os
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from replayer.cassette.model import Frame, FrameKind, Sender
from replayer.config import Config
from replayer.faults.script import corrupted
from replayer.gateway import websocket
from replayer.journal import Entry


def said(sender: Sender, text: str, at: float = 0.0) -> Frame:
    return Frame(at=at, sender=sender, kind=FrameKind.TEXT, text=text)


def server(text: str) -> Frame:
    return said(Sender.SERVER, text)


def client(text: str) -> Frame:
    return said(Sender.CLIENT, text)


class Heard:
    """What one client got: texts, then how it ended."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.end: int | None = None
        self.faults: str | None = None


async def talk(kit: Any, fault: str, *frames: Frame, say: tuple[str, ...] = (), **options: Any) -> tuple[Heard, Entry]:
    """One connection: say everything at once, and listen to its end."""
    heard = Heard()
    async with kit.serve(kit.connection(*frames), **options) as running:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{running.url}/v1/realtime", headers={"Replayer-Fault": fault}) as socket,
        ):
            heard.faults = socket._response.headers.get("Replayer-Faults")
            for text in say:
                await socket.send_str(text)
            while (message := await socket.receive()).type is WSMsgType.TEXT:
                heard.texts.append(message.data)
            heard.end = socket.close_code
        (entry,) = running.journal()
    return heard, entry


CLOSE = Frame(at=0, sender=Sender.SERVER, kind=FrameKind.CLOSE, code=1000)
ABC = (server("aaa"), server("bbb"), server("ccc"), CLOSE)


@pytest.mark.parametrize(
    ("fault", "texts", "end"),
    [
        ("drop;at=2", ["aaa", "ccc"], 1000),
        ("duplicate;at=1", ["aaa", "aaa", "bbb", "ccc"], 1000),
        ("reorder;at=1", ["bbb", "aaa", "ccc"], 1000),
        ("reorder;at=2", ["aaa", "ccc", "bbb"], 1000),
        ("truncate;chunks=1", ["aaa"], 1000),
        ("truncate;chunks=2;end=abrupt", ["aaa", "bbb"], 1006),
        ("truncate;bytes=7", ["aaa", "bbb"], 1000),
        ("truncate;fraction=0.4", ["aaa"], 1000),
        ("drop;at=1, drop;at=1", ["ccc"], 1000),
        ("stall;at=2;ms=30", ["aaa", "bbb", "ccc"], 1000),
        ("throttle;rate=1000", ["aaa", "bbb", "ccc"], 1000),
        ("slice;bytes=2", ["aaa", "bbb", "ccc"], 1000),
        ("slice;bytes=1;ms=1", ["aaa", "bbb", "ccc"], 1000),
        ("insert;at=3;what=ping", ["aaa", "bbb", "ccc"], 1000),
        ("delay;ms=5", ["aaa", "bbb", "ccc"], 1000),
    ],
)
async def test_what_the_server_says_is_bent(kit: Any, fault: str, texts: list[str], end: int) -> None:
    heard, entry = await talk(kit, fault, *ABC)
    assert (heard.texts, heard.end) == (texts, end)
    names = [one.strip().partition(";")[0] for one in fault.split(",")]
    assert list(entry.faults) == names
    assert heard.faults == ", ".join(names)
    assert entry.not_applied == ()


async def test_a_corrupted_message_differs_in_one_character_and_an_inserted_error_is_one(kit: Any) -> None:
    heard, _ = await talk(kit, "corrupt;at=2, insert;at=1;what=error", *ABC)
    error, one, two, three = heard.texts
    assert '"type":"error"' in error
    assert (one, three) == ("aaa", "ccc")
    assert len(two) == 3
    assert sum(left != right for left, right in zip("bbb", two, strict=True)) == 1


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("drop;at=9", "drop: the server has 3 messages"),
        ("reorder;at=3", "reorder: nothing comes after it"),
        ("truncate;chunks=3", "truncate: the server has 3 messages, and nothing comes after them"),
        ("insert;at=1;what=comment", "insert: a connection knows no comments"),
        ("drop;at=1;from=client", "drop: the client has 0 messages"),
    ],
)
async def test_what_cannot_be_bent_is_told(kit: Any, fault: str, why: str) -> None:
    heard, entry = await talk(kit, fault, *ABC)
    assert (heard.texts, heard.faults) == (["aaa", "bbb", "ccc"], None)
    assert entry.not_applied == (why,)


@pytest.mark.parametrize(
    ("fault", "say", "texts", "end"),
    [
        ("drop;at=1;from=client", ("one", "two"), [], 4424),
        ("drop;at=1;from=client", ("lost", "one", "two"), ["after one", "after two"], 1000),
        ("duplicate;at=1;from=client", ("one", "two"), [], 4424),
        ("reorder;at=1;from=client", ("two", "one"), ["after one", "after two"], 1000),
        ("corrupt;at=2;from=client", ("one", "two"), ["after one"], 4424),
        ("stall;at=2;ms=20;from=client", ("one", "two"), ["after one", "after two"], 1000),
        ("truncate;chunks=1;from=client", ("one", "two"), ["after one"], 1000),
        ("truncate;chunks=1;end=abrupt;from=client", ("one", "two"), ["after one"], 1006),
    ],
)
async def test_what_the_client_says_is_bent_before_it_is_matched(
    kit: Any, monkeypatch: pytest.MonkeyPatch, fault: str, say: tuple[str, ...], texts: list[str], end: int
) -> None:
    monkeypatch.setattr(websocket, "STALL_S", 0.5)
    frames = (client("one"), server("after one"), client("two"), server("after two"), CLOSE)
    heard, entry = await talk(kit, fault, *frames, say=say)
    assert (heard.texts, heard.end) == (texts, end)
    assert entry.faults == (fault.partition(";")[0],)


async def test_a_fault_on_a_recorded_pace_waits_beside_it(kit: Any) -> None:
    frames = tuple(said(Sender.SERVER, text, at=at) for text, at in (("a", 1.0), ("b", 2.0)))
    heard, _ = await talk(kit, "stall;at=1;ms=5, slice;bytes=1", *frames, CLOSE, config=Config(pace="recorded"))
    assert heard.texts == ["a", "b"]


async def test_a_slice_is_a_fragment_on_the_wire(kit: Any) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    fields = ("Host: a", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}")
    head = "\r\n".join(
        ["GET /v1/realtime HTTP/1.1", *fields, "Sec-WebSocket-Version: 13", "Replayer-Fault: slice;bytes=2"]
    )
    async with kit.serve(kit.connection(server("abc"), CLOSE)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(f"{head}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(7) == b"\x01\x02ab\x80\x01c"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("text", ["a", "é", "€uro", "\U0001f600", "\ufffd", "퟿", "\U0010ffff", "\U00010000"])
def test_a_corrupted_text_is_still_a_text(text: str) -> None:
    for place in (0.0, 0.3, 0.6, 0.999, 1.0):
        spoiled = corrupted(text.encode(), place, text=True)
        assert spoiled != text.encode()
        assert len(spoiled.decode()) == len(text)
