from __future__ import annotations

import json
from pathlib import Path

import pytest

from replayer.errors import ExitStatus, UsageError
from replayer.report.report import Report
from replayer.report.target import Format, Target, deliver, parse

EMPTY = Report(command="verify", status=ExitStatus.HELD, results=(), summary=("that was it",))


def delivered(*options: str) -> str:
    shown: list[str] = []
    deliver(EMPTY, [parse(option) for option in options], shown.append)
    return "".join(shown)


def test_an_option_names_a_format_and_perhaps_a_file() -> None:
    assert parse("json") == Target(format=Format.JSON)
    assert parse("text=a=b.txt") == Target(format=Format.TEXT, file=Path("a=b.txt"))


@pytest.mark.parametrize(
    ("option", "complaint"),
    [("jsn", "did you mean 'json'"), ("pdf", "there are: text, json, junit, html"), ("json=", "name the file")],
)
def test_a_report_that_there_is_not_is_refused(option: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse(option)


def test_the_text_is_shown_where_nothing_else_is() -> None:
    assert delivered().startswith("that was it")


def test_a_report_on_standard_output_stands_alone() -> None:
    assert json.loads(delivered("json"))["version"] == 1


def test_a_report_in_a_file_leaves_the_text_on_the_screen(tmp_path: Path) -> None:
    assert delivered(f"json={tmp_path / 'r.json'}").startswith("that was it")
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["version"] == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere.*No such file"):
        delivered(f"json={tmp_path / 'nowhere' / 'r.json'}")
