"""The report of `scan`: each leak with its rule and places, never with the secret."""

from __future__ import annotations

from replayer.contract.violation import Severity
from replayer.redact.scan import Certainty
from replayer.redact.tally import Find, Tally
from replayer.report.report import Report, Result, Status, Total
from replayer.report.words import counted

__all__ = ["report_of"]


def report_of(tally: Tally, fail_on: Certainty | None) -> Report:
    """What was found; `fail_on` is the least certain find that fails, None where none does."""
    results = [Result(name=message, status=Status.UNREADABLE, group="inputs") for message in tally.unreadable]
    results += [_result(find, fail_on) for find in tally.finds]
    results += [Result(name=name, status=Status.HELD, group="cassettes") for name in tally.clean]
    secrets, suspicions = tally.count(Certainty.SECRET), tally.count(Certainty.SUSPICION)
    return Report(
        command="scan",
        status=tally.status(fail_on),
        results=tuple(results),
        totals=(
            Total(name="cassettes", number=tally.cassettes),
            Total(name="interactions", number=tally.interactions),
            Total(name="secrets", number=secrets),
            Total(name="suspicions", number=suspicions),
            Total(name="unreadable", number=len(tally.unreadable)),
        ),
        summary=tuple(_summary(tally, secrets, suspicions)),
    )


def _result(find: Find, fail_on: Certainty | None) -> Result:
    is_secret = find.certainty is Certainty.SECRET
    fails = fail_on is not None and (is_secret or fail_on is Certainty.SUSPICION)
    return Result(
        name=f"{find.kind}: {find.rule}",
        status=Status.FAILED if fails else Status.NOTED,
        group=find.rule,
        severity=Severity.ERROR if is_secret else Severity.WARNING,
        count=find.count,
        places=tuple(find.places),
    )


def _summary(tally: Tally, secrets: int, suspicions: int) -> list[str]:
    where = f"{counted(tally.interactions, 'interaction')} of {counted(tally.cassettes, 'cassette')}"
    lines = [f"scanned {where}"]
    found = [counted(number, word) for number, word in ((secrets, "secret"), (suspicions, "suspicion")) if number]
    if tally.unreadable:
        found.append(f"{counted(len(tally.unreadable), 'input')} unreadable")
    lines.append(", ".join(found) if found else "no secret was found")
    if secrets:
        lines.append("`replayer redact` takes them out; a secret that was published has to be revoked all the same")
    return lines
