"""Contracts in replay: what was asked, and what is answered, held against what was agreed.

The rule: every request is judged, one that is spelled as it was recorded when it is first asked, and a recorded
response when it is first played (the shelf keeps that judgement). What breaks its contract is told, or refused, by the
policy; a warning is never refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Any

from replayer.cassette.model import Headers, Request, Response, header
from replayer.contract.connection import Connection
from replayer.contract.media import EVENT_STREAM, media_type
from replayer.contract.message import UNREAD, Spoken
from replayer.contract.validate import Contract
from replayer.contract.violation import Severity, Violation
from replayer.gateway.hearing import LONGEST, Answer, Events, Heard, Refused
from replayer.gateway.inflating import CODINGS, Inflating
from replayer.journal import Entry
from replayer.match.index import Known
from replayer.match.inflate import inflated
from replayer.match.player import Hit

__all__ = ["Judge", "Judged", "Policy", "note", "told", "unchecked"]

_NOTED = 1000
"""Violations that one entry of the journal keeps; of an endless stream the rest is counted."""

Judged = tuple[Violation, ...]


class Policy(StrEnum):
    """What becomes of what breaks its contract."""

    REPORT = "report"
    REJECT = "reject"


class Judge:
    """A contract, or none: then nothing is a violation. `show` takes the secrets out of what is told of a message."""

    def __init__(
        self, contract: Contract | None, policy: Policy = Policy.REPORT, *, show: Callable[[str], str] = str
    ) -> None:
        self._contract = contract
        self._policy = policy
        self._show = show

    def refuses(self, violations: Judged) -> bool:
        """Whether an error among them stops the exchange."""
        if self._policy is Policy.REPORT:
            return False
        return any(violation.severity is Severity.ERROR for violation in violations)

    @property
    def judges(self) -> bool:
        """Whether there is a contract at all."""
        return self._contract is not None

    @property
    def withholds(self) -> bool:
        """Whether nothing passes before it is judged."""
        return self._contract is not None and self._policy is Policy.REJECT

    def request(self, request: Request, *, service: str | None, known: Known | None = None) -> Judged:
        """The violations of what was asked; of `service` where that is known.

        The verdict of a request that is spelled as one was recorded is kept with what is `known` of it. A body that is
        too large to be held is not judged.
        """
        if self._contract is None:
            return ()
        if known is None:
            return self.shown(self._contract.request(request, where="request", service=service).violations)
        if known.judged is None or known.judged[0] != service:
            known.judged = (
                service,
                self.shown(self._contract.request(request, where="request", service=service).violations),
            )
        return known.judged[1]

    def live_request(self, request: Request, spoken: Spoken, *, service: str) -> Judged:
        """The violations of what a worker is asked. If its JSON was read for that, it stands in `spoken`."""
        if self._contract is None:
            return ()
        checked = self._contract.request(request, where="request", service=service, spoken=spoken)
        return self.shown(checked.violations)

    def response(self, request: Request, response: Response, *, service: str | None, value: Any = UNREAD) -> Judged:
        """The violations of a live answer, of `service` where that is known; `value` is its JSON, where that is."""
        if self._contract is None:
            return ()
        checked = self._contract.response(request, response, where="response", service=service, value=value)
        return self.shown(checked.violations)

    def hearing(self, entry: Entry, request: Request, *, status: int, headers: Headers, service: str) -> Heard | None:
        """What hears a live answer of `service` to `request` (its URI absolute), and notes in `entry` what that breaks.

        None where no contract speaks of it; Refused where it is of a kind that no contract allows.
        """
        contract = self._contract
        if contract is None or not contract.answers(request, service=service):
            return None

        def weigh(violations: Judged) -> bool:
            note(entry, violations)
            return self.refuses(violations)

        def whole(body: bytes) -> Judged:
            plain = inflated(body, header(headers, "content-encoding") or "")
            return self.response(request, Response(status=status, headers=headers, body=plain), service=service)

        coding = (header(headers, "content-encoding") or "identity").strip().lower()
        if media_type(headers, b"") != EVENT_STREAM or coding not in CODINGS | {"identity"}:
            return Answer(whole, weigh, hold=self.withholds)
        passing = contract.stream(request, status, where="response", service=service)
        if passing is None:
            # That there is a stream at all may be what is wrong; it may never end.
            if weigh(found := whole(b"")):
                raise Refused(found)
            return None
        return Events(
            lambda event: self.shown(passing.hear(event)),
            lambda: self.shown(passing.end()),
            weigh,
            hold=self.withholds,
            undo=Inflating(most=LONGEST).feed if coding in CODINGS else None,
        )

    def connection(self, uri: str, *, service: str | None) -> Connection | None:
        """What follows a connection to `uri`, frame by frame; None without a contract."""
        return None if self._contract is None else self._contract.connection(uri, service=service)

    def recorded(self, hit: Hit) -> Judged:
        """The violations of a recorded answer."""
        if self._contract is None or hit.interaction.is_websocket:
            return ()
        where = f"{hit.cassette}#{hit.number} response"
        return self.shown(
            self._contract.response(hit.interaction.request, hit.interaction.response, where=where).violations
        )

    def shown(self, violations: Judged) -> Judged:
        """Violations as they may be told: without a secret."""
        if not violations:
            return ()
        return tuple(replace(violation, actual=self._show(violation.actual)) for violation in violations)


def told(violations: Judged) -> tuple[dict[str, Any], ...]:
    """Violations as the journal keeps them."""
    return tuple(asdict(violation) for violation in violations)


def note(entry: Entry, violations: Judged) -> None:
    """Keep violations in the journal."""
    room = max(0, _NOTED - len(entry.violations))
    entry.violations += told(violations[:room])
    more = sum(violation.severity is not Severity.INFO for violation in violations[room:])
    if more:
        entry.note("violations_more", entry.details.get("violations_more", 0) + more)


def unchecked(entry: Entry, what: str) -> None:
    """Say in the journal what there was no judging of; once for each kind, however often."""
    counts = entry.details.get("unchecked", {})
    entry.note("unchecked", {**counts, what: counts.get(what, 0) + 1})
