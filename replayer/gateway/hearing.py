"""A live answer, held against its contract while it passes.

The rule: of a stream each event is judged when its last byte has come, and what it breaks stands in the journal before
the next one; anything else is judged when all of it has come. Nothing is held up, unless what breaks its contract is to
be refused: then nothing passes before it is judged. What is too long to be judged passes, and is said to be unchecked.
Knows no sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from replayer.cassette.sse import end_of_event
from replayer.contract.violation import Violation

__all__ = ["LONGEST", "Answer", "Events", "Heard", "Refused"]

LONGEST = 4 * 1024 * 1024
"""Bytes of one event, or of an answer that is no stream: a longer one is not judged."""

_MEBIBYTES = f"more than {LONGEST >> 20} MiB"

Judged = tuple[Violation, ...]
Weigh = Callable[[Judged], bool]
"""Takes what was found, and says whether it is refused."""


class Refused(ConnectionError):
    """What an upstream says breaks its contract, and does not pass."""

    def __init__(self, violations: Judged) -> None:
        super().__init__("the answer breaks its contract")
        self.violations = violations


class Heard(Protocol):
    """What hears an answer."""

    unchecked: str
    """What could not be judged; nothing where all was."""
    refused: Judged
    """Why nothing more may pass; empty where all may."""

    def hear(self, piece: bytes) -> bytes:
        """The next piece has come, cut anywhere: what may pass now."""

    def end(self) -> bytes:
        """All has come: the rest of what may pass."""

    def rest(self) -> bytes:
        """The answer broke off: what was held back of it."""


class Events:
    """A stream. `judge` is asked for each event, `whole` for the order at its end."""

    def __init__(
        self,
        judge: Callable[[bytes], Judged],
        whole: Callable[[], Judged],
        weigh: Weigh,
        *,
        hold: bool,
        undo: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """`hold` keeps back what is not judged yet. `undo` decompresses a piece, or raises ValueError.

        Of a compressed stream a piece passes, or does not, with all the events that end in it.
        """
        self._judge = judge
        self._whole = whole
        self._weigh = weigh
        self._hold = hold and undo is None
        self._hold_pieces = hold and undo is not None
        self._undo = undo
        self._held = bytearray()
        self._sought = 0
        """Before this there is no end of an event in what is held."""
        self._between = False
        """An event has ended: further blank lines are still its own."""
        self.refused: Judged = ()
        self.unchecked = ""

    def hear(self, piece: bytes) -> bytes:
        if self.unchecked:
            return piece
        try:
            self._held += piece if self._undo is None else self._undo(piece)
        except ValueError:
            self.unchecked = "the rest of a compressed stream that could not be undone"
            return piece
        done = self._take_events()
        passed = bytes(self._held[:done])
        del self._held[:done]
        self._sought = max(0, self._sought - done)
        if self.refused:
            self._held.clear()
        elif len(self._held) > LONGEST:
            self.unchecked = f"the rest of a stream with an event of {_MEBIBYTES}"
            passed += self.rest()
        if self._hold:
            return passed
        return b"" if self._hold_pieces and self.refused else piece

    def end(self) -> bytes:
        if not self.refused and not self.unchecked:
            # Some servers leave the last blank line out.
            last = self._judge(bytes(self._held)) if self._held else ()
            found = last + self._whole()
            if self._weigh(found):
                self.refused = found
        return b"" if self.refused else self.rest()

    def rest(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held if self._hold else b""

    def _take_events(self) -> int:
        """Judge the events that are whole; the bytes of those that may pass."""
        done = 0
        while not self.refused:
            if self._between:
                start = done
                while start < len(self._held) and self._held[start] in b"\r\n":
                    start += 1
                done, self._between = start, start == len(self._held)
            end = end_of_event(self._held, max(done, self._sought))
            if end is None:
                self._sought = max(done, len(self._held) - 3)
                break
            found = self._judge(bytes(self._held[done:end]))
            if self._weigh(found):
                self.refused = found
                break
            done, self._between, self._sought = end, True, end
        return done


class Answer:
    """An answer that is no stream. `judge` is asked once, for all of it."""

    def __init__(self, judge: Callable[[bytes], Judged], weigh: Weigh, *, hold: bool) -> None:
        self._judge = judge
        self._weigh = weigh
        self._hold = hold
        self._held = bytearray()
        self.refused: Judged = ()
        self.unchecked = ""

    def hear(self, piece: bytes) -> bytes:
        if self.unchecked:
            return piece
        self._held += piece
        if len(self._held) > LONGEST:
            self.unchecked = f"an answer of {_MEBIBYTES}"
            held = self.rest()
            return held if self._hold else piece
        return b"" if self._hold else piece

    def end(self) -> bytes:
        if not self.unchecked:
            found = self._judge(bytes(self._held))
            if self._weigh(found):
                self.refused = found
        return b"" if self.refused else self.rest()

    def rest(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held if self._hold else b""
