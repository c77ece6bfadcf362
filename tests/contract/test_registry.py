from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from replayer.cassette.model import Request, Response, Sender
from replayer.contract.registry import bundled, load
from replayer.errors import ContractError

YAML = """
openapi: 3.1.0
info: {title: Pets, version: 2026-01-01}
servers: [{url: https://pets.example/v2}]
paths:
  /pets/{id}:
    get:
      responses:
        200: {description: ok, content: {application/json: {schema: {$ref: 'pet.json'}}}}
        4XX: {$ref: '#/components/responses/Wrong'}
  /pets:
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/New'}}}}
      responses: {'201': {description: made}}
components:
  responses:
    Wrong: {description: wrong, content: {'application/*': {schema: {type: object, required: [detail]}}}}
  schemas:
    New: {type: object, required: [name], properties: {name: {type: string}}}
"""
PET = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://pets.example/pet",
    "type": "object",
    "required": ["id"],
}


def written(folder: Path, **files: Any) -> dict[str, Path]:
    paths = {}
    for name, value in files.items():
        stem, _, suffix = name.rpartition("_")
        path = folder / f"{stem}.{suffix}"
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        paths[name] = path
    return paths


def openapi(schema: Any, **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    path = {"post": {"requestBody": {"content": content}}}
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/x": path}, **more}


def refusal(path: Path) -> str:
    with pytest.raises(ContractError) as caught:
        load([path])
    return str(caught.value)


def get(uri: str) -> Request:
    return Request(method="GET", uri=uri)


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status=status, headers=(("content-type", "application/json"),), body=body)


def test_a_document_of_ones_own_stands_beside_the_bundled_ones(tmp_path: Path) -> None:
    contract = load([written(tmp_path, pets_yaml=YAML, pet_json=PET)["pets_yaml"]])
    (violation,) = contract.response(get("https://pets.example/v2/pets/3"), answer(b"{}"), where="r").violations
    assert violation.schema.endswith("pet.json") or violation.schema == "https://pets.example/pet"
    (violation,) = contract.response(get("https://pets.example/v2/pets/3"), answer(b"{}", 404), where="r").violations
    assert violation.expected == 'a property "detail"'
    assert "pets.yaml#/components/responses/Wrong" in violation.schema
    made = Request(method="POST", uri="http://127.0.0.1:8788/v2/pets", body=b'{"name": 3}')
    assert [v.pointer for v in contract.request(made, where="r").violations] == ["/name"]
    assert contract.frame_value("/ws", Sender.CLIENT, {"type": "drain"}, where="f").count == 1


def test_a_document_that_names_a_host_does_not_judge_another(tmp_path: Path) -> None:
    contract = load([written(tmp_path, pets_yaml=YAML, pet_json=PET)["pets_yaml"]])
    assert contract.response(get("https://other.example/v2/pets/3"), answer(b"{}"), where="r").uncovered == 1


def test_a_status_that_is_not_agreed_is_a_warning(tmp_path: Path) -> None:
    contract = load([written(tmp_path, pets_yaml=YAML, pet_json=PET)["pets_yaml"]])
    (violation,) = contract.response(get("https://pets.example/v2/pets/3"), answer(b"{}", 302), where="r").violations
    assert (violation.severity, violation.expected) == ("warning", "a status of 200, 4XX")


def test_a_users_document_comes_before_the_bundled_one(tmp_path: Path) -> None:
    own = openapi({"type": "array"}, servers=[{"url": "https://api.openai.com/v1"}])
    own["paths"] = {"/chat/completions": own["paths"]["/x"]}
    contract = load([written(tmp_path, own_json=own)["own_json"]])
    ask = Request(method="POST", uri="https://api.openai.com/v1/chat/completions", body=b"[]")
    assert contract.request(ask, where="r").violations == ()


def test_a_schema_is_known_by_its_id_too(tmp_path: Path) -> None:
    files = written(tmp_path, pet_json=PET, own_json=openapi({"$ref": "https://pets.example/pet"}))
    contract = load([files["pet_json"], files["own_json"]])
    ask = Request(method="POST", uri="http://localhost/x", body=b"{}")
    assert len(contract.request(ask, where="r").violations) == 1


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "own.json: no JSON"),
        ({"what": 1}, "neither an OpenAPI"),
        ([], "is an object"),
        ({"openapi": "4.0.0", "paths": {}}, "OpenAPI 4.0.0 is not read"),
        ({"swagger": "2.0"}, "Swagger 2"),
        ({"asyncapi": "1.2.0"}, "AsyncAPI 1.2.0 is not read"),
        ({"type": "strin"}, "own.json: /type: 'strin' is not"),
        (
            openapi({"type": "strin"}),
            "/paths/~1x/post/requestBody/content/application~1json/schema/type: 'strin' is not",
        ),
        (openapi({"$ref": "#/components/schemas/Nope"}), "Pointer '/components/schemas/Nope' does not exist"),
        (openapi({"$ref": "gone.json"}), "gone.json: No such file"),
        (openapi({"$ref": "https://example.com/s.json"}), "the network is never asked"),
        (openapi({"$ref": "https://replayer.dev/schemas/nope.json"}), "no such bundled schema"),
        (openapi({"pattern": "("}), "own.json: /paths/~1x/post/requestBody/content/application~1json/schema"),
        (openapi({"x-known-values": "a"}), "x-known-values is a list of values"),
        ({**openapi({}), "paths": {"x": {}}}, "own.json: /paths/x: a path begins with /"),
        ({**openapi({}), "paths": {"/x": {"$ref": "#/paths/~1x"}}}, "leads in a circle"),
        ({**openapi({}), "paths": {"/x": {"$ref": "#/nope"}}}, "/paths/~1x: $ref '#/nope' leads nowhere"),
        ({**openapi({}), "servers": [{}]}, "/servers/0: a server has a url"),
    ],
)
def test_a_wrong_document_is_refused_with_file_and_place(tmp_path: Path, document: Any, complaint: str) -> None:
    message = refusal(written(tmp_path, own_json=document)["own_json"])
    assert complaint in message
    assert "\n" not in message


def test_yaml_that_is_none_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert "no YAML" in refusal(written(tmp_path, own_yaml="a: [")["own_yaml"])
    assert "gone.yaml: No such file" in refusal(tmp_path / "gone.yaml")


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert "multiply" in refusal(written(tmp_path, own_yaml=bomb)["own_yaml"])


@pytest.mark.parametrize("path", ["%2e%2e/pyproject.toml", "../pyproject.toml", "/etc/hosts", "openai/../../x.json"])
def test_a_reference_cannot_leave_the_bundled_folder(tmp_path: Path, path: str) -> None:
    message = refusal(written(tmp_path, own_json=openapi({"$ref": f"https://replayer.dev/schemas/{path}"}))["own_json"])
    assert "the network is never asked" in message or "no such bundled schema" in message


def test_loading_the_bundled_contracts_compiles_no_schema() -> None:
    contract = bundled()
    assert contract.operations
    compiled = [s for c in contract.channels for m in c.messages.values() for s in m.values() if s._engine is not None]
    assert compiled == []


def test_every_bundled_schema_compiles() -> None:
    contract = bundled()
    for channel in contract.channels:
        for messages in channel.messages.values():
            assert all(schema.engine() for schema in messages.values())
    for operation in contract.operations:
        for contents in (operation.request, *operation.responses.values()):
            for content in contents.values():
                assert content.schema is None or content.schema.engine()
                assert all(
                    kind.schema.engine() for kind in (content.events.kinds if content.events else ()) if kind.schema
                )


def test_a_good_message_needs_neither_the_slow_engine_nor_any_engine_before_it_comes() -> None:
    program = """
import sys
from replayer.cassette.model import Sender
from replayer.contract.registry import bundled
contract = bundled()
assert "jsonschema_rs" not in sys.modules
assert contract.frame("/ws", Sender.CLIENT, '{"type": "drain"}', where="f").violations == ()
assert len(contract.frame("/ws", Sender.CLIENT, '{"type": "register"}', where="f").violations) == 2
assert not {"jsonschema", "referencing", "yaml", "click", "rich", "vcr"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
