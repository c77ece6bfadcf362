"""The documents of a contract, from files: bundled ones, and the user's beside them. Never the network.

A bundled document is `https://replayer.dev/schemas/<path>`, a user's is its `file:` URI, and may be known by its `$id`
too. Relative references are resolved against where a document was fetched from (a file's neighbours are files), and
any other URI is refused with the file that names it. Schemas are compiled one by one, when first needed: to start
costs the reading of the bindings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import orjson

from replayer.bundled import schemas_folder
from replayer.contract.asyncapi import Channel, read_asyncapi
from replayer.contract.binding import KEY, Bindings, WrongBinding
from replayer.contract.convert import asyncapi_3, is_asyncapi_2, is_openapi_30, references, schemas_31
from replayer.contract.documents import place
from replayer.contract.known import keywords
from replayer.contract.loops import refuse_loops
from replayer.contract.openapi import Content, Operation, read_openapi
from replayer.contract.plain import read_plain
from replayer.contract.schema import Engine, Schema
from replayer.contract.unknown import Telling
from replayer.contract.validate import Contract
from replayer.errors import ContractError

__all__ = ["BASE", "Detail", "Registry", "bundled", "load", "of_documents"]

BASE = "https://replayer.dev/schemas/"
"""Where the `$id`s of bundled schemas begin."""

_BUNDLED = (
    "openai/openapi.json",
    "openai/asyncapi.json",
    "anthropic/openapi.json",
    "gemini/openapi.json",
    "gemini/asyncapi.json",
    "casola/openapi.json",
    "casola/asyncapi.json",
    "schwarm/openapi.json",
    "schwarm/asyncapi.json",
    "oagw/openapi.json",
)
_INSIDE = "replayer:inside"
_BOUND = "urn:replayer:bound:"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Detail(StrEnum):
    """What is told of messages."""

    FAULTS = "faults"
    """What breaks a client, or may."""
    UNKNOWN_FIELDS = "unknown-fields"
    """And what the contract does not know: for reports, because it takes its time."""


def bundled() -> Contract:
    """The contracts that come with the program."""
    return load(())


def load(paths: Sequence[Path], detail: Detail = Detail.FAULTS) -> Contract:
    """The documents at `paths` beside the bundled ones, and before them where both speak of a message.

    Raises ContractError, with file and pointer, for a document that is itself wrong.
    """
    registry = Registry(detail)
    operations: list[Operation] = []
    channels: list[Channel] = []
    for uri in [registry.add(path) for path in paths]:
        registry.read(uri, operations, channels)
    for number, contents in enumerate(registry.bindings.documents()):
        registry.hold(f"{_BOUND}{number}", contents)
        registry.read(f"{_BOUND}{number}", operations, channels)
    for schema in _schemas(operations, channels):
        registry.check(schema)
    for name in _BUNDLED:
        registry.read(BASE + name, operations, channels)
    return Contract(operations, channels, registry.compile)


def of_documents(documents: Sequence[Any]) -> Contract:
    """The contract of documents that are at hand, and of nothing else. Raises ContractError for a wrong one."""
    registry = Registry()
    operations: list[Operation] = []
    channels: list[Channel] = []
    for number, contents in enumerate(documents):
        uri = f"urn:replayer:document:{number}"
        registry.hold(uri, contents)
        registry.read(uri, operations, channels)
    for schema in _schemas(operations, channels):
        registry.check(schema)
    return Contract(operations, channels, registry.compile)


class Registry:
    """Documents by their URIs."""

    def __init__(self, detail: Detail = Detail.FAULTS) -> None:
        self._detail = detail
        self._contents: dict[str, Any] = {}
        self._user = False
        self._refused: ContractError | None = None
        """What the engine was refused when it asked for a document."""
        self._in_30: set[str] = set()
        """Files that an OpenAPI 3.0 document refers to: their schemas are in its dialect."""
        self.bindings = Bindings()

    def add(self, path: Path) -> str:
        """Take a user's document in; its URI. Raises ContractError where it cannot be read or is no schema."""
        self._user = True
        uri = path.resolve().as_uri()
        contents = self.fetch(uri)
        own = contents.get("$id") if isinstance(contents, dict) else None
        if isinstance(own, str):
            self._contents.setdefault(own.removesuffix("#"), contents)
        return uri

    def hold(self, uri: str, contents: Any) -> None:
        """Take in a document whose contents are known."""
        self._contents[uri] = contents

    def read(self, uri: str, operations: list[Operation], channels: list[Channel]) -> None:
        """Add what a document binds. A plain schema binds what its `x-binds` says; other documents may refer to it."""
        document = place(uri, self.fetch)
        if not isinstance(document.value, dict):
            raise document.wrong("an OpenAPI, AsyncAPI or JSON Schema document is an object")
        if "openapi" in document.value:
            operations += read_openapi(document, self.compile)
        elif "asyncapi" in document.value:
            channels += read_asyncapi(document, self.compile)
        elif "swagger" in document.value:
            raise document.wrong("Swagger 2 is not read; convert the document to OpenAPI 3.1")
        elif not any(key in document.value for key in ("$schema", "$id", "$defs", "type", "properties", "$ref")):
            raise document.wrong("neither an OpenAPI, an AsyncAPI nor a JSON Schema document")
        elif KEY in document.value:
            try:
                self.bindings.add(uri, document.value[KEY])
            except WrongBinding as wrong:
                raise document.wrong(str(wrong)) from wrong

    def check(self, schema: Schema) -> None:
        """Hold a user's schema against the meta-schema, and compile it. Raises ContractError."""
        document, _, _ = schema.uri.partition("#")
        found = place(document, self.fetch).at(schema.uri)
        problem = _meta_problem(found.value)
        if problem is not None:
            pointer, message = problem
            raise ContractError(f"{_name(found.uri)}{pointer}: {message}")
        refuse_loops(found)
        schema.engine()

    def compile(self, uri: str) -> Engine:
        """The engine for a schema. Raises ContractError where it, or what it refers to, is wrong."""
        import jsonschema_rs  # 40 ms, which the start of a replay does not have

        try:
            self._refused = None
            engine = jsonschema_rs.Draft202012Validator(self._root(uri), retriever=self._resource, keywords=keywords())
        except (ValueError, RecursionError) as error:
            if self._refused is not None:
                raise self._refused from error
            message = str(error).partition("\n")[0]
            raise ContractError(f"{_name(uri)}: {message}") from error
        return Telling(engine) if self._detail is Detail.UNKNOWN_FIELDS else engine

    def _root(self, uri: str) -> dict[str, Any]:
        """What the engine compiles for `uri`.

        A schema inside a binding document becomes a definition of that document: the engine finds no references
        behind a pointer with percent signs in it, and every path template (`/jobs/{id}`) has some.
        """
        document, _, fragment = uri.partition("#")
        if not fragment:
            return {"$schema": _DIALECT, "$ref": uri}
        inside = place(document, self.fetch).at(uri)
        known = {**inside.root.get("$defs", {}), _INSIDE: inside.value}
        return {**inside.root, "$schema": _DIALECT, "$id": document, "$defs": known, "$ref": f"#/$defs/{_INSIDE}"}

    def _resource(self, uri: str) -> Any:
        """A document for the engine, which cannot take one whose `$id` is not where it was fetched from."""
        try:
            contents = self.fetch(uri)
        except ContractError as error:
            self._refused = error
            raise
        if isinstance(contents, dict) and contents.get("$id", uri) != uri:
            return {**contents, "$id": uri}
        return contents

    def _modern(self, uri: str, contents: Any) -> Any:
        """A user's document in the versions that are read here."""
        if is_asyncapi_2(contents):
            return asyncapi_3(contents)
        if is_openapi_30(contents) or uri in self._in_30:
            self._in_30.update(urljoin(uri, reference) for reference in references(contents))
            return schemas_31(contents)
        return contents

    def fetch(self, uri: str) -> Any:
        """A document's contents by its URI. Raises ContractError; asks no network."""
        if uri in self._contents:
            return self._contents[uri]
        if uri.startswith(BASE):
            path = schemas_folder() / uri.removeprefix(BASE)
            if not path.resolve().is_relative_to(schemas_folder().resolve()) or not path.is_file():
                raise ContractError(f"{uri}: no such bundled schema")
            contents = orjson.loads(path.read_bytes())
        elif uri.startswith("file:") and self._user:
            path = Path(unquote(urlsplit(uri).path))
            contents = self._modern(uri, read_plain(path))
            binds = isinstance(contents, dict) and ("openapi" in contents or "asyncapi" in contents)
            if not isinstance(contents, dict | bool):
                raise ContractError(
                    f"{path}: {self._named_by(uri)}an OpenAPI, AsyncAPI or JSON Schema document is an object"
                )
            problem = None if binds else _meta_problem(contents)
            if problem is not None:
                raise ContractError(f"{path}: {problem[0] or '/'}: {problem[1]}")
        else:
            why = "not one of the documents given, and the network is never asked; add its file"
            raise ContractError(f"{self._named_by(uri)}{uri}: {why}")
        self._contents[uri] = contents
        return contents

    def _named_by(self, uri: str) -> str:
        """Who refers to a document, as the beginning of a message: a file and the place in it; nothing for a user."""
        for own, contents in self._contents.items():
            waiting = [("", contents)] if own.startswith("file:") else []
            while waiting:
                pointer, here = waiting.pop()
                reference = here.get("$ref") if isinstance(here, dict) else None
                if isinstance(reference, str) and urljoin(own, reference).partition("#")[0] == uri:
                    return f"{_name(own)}: {pointer}/$ref: "
                items = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
                waiting += [(f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", v) for key, v in items]
        return ""


def _schemas(operations: list[Operation], channels: list[Channel]) -> Iterator[Schema]:
    """Every schema that the bindings name."""
    for operation in operations:
        for contents in (operation.request, *operation.responses.values()):
            for content in contents.values():
                yield from _of_content(content)
    for channel in channels:
        for messages in channel.messages.values():
            yield from messages.values()


def _of_content(content: Content) -> Iterator[Schema]:
    if content.schema is not None:
        yield content.schema
    if content.events is not None:
        yield from (kind.schema for kind in content.events.kinds if kind.schema is not None)


def _meta_problem(schema: Any) -> tuple[str, str] | None:
    """Where and why something is no schema, or None."""
    import jsonschema  # slow to import, and only users' documents need it
    from jsonschema.validators import validator_for

    try:
        validator_for(schema, default=jsonschema.Draft202012Validator).check_schema(schema)
    except jsonschema.SchemaError as error:
        return "".join(f"/{step}" for step in error.absolute_path), error.message[:200]
    except RecursionError:
        return "", "nested too deep to be a schema"
    return None


def _name(uri: str) -> str:
    """A URI as a person names it: a file by its path."""
    document, hash_, fragment = uri.partition("#")
    name = unquote(urlsplit(document).path) if document.startswith("file:") else document
    return f"{name}: {unquote(fragment)}" if hash_ else name
