"""A live stream of events, held against its contract while it passes.

The rule: each event is judged when its last byte has come, and what it breaks stands in the journal before the next
one; the stream itself is never held up. Knows no sockets.
"""

from __future__ import annotations

from collections.abc import Callable

from replayer.cassette.sse import is_whole, split_events
from replayer.gateway.judge import Judged

__all__ = ["Hearing"]

_LONGEST = 4 * 1024 * 1024
"""Bytes of one event; a longer one ends the hearing."""


class Hearing:
    """One stream as far as it has come. `judge` is asked for each event and its number; `take` gets what it broke."""

    def __init__(self, judge: Callable[[bytes, int], Judged], take: Callable[[Judged], None]) -> None:
        self._judge = judge
        self._take = take
        self._held = b""
        self._heard = 0
        self._over = False

    def hear(self, piece: bytes) -> None:
        """The next piece has come, cut anywhere."""
        if self._over:
            return
        *events, self._held = split_events(self._held + piece) or [b""]
        if is_whole(self._held):
            events.append(self._held)
            self._held = b""
        for event in events:
            violations = self._judge(event, self._heard)
            self._heard += 1
            if violations:
                self._take(violations)
        self._over = len(self._held) > _LONGEST
