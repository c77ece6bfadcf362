"""OpenAPI 3.1 and 3.2, read into operations: which schema holds for which request and which answer.

Where an operation applies is said by its servers (OpenAPI 3.2, "Server Object"): a server with a host binds to that
host, and to loopback, where stand-ins and gateways live; a relative one binds to any host; one that begins with a
variable (`{base}`) binds to any base URL at all. A document with `x-service` in its info and no servers binds only to
requests that are said to be of that service. Parameters are not checked yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from replayer.contract.documents import Place
from replayer.contract.events import Events, read_events
from replayer.contract.schema import Compile, Schema

__all__ = ["Content", "Operation", "Server", "read_openapi"]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_VARIABLE = re.compile(r"\{[^{}]*\}")
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")


class Content:
    """What a body of one media type has to be. The events of a stream are read when one is first met."""

    __slots__ = ("_compile", "_events", "_item", "schema")

    def __init__(self, schema: Schema | None, item: Place | None, compile_: Compile) -> None:
        self.schema = schema
        self._item = item
        self._compile = compile_
        self._events: Events | None = None

    @property
    def events(self) -> Events | None:
        """Of a stream; None for a body that is one whole. Raises ContractError for an `itemSchema` that is wrong."""
        if self._events is None and self._item is not None:
            self._events = read_events(self._item, self._compile)
        return self._events


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a document's paths begin."""

    host: str | None = None
    """None: any."""
    base: str = ""
    """A regular expression of the path before the document's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    uri: str
    """Its place in the document."""
    service: str | None
    method: str
    path: str
    """A regular expression."""
    variables: int
    """In the path: fewer are more specific."""
    servers: tuple[Server, ...]
    header: str | None
    """Whose requests have it, by their clients."""
    request: Mapping[str, Content]
    """By media type or range."""
    request_required: bool
    responses: Mapping[str, Mapping[str, Content]]
    """By status (`200`, `4XX`, `default`), then by media type or range."""

    def nearness(self, host: str, path: str, service: str | None, headers: frozenset[str] = frozenset()) -> int | None:
        """How closely the operation's place fits; None where it does not, else the smaller, the closer.

        `headers` are those that any document asks for and that the request has, in lower case.
        """
        if service is not None and service == self.service:
            return 0 if re.search(self.path + "$", path) else None
        known = 0 if self.header is None else -8 if self.header in headers else 8
        fits = [
            known + (2 if server.host is None else 1) + (2 if server.base.startswith(".*") else 0)
            for server in self.servers
            if (server.host is None or server.host == host or _LOOPBACK.fullmatch(host))
            and re.fullmatch(server.base + self.path, path)
        ]
        return min(fits, default=None)

    def response(self, status: int) -> Mapping[str, Content] | None:
        """The contents of an answer by media type; None for a status that is not agreed."""
        exact = self.responses.get(str(status))
        if exact is not None:
            return exact
        ranged = self.responses.get(f"{status // 100}XX")
        return self.responses.get("default") if ranged is None else ranged


def read_openapi(document: Place, compile_: Compile) -> list[Operation]:
    """All operations of a document. Raises ContractError, with file and pointer, for one that is wrong."""
    version = document.text("openapi") or ""
    if not version.startswith(("3.1", "3.2")):
        raise document.wrong(f"OpenAPI {version} is not read; convert the document to 3.1 or 3.2")
    info = document.get("info")
    service = info.text("x-service") if info else None
    header = info.text("x-when-header") if info else None
    servers = _servers(document) or (() if service else (Server(),))
    operations: list[Operation] = []
    paths = document.get("paths")
    for template, path in paths.each() if paths else ():
        if not template.startswith("/"):
            if template.startswith("x-"):
                continue
            raise path.wrong("a path begins with /")
        for method in _METHODS:
            place = path.get(method)
            if place is None:
                continue
            body = place.get("requestBody")
            required = body.get("required") if body else None
            operations.append(
                Operation(
                    uri=place.uri,
                    service=service,
                    method=method.upper(),
                    path=_pattern(template),
                    variables=len(_VARIABLE.findall(template)),
                    servers=_servers(place) or _servers(path) or servers,
                    header=header.lower() if header else None,
                    request=_contents(body, compile_) if body else {},
                    request_required=required is not None and required.value is True,
                    responses=dict(_responses(place, compile_)),
                )
            )
    return operations


def _responses(operation: Place, compile_: Compile) -> Iterator[tuple[str, dict[str, Content]]]:
    responses = operation.get("responses")
    for status, response in responses.each() if responses else ():
        if not re.fullmatch(r"[1-5]([0-9]{2}|XX)|default|x-.*", status):
            raise response.wrong(f"{status!r} is no status: 200, 4XX or default belong here")
        yield status, _contents(response, compile_)


def _contents(holder: Place, compile_: Compile) -> dict[str, Content]:
    contents = {}
    content = holder.get("content")
    for media, place in content.each() if content else ():
        schema, item = place.raw("schema"), place.raw("itemSchema")
        contents[media.lower().partition(";")[0].strip()] = Content(
            schema=Schema(schema.target, compile_) if schema else None, item=item, compile_=compile_
        )
    return contents


def _servers(holder: Place) -> tuple[Server, ...]:
    servers = holder.get("servers")
    return tuple(_server(place) for _, place in servers.each()) if servers else ()


def _server(place: Place) -> Server:
    url = place.text("url")
    if url is None:
        raise place.wrong("a server has a url")
    anywhere = _VARIABLE.match(url)
    parts = urlsplit(_VARIABLE.sub("replayer-variable", url[anywhere.end() :] if anywhere else url))
    base = re.escape(parts.path.rstrip("/")).replace(re.escape("replayer-variable"), "[^/]+")
    if anywhere:
        return Server(base=".*" + base)
    host = parts.hostname
    return Server(host=None if host is None or "replayer-variable" in host else host, base=base)


def _pattern(template: str) -> str:
    """A regular expression for a path template; a variable is one segment, or a part of one."""
    literals = _VARIABLE.split(template)
    return "[^/]+".join(re.escape(literal) for literal in literals)
