"""A plain client of the demo: sends the calls, and says exactly what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import orjson

__all__ = ["CHAT", "SECRET", "STREAM", "Seen", "answers", "post"]

SECRET = "sk-demo-this-is-no-real-key-0123456789"
"""Sent as the key while recording; it must not be found in any cassette."""

CHAT = {"model": "stand-in-1", "messages": [{"role": "user", "content": "What does replayer do?"}]}
STREAM = {**CHAT, "stream": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a client saw of one answer. `status` 0 where there was none."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: int = 0
    broke: str = ""
    """How the connection failed, in the client's words; empty where it did not."""

    @property
    def text(self) -> str:
        """What the assistant said, of a whole answer."""
        content: str = orjson.loads(self.body)["choices"][0]["message"]["content"]
        return content


async def post(base: str, body: Mapping[str, object], *, headers: Mapping[str, str] | None = None) -> Seen:
    """POST a chat completion below `base` (with the client's key) and read the answer as it comes."""
    own = {"authorization": f"Bearer {SECRET}", **(headers or {})}
    received, chunks, end = b"", 0, 0
    async with aiohttp.ClientSession() as session:
        try:
            async with session.post(f"{base}/v1/chat/completions", json=body, headers=own) as response:
                try:
                    async for data, end_of_chunk in response.content.iter_chunks():
                        received += data
                        if end_of_chunk and len(received) > end:  # the empty chunk that ends a body is none
                            chunks, end = chunks + 1, len(received)
                    broke = ""
                except aiohttp.ClientError as error:
                    broke = f"{type(error).__name__}: {error}"
                return Seen(status=response.status, headers=response.headers, body=received, chunks=chunks, broke=broke)
        except (aiohttp.ClientError, OSError) as error:
            return Seen(status=0, broke=f"{type(error).__name__}: {error}")


async def answers(url: str, *, until: bytes, limit: float = 10.0) -> bool:
    """Ask GET `url` until its body holds `until`; False when `limit` seconds have passed."""
    async with aiohttp.ClientSession() as session:
        for _ in range(int(limit / 0.05)):
            try:
                async with session.get(url) as response:
                    if until in await response.read():
                        return True
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    return False
