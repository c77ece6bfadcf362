"""One WebSocket connection as far as it has come: the channel that it belongs to, and what its messages break.

The rule: a connection belongs to the channel that knows its first client message, because other services live at `/ws`
too; until that has come, what the server says waits for it. Where the client says nothing, the server's first message
tells. Whether a connection is recorded or under way makes no difference. Knows no sockets.
"""

from __future__ import annotations

from replayer.cassette.model import Sender
from replayer.contract.asyncapi import Channel
from replayer.contract.checked import Checked, total
from replayer.contract.message import parse

__all__ = ["Connection", "knowing"]

_LONGEST = 4 * 1024 * 1024
"""Bytes of a server that wait for the client's first message; behind more, nobody waits for it."""

_OVERHEAD = 256
"""Bytes that a message that waits costs beside its own."""

_NOTHING = Checked()
_GOOD = Checked(frames=1)
_UNCOVERED = Checked(uncovered=1)

_Message = tuple[Sender, str | bytes, str]
"""Who said it, what, and where that was."""


class Connection:
    """One connection. `channels` are those that live at its path."""

    def __init__(self, channels: tuple[Channel, ...], service: str | None) -> None:
        self._channels = channels
        self._own = channels[0] if channels and service is not None and channels[0].service == service else None
        self._channel: Channel | None = None
        self._waiting: list[_Message] | None = []
        """None once the channel is decided."""
        self._size = 0

    def hear(self, sender: Sender, payload: str | bytes, where: str) -> Checked:
        """The next message, and with the first of the client all that waited for it."""
        if self._waiting is None:
            return self._judge(sender, payload, where)
        self._waiting.append((sender, payload, where))
        self._size += len(payload) + _OVERHEAD
        if sender is Sender.CLIENT:
            return self._decide(self._channels, sender, payload)
        return self.end() if self._size > _LONGEST else _NOTHING

    def end(self) -> Checked:
        """No more comes: what still waits for the client's first message."""
        if not self._waiting:
            return _NOTHING
        # Where clients speak, the server alone does not show whose connection it is.
        silent = tuple(channel for channel in self._channels if not channel.messages.get(Sender.CLIENT))
        return self._decide(silent, self._waiting[0][0], self._waiting[0][1])

    def _decide(self, able: tuple[Channel, ...], sender: Sender, payload: str | bytes) -> Checked:
        waiting, self._waiting = self._waiting or [], None
        self._channel = knowing(able, sender, parse(payload)) or self._own
        return total(self._judge(*message) for message in waiting)

    def _judge(self, sender: Sender, payload: str | bytes, where: str) -> Checked:
        found = None if self._channel is None else self._channel.check_payload(sender, payload, where)
        if found is None:
            return _UNCOVERED
        return Checked(frames=1, violations=found) if found else _GOOD


def knowing(channels: tuple[Channel, ...], sender: Sender, value: object) -> Channel | None:
    """The first channel that knows a message."""
    return next((channel for channel in channels if channel.knows(sender, value)), None)
