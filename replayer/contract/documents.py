"""Documents by URI, and places in them: what the readers of OpenAPI and AsyncAPI walk over.

A place follows `$ref` as it is walked, within its document and across documents. How a document is fetched is handed
in; nothing here reads files, and nothing anywhere reads the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin

from replayer.errors import ContractError

__all__ = ["Fetch", "Place", "place"]

Fetch = Callable[[str], Any]
"""The parsed contents of a document by its URI without fragment. Raises ContractError."""

_IN_FRAGMENT = "/~!$&'()*+,;=:@"
"""Characters that stand in a URI's fragment as they are (RFC 3986, 3.5)."""

_MOST_REFS = 32
"""A chain of references longer than this is a loop."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a document, and where it is."""

    fetch: Fetch
    document: str
    path: tuple[str, ...]
    value: Any

    @property
    def uri(self) -> str:
        """The place as a URI: the document's, and a JSON pointer as its fragment."""
        return f"{self.document}#{quote(self._pointer, safe=_IN_FRAGMENT)}" if self.path else self.document

    @property
    def target(self) -> str:
        """The URI of what stands here: another document's where this only refers to the whole of one, unopened."""
        reference = self.value.get("$ref") if isinstance(self.value, dict) and len(self.value) == 1 else None
        return urljoin(self.document, reference) if isinstance(reference, str) and "#" not in reference else self.uri

    @property
    def root(self) -> dict[str, Any]:
        """The whole document around the place."""
        contents = self.fetch(self.document)
        return contents if isinstance(contents, dict) else {}

    @property
    def _pointer(self) -> str:
        return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in self.path)

    def get(self, key: str) -> Place | None:
        """The place below, wherever its reference leads; None where there is none."""
        below = self.raw(key)
        return None if below is None else below.followed()

    def raw(self, key: str) -> Place | None:
        """The place below as it is written. For schemas, whose references are the engine's to follow."""
        if not isinstance(self.value, dict) or key not in self.value:
            return None
        return Place(self.fetch, self.document, (*self.path, key), self.value[key])

    def each(self) -> Iterator[tuple[str, Place]]:
        """All places below an object, or a list, by key or index."""
        if isinstance(self.value, dict):
            for key, value in self.value.items():
                yield str(key), Place(self.fetch, self.document, (*self.path, str(key)), value).followed()
        elif isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield str(index), Place(self.fetch, self.document, (*self.path, str(index)), value).followed()

    def text(self, key: str) -> str | None:
        """The text below, or None where there is none. Raises ContractError for another type."""
        below = self.get(key)
        if below is None or isinstance(below.value, str):
            return None if below is None else str(below.value)
        raise below.wrong("a text belongs here")

    def followed(self) -> Place:
        """Where `$ref` leads, if this is one."""
        here = self
        for _ in range(_MOST_REFS):
            reference = here.value.get("$ref") if isinstance(here.value, dict) else None
            if not isinstance(reference, str):
                return here
            here = here.at(reference)
        raise self.wrong(f"$ref {self.value['$ref']!r} leads in a circle")

    def at(self, reference: str) -> Place:
        """The place that a `$ref` written here names."""
        within = reference.startswith("#")
        target = self.document + reference if within else urljoin(self.document, reference)
        document, _, fragment = target.partition("#")
        here = Place(self.fetch, document, (), self.fetch(document))
        for step in unquote(fragment).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            value = here.value
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                raise self.wrong(f"$ref {reference!r} leads nowhere")
            here = Place(self.fetch, document, (*here.path, name), value)
        return here

    def wrong(self, message: str) -> ContractError:
        """The error for what stands here: names the file and the pointer."""
        return ContractError(f"{self.document.removeprefix('file://')}: {self._pointer or '/'}: {message}")


def place(uri: str, fetch: Fetch) -> Place:
    """The whole of a document."""
    return Place(fetch, uri, (), fetch(uri))
