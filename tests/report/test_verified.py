from __future__ import annotations

from typing import Any

import pytest

from replayer.contract.validate import Checked
from replayer.contract.verify import Finding, Unread, Verification
from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.report.report import Report, Status
from replayer.report.verified import report_of

CHECKED = Checked(requests=1, responses=2, events=1200, frames=0)


def finding(**parts: Any) -> Finding:
    defaults: dict[str, Any] = {
        "severity": Severity.ERROR,
        "schema": "urn:s",
        "pointer": "/a/*",
        "expected": "string",
        "actual": "12",
        "count": 1,
        "places": ("c.yaml#3 request",),
    }
    return Finding(**(defaults | parts))


def verified(
    *findings: Finding, checked: Checked = CHECKED, fail_on: Severity = Severity.ERROR, **parts: Any
) -> Report:
    outcome = Verification(cassettes=1, interactions=3, checked=checked, findings=findings, **parts)
    return report_of(outcome, fail_on)


def test_what_holds_says_how_much_was_checked() -> None:
    assert verified().summary == (
        "checked 1 request, 2 responses, 1,200 stream events and 0 frames in 3 interactions of 1 cassette",
        "everything that was checked holds",
    )
    assert verified().status is ExitStatus.HELD


def test_messages_without_contract_are_counted() -> None:
    assert "2 messages have no contract, or could not be judged" in verified(checked=Checked(uncovered=2)).summary
    assert "1 message has no contract, or could not be judged" in verified(checked=Checked(uncovered=1)).summary


def test_nothing_checked_is_never_called_holding() -> None:
    report = verified(checked=Checked())
    assert report.summary[-1] == "nothing was checked"
    assert report.status is ExitStatus.NOTHING_CHECKED


def test_a_finding_tells_what_where_and_by_which_schema() -> None:
    (result,) = verified(finding()).results
    assert result.name == "/a/*: expected string, got 12"
    assert (result.places, result.rule) == (("c.yaml#3 request",), "urn:s")


@pytest.mark.parametrize(
    ("fail_on", "status"), [(Severity.ERROR, Status.NOTED), (Severity.WARNING, Status.FAILED)], ids=str
)
def test_a_finding_fails_from_the_severity_that_was_asked_for(fail_on: Severity, status: Status) -> None:
    (result,) = verified(finding(severity=Severity.WARNING), fail_on=fail_on).results
    assert result.status is status


def test_findings_are_summed_by_their_severity() -> None:
    report = verified(finding(count=200), finding(severity=Severity.WARNING))
    assert report.summary[-1] == "200 errors, 1 warning"
    assert {total.name: total.number for total in report.totals}["errors"] == 200


def test_what_could_not_be_read_stands_first() -> None:
    unreadable = (Unread(name="b.yaml", message="b.yaml: half a file"),)
    problems = (Unread(name="a.yaml#2", message="no request"),)
    report = verified(finding(), unreadable=unreadable, problems=problems)
    assert [result.status for result in report.results] == [Status.UNREADABLE, Status.SKIPPED, Status.FAILED]
    assert report.status is ExitStatus.UNREADABLE
    assert report.summary[-1] == "1 error, 1 input unreadable"


def test_a_cassette_that_holds_is_a_result_of_its_own() -> None:
    (result,) = verified(held=("c.yaml",)).results
    assert (result.name, result.status) == ("c.yaml", Status.HELD)
