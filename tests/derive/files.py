"""What is derived: files and their types, events and their unions, and corrections by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tests.derive.types import Reader, bare, parts

__all__ = ["Events", "File", "Files", "json_data"]


class File:
    """One schema file, and the types that may stand where it holds. Without a title it is written by hand."""

    def __init__(self, path: str, title: str, *types: Any) -> None:
        self.path = path
        self.title = title
        self.types = types


class Events:
    """A folder with one schema an event: the members of unions, by their `type`.

    With an order, a stream of `text/event-stream`, which gets an `itemSchema` beside its folder; `more` are its kinds
    that are written by hand.
    """

    def __init__(
        self, folder: str, *unions: Any, order: dict[str, Any] | None = None, more: Sequence[dict[str, Any]] = ()
    ) -> None:
        self.folder = folder
        self.unions = unions
        self.order = order
        self.more = more

    def by_type(self) -> dict[str, list[Any]]:
        """The members of the unions, by their `type`."""
        members: dict[str, list[Any]] = {}
        for union in self.unions:
            for member in parts(bare(union)):
                for type_ in Reader({}).constants(member, "type"):
                    members.setdefault(type_, []).append(member)
        return members

    def item_schema(self, types: Sequence[str]) -> dict[str, Any]:
        """What OpenAPI 3.2 has for the events of a stream, and their order."""
        return {
            "type": "object",
            "required": ["data"],
            "x-order": self.order,
            "anyOf": [
                *(
                    {"x-when-type": type_, **json_data(f"{self.folder.rpartition('/')[2]}/{type_}.json")}
                    for type_ in types
                ),
                *self.more,
            ],
        }


def json_data(reference: str) -> dict[str, Any]:
    """The properties of an event whose data is JSON of a schema."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"$ref": reference}}
    return {"properties": {"data": data}}


@dataclasses.dataclass(kw_only=True)
class Files:
    """All that is derived for one provider."""

    folder: str
    files: Sequence[File]
    events: Sequence[Events] = ()
    opaque: str = "(?!)"
    """A regular expression of the names of types whose inside no client relies on."""
    numbered: bool = False
    """Whether enumerations may come as numbers."""
    left_out: Sequence[str] = ()
    """Fields that never travel: headers, and what clients add."""
    patches: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    """By file: JSON pointer to the value that stands there instead; None removes."""
