from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from replayer.cassette.model import Cassette
from replayer.cli.verify import cassettes, command
from replayer.errors import CassetteError, ContractError, UsageError

GOOD = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
WRONG = {"model": "m", "messages": [{"role": "user", "content": 3}]}
NEW = {**GOOD, "verbosity": "chatty"}


def cassette(path: Path, *bodies: Any, uri: str = "https://api.openai.com/v1/chat/completions") -> Path:
    answer = {"error": {"message": "m"}}
    headers = {"content-type": ["application/json"]}
    interactions = [
        {
            "request": {"method": "POST", "uri": uri, "body": json.dumps(body), "headers": headers},
            "response": {
                "status": {"code": 400, "message": ""},
                "headers": headers,
                "body": {"string": json.dumps(answer)},
            },
        }
        for body in bodies
    ]
    path.write_text(json.dumps({"version": 1, "interactions": interactions}), encoding="utf-8")
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def named(path: Path) -> Cassette:
    if path.stat().st_size == 0:
        raise CassetteError(f"{path}: empty")
    return Cassette()


def test_a_directory_is_searched_for_cassettes_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    expected = [cassette(tmp_path / "b.yaml", GOOD), cassette(tmp_path / "deep" / "c.JSON")]
    (tmp_path / "flow.yml").write_text("# replayer flow 1\n", encoding="utf-8")
    (tmp_path / "old.yaml").write_text("- request: {}\n", encoding="utf-8")
    (tmp_path / "package.json").write_text("{}", encoding="utf-8")
    cassette(tmp_path / "notes.txt", GOOD)
    found = [name for name, _ in cassettes([tmp_path], named)]
    assert sorted(found) == sorted(map(str, [*expected, tmp_path / "flow.yml", tmp_path / "old.yaml"]))


def test_a_file_that_was_named_is_read_whatever_it_looks_like(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    ((_, outcome),) = cassettes([tmp_path / "empty.txt"], named)
    assert isinstance(outcome, CassetteError)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    ((name, outcome),) = cassettes([tmp_path / "gone.yaml"], named)
    assert name == str(tmp_path / "gone.yaml")
    assert isinstance(outcome, CassetteError)


@pytest.mark.parametrize(
    ("bodies", "options", "status"),
    [
        ([GOOD], [], 0),
        ([WRONG], [], 1),
        ([NEW], [], 0),
        ([NEW], ["--fail-on", "warning"], 1),
        ([], [], 3),
    ],
)
def test_the_exit_status_says_what_was_found(
    tmp_path: Path, bodies: list[Any], options: list[str], status: int
) -> None:
    result = run(cassette(tmp_path / "c.yaml", *bodies), *options)
    assert result.exit_code == status, result.output


def test_an_unreadable_file_ends_with_4_and_the_others_are_still_checked(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("interactions: [", encoding="utf-8")
    cassette(tmp_path / "good.yaml", WRONG)
    result = run(tmp_path)
    assert result.exit_code == 4
    assert "bad.yaml" in result.output
    assert "/messages/*/content" in result.output


def test_the_json_report_goes_to_its_file_and_the_text_to_the_screen(tmp_path: Path) -> None:
    report = tmp_path / "report.out"
    result = run(cassette(tmp_path / "c.yaml", WRONG), "--report", f"json={report}")
    assert "expected" in result.output
    assert json.loads(report.read_text("utf-8"))["results"][0]["name"].startswith("/messages/*/content: expected")


def test_a_contract_of_ones_own_judges_what_the_bundled_ones_do_not(tmp_path: Path) -> None:
    body = {"content": {"application/json": {"schema": {"type": "object", "required": ["id"]}}}}
    own = {"openapi": "3.1.0", "info": {}, "paths": {"/x": {"post": {"requestBody": body}}}}
    (tmp_path / "own.json").write_text(json.dumps(own), encoding="utf-8")
    recorded = cassette(tmp_path / "c.yaml", {}, uri="https://x.example/x")
    assert run(recorded).exit_code == 3
    assert run(recorded, "--contract", tmp_path / "own.json").exit_code == 1


def test_a_wrong_contract_and_a_wrong_report_are_errors_of_ours(tmp_path: Path) -> None:
    if (Path(__file__).parents[2] / "replayer" / "cassette" / "store.py").exists():
        assert isinstance(run(tmp_path, "--contract", tmp_path / "gone.json").exception, ContractError)
        assert isinstance(run(tmp_path, "--report", "pdf").exception, UsageError)
    assert run().exit_code == 2
    assert run(tmp_path, "--fail-on", "never").exit_code == 2
