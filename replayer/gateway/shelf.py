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
from replayer.gateway.answers import omitted
from replayer.gateway.prepared import Prepared, field_value, prepare
from replayer.journal import Outcome
from replayer.match.leading import leads
from replayer.match.player import Hit
from replayer.match.requestdrift import Meaning, header_meaning

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
    outcome: Outcome
    asked: Meaning
    """What the headers of the recorded request said of what was asked."""
    telling: bool
    """Whether they said more than a content type."""
    leads: str | None = None
    """`https://host` that it was recorded from, where it has a field that leads to an absolute address."""
    omitted: str | None = None
    """Why nothing but that can be said in answer; None where the recorded answer is there."""


class Shelf:
    """Recorded answers by interaction and pace."""

    def __init__(self, judge: Judge, *, miss_status: int) -> None:
        self._judge = judge
        self._miss_status = miss_status
        self._shelved: dict[tuple[str, int, float], Shelved] = {}

    def take(self, hit: Hit, pace: Pace) -> Shelved:
        """The answer of a hit."""
        key = (hit.cassette, hit.number, pace.factor)
        try:
            return self._shelved[key]
        except KeyError:
            shelved = self._shelved[key] = self._make(hit, pace)
            return shelved

    def _make(self, hit: Hit, pace: Pace) -> Shelved:
        name = f"{hit.cassette}#{hit.number}"
        request, response = hit.interaction.request, hit.interaction.response
        outcome = Outcome.HIT if response.stub is None else Outcome.STUB
        missing = None
        if response.omitted is not None and request.method.upper() != "HEAD":
            # An empty body would be taken for the recorded one.
            outcome, missing = Outcome.MISS, f"its body of {response.omitted.bytes} bytes was not stored"
            response = omitted(name, response.omitted, status=self._miss_status)
        plan = plan_of(response, pace=pace, method=request.method)
        ours = (("replayer-outcome", outcome.value), ("replayer-interaction", field_value(name).decode()))
        return Shelved(
            prepared=prepare(replace(plan, headers=plan.headers + ours)),
            plan=plan,
            name=name,
            violations=self._judge(hit),
            outcome=outcome,
            asked=(meaning := header_meaning(request.headers)),
            telling=not meaning.keys() <= {"content-type"},
            leads=_origin(request.uri) if leads(plan.headers) else None,
            omitted=missing,
        )


def _origin(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0]}"
