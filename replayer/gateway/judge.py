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

from replayer.cassette.model import Request, Response
from replayer.contract.validate import Checked, Contract
from replayer.contract.violation import Severity, Violation
from replayer.match.index import Known
from replayer.match.player import Hit

__all__ = ["Judge", "Judged", "Policy", "told"]

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

    def request(self, request: Request, *, service: str | None, known: Known | None = None) -> Judged:
        """The violations of what was asked; of `service` where that is known.

        The verdict of a request that is spelled as one was recorded is kept with what is `known` of it. A body that is
        too large to be held is not judged.
        """
        if self._contract is None or request.omitted is not None:
            return ()
        if known is None:
            return self._shown(self._contract.request(request, where="request", service=service))
        if known.judged is None or known.judged[0] != service:
            known.judged = service, self._shown(self._contract.request(request, where="request", service=service))
        return known.judged[1]

    def response(self, request: Request, response: Response, *, service: str | None) -> Judged:
        """The violations of a live answer, of `service` where that is known."""
        if self._contract is None:
            return ()
        return self._shown(self._contract.response(request, response, where="response", service=service))

    def event(self, request: Request, status: int, event: bytes, *, number: int) -> Judged:
        """The violations of one event of a live stream, the `number`th from 0."""
        if self._contract is None:
            return ()
        return self._shown(self._contract.event(request, status, event, where=f"response event {number}"))

    def recorded(self, hit: Hit) -> Judged:
        """The violations of a recorded answer."""
        if self._contract is None or hit.interaction.is_websocket:
            return ()
        where = f"{hit.cassette}#{hit.index} response"
        return self._shown(self._contract.response(hit.interaction.request, hit.interaction.response, where=where))

    def _shown(self, checked: Checked) -> Judged:
        if not checked.violations:
            return ()
        return tuple(replace(violation, actual=self._show(violation.actual)) for violation in checked.violations)


def told(violations: Judged) -> list[dict[str, Any]]:
    """Violations as the journal keeps them."""
    return [asdict(violation) for violation in violations]
