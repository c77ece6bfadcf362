"""The decision: which faults of a list take effect on one request, and what they make of its answer.

The rule: faults apply from left to right, and the first that answers ends the list. `decide` draws them all before
anything is asked of a source; `answer` says whether one of them answers instead; `rewrite` applies those before it to
whatever answers, and tells which took effect and which could not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from replayer.cassette.model import Request
from replayer.faults.chance import Dice, FaultState
from replayer.faults.fault import Answering, Fault, NotApplied, Rewriting
from replayer.faults.plan import Plan
from replayer.faults.provider_errors import Provider
from replayer.faults.script import Script

__all__ = ["Decision", "Rescripted", "Rewritten", "decide"]

_Subject = TypeVar("_Subject", Plan, Script)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A plan after its faults."""

    plan: Plan
    applied: tuple[str, ...]
    """Names of the faults that took effect, in their order: the header `Replayer-Faults`."""
    not_applied: tuple[str, ...]
    """`name: reason` of those that were asked for and could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescripted:
    """A connection's script after its faults; `applied` and `not_applied` as of a plan."""

    script: Script
    applied: tuple[str, ...]
    not_applied: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The faults that take effect on one request, each with its dice; at most the last of them answers."""

    drawn: tuple[tuple[Fault, Dice], ...] = ()

    def answer(self, request: Request, provider: Provider) -> Plan | None:
        """What answers in the source's place; None where the source is asked. `rewrite` goes over it as well."""
        if self.drawn and isinstance(self.drawn[-1][0], Answering):
            return self.drawn[-1][0].answer(request, provider)
        return None

    def rewrite(self, plan: Plan) -> Rewritten:
        """Apply the faults to the plan of what answers, be it a fault's or the source's."""
        plan, applied, not_applied = self._applied(plan, lambda fault, plan, dice: fault.rewrite(plan, dice))
        return Rewritten(plan=plan, applied=applied, not_applied=not_applied)

    def rescript(self, script: Script) -> Rescripted:
        """Apply the faults to what was recorded of a connection."""
        script, applied, not_applied = self._applied(script, lambda fault, script, dice: fault.rescript(script, dice))
        return Rescripted(script=script, applied=applied, not_applied=not_applied)

    def _applied(
        self, subject: _Subject, bend: Callable[[Rewriting, _Subject, Dice], _Subject | NotApplied]
    ) -> tuple[_Subject, tuple[str, ...], tuple[str, ...]]:
        """What the faults make of it, from left to right; which took effect, and which could not."""
        applied: list[str] = []
        not_applied: list[str] = []
        for fault, dice in self.drawn:
            if isinstance(fault, Rewriting):
                result = bend(fault, subject, dice)
                if isinstance(result, NotApplied):
                    not_applied.append(f"{fault.name}: {result.reason}")
                    continue
                subject = result
            applied.append(fault.name)
        return subject, tuple(applied), tuple(not_applied)


def decide(faults: Sequence[Fault], *, state: FaultState, seed: str, session: str, rule: str) -> Decision:
    """Draw a rule's faults for one request that matches it, and count that request in the session's `state`."""
    if not faults:
        return Decision()
    count = state.next(rule)
    drawn: list[tuple[Fault, Dice]] = []
    for place, fault in enumerate(faults):
        dice = Dice(seed=seed, session=session, rule=rule, count=count, place=place)
        if fault.drawn(dice):
            drawn.append((fault, dice))
            if isinstance(fault, Answering):
                break
    return Decision(drawn=tuple(drawn))
