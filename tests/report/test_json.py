from __future__ import annotations

import json

from replayer.contract.validate import Checked
from replayer.contract.verify import Finding, Unread, Verification
from replayer.contract.violation import Severity
from replayer.report.json import write


def test_the_document_says_everything_that_the_run_found() -> None:
    finding = Finding(
        severity=Severity.WARNING, schema="urn:s", pointer="", expected="x", actual="y", count=2, places=("c#1",)
    )
    verification = Verification(
        cassettes=1,
        interactions=2,
        checked=Checked(requests=1, responses=2, events=3, frames=4, uncovered=5),
        findings=(finding,),
        unreadable=(Unread(name="b", message="m"),),
        problems=(Unread(name="c#1", message="n"),),
    )
    text = write(verification)
    document = json.loads(text)
    assert text.endswith("}\n")
    assert document.pop("tool").startswith("replayer ")
    assert document == {
        "version": 1,
        "checked": {"cassettes": 1, "interactions": 2, "requests": 1, "responses": 2, "events": 3, "frames": 4},
        "uncovered": 5,
        "violations": {"info": 0, "warning": 2, "error": 0},
        "findings": [
            {
                "severity": "warning",
                "pointer": "",
                "expected": "x",
                "actual": "y",
                "schema": "urn:s",
                "count": 2,
                "places": ["c#1"],
            }
        ],
        "unreadable": [{"name": "b", "message": "m"}],
        "problems": [{"name": "c#1", "message": "n"}],
    }
