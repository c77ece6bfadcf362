"""A stand-in for a model provider, shaped like OpenAI's chat completions. It answers on loopback and says what it is.

Two answers: a whole one, and a stream of events for `"stream": true`, written with small pauses so that the recorded
boundaries mean something.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

__all__ = ["NAME", "StandInProvider"]

NAME = "stand-in-provider"
"""The upstream's name in the cassettes: what was recorded from a stand-in says so."""

WORDS = ("Recorded ", "once, ", "replayed ", "for ever.")
PAUSE = 0.02


class StandInProvider:
    """The server. `url` is known once it has started."""

    def __init__(self) -> None:
        self.url = ""
        self.requests = 0
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app)

    async def start(self) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        asked: dict[str, Any] = orjson.loads(await request.read())
        if asked.get("stream"):
            return await self._stream(request, asked)
        return web.json_response(
            {
                "id": f"chatcmpl-stand-in-{self.requests}",
                "object": "chat.completion",
                "created": 1_700_000_000,
                "model": asked["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "".join(WORDS), "refusal": None},
                        "logprobs": None,
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
            }
        )

    async def _stream(self, request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        deltas: list[dict[str, str]] = [
            {"role": "assistant", "content": ""},
            *({"content": word} for word in WORDS),
            {},
        ]
        for delta in deltas:
            chunk = {
                "id": f"chatcmpl-stand-in-{self.requests}",
                "object": "chat.completion.chunk",
                "created": 1_700_000_000,
                "model": asked["model"],
                "choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}],
            }
            await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
            await asyncio.sleep(PAUSE)
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response
