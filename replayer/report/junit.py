"""A report for CI systems: JUnit XML, as Jenkins' xunit schema describes it and GitLab and others display it.

A suite a group, a case a result. What fails the run is a failure, what could not be read an error, what was skipped
is skipped; what was only noted passes, and says so in its output.

Written by the standard library: the format is four elements, and the libraries for it (junitparser) leave to the
caller what goes wrong, the characters that XML 1.0 cannot hold.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from replayer.report.report import Excerpt, Report, Result, Status

__all__ = ["write"]

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write (section 2.2)."""


def write(report: Report) -> str:
    """The report, indented, ended by a newline."""
    # Jenkins refuses a document whose outermost element counts what was skipped: each suite has that number.
    counts = {name: count for name, count in _counts(report.results).items() if name != "skipped"}
    root = Element("testsuites", {"name": f"replayer {report.command}"} | counts)
    groups: dict[str, list[Result]] = {}
    for result in report.results:
        groups.setdefault(result.group or report.command, []).append(result)
    for group, results in groups.items():
        suite = SubElement(root, "testsuite", {"name": _fit(group)} | _counts(results))
        for result in results:
            _case(suite, result, f"{report.command}.{group}")
    if not groups:
        SubElement(root, "testsuite", {"name": report.command} | _counts(()))
    SubElement(root[-1], "system-out").text = _fit("\n".join(report.summary))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, result: Result, classname: str) -> None:
    seconds = f"{result.seconds or 0:.3f}"
    case = SubElement(suite, "testcase", {"name": _fit(result.name), "classname": _fit(classname), "time": seconds})
    text = _fit(_told(result))
    message = _fit(result.why.partition("\n")[0] or result.name)
    kind = str(result.severity or result.status)
    match result.status:
        case Status.FAILED:
            SubElement(case, "failure", {"message": message, "type": kind}).text = text
        case Status.UNREADABLE:
            SubElement(case, "error", {"message": message, "type": kind}).text = text
        case Status.SKIPPED:
            SubElement(case, "skipped", {"message": message})
        case Status.NOTED:
            SubElement(case, "system-out").text = f"{kind}: {text}"
        case Status.HELD:
            pass


def _told(result: Result) -> str:
    lines = [result.name, *result.why.splitlines()]
    if result.places:
        times = f"{result.count} times, " if result.count > 1 else ""
        lines.append(f"{times}at {', '.join(result.places)}{', …' if result.count > len(result.places) else ''}")
    if result.rule:
        lines.append(f"by {result.rule}")
    if result.excerpt:
        lines += _lines(result.excerpt, ">")
    if result.sides:
        lines += [*_lines(result.sides.old, "-"), *_lines(result.sides.new, "+")]
    return "\n".join(lines)


def _lines(excerpt: Excerpt, mark: str) -> list[str]:
    return [f"{mark if number in excerpt.marked else ' '} {line}" for number, line in enumerate(excerpt.lines)]


def _counts(results: tuple[Result, ...] | list[Result]) -> dict[str, str]:
    def number(status: Status) -> str:
        return str(sum(result.status is status for result in results))

    return {
        "tests": str(len(results)),
        "failures": number(Status.FAILED),
        "errors": number(Status.UNREADABLE),
        "skipped": number(Status.SKIPPED),
        "time": f"{sum(result.seconds or 0 for result in results):.3f}",
    }


def _fit(text: str) -> str:
    """The text, with what XML cannot hold spelled out."""
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
