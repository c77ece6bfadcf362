from __future__ import annotations

from collections.abc import Callable
from typing import Any

from replayer.contract.violation import Severity
from replayer.report.report import Listing, Report, Status
from replayer.report.text import write


def test_a_result_tells_how_grave_what_why_where_and_by_what(made: Callable[..., Report]) -> None:
    report = made({"severity": Severity.ERROR, "why": "one\ntwo", "places": ("c#1",), "rule": "urn:s"})
    assert write(report).splitlines() == [
        "error  a thing",
        "    one",
        "    two",
        "    at c#1",
        "    by urn:s",
        "that was it",
    ]


def test_a_result_in_many_places_is_one_with_its_count_and_first_places(made: Callable[..., Report]) -> None:
    lines = write(made({"count": 200, "places": ("c#1", "c#2")})).splitlines()
    assert lines[1] == "    200 times, first at c#1, then c#2, …"


def test_what_held_is_told_only_where_everything_is(made: Callable[..., Report]) -> None:
    held = {"status": Status.HELD}
    assert write(made(held)) == "that was it\n"
    assert write(made(held, listing=Listing.ALL)) == "held  a thing\nthat was it\n"


def test_what_a_cassette_holds_cannot_colour_the_terminal(made: Callable[..., Report]) -> None:
    line, *_ = write(made({"name": "\x1b[31mred\nnew line"})).splitlines()
    assert line == "failed  \\u001b[31mred\\u000anew line"


def test_where_everything_is_told_it_stands_as_a_table(made: Callable[..., Report]) -> None:
    results: list[dict[str, Any]] = [
        {"status": Status.HELD, "group": "must", "name": "drain", "seconds": 12.34},
        {"status": Status.NOTED, "group": "advice", "name": "compression", "seconds": 0.0, "why": "none offered"},
    ]
    assert write(made(*results, listing=Listing.ALL)).splitlines() == [
        "held   must    drain           12.3 s",
        "noted  advice  compression      0.0 s",
        "    none offered",
        "that was it",
    ]
