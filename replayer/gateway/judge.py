"""Contracts in replay: what was asked, and what is answered, held against what was agreed.

The rule: one judgement for one sequence of bytes. Equal requests are judged once, a recorded response when it is
first played. A judgement never stops an answer: the policy is to report.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from replayer.cassette.model import Request, Response, header
from replayer.contract.validate import Contract
from replayer.contract.violation import Violation
from replayer.match.player import Hit

__all__ = ["Judge", "told"]

_KEPT = 2048
_KEPT_BODY = 8192
"""The last requests are remembered byte by byte: at most 16 MiB of them."""

Judged = tuple[Violation, ...]


class Judge:
    """A contract, with a memory. Without a contract nothing is a violation."""

    def __init__(self, contract: Contract | None) -> None:
        self._contract = contract
        self._seen: dict[tuple[str, str, str | None, bytes | None], Judged] = {}

    @property
    def judges(self) -> bool:
        """Whether there is a contract at all."""
        return self._contract is not None

    def request(self, request: Request) -> Judged:
        """The violations of what was asked."""
        if self._contract is None:
            return ()
        body = request.body
        if body is not None and len(body) > _KEPT_BODY:
            return self._contract.request(request, where="request").violations
        key = (request.method, request.uri, header(request.headers, "content-type"), body)
        try:
            return self._seen[key]
        except KeyError:
            judged = self._contract.request(request, where="request").violations
            if len(self._seen) >= _KEPT:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = judged
            return judged

    def response(self, request: Request, response: Response) -> Judged:
        """The violations of a live answer."""
        if self._contract is None:
            return ()
        return self._contract.response(request, response, where="response").violations

    def recorded(self, hit: Hit) -> Judged:
        """The violations of a recorded answer."""
        if self._contract is None or hit.interaction.is_websocket:
            return ()
        where = f"{hit.cassette}#{hit.index} response"
        return self._contract.response(hit.interaction.request, hit.interaction.response, where=where).violations


def told(violations: Judged) -> list[dict[str, Any]]:
    """Violations as the journal keeps them."""
    return [asdict(violation) for violation in violations]
