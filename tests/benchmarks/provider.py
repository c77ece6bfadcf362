"""The upstream of the recording benchmarks: answers of `traffic`, a stream that says when it wrote, a body of any size,
a connection that says any number of messages."""

from __future__ import annotations

import asyncio
import time

from aiohttp import WSMsgType, web

from tests.benchmarks.traffic import PATH, answered

_BLOCK = b"0123456789abcdef" * 4096
_ANSWER = answered(0)


async def chat(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=_ANSWER, content_type="application/json")


async def stream(request: web.Request) -> web.StreamResponse:
    """Three events; the first one is the time at which it was written."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"data: %d\n\n" % time.monotonic_ns())
    await asyncio.sleep(0.002)
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def large(request: web.Request) -> web.StreamResponse:
    """`?bytes=N`."""
    left = int(request.query["bytes"])
    response = web.StreamResponse(headers={"content-length": str(left), "content-type": "application/octet-stream"})
    await response.prepare(request)
    while left:
        piece = _BLOCK[:left]
        await response.write(piece)
        left -= len(piece)
    await response.write_eof()
    return response


async def upload(request: web.Request) -> web.Response:
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
    return web.json_response({"bytes": size})


async def talk(request: web.Request) -> web.WebSocketResponse:
    """`?frames=N`: so many messages, then a close; whatever comes is read."""
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    for number in range(int(request.query["frames"])):
        await socket.send_str(
            f'{{"type":"response.text.delta","n":{number},"delta":"the quick brown fox jumps {number}"}}'
        )
        if number % 100 == 99:
            await asyncio.sleep(0)
    await socket.close()
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            break
    return socket


async def serve() -> None:
    app = web.Application(client_max_size=1 << 40)
    app.router.add_post(PATH, chat)
    app.router.add_get("/stream", stream)
    app.router.add_get("/large", large)
    app.router.add_post("/upload", upload)
    app.router.add_get("/talk", talk)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)  # noqa: T201 (as our own first line)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
