"""Credentials for recorded requests that are sent again: what redaction took out, put back from the environment.

Which variable holds the secret of a host is told by the provider's host, or by the name that the user gave the upstream
(`queue` reads `QUEUE_API_KEY`); never by the cassette, which could send a key anywhere. Nothing else that was redacted
can be put back: such a request is not sent. Pure: the environment is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlsplit

from replayer.cassette.model import Request
from replayer.contract.message import REDACTED
from replayer.errors import UsageError

__all__ = ["CannotSend", "authorized", "variables"]

_PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "api.openai.com": ("OPENAI_API_KEY",),
    "api.anthropic.com": ("ANTHROPIC_API_KEY",),
    "generativelanguage.googleapis.com": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
_SECRET_FIELDS = frozenset({"authorization", "x-api-key", "x-goog-api-key", "api-key", "openai-api-key"})
_OPTIONAL_FIELDS = frozenset({"cookie", "openai-organization", "openai-project", "proxy-authorization"})
"""Fields that a request can do without, where their value is gone."""
_NO_NAME = re.compile(r"[^A-Za-z0-9]+")


class CannotSend(Exception):
    """This request cannot be sent again; its text says why."""


def variables(uri: str, upstream: str | None) -> tuple[str, ...]:
    """The environment variables that may hold the credential for `uri`, the first first."""
    target = urlsplit(uri)
    own = (f"{_NO_NAME.sub('_', upstream).upper()}_API_KEY",) if upstream else ()
    known = _PROVIDERS.get(target.hostname or "", ()) if target.scheme == "https" else ()
    return tuple(dict.fromkeys((*own, *known)))


def authorized(request: Request, *, upstream: str | None, environment: Mapping[str, str]) -> Request:
    """The request with its credential; as it is where none was taken out.

    Raises CannotSend where something else was taken out, UsageError where the credential is in no variable.
    """
    if request.body is not None and REDACTED.encode() in request.body:
        raise CannotSend("its body holds a redacted value")
    wanted = variables(request.uri, upstream)
    secret = next((environment[name] for name in wanted if environment.get(name)), None)
    fields = []
    for name, value in request.headers:
        if REDACTED in value:
            if name.lower() in _OPTIONAL_FIELDS:
                continue
            if name.lower() not in _SECRET_FIELDS:
                raise CannotSend(f"its header {name} is redacted")
            value = _filled(name.lower(), value, _known(secret, wanted, request))
        fields.append((name, value))
    uri = request.uri
    if REDACTED in uri:
        path, question, query = uri.partition("?")
        if REDACTED in path or not question:
            raise CannotSend("its path is redacted")
        uri = path + question + query.replace(REDACTED, quote(_known(secret, wanted, request), safe=""))
    return replace(request, uri=uri, headers=tuple(fields))


def _filled(name: str, value: str, secret: str) -> str:
    if value == REDACTED and name == "authorization":
        return f"Bearer {secret}"
    return value.replace(REDACTED, secret)


def _known(secret: str | None, wanted: tuple[str, ...], request: Request) -> str:
    if secret is not None:
        return secret
    host = urlsplit(request.uri).netloc
    if not wanted:
        raise UsageError(
            f"{host}: no environment variable is known for its credential: name the upstream "
            f"(--upstream NAME={urlsplit(request.uri).scheme}://{host}) and set NAME_API_KEY"
        )
    raise UsageError(f"{host}: the recorded credential was redacted: set {' or '.join(wanted)}")
