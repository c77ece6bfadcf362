"""Misbehaviours of arriving: where a worker connects, and what it shows and says first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replayer.dispatch.messages import Register
from replayer.dispatch.wire import encode
from replayer.worker.conduct import Conduct
from replayer.worker.misbehave.text import changed

__all__ = ["ARRIVING"]


class NoRegister(Conduct):
    """connects and says nothing"""

    name = "no-register"

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        return []


class TalksFirst(Conduct):
    """says pause before it registers"""

    name = "talks-first"

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        return [b'{"type":"pause"}', encode(register)]


class NoCapacity(Conduct):
    """registers with a capacity of 0"""

    name = "no-capacity"

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        return [encode(replace(register, capacity=0))]


class WordyCapacity(Conduct):
    """registers with its capacity as a string"""

    name = "wordy-capacity"

    def greets(self, register: Register, connection: int) -> Sequence[bytes]:
        return [changed(encode(register), capacity=str(register.capacity))]


class NoBasePath(Conduct):
    """connects to /ws, whatever path the queue's URL has"""

    name = "no-base-path"

    def socket_url(self, base: str) -> str:
        scheme, _, rest = base.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/ws"


class NoToken(Conduct):
    """does not send its token"""

    name = "no-token"
    sends_token = False


class NoCompression(Conduct):
    """offers no permessage-deflate"""

    name = "no-compression"
    compresses = False


class NoPong(Conduct):
    """does not answer pings"""

    name = "no-pong"
    answers_pings = False


ARRIVING: tuple[type[Conduct], ...] = (
    NoRegister,
    TalksFirst,
    NoCapacity,
    WordyCapacity,
    NoBasePath,
    NoToken,
    NoCompression,
    NoPong,
)
