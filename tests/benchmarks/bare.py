"""The peer: a bare aiohttp application that answers the same bytes, found by the bytes of the request's body."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from tests.benchmarks.traffic import PATH, answered, asked


async def serve(count: int) -> None:
    answers = {asked(number): answered(number) for number in range(count)}

    async def answer(request: web.Request) -> web.Response:
        body = answers[await request.read()]
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post(PATH, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"listening on http://{host}:{port}", flush=True)  # noqa: T201 (as our own first line)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
