"""The peer of dispatch: a bare aiohttp application that passes each request on to a WebSocket and its reply back.

No contract, no journal, no sessions, no time-outs: the least that a program between REST and a worker can do.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from tests.benchmarks.traffic import PATH

MAX = 16 * 1024 * 1024


async def serve() -> None:
    waiting: dict[str, asyncio.Future[Any]] = {}
    numbers = itertools.count()
    workers: list[web.WebSocketResponse] = []

    async def connect(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=True, max_msg_size=MAX)
        await socket.prepare(request)
        workers.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                said = orjson.loads(message.data)
                if said["type"] == "job_result":
                    waiting.pop(said["job_id"]).set_result(said["result"])
        return socket

    async def answer(request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        job_id = str(next(numbers))
        waiting[job_id] = future = asyncio.get_running_loop().create_future()
        job = {"type": "job", "job_id": job_id, "mode": "transient", "payload": asked, "fence_token": 0}
        await workers[-1].send_str(orjson.dumps(job).decode())
        result = await future
        return web.Response(body=orjson.dumps(result["completion"]), content_type="application/json")

    app = web.Application(client_max_size=MAX)
    app.router.add_post(PATH, answer)
    app.router.add_get("/ws", connect)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    host, port = runner.addresses[0][:2]
    print(f"listening on http://{host}:{port}", flush=True)  # noqa: T201 (as our own first line)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
