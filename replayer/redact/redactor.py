"""Takes secrets out of what is about to be written or shown: headers, URIs, texts, bodies, bodies as they pass.

Pure: rules and values are handed in. What stands in a secret's place is `[REDACTED]`, so that JSON stays JSON, a header
stays a header, and a URI can still be taken apart (in the host part, where brackets mean IPv6, it is `REDACTED`).
Everything that the program writes or shows of an exchange goes through here first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from replayer.cassette.model import Headers
from replayer.redact.bodies import DocumentRedactor, EventRedactor
from replayer.redact.conversation import Conversation
from replayer.redact.documents import apply, selected
from replayer.redact.environment import secret_values
from replayer.redact.find import REPLACEMENT, Finder, Span, merged, moved
from replayer.redact.rules import DEFAULT, Rules
from replayer.redact.stream import BodyRedactor, StreamRedactor

__all__ = ["PLACEHOLDER", "Redactor"]

PLACEHOLDER = REPLACEMENT.decode()

_REMEMBERED = 1024
_SHORT = 512
"""Characters of what is remembered."""


class Redactor:
    """`Redactor(rules, values)`: `values` are secrets in plain text."""

    def __init__(self, rules: Rules, environment_values: Sequence[str] = ()) -> None:
        self._rules = rules
        self._finder = Finder(rules, environment_values)
        self._form_finder = Finder(rules, environment_values, form=True)
        # The same fields and addresses come with every request: they are looked at once.
        self._field = lru_cache(maxsize=_REMEMBERED)(self._header)
        self._address = lru_cache(maxsize=_REMEMBERED)(self._uri)

    @classmethod
    def default(cls, environment: Mapping[str, str]) -> Redactor:
        """The default rules, and the values of the secret-looking variables in `environment`."""
        return cls(DEFAULT, secret_values(environment))

    def headers(self, headers: Headers) -> Headers:
        """The same fields in the same order; values of secret fields, cookies' values and secrets elsewhere go."""
        return tuple(
            (name, (self._field if len(value) < _SHORT else self._header)(name.lower(), value))
            for name, value in headers
        )

    def uri(self, uri: str) -> str:
        """The same URI or path without user information, secret query values, and secrets elsewhere in it."""
        return (self._address if len(uri) < _SHORT else self._uri)(uri)

    def _uri(self, uri: str) -> str:
        address, hash_sign, fragment = uri.partition("#")
        address, question, query = address.partition("?")
        scheme, slashes, rest = address.partition("://")
        if not slashes:
            return self.text(address) + question + self._query(query) + hash_sign + self.text(fragment)
        authority, slash, path = rest.partition("/")
        host = self.text(authority.rpartition("@")[2])
        host = host.replace(PLACEHOLDER, "REDACTED")
        return (
            f"{scheme}://{host}{slash}{self.text(path)}{question}{self._query(query)}{hash_sign}{self.text(fragment)}"
        )

    def text(self, text: str) -> str:
        """The text of a frame, a message, a header's value."""
        data = text.encode("utf-8", "surrogateescape")
        spans = self._finder.spans(data, 0)
        return apply(data, spans).decode("utf-8", "surrogateescape") if spans else text

    def body(self, body: bytes, content_type: str | None = None) -> bytes:
        """A whole body, or the payload of a binary frame; of any type."""
        stream = self.stream(content_type)
        return b"".join(piece.data for piece in [*stream.feed(body), *stream.finish()])

    def stream(self, content_type: str | None = None) -> BodyRedactor:
        """For one body that is still coming."""
        kind = (content_type or "").partition(";")[0].strip().lower()
        paths = self._rules.paths
        if kind == "text/event-stream":
            return EventRedactor(self._finder, paths)
        if kind == "application/x-www-form-urlencoded":
            return StreamRedactor(self._form_finder, lead=b"&")
        if paths and not kind.startswith(("image/", "audio/", "video/", "multipart/")):
            lines = any(word in kind for word in ("ndjson", "jsonl", "json-lines", "json-seq"))
            return DocumentRedactor(self._finder, paths, lines=lines)
        return StreamRedactor(self._finder)

    def conversation(self) -> Conversation:
        """For the frames of one connection."""
        return Conversation(self._finder, self._rules.paths)

    def find(self, data: bytes, content_type: str | None = None) -> list[Span]:
        """The secrets in a whole text or body, in order; those that go over several events of a stream as well."""
        kind = (content_type or "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            return EventRedactor(self._finder, self._rules.paths).find(data)
        if kind == "application/x-www-form-urlencoded":
            return [moved(span, -1) for span in self._form_finder.spans(b"&" + data, 1)]
        return merged([*self._finder.spans(data, 0), *selected(data, self._rules.paths)])

    def is_secret_query(self, name: str) -> bool:
        """Whether the value of that key of a query is taken out."""
        return name.lower() in self._rules.query

    def _header(self, name: str, value: str) -> str:
        if name in self._rules.headers:
            return PLACEHOLDER
        if name == "set-cookie":
            pair, semicolon, attributes = value.partition(";")
            return _cookie(pair) + semicolon + self.text(attributes)
        if name in self._rules.cookie_headers:
            return ";".join(_cookie(pair) for pair in value.split(";"))
        if name in {"location", "content-location", "referer"}:
            return self.uri(value)
        return self.text(value)

    def _query(self, query: str) -> str:
        return "&".join(self._pair(pair) for pair in query.split("&"))

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if equals and value and name.lower() in self._rules.query:
            return f"{name}={PLACEHOLDER}"
        return self.text(pair)


def _cookie(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={PLACEHOLDER}" if equals else PLACEHOLDER
