"""The answers that are our own: a miss that explains itself, and the refusals.

The rule: a miss is a 4xx that no client repeats (`x-should-retry: false`), and names what came nearest, what matched
and what differed. Values in it come from the player, which has hidden the secrets already. Pure.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from replayer.cassette.model import Omitted, Response
from replayer.contract.violation import Violation
from replayer.errors import closest
from replayer.match.nearmiss import NearMiss
from replayer.match.player import Miss
from replayer.problem import problem

__all__ = [
    "described",
    "failed",
    "missed",
    "omitted",
    "refused",
    "too_large",
    "unknown_cassettes",
    "unreachable",
    "violated",
]

_NO_RETRY = (("x-should-retry", "false"),)


def missed(miss: Miss, *, method: str, target: str, status: int, more: str = "") -> Response:
    """Nothing recorded matches. `target` as it may be shown; `more` is said beside."""
    return problem(
        "miss",
        status=status,
        title="Nothing recorded matches this request",
        detail=_told(miss, f"{method} {target}") + more,
        headers=_NO_RETRY,
        members={"nearest": [described(near) for near in miss.nearest]},
    )


def described(near: NearMiss) -> dict[str, Any]:
    """A near miss as JSON: for the answer, the journal and reports."""
    return {
        "interaction": f"{near.cassette}#{near.index}",
        "method": near.method,
        "uri": near.uri,
        "matched": list(near.matched),
        "differed": [
            {
                "matcher": difference.matcher,
                "pointer": difference.pointer,
                "recorded": difference.recorded,
                "asked": difference.asked,
            }
            for difference in near.differed
        ],
        "used_up": near.used_up,
        "used_by_entry": near.used_by,
    }


def omitted(name: str, body: Omitted, *, status: int) -> Response:
    """What matches was recorded without its body, which nobody can make up."""
    return problem(
        "omitted-body",
        status=status,
        title="The recorded body was not stored",
        detail=f"{name} matches, and its body of {body.bytes} bytes was over --max-body when it was recorded: "
        "record it again with a larger --max-body",
        headers=_NO_RETRY,
        members={"interaction": name, "bytes": body.bytes, "sha256": body.sha256},
    )


def refused(kind: str, detail: str, *, status: int = 400, title: str = "The request cannot be understood") -> Response:
    """A request of ours that is wrong: nothing was consumed."""
    return problem(kind, status=status, title=title, detail=detail, headers=_NO_RETRY)


def unknown_cassettes(names: list[str], known: list[str]) -> Response:
    """`Replayer-Cassette` names what is not loaded."""
    told = "; ".join(f"no cassette {name!r} is loaded{closest(name, known)}" for name in names)
    return problem(
        "unknown-cassette",
        status=404,
        title="No such cassette",
        detail=told,
        headers=_NO_RETRY,
        members={"cassettes": known[:100]},
    )


def violated(violations: tuple[Violation, ...], *, status: int) -> Response:
    """A message that breaks its contract, where the policy is to reject: 400 for a request, 502 for an answer."""
    asked = status == 400
    return problem(
        "contract-violation",
        status=status,
        title="The request breaks its contract" if asked else "The answer breaks its contract",
        detail="; ".join(str(violation) for violation in violations[:5]),
        headers=_NO_RETRY,
        members={"violations": [asdict(violation) for violation in violations[:100]]},
    )


def too_large(limit: int) -> Response:
    """The body is over what is read."""
    return problem(
        "body-too-large",
        status=413,
        title="The body is too large",
        detail=f"request bodies up to {limit} bytes are taken here; nothing was consumed",
        headers=_NO_RETRY,
    )


def unreachable(name: str, url: str, error: Exception | None) -> Response:
    """The upstream did not answer; the recorder, where one stands between, has told why."""
    why = f": {error or type(error).__name__}" if error is not None else ""
    given = "check the address that was given with --upstream"
    hint = "the recorder's line on stderr says why" if url.endswith(f"://{name}") else given
    return problem(
        "upstream-unreachable",
        status=502,
        title="The upstream cannot be reached",
        detail=f"{name} ({url}) did not answer{why}; {hint}",
        headers=_NO_RETRY,
    )


def failed(error: Exception) -> Response:
    """A defect of ours; the journal has it too."""
    return problem(
        "internal-error",
        status=500,
        title="A defect of replayer",
        detail=f"{type(error).__name__}: please report it with the request that caused it",
        headers=_NO_RETRY,
    )


def _told(miss: Miss, asked: str) -> str:
    if not miss.nearest:
        return f"{asked}: no cassette is loaded that could answer it; record it, or name the right cassettes"
    near = miss.nearest[0]
    name = f"{near.cassette}#{near.index}"
    if near.used_up:
        return (
            f"{asked}: {name} matches and has been used up (journal entry {near.used_by}); record one more, "
            "or let the last one repeat (--repeat last)"
        )
    if not near.differed:
        return f"{asked}: {name} matches, but was not recorded from the upstream that was named"
    first = near.differed[0]
    more = f" and in {len(near.differed) - 1} more" if len(near.differed) > 1 else ""
    place = f"{first.matcher} {first.pointer}".rstrip()
    return f"{asked}: nearest is {name}; it differs in {place} (recorded {first.recorded}, asked {first.asked}){more}"
