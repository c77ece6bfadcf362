"""The report of a run of the gateway: what is alike is one result, and `--fail-on` says what fails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.journal import Entry, Outcome
from replayer.report.missed import differences, told
from replayer.report.replayed import Failing, report_of
from replayer.report.report import Result, Status

DIFFERENCE = {"matcher": "body", "pointer": "/n", "recorded": "1", "asked": "2"}
NEAR = {
    "interaction": "a.yaml#0",
    "matched": ["method", "path"],
    "differed": [DIFFERENCE, DIFFERENCE],
    "used_up": False,
    "used_by_entry": 7,
}
NOTHING = Failing(miss=False, violation=False, unused=False, not_applied=False)
ALL = Failing(miss=True, violation=True, unused=True, not_applied=True)


def entry(number: int = 1, **keys: Any) -> Entry:
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    return Entry(
        **{"id": number, "moment": moment, "kind": "http", "session": "s", "method": "GET", "target": "/x", **keys}
    )


def miss(number: int = 1, *near: Any) -> Entry:
    return entry(number, outcome=Outcome.MISS, details={"nearest": list(near)})


def results(*entries: Entry, failing: Failing = NOTHING, **interactions: bool) -> list[Result]:
    report = report_of(
        entries, interactions=interactions, totals={}, summary=(), failing=failing, status=ExitStatus.HELD
    )
    return list(report.results)


@pytest.mark.parametrize(
    ("near", "text"),
    [
        ([], "no cassette is loaded that could answer it"),
        ([NEAR], "nearest is a.yaml#0; body /n: recorded 1, asked 2 and 1 more"),
        ([{**NEAR, "used_up": True}], "a.yaml#0 matches and was used up by journal entry 7"),
        ([{**NEAR, "differed": []}], "a.yaml#0 matches, but was not recorded from the upstream that was named"),
    ],
)
def test_a_miss_is_told_in_a_line(near: list[Any], text: str) -> None:
    assert told(miss(1, *near)) == text


def test_a_departed_connection_is_told_by_what_was_awaited() -> None:
    departed = entry(interaction="a.yaml#3", details={"awaited": "frame 2: awaited x, got y", "nearest": []})
    assert told(departed) == "a.yaml#3: frame 2: awaited x, got y"


def test_every_difference_stands_under_its_near_miss() -> None:
    frame = {"interaction": "a.yaml#3", "frame": 2, "differed": [DIFFERENCE]}
    assert differences(miss(1, NEAR, frame)) == (
        "a.yaml#0 (matched: method, path, used by entry 7)",
        "    body /n: recorded 1, asked 2",
        "    body /n: recorded 1, asked 2",
        "a.yaml#3 frame 2",
        "    body /n: recorded 1, asked 2",
    )


def test_equal_misses_are_one_result() -> None:
    (result,) = results(miss(1, NEAR), miss(2, NEAR), failing=ALL)
    assert (result.name, result.count, result.status) == ("GET /x", 2, Status.FAILED)
    assert result.places == ("journal entry 1 (session s)", "journal entry 2 (session s)")


@pytest.mark.parametrize("severity", list(Severity))
def test_violations_fail_where_they_are_asked_for_but_never_notes(severity: Severity) -> None:
    violation = {"pointer": "", "expected": "a", "actual": "b", "schema": "s", "severity": severity}
    one = entry(violations=[violation])
    assert [result.status for result in results(one)] == [Status.NOTED]
    expected = Status.NOTED if severity is Severity.INFO else Status.FAILED
    assert [result.status for result in results(one, failing=ALL)] == [expected]


def test_a_fault_that_could_not_apply_is_a_result() -> None:
    (result,) = results(entry(not_applied=["truncate: the answer has 4 chunks"]), failing=ALL)
    assert (result.group, result.status, result.why) == ("faults not applied", Status.FAILED, "asked for on GET /x")


@pytest.mark.parametrize(("failing", "status"), [(NOTHING, Status.SKIPPED), (ALL, Status.FAILED)])
def test_what_was_never_played_is_skipped_or_fails(failing: Failing, status: Status) -> None:
    played, unplayed = results(a=True, b=False, failing=failing)
    assert (played.status, unplayed.status) == (Status.HELD, status)
