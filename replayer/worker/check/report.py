"""The outcomes of a run as a report: a failed must ends with 1, failed advice is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from replayer.cassette.model import FrameKind
from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.report.report import Listing, Moment, Report, Result, Status, Timeline, Total
from replayer.worker.check.check import Kind, Outcome, Verdict
from replayer.worker.check.peer import Peer

__all__ = ["report_of"]

_MOMENTS = 200
"""Of one connection, in a report."""


def report_of(outcomes: Sequence[Outcome], peers: Sequence[Peer], redact: Callable[[str], str]) -> Report:
    """The report of one run; the timelines show its connections. `redact` takes the secrets out of a text."""
    failed = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAILED]
    musts = sum(outcome.check.kind is Kind.MUST for outcome in failed)
    held = sum(outcome.verdict is Verdict.HELD for outcome in outcomes)
    skipped = sum(outcome.verdict is Verdict.SKIPPED for outcome in outcomes)
    numbers = {"held": held, "failed": musts, "advice": len(failed) - musts, "skipped": skipped}
    status = ExitStatus.DID_NOT_HOLD if musts else ExitStatus.HELD if held or failed else ExitStatus.NOTHING_CHECKED
    return Report(
        command="worker check",
        status=status,
        results=tuple(_result(outcome, redact) for outcome in outcomes),
        totals=tuple(Total(name=name, number=number) for name, number in numbers.items()),
        summary=(_summary(numbers), _verdict(status)),
        timelines=tuple(_timeline(peer, redact) for peer in peers),
        listing=Listing.ALL,
    )


def _result(outcome: Outcome, redact: Callable[[str], str]) -> Result:
    must = outcome.check.kind is Kind.MUST
    statuses = {
        Verdict.HELD: Status.HELD,
        Verdict.SKIPPED: Status.SKIPPED,
        Verdict.FAILED: Status.FAILED if must else Status.NOTED,
    }
    failed = outcome.verdict is Verdict.FAILED
    severity = (Severity.ERROR if must else Severity.INFO) if failed else None
    return Result(
        name=outcome.check.name,
        status=statuses[outcome.verdict],
        group=str(outcome.check.kind),
        severity=severity,
        why=redact(outcome.why),
        rule=outcome.check.rule if failed else "",
        seconds=round(outcome.seconds, 3),
    )


def _summary(numbers: dict[str, int]) -> str:
    held, failed, advice, skipped = numbers.values()
    return f"{held} held, {failed} failed, {advice} not as advised, {skipped} skipped"


def _verdict(status: ExitStatus) -> str:
    return {
        ExitStatus.HELD: "the worker keeps to the protocol",
        ExitStatus.DID_NOT_HOLD: "the worker does not keep to the protocol",
        ExitStatus.NOTHING_CHECKED: "nothing was checked",
    }[status]


def _timeline(peer: Peer, redact: Callable[[str], str]) -> Timeline:
    said = peer.said[:_MOMENTS]
    moments = tuple(
        Moment(
            at=round(one.at - peer.opened_at, 1),
            sender=str(one.sender),
            kind="close" if one.kind is FrameKind.CLOSE else str(one.kind),
            text=redact(one.text),
            severity=Severity.ERROR if one.broken else None,
        )
        for one in said
    )
    return Timeline(title=f"connection {peer.number}", moments=moments, left_out=len(peer.said) - len(said))
