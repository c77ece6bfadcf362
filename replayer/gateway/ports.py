"""What the gateway is handed: other rooms, known by what they can do and never imported."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from typing import Protocol

from aiohttp import web

from replayer.cassette.model import Request, Response
from replayer.contract.message import Spoken
from replayer.journal import Entry
from replayer.match.playstate import PlayState

__all__ = ["Control", "Kept", "Live", "Recorder"]


class Live(Protocol):
    """Workers that answer now."""

    service: str
    """Whose contract holds for what they are asked and what they answer."""

    def serves(self, method: str, path: str) -> bool:
        """Whether that request is for them."""

    def serves_socket(self, path: str) -> bool:
        """Whether workers connect there."""

    async def start(self) -> None:
        """Begin; once, before anybody asks."""

    async def stop(self) -> None:
        """Let the workers go."""

    def answer(self, request: Request, *, session: str, entry: Entry, spoken: Spoken) -> Awaitable[Response]:
        """The whole answer; bad input is answered too. The entry gets its outcome, and what else is known of it."""

    def follow(self, request: Request, *, session: str) -> AsyncGenerator[bytes, None] | None:
        """Server-sent events, each with its empty line, where the request is for such."""

    async def connect(self, request: web.BaseRequest, *, session: str) -> web.StreamResponse:
        """Take a connection to its end."""


class Control(Protocol):
    """What `/__replayer/` answers."""

    async def answer(self, request: Request, *, session: str | None) -> Response:
        """The answer; `session` is the one whose base URL was asked, None where it was none's."""


class Kept(Protocol):
    """What a recorder is to keep of one exchange."""

    id: str
    """Sent along, so that the recorder knows which one it was."""

    async def name(self) -> str | None:
        """`<cassette>#<n>` once it is written and known to the player; None where it was not kept."""

    async def under_way(self) -> bool:
        """Ask the recorder, which answers between two pieces of its work, or has died: whether it is not over yet.

        False: `name` knows.
        """


class Recorder(Protocol):
    """Who writes down what is relayed through it."""

    def expect(self, state: PlayState, *, entry: int) -> Kept:
        """An exchange is about to be relayed, for the journal's `entry`; `state` is its session's."""
