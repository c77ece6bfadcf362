"""Contracts and cassettes made to hurt, given to `replayer verify` as a user gives them: an answer, in a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCHEMA = "/paths/~1x/post/requestBody/content/application~1json/schema"
DEEP = 200_000
JSON = {"content-type": ["application/json"]}


def document(schema: Any, path: str = "/x") -> str:
    content = {"application/json": {"schema": schema}}
    info = {"title": "t", "version": "1"}
    return json.dumps(
        {"openapi": "3.1.0", "info": info, "paths": {path: {"post": {"requestBody": {"content": content}}}}}
    )


def cassette(folder: Path, body: str = "{}", uri: str = "https://api.example/x") -> Path:
    request = {"method": "POST", "uri": uri, "body": body, "headers": JSON}
    response = {"status": {"code": 200, "message": ""}, "headers": JSON, "body": {"string": "{}"}}
    path = folder / "c.json"
    path.write_text(json.dumps({"version": 1, "interactions": [{"request": request, "response": response}]}), "utf-8")
    return path


def verify(*arguments: str | Path) -> tuple[int, str]:
    told = [sys.executable, "-m", "replayer", "verify", *map(str, arguments)]
    ended = subprocess.run(told, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("name", "contents", "says"),
    [
        ("a.json", document({"$ref": "#/components/schemas/No"}), f"a.json: {SCHEMA}: Pointer"),
        ("a.json", document({"$ref": "https://a.example/s"}), f"a.json: {SCHEMA}/$ref: https://a.example/s: not one"),
        (
            "a.json",
            document({"properties": {"b": {"$ref": "http://169.254.169.254/s#/d"}}}),
            f"a.json: {SCHEMA}/properties/b/$ref: http://169.254.169.254/s: not one",
        ),
        ("a.json", document({"$ref": "secret.txt"}), f"a.json: {SCHEMA}/$ref: an OpenAPI, AsyncAPI or"),
        ("a.json", document({"$ref": "#/paths/~1x/post/requestBody/content/application~1json/schema"}), "leads"),
        ("a.json", '{"not":' * DEEP, "a.json: no JSON"),
        ("a.yaml", '{"not":' * DEEP + "{}" + "}" * DEEP, "a.yaml: nested deeper than 1000 levels"),
        ("a.yaml", "- " * DEEP, "a.yaml: nested deeper than 1000 levels"),
        ("a.yaml", "".join(" " * depth + "a:\n" for depth in range(1_200)), "a.yaml: nested deeper than 1000 levels"),
    ],
    ids=["bad", "remote", "remote-below", "no-schema", "loop", "deep-json", "deep-yaml", "deep-dashes", "deep-block"],
)
def test_a_contract_that_is_wrong_or_made_to_hurt_is_refused_with_its_place(
    tmp_path: Path, name: str, contents: str, says: str
) -> None:
    (tmp_path / name).write_text(contents, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("s3cret", encoding="utf-8")
    status, told = verify(cassette(tmp_path), "--contract", tmp_path / name)
    assert status == 4
    assert says in told
    assert "s3cret" not in told
    assert len(told) < 1_000


@pytest.mark.parametrize("path", ["/" + "{a}" * 12 + "x", "/" + "{a}-" * 12 + "x", "/{a}/" + "{b}.{c}." * 6 + "x"])
def test_a_path_of_many_variables_is_not_tried_in_all_ways(tmp_path: Path, path: str) -> None:
    (tmp_path / "a.json").write_text(document({"type": "object"}, path), encoding="utf-8")
    for text in ("a" * 4_000, "-" * 4_000, "a/" + "." * 4_000):
        status, told = verify(cassette(tmp_path, uri=f"https://api.example/{text}"), "--contract", tmp_path / "a.json")
        assert status == 3
        assert "nothing was checked" in told


def test_a_message_nested_ten_thousand_deep_is_a_violation(tmp_path: Path) -> None:
    deep = '{"a":' * 10_000 + "1" + "}" * 10_000
    status, told = verify(cassette(tmp_path, deep, "https://api.openai.com/v1/chat/completions"))
    assert status == 1
    assert "error  /: expected JSON (" in told


def test_a_pattern_made_to_hang_ends_in_the_report_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(document({"type": "string", "pattern": "^(?=(a+)+$)(a+)+b"}), encoding="utf-8")
    body = json.dumps("a" * 5_000 + "!")
    status, told = verify(cassette(tmp_path, body), "--contract", tmp_path / "a.json", "--report", "json")
    assert status == 1
    assert "a text that matches" in told
