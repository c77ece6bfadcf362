from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Interaction, Request, Response
from replayer.cassette.store import write
from replayer.cli.infer import command
from replayer.cli.verify import command as verify
from replayer.errors import CassetteError, UsageError

JSON = (("content-type", "application/json"),)


def recorded(folder: Path, body: bytes = b'{"id":"a"}') -> Path:
    request = Request(method="GET", uri="https://a.example/things")
    found = Interaction(request=request, response=Response(status=200, headers=JSON, body=body))
    write(folder / "c.yaml", Cassette(interactions=(found,)), layout=Layout.BLOCK)
    return folder / "c.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_document_goes_to_standard_output_and_the_rest_elsewhere(tmp_path: Path) -> None:
    result = run(recorded(tmp_path), "--title", "Things")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["info"]["title"] == "Things"
    assert "held against 2 messages" in result.stderr


def test_what_was_written_judges_the_next_recording(tmp_path: Path) -> None:
    assert run(recorded(tmp_path), "-o", tmp_path / "contract").exit_code == 0
    own = str(tmp_path / "contract" / "openapi.json")
    assert CliRunner().invoke(verify, [str(tmp_path / "c.yaml"), "--contract", own]).exit_code == 0
    recorded(tmp_path, b'{"id":3}')
    assert CliRunner().invoke(verify, [str(tmp_path / "c.yaml"), "--contract", own]).exit_code == 1


def test_a_document_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    cassette = recorded(tmp_path)
    (tmp_path / "openapi.json").write_text("mine", encoding="utf-8")
    result = run(cassette, "-o", tmp_path)
    assert isinstance(result.exception, UsageError)
    assert (tmp_path / "openapi.json").read_text("utf-8") == "mine"
    assert run(cassette, "-o", tmp_path, "--force").exit_code == 0


def test_nothing_to_learn_from_ends_with_3_and_an_unreadable_cassette_is_named(tmp_path: Path) -> None:
    write(tmp_path / "empty.yaml", Cassette(), layout=Layout.BLOCK)
    assert run(tmp_path / "empty.yaml").exit_code == 3
    with pytest.raises(CassetteError, match=r"gone\.yaml"):
        CliRunner().invoke(command, [str(tmp_path / "gone.yaml")], catch_exceptions=False)
