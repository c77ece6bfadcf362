"""What the gateway is handed: other rooms, known by what they can do and never imported."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from aiohttp import web

from replayer.cassette.model import Request, Response
from replayer.journal import Entry

__all__ = ["Control", "Live"]


class Live(Protocol):
    """Workers that answer now."""

    service: str
    """Whose contract holds for what they are asked and what they answer."""

    def serves(self, method: str, path: str) -> bool:
        """Whether that request is for them."""

    def serves_socket(self, path: str) -> bool:
        """Whether workers connect there."""

    async def answer(self, request: Request, *, session: str, entry: Entry) -> Response:
        """The whole answer; bad input is answered too. The entry gets its outcome, and what else is known of it."""

    def follow(self, request: Request, *, session: str) -> AsyncGenerator[bytes, None] | None:
        """Server-sent events, each with its empty line, where the request is for such."""

    async def connect(self, request: web.BaseRequest, *, session: str) -> web.StreamResponse:
        """Take a connection to its end."""


class Control(Protocol):
    """What `/__replayer/` answers."""

    def answer(self, request: Request, *, session: str | None) -> Response:
        """The answer; `session` is the one whose base URL was asked, None where it was none's."""
