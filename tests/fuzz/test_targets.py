"""The targets hold for what fuzzing begins with, and for what it once found."""

from __future__ import annotations

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

FOUND: list[tuple[str, bytes]] = [
    ("request", b"GET /v1/models HTTP/1.1\r\nHost: a\r\nReplayer-Fault: status;\xffcode=429\r\n\r\n"),
    (
        "request",
        b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\xbd=\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ),
    (
        "request",
        b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Up\xbagrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ),
    ("request", b"GET //_r]/s/x HTTP/1.1\r\nHost: a\r\n\r\n"),
]
"""Inputs that broke something once."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_begins_with_breaks_nothing(name: str) -> None:
    for seed in seeds(name, None):
        TARGETS[name](seed)
        TARGETS[name](seed[: len(seed) // 2])


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_was_found_is_mended(name: str, data: bytes) -> None:
    TARGETS[name](data)
