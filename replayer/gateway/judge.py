"""Contracts in replay: what was asked, and what is answered, held against what was agreed.

The rule: every request is judged, one that is spelled as it was recorded when it is first asked, and a recorded
response when it is first played (the shelf keeps that judgement). A
judgement never stops an answer: the policy is to report.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.contract.validate import Contract
from replayer.contract.violation import Violation
from replayer.match.index import Known
from replayer.match.player import Hit

__all__ = ["Judge", "told"]

Judged = tuple[Violation, ...]


class Judge:
    """A contract, or none: then nothing is a violation."""

    def __init__(self, contract: Contract | None) -> None:
        self._contract = contract

    @property
    def judges(self) -> bool:
        """Whether there is a contract at all."""
        return self._contract is not None

    def request(self, request: Request, *, service: str | None, known: Known | None = None) -> Judged:
        """The violations of what was asked; of `service` where that is known.

        The verdict of a request that is spelled as one was recorded is kept with what is `known` of it.
        """
        if self._contract is None:
            return ()
        if known is None:
            return self._contract.request(request, where="request", service=service).violations
        if known.judged is None or known.judged[0] != service:
            known.judged = service, self._contract.request(request, where="request", service=service).violations
        return known.judged[1]

    def response(self, request: Request, response: Response, *, service: str | None) -> Judged:
        """The violations of a live answer, of `service` where that is known."""
        if self._contract is None:
            return ()
        return self._contract.response(request, response, where="response", service=service).violations

    def recorded(self, hit: Hit) -> Judged:
        """The violations of a recorded answer."""
        if self._contract is None or hit.interaction.is_websocket:
            return ()
        where = f"{hit.cassette}#{hit.index} response"
        return self._contract.response(hit.interaction.request, hit.interaction.response, where=where).violations


def told(violations: Judged) -> list[dict[str, Any]]:
    """Violations as the journal keeps them."""
    return [asdict(violation) for violation in violations]
