from __future__ import annotations

import json
from collections.abc import Callable

import jsonschema_rs

from replayer.bundled import schemas_folder
from replayer.contract.violation import Severity
from replayer.errors import ExitStatus
from replayer.report.json import write
from replayer.report.report import Excerpt, Moment, Report, Sides, Status, Timeline, Total

SCHEMA = json.loads((schemas_folder() / "replayer" / "report.json").read_text("utf-8"))


def test_the_document_says_everything_that_the_report_does_and_fits_its_schema(made: Callable[..., Report]) -> None:
    excerpt = Excerpt(lines=("{", '  "a": 1', "}"), marked=frozenset({1}))
    moment = Moment(at=1.5, sender="client", text="x", severity=Severity.ERROR)
    report = made(
        {"status": Status.HELD},
        {"severity": Severity.WARNING, "group": "g", "why": "w", "rule": "r", "count": 2, "places": ("p",)},
        {"excerpt": excerpt, "sides": Sides(old=excerpt, new=Excerpt(lines=())), "seconds": 0.5},
        status=ExitStatus.DID_NOT_HOLD,
        totals=(Total(name="frames", number=3),),
        timelines=(Timeline(title="t", moments=(moment,), left_out=4),),
    )
    text = write(report)
    document = json.loads(text)
    jsonschema_rs.validator_for(SCHEMA).validate(document)
    assert text.endswith("}\n")
    assert document.pop("tool").startswith("replayer ")
    marked = {"lines": ["{", '  "a": 1', "}"], "marked": [1]}
    assert document == {
        "version": 1,
        "command": "verify",
        "status": 1,
        "totals": {"frames": 3},
        "summary": ["that was it"],
        "results": [
            {"name": "a thing", "status": "held", "count": 1},
            {
                "name": "a thing",
                "status": "failed",
                "group": "g",
                "severity": "warning",
                "why": "w",
                "rule": "r",
                "count": 2,
                "places": ["p"],
            },
            {
                "name": "a thing",
                "status": "failed",
                "count": 1,
                "excerpt": marked,
                "old": marked,
                "new": {"lines": [], "marked": []},
                "seconds": 0.5,
            },
        ],
        "timelines": [
            {
                "title": "t",
                "left_out": 4,
                "moments": [{"at": 1.5, "sender": "client", "kind": "text", "text": "x", "severity": "error"}],
            }
        ],
    }
