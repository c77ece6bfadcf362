"""Contracts in replay: what was asked, and what is answered, held against what was agreed.

The rule: every request is judged, a recorded response when it is first played (the shelf keeps the judgement). A
judgement never stops an answer: the policy is to report.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from replayer.cassette.model import Request, Response
from replayer.contract.validate import Contract
from replayer.contract.violation import Violation
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

    def request(self, request: Request, *, service: str | None) -> Judged:
        """The violations of what was asked; of `service` where that is known."""
        if self._contract is None:
            return ()
        return self._contract.request(request, where="request", service=service).violations

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
