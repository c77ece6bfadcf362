"""Faults on one exchange: drawn before the source is asked, applied to what it answers, and told to the journal.

The rule: what took effect and what could not both stand in the entry; a test must never believe that it injected
something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replayer.cassette.model import Frame, Request
from replayer.faults.decision import Decision, decide
from replayer.faults.plan import Plan
from replayer.faults.provider_errors import provider_of
from replayer.faults.script import Script, script_of
from replayer.gateway.exchange import Exchange
from replayer.journal import Entry

__all__ = ["Injection", "injection"]

_BY_HEADER = "header"
"""The rule's name of faults that a request asks for itself: its session counts them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """The faults that take effect on one exchange."""

    decision: Decision
    entry: Entry

    def instead(self, request: Request, host: str | None) -> Plan | None:
        """What a fault answers in the source's place; None where the source is asked. `host` is the recorded one."""
        plan = self.decision.answer(request, provider_of(request, host=host))
        return None if plan is None else self.rewritten(plan)

    def rewritten(self, plan: Plan) -> Plan:
        """The plan after its faults."""
        rewritten = self.decision.rewrite(plan)
        self.entry.faults += rewritten.applied
        self.entry.not_applied += rewritten.not_applied
        return rewritten.plan

    def rescripted(self, frames: Sequence[Frame]) -> Script:
        """What the faults make of a recorded connection."""
        rescripted = self.decision.rescript(script_of(frames))
        self.entry.faults += rescripted.applied
        self.entry.not_applied += rescripted.not_applied
        return rescripted.script

    def unapplied(self, reason: str) -> None:
        """None of the faults can be applied here."""
        self.entry.not_applied += tuple(f"{fault.name}: {reason}" for fault, _ in self.decision.drawn)


def injection(exchange: Exchange, *, seed: int) -> Injection | None:
    """What the request's own headers ask for, and what chance makes of it; None for nothing. Raises FaultError."""
    if not exchange.head.ours.faults:
        return None
    from replayer.faults.grammar import from_headers  # every family of faults, which most runs do not have

    faults = from_headers(exchange.head.ours.faults)
    if not faults:
        return None
    session = exchange.session
    decision = decide(faults, state=session.faults, seed=str(seed), session=session.name, rule=_BY_HEADER)
    return Injection(decision=decision, entry=exchange.entry) if decision.drawn else None
