"""The messages of a connection under way, recorded or relayed, held against their contract as they pass.

The rule: what a message breaks stands in the journal before it goes on, by the number of its frame and its sender;
where the policy is to refuse, it does not go on, and the connection is closed with a code that says whose message it
was. What the server says before the client's first message is judged with that. Knows no sockets.
"""

from __future__ import annotations

from typing import NamedTuple

from replayer.cassette.model import Sender
from replayer.contract.violation import Violation
from replayer.gateway.hearing import LONGEST
from replayer.gateway.judge import Judge, Judged, note, unchecked
from replayer.journal import Entry

__all__ = ["Frames", "Wrong"]


class Wrong(NamedTuple):
    """A message that does not go on: with what the client's connection is closed."""

    code: int
    reason: str


_CODES = {Sender.CLIENT: 4400, Sender.SERVER: 4502}
"""As of HTTP: 400 and 502."""


class Frames:
    """What one connection says. `known` are the senders whose violations an earlier entry has."""

    def __init__(
        self,
        judge: Judge,
        entry: Entry,
        uri: str,
        *,
        service: str | None = None,
        known: frozenset[Sender] = frozenset(),
    ) -> None:
        self._judge = judge
        self._entry = entry
        self._connection = judge.connection(uri, service=service)
        self._known = known
        self._number = 0

    def hear(self, sender: Sender, payload: str | bytes) -> Wrong | None:
        """The next message; what to close with where it must not go on."""
        if self._connection is None:
            return None
        where = f"frame {self._number} ({sender})"
        self._number += 1
        if len(payload) > LONGEST:
            unchecked(self._entry, f"a frame of more than {LONGEST >> 20} MiB")
            return None
        return self._weigh(self._connection.hear(sender, payload, where).violations)

    def end(self) -> None:
        """Nothing more comes."""
        if self._connection is not None:
            self._weigh(self._connection.end().violations)

    def _weigh(self, found: Judged) -> Wrong | None:
        if not found:
            return None
        shown = self._judge.shown(found)
        note(self._entry, tuple(one for one in shown if _sender(one) not in self._known))
        wrong = next((one for one in shown if self._judge.refuses((one,))), None)
        if wrong is None:
            return None
        self._entry.note("rejected", str(wrong))
        return Wrong(_CODES[_sender(wrong)], f"breaks its contract: {wrong}")


def _sender(violation: Violation) -> Sender:
    """Whose message it is in: its place says so at its end."""
    return Sender.CLIENT if violation.where.endswith(f"({Sender.CLIENT})") else Sender.SERVER
