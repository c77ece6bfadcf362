"""The user's own contracts, through the door that verify and replay use: older versions, several files, bindings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replayer.cassette.model import Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.contract.registry import load
from replayer.errors import ContractError

JSON = (("content-type", "application/json"),)


def written(folder: Path, name: str, contents: Any) -> Path:
    text = contents if isinstance(contents, str) else json.dumps(contents)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def answered(paths: list[Path], value: Any, *, path: str = "/things", status: int = 200) -> list[str]:
    request = Request(method="GET", uri=f"https://svc.example{path}")
    response = Response(status=status, headers=JSON, body=json.dumps(value).encode())
    checked = load(paths).response(request, response, where="x")
    assert checked.count, "no contract applies"
    return [f"{violation.pointer}: {violation.expected}" for violation in checked.violations]


def said(paths: list[Path], sender: Sender, value: Any) -> list[str]:
    hello = Frame(at=0, sender=Sender.CLIENT, kind=FrameKind.TEXT, text='{"type":"hello"}')
    frame = Frame(at=1, sender=sender, kind=FrameKind.TEXT, text=json.dumps(value))
    request = Request(method="GET", uri="wss://svc.example/ws")
    interaction = Interaction(request=request, response=Response(status=101, frames=(hello, frame)))
    checked = load(paths).interaction(interaction, where="x")
    assert checked.frames == 2, "no contract applies"
    return [f"{violation.pointer}: {violation.expected}" for violation in checked.violations]


OLD = """
openapi: 3.0.3
info: {title: Things, version: '1'}
paths:
  /things:
    get:
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema:
                type: object
                required: [size, note, owner]
                properties:
                  size: {type: integer, minimum: 0, exclusiveMinimum: true}
                  note: {type: string, nullable: true, example: {nullable: true}}
                  owner: {$ref: 'owner.yaml#/Owner'}
"""
OWNER = """
Owner:
  type: object
  nullable: true
  required: [name]
  properties: {name: {type: string, nullable: true}}
"""


def test_openapi_30_is_converted_on_load_in_every_file_of_it(tmp_path: Path) -> None:
    written(tmp_path, "owner.yaml", OWNER)
    paths = [written(tmp_path, "old.yaml", OLD)]
    assert answered(paths, {"size": 1, "note": None, "owner": {"name": None}}) == []
    assert answered(paths, {"size": 1, "note": "x", "owner": None}) == []
    assert set(answered(paths, {"size": 0, "note": 3, "owner": {}})) == {
        '/owner: a property "name"',
        "/note: null or string",
        "/size: more than 0",
    }


def message(name: str, **properties: Any) -> dict[str, Any]:
    return {"payload": {"type": "object", "properties": {"type": {"const": name}, **properties}}}


def test_asyncapi_2_is_converted_on_load(tmp_path: Path) -> None:
    document = {
        "asyncapi": "2.6.0",
        "info": {"title": "Svc", "version": "1"},
        "channels": {
            "/ws": {
                "publish": {"message": message("hello")},
                "subscribe": {"message": {"oneOf": [message("welcome", n={"type": "integer"}), message("bye")]}},
            }
        },
    }
    paths = [written(tmp_path, "svc.json", document)]
    assert said(paths, Sender.SERVER, {"type": "welcome", "n": 1}) == []
    assert said(paths, Sender.SERVER, {"type": "welcome", "n": "1"}) == ["/n: integer"]
    assert said(paths, Sender.SERVER, {"type": "hello"}) == ["/type: one of welcome, bye"]


def test_plain_schemas_are_bound_by_what_they_say_they_are_for(tmp_path: Path) -> None:
    asked = {"x-binds": "request POST /things", "type": "object", "required": ["q"]}
    good = {"x-binds": ["response POST /things 200"], "type": "object", "required": ["id"]}
    wrong = {"x-binds": "response POST /things", "type": "object", "required": ["error"]}
    contract = load([written(tmp_path, f"{n}.json", one) for n, one in enumerate((asked, good, wrong))])
    request = Request(method="POST", uri="https://svc.example/things", headers=JSON, body=b"{}")
    assert [found.expected for found in contract.request(request, where="x").violations] == ['a property "q"']
    for status, missing in ((200, "id"), (500, "error")):
        response = Response(status=status, headers=JSON, body=b"{}")
        found = contract.response(request, response, where="x").violations
        assert [violation.expected for violation in found] == [f'a property "{missing}"']


def test_plain_schemas_bind_events_and_messages_too(tmp_path: Path) -> None:
    event = {"x-binds": "event GET /feed 200", "type": "object", "required": ["n"]}
    hello = {"x-binds": "client /ws", "type": "object", "properties": {"type": {"const": "hello"}}}
    bye = {"x-binds": "server /ws", "type": "object", "properties": {"type": {"const": "bye"}}, "required": ["why"]}
    paths = [written(tmp_path, f"{n}.json", one) for n, one in enumerate((event, hello, bye))]
    assert said(paths, Sender.SERVER, {"type": "bye"}) == [': a property "why"']
    request = Request(method="GET", uri="https://svc.example/feed")
    stream = Response(
        status=200, headers=(("content-type", "text/event-stream"),), body=b'data: {"n":1}\n\ndata: {}\n\n'
    )
    checked = load(paths).response(request, stream, where="x")
    assert (checked.events, len(checked.violations)) == (2, 1)


@pytest.mark.parametrize("told", ["POST /things", "request POST things", 3, "request POST /things 200", ["client"]])
def test_a_binding_that_cannot_be_read_says_how_to_write_one(tmp_path: Path, told: Any) -> None:
    with pytest.raises(ContractError, match=r"own\.json: /: x-binds .* write 'request METHOD /path'"):
        load([written(tmp_path, "own.json", {"x-binds": told, "type": "object"})])


def test_of_several_documents_the_first_that_speaks_of_a_message_holds(tmp_path: Path) -> None:
    def own(name: str) -> Path:
        schema = {"x-binds": "response GET /things 200", "required": [name], "type": "object"}
        body = {"content": {"application/json": {"schema": {"type": "object", "required": [name]}}}}
        return written(tmp_path, f"{name}.json", {
            "openapi": "3.1.0", "info": {}, "paths": {"/things": {"get": {"responses": {"200": body}}}}
        } if name != "bound" else schema)  # fmt: skip

    assert answered([own("a"), own("b")], {"a": 1}) == []
    assert answered([own("b"), own("a")], {"a": 1}) == [': a property "b"']


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        ({"swagger": "2.0", "paths": {}}, "Swagger 2 is not read"),
        ({"openapi": "4.0.0", "paths": {}}, "OpenAPI 4.0.0 is not read"),
        ({"asyncapi": "1.2.0"}, "AsyncAPI 1.2.0 is not read"),
        ({"hello": 1}, "neither an OpenAPI"),
        ({"type": "objet"}, "objet"),
        ({"x-binds": "request POST /x", "$ref": "https://elsewhere.example/s.json"}, "the network is never asked"),
        ({"x-binds": "request POST /x", "$ref": "gone.json"}, "gone.json"),
    ],
)
def test_a_document_that_is_itself_wrong_is_named(tmp_path: Path, contents: Any, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        load([written(tmp_path, "own.json", contents)])
