"""Every misbehaviour by its name. What it does is the first line of its class, for help and the manual."""

from __future__ import annotations

from collections.abc import Mapping

from replayer.errors import UsageError, closest
from replayer.worker.conduct import Conduct
from replayer.worker.misbehave.answering import ANSWERING
from replayer.worker.misbehave.arriving import ARRIVING
from replayer.worker.misbehave.enduring import ENDURING
from replayer.worker.misbehave.lasting import LASTING
from replayer.worker.misbehave.leaving import LEAVING

__all__ = ["MISBEHAVIOURS", "conduct_named"]

MISBEHAVIOURS: Mapping[str, type[Conduct]] = {
    kind.name: kind for kind in (*ARRIVING, *ANSWERING, *LASTING, *ENDURING, *LEAVING)
}


def conduct_named(name: str) -> Conduct:
    """The worker that misbehaves so. UsageError for a name that is not known."""
    if name not in MISBEHAVIOURS:
        known = ", ".join(MISBEHAVIOURS)
        raise UsageError(f"--misbehave {name}: there is none{closest(name, MISBEHAVIOURS)} (there are: {known})")
    return MISBEHAVIOURS[name]()
