"""A report for programs: one JSON document, described by `schemas/replayer/report.json`.

Fields are added, never renamed, within a version.
"""

from __future__ import annotations

from typing import Any

import orjson

from replayer import __version__
from replayer.report.report import Excerpt, Report, Result, Timeline

__all__ = ["VERSION", "write"]

VERSION = 1


def write(report: Report) -> str:
    """The report, indented, ended by a newline."""
    document = {
        "version": VERSION,
        "tool": f"replayer {__version__}",
        "command": report.command,
        "status": int(report.status),
        "totals": {total.name: total.number for total in report.totals},
        "summary": list(report.summary),
        "results": [_result(result) for result in report.results],
        "timelines": [_timeline(timeline) for timeline in report.timelines],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _result(result: Result) -> dict[str, Any]:
    """Without what this result has nothing of."""
    sides = result.sides
    found = {
        "name": result.name,
        "status": str(result.status),
        "group": result.group,
        "severity": str(result.severity) if result.severity else None,
        "why": result.why,
        "rule": result.rule,
        "count": result.count,
        "places": list(result.places),
        "excerpt": _excerpt(result.excerpt) if result.excerpt else None,
        "old": _excerpt(sides.old) if sides else None,
        "new": _excerpt(sides.new) if sides else None,
        "seconds": result.seconds,
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def _excerpt(excerpt: Excerpt) -> dict[str, Any]:
    return {"lines": list(excerpt.lines), "marked": sorted(excerpt.marked)}


def _timeline(timeline: Timeline) -> dict[str, Any]:
    return {
        "title": timeline.title,
        "left_out": timeline.left_out,
        "moments": [
            {
                "at": moment.at,
                "sender": moment.sender,
                "kind": moment.kind,
                "text": moment.text,
                "severity": str(moment.severity) if moment.severity else None,
            }
            for moment in timeline.moments
        ],
    }
