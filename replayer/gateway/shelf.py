"""The shelf: recorded answers made ready, each once.

The rule: what does not change from request to request (the plan, the head, the violations of a recorded response) is
worked out when an interaction is first played at a pace, and kept. At most one entry an interaction and pace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from replayer.contract.violation import Violation
from replayer.faults.pacing import Pace, plan_of
from replayer.faults.plan import Plan
from replayer.gateway.prepared import Prepared, field_value, prepare
from replayer.match.player import Hit

__all__ = ["Shelf", "Shelved"]

Judge = Callable[[Hit], tuple[Violation, ...]]
"""The violations of a recorded response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A recorded answer, ready to go."""

    prepared: Prepared
    """With the fields of ours that never change."""
    plan: Plan
    """Without them: what faults rewrite."""
    name: str
    """`<cassette>#<n>`."""
    violations: tuple[Violation, ...]


class Shelf:
    """Recorded answers by interaction and pace."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._shelved: dict[tuple[str, int, float], Shelved] = {}

    def take(self, hit: Hit, pace: Pace) -> Shelved:
        """The answer of a hit."""
        key = (hit.cassette, hit.index, pace.factor)
        try:
            return self._shelved[key]
        except KeyError:
            shelved = self._shelved[key] = self._make(hit, pace)
            return shelved

    def _make(self, hit: Hit, pace: Pace) -> Shelved:
        name = f"{hit.cassette}#{hit.index}"
        plan = plan_of(hit.interaction.response, pace=pace, method=hit.interaction.request.method)
        ours = (("replayer-outcome", "hit"), ("replayer-interaction", field_value(name).decode()))
        return Shelved(
            prepared=prepare(replace(plan, headers=plan.headers + ours)),
            plan=plan,
            name=name,
            violations=self._judge(hit),
        )
