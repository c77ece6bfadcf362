from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from replayer.contract.violation import Severity
from replayer.report.junit import write
from replayer.report.report import Excerpt, Report, Sides, Status


def test_each_status_is_the_element_that_ci_systems_display(made: Callable[..., Report]) -> None:
    report = made(*({"status": status, "name": str(status)} for status in Status))
    root = ElementTree.fromstring(write(report))
    assert {case.get("name"): [below.tag for below in case] for case in root.iter("testcase")} == {
        "held": [],
        "failed": ["failure"],
        "noted": ["system-out"],
        "skipped": ["skipped"],
        "unreadable": ["error"],
    }
    assert root.attrib == {
        "name": "replayer verify",
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "time": "0.000",
    }


KNOWN = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": ({"name", "time", "classname"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
"""Attributes and elements that Jenkins' schema (xunit-plugin, junit-10.xsd) knows; it refuses what has others."""


def test_nothing_is_written_that_jenkins_schema_does_not_know(made: Callable[..., Report]) -> None:
    root = ElementTree.fromstring(write(made(*({"status": status, "seconds": 1.5} for status in Status))))
    for element in root.iter():
        attributes, below = KNOWN[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= below
        if element.tag in ("testsuite", "testcase"):
            assert {"name"} <= set(element.attrib)
        if element.tag == "testsuite":
            assert {"tests", "failures", "errors"} <= set(element.attrib)


def test_a_group_is_a_suite_with_its_own_counts(made: Callable[..., Report]) -> None:
    root = ElementTree.fromstring(write(made({"group": "a"}, {"group": "b", "seconds": 1.25}, {"group": "a"})))
    assert [(suite.get("name"), suite.get("tests"), suite.get("time")) for suite in root] == [
        ("a", "2", "0.000"),
        ("b", "1", "1.250"),
    ]


def test_a_failure_tells_why_where_and_the_two_sides(made: Callable[..., Report]) -> None:
    sides = Sides(
        old=Excerpt(lines=("x",), marked=frozenset({0})), new=Excerpt(lines=("y", "z"), marked=frozenset({1}))
    )
    result = {"severity": Severity.ERROR, "why": "no", "places": ("c#1",), "count": 7, "rule": "urn:s", "sides": sides}
    failure = next(ElementTree.fromstring(write(made(result))).iter("failure"))
    assert failure.attrib == {"message": "no", "type": "error"}
    assert failure.text == "a thing\nno\n7 times, at c#1, …\nby urn:s\n- x\n  y\n+ z"


def test_what_xml_cannot_hold_is_spelled_out(made: Callable[..., Report]) -> None:
    root = ElementTree.fromstring(write(made({"name": "bell \x07 and \ud800 <&>"})))
    assert next(root.iter("testcase")).get("name") == "bell \\u0007 and \\ud800 <&>"


def test_a_run_that_judged_nothing_is_still_a_document(made: Callable[..., Report]) -> None:
    root = ElementTree.fromstring(write(made()))
    assert [suite.get("tests") for suite in root] == ["0"]
    assert next(root.iter("system-out")).text == "that was it"
