"""A delivery plan: what goes out on a socket, decided before anything goes out.

A source (a cassette, a live worker) yields a plan; faults rewrite it; delivery alone touches the socket and carries
it out step by step. Plans are values and know no time: a `Wait` says how long, delivery waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from replayer.cassette.model import Headers

__all__ = ["Ending", "Plan", "Send", "Step", "Wait"]


class Ending(StrEnum):
    """How the answer ends."""

    COMPLETE = "complete"
    """As HTTP says: the terminator of a chunked body, or the length that was promised."""
    EOF = "eof"
    """FIN where more was promised: no terminator, or fewer bytes than Content-Length."""
    RESET = "reset"
    """RST."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing for so long."""

    ms: float


@dataclass(frozen=True, slots=True)
class Send:
    """One write: one chunk of a chunked body."""

    data: bytes


Step = Wait | Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One answer, on its way out. `status` 0 means that no head is sent: the ending is all the client sees."""

    status: int
    reason: str = ""
    headers: Headers = ()
    """End-to-end fields only; delivery adds the framing and our own."""
    before: tuple[Wait, ...] = ()
    """Waits before the head goes out."""
    steps: tuple[Step, ...] = ()
    streamed: bool = False
    """Chunked on the wire (boundaries matter); else one body with its length."""
    promised: int | None = None
    """Bytes that Content-Length says, of a plan that is not streamed and sends fewer; None: as many as it sends."""
    ending: Ending = Ending.COMPLETE

    @property
    def size(self) -> int:
        """Bytes of body that the steps send."""
        return sum(len(step.data) for step in self.steps if isinstance(step, Send))

    @property
    def sends(self) -> int:
        """How many pieces of body the steps send."""
        return sum(isinstance(step, Send) for step in self.steps)
