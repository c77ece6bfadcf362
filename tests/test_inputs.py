from __future__ import annotations

from pathlib import Path

import pytest

from replayer.errors import CassetteError
from replayer.inputs import cassette_files, load

OPENAPI = '{"openapi": "3.1.0", "paths": {"/x": {"post": {"requestBody": {}}}}}'
BOUND = '{"x-binds": "request POST /x", "type": "object"}'
PART = "Owner:\n  properties: {request: {type: string}}\n"


@pytest.mark.parametrize("contents", [OPENAPI, BOUND, PART])
def test_a_contract_beside_the_cassettes_is_not_taken_for_one(tmp_path: Path, contents: str) -> None:
    (tmp_path / "own.yaml").write_text(contents, encoding="utf-8")
    (tmp_path / "a.yaml").write_text("version: 1\ninteractions: []\n", encoding="utf-8")
    assert [name for name, _ in cassette_files(tmp_path)] == ["a.yaml"]


def test_a_broken_cassette_is_an_error_and_never_an_absence(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- request: {method: GET", encoding="utf-8")
    with pytest.raises(CassetteError, match=r"a\.yaml"):
        load([str(tmp_path)])
