from __future__ import annotations

from typing import Any

from replayer.contract.validate import Checked
from replayer.contract.verify import Finding, Unread, Verification
from replayer.contract.violation import Severity
from replayer.report.text import write

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


def report(*findings: Finding, checked: Checked = CHECKED, **parts: Any) -> list[str]:
    outcome = Verification(cassettes=1, interactions=3, checked=checked, findings=findings, **parts)
    return write(outcome).splitlines()


def test_what_holds_says_how_much_was_checked() -> None:
    assert report() == [
        "checked 1 request, 2 responses, 1,200 stream events and 0 frames in 3 interactions of 1 cassette",
        "everything that was checked holds",
    ]


def test_messages_without_contract_are_counted() -> None:
    assert "2 messages have no contract, or could not be judged" in report(checked=Checked(requests=1, uncovered=2))
    assert "1 message has no contract, or could not be judged" in report(checked=Checked(requests=1, uncovered=1))


def test_nothing_checked_is_never_called_holding() -> None:
    assert report(checked=Checked())[-1] == "nothing was checked"


def test_a_finding_tells_what_where_and_by_which_schema() -> None:
    assert report(finding())[:3] == [
        "error  /a/*: expected string, got 12",
        "    at c.yaml#3 request",
        "    by urn:s",
    ]


def test_a_finding_in_many_places_is_one_with_its_count_and_first_place() -> None:
    lines = report(finding(count=200, places=("c#1", "c#2")), finding(severity=Severity.WARNING))
    assert lines[1] == "    200 times, first at c#1, then c#2, …"
    assert lines[-1] == "200 errors, 1 warning"


def test_what_could_not_be_read_stands_first() -> None:
    unreadable = (Unread(name="b.yaml", message="b.yaml: half a file"),)
    problems = (Unread(name="a.yaml#2", message="no request"),)
    lines = report(unreadable=unreadable, problems=problems)
    assert lines[:2] == ["unreadable  b.yaml: half a file", "left out  a.yaml#2: no request"]
    assert lines[-1] == "1 input unreadable"


def test_what_a_cassette_holds_cannot_colour_the_terminal() -> None:
    (line, *_) = report(finding(actual="\x1b[31mred\nnew line"))
    assert line == "error  /a/*: expected string, got \\u001b[31mred\\u000anew line"
