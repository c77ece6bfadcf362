"""The worker's socket itself: permessage-deflate and pings, with the two libraries that workers are written with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

TEXT = "a text that deflates well " * 20_000
SENT = 1_048_576


class Client:
    """What both libraries can do."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    @property
    def deflates(self) -> bool:
        """Whether the queue took permessage-deflate."""
        if isinstance(self.socket, ClientConnection):
            return [one.name for one in self.socket.protocol.extensions] == ["permessage-deflate"]
        return bool(self.socket.compress)

    async def say(self, type: str, **keys: Any) -> None:
        text = json.dumps({"type": type, **keys})
        await (self.socket.send(text) if isinstance(self.socket, ClientConnection) else self.socket.send_str(text))

    async def hear(self) -> Any:
        native = isinstance(self.socket, ClientConnection)
        return json.loads(await (self.socket.recv() if native else self.socket.receive_str()))


Dial = Callable[[str], AbstractAsyncContextManager[Client]]


def with_websockets(**options: Any) -> Dial:
    @asynccontextmanager
    async def dial(url: str) -> AsyncIterator[Client]:
        async with connect(url, max_size=SENT, **options) as socket:
            yield Client(socket)

    return dial


def with_aiohttp(**options: Any) -> Dial:
    @asynccontextmanager
    async def dial(url: str) -> AsyncIterator[Client]:
        async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=SENT, **options) as socket:
            yield Client(socket)

    return dial


SMALL_WINDOWS = ClientPerMessageDeflateFactory(server_max_window_bits=12, client_max_window_bits=12)
NO_TAKEOVER = ClientPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
DIALS = [
    pytest.param(with_websockets(), True, id="websockets"),
    pytest.param(with_websockets(compression=None, extensions=[SMALL_WINDOWS]), True, id="websockets-window-12"),
    pytest.param(with_websockets(compression=None, extensions=[NO_TAKEOVER]), True, id="websockets-no-takeover"),
    pytest.param(with_websockets(compression=None), False, id="websockets-plain"),
    pytest.param(with_aiohttp(compress=15), True, id="aiohttp"),
    pytest.param(with_aiohttp(compress=9), True, id="aiohttp-window-9"),
    pytest.param(with_aiohttp(), False, id="aiohttp-plain"),
]


@pytest.mark.parametrize(("dial", "deflates"), DIALS)
async def test_deflate_both_ways_where_the_worker_offers_it(open_place: Any, dial: Dial, deflates: bool) -> None:
    place = await open_place()
    async with dial(f"ws{place.url[4:]}/ws") as worker:
        assert worker.deflates is deflates
        await worker.say("register", worker_id="w", config_id="default")
        await place.until("/health", lambda body: body["worker_connected"])
        for number in range(3):  # the context goes on from message to message
            asked = place.chat(f"{number} {TEXT}")
            job = await worker.hear()
            assert job["payload"]["messages"][0]["content"] == f"{number} {TEXT}"
            message = {"role": "assistant", "content": TEXT}
            result = {"completion": {"choices": [{"index": 0, "message": message}]}}
            await worker.say("job_result", job_id=job["job_id"], result=result)
            status, body = await asked
            assert (status, body["choices"][0]["message"]["content"]) == (200, TEXT)


async def test_pings_of_a_worker_are_answered(open_place: Any) -> None:
    place = await open_place()
    async with connect(f"ws{place.url[4:]}/ws") as worker:
        await (await worker.ping(b"are you there"))
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{place.url}/ws", autoping=False) as plain:
        await plain.ping(b"and you")
        message = await plain.receive(5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"and you")


async def test_pings_of_the_queue_keep_a_worker_that_answers_them(open_place: Any) -> None:
    place = await open_place(ping_s=1.0)
    worker = await place.dial(autoping=False)
    await worker.register()
    for _ in range(2):  # the second comes because the first was answered
        message = await worker.socket.receive(5)
        assert message.type is aiohttp.WSMsgType.PING
        await worker.socket.pong(message.data)
    assert (await place.get("/health"))[1]["worker_connected"] is True


async def test_pings_of_the_queue_find_a_worker_that_is_gone_and_its_caller_is_told(open_place: Any) -> None:
    place = await open_place(ping_s=0.2)
    worker = await place.dial(autoping=False)
    await worker.register()
    await place.until("/health", lambda body: body["worker_connected"])
    status, body = await place.chat()
    assert (status, body["detail"][:17]) == (502, "Worker w was lost")
    (left,) = (entry for entry in place.journal if entry.details.get("event") == "worker-left")
    assert left.details["code"] == 1006
