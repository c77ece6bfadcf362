"""Findings for programs: one JSON document with a version. Fields are added, never renamed, within a version."""

from __future__ import annotations

from typing import Any

import orjson

from replayer import __version__
from replayer.contract.verify import Finding, Unread, Verification
from replayer.contract.violation import Severity

__all__ = ["VERSION", "write"]

VERSION = 1


def write(verification: Verification) -> str:
    """The report, indented, ended by a newline."""
    checked = verification.checked
    document = {
        "version": VERSION,
        "tool": f"replayer {__version__}",
        "checked": {
            "cassettes": verification.cassettes,
            "interactions": verification.interactions,
            "requests": checked.requests,
            "responses": checked.responses,
            "events": checked.events,
            "frames": checked.frames,
        },
        "uncovered": checked.uncovered,
        "violations": {str(severity): verification.count(severity) for severity in Severity},
        "findings": [_finding(finding) for finding in verification.findings],
        "unreadable": [_unread(unread) for unread in verification.unreadable],
        "problems": [_unread(problem) for problem in verification.problems],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": str(finding.severity),
        "pointer": finding.pointer,
        "expected": finding.expected,
        "actual": finding.actual,
        "schema": finding.schema,
        "count": finding.count,
        "places": list(finding.places),
    }


def _unread(unread: Unread) -> dict[str, str]:
    return {"name": unread.name, "message": unread.message}
