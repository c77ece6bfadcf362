"""The shape of a place in messages, learned from samples: what types it has, what its objects hold, and how often.

Structure, not values: texts are only remembered as long as they could be words of a closed set. Objects are learned by
kind, where a property such as `type` tells kinds apart, so that a field of one kind is not an optional field of all.
What redaction left is learned as unknown. Learning is bounded in depth, width and memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from replayer.contract.message import REDACTED
from replayer.contract.words import DISCRIMINATORS, closed, formats_of, is_token

__all__ = ["Fields", "Shape"]

_DEEPEST = 64
_MOST_TEXTS = 24
_MOST_KINDS = 64
_MOST_NAMES = 512
_MAP_NAMES = 48
"""An object with more names than this, none of which is always there, is a map."""

_TYPES: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


@dataclass(slots=True)
class Fields:
    """The objects of one kind."""

    count: int = 0
    properties: dict[str, Shape] = field(default_factory=dict)
    more: bool = False
    """More names than are remembered."""

    def learn(self, value: Mapping[str, Any], depth: int) -> None:
        self.count += 1
        for name, below in value.items():
            shape = self.properties.get(name)
            if shape is None:
                if len(self.properties) >= _MOST_NAMES:
                    self.more = True
                    continue
                shape = self.properties[name] = Shape()
            shape.learn(below, depth + 1)

    def always(self, name: str) -> bool:
        """Whether every object had the property."""
        found = self.properties.get(name)
        return found is not None and found.count == self.count

    @property
    def is_map(self) -> bool:
        """Whether the names are data (ids, numbers) rather than names of fields."""
        names = self.properties
        if self.more or (len(names) > _MAP_NAMES and not any(map(self.always, names))):
            return True
        return bool(names) and all(name.isdecimal() for name in names)

    def merged(self, other: Fields) -> Fields:
        """Both together, as if learned from all samples."""
        whole = Fields(count=self.count + other.count, more=self.more or other.more)
        for name in dict.fromkeys((*self.properties, *other.properties)):
            ours, theirs = self.properties.get(name), other.properties.get(name)
            whole.properties[name] = ours.merged(theirs) if ours and theirs else ours or theirs or Shape()
        return whole


@dataclass(slots=True)
class Shape:
    """One place."""

    count: int = 0
    """Samples."""
    types: dict[str, int] = field(default_factory=dict)
    """JSON types, with how often each was met."""
    unknown: bool = False
    """Some sample was redacted, or too deep to look at."""
    texts: dict[str, int] | None = field(default_factory=dict)
    """The texts, with how often each was met; None where they are too many or no tokens."""
    formats: frozenset[str] | None = None
    """Those that all texts have; None before the first."""
    items: Shape | None = None
    kinds: dict[str | None, Fields] = field(default_factory=dict)
    """Objects by kind; None is for those that say none."""
    discriminator: str | None = None

    def learn(self, value: Any, depth: int = 0) -> None:
        """Take in one more sample, a JSON value."""
        self.count += 1
        if depth > _DEEPEST or value == REDACTED:
            self.unknown = True
            return
        name = _TYPES[type(value)]
        self.types[name] = self.types.get(name, 0) + 1
        if name == "string":
            self._learn_text(value)
        elif name == "array":
            self.items = self.items or Shape()
            for item in value:
                self.items.learn(item, depth + 1)
        elif name == "object":
            self._learn_object(value, depth)

    def _learn_text(self, text: str) -> None:
        if REDACTED in text:
            self.texts, self.formats = None, frozenset()
            return
        self.formats = formats_of(text) if self.formats is None else self.formats and self.formats & formats_of(text)
        if self.texts is not None:
            if is_token(text) and (text in self.texts or len(self.texts) < _MOST_TEXTS):
                self.texts[text] = self.texts.get(text, 0) + 1
            else:
                self.texts = None

    def _learn_object(self, value: Mapping[str, Any], depth: int) -> None:
        if not self.kinds:
            self.discriminator = next((name for name in DISCRIMINATORS if _kind(value, name)), None)
        kind = _kind(value, self.discriminator)
        if kind not in self.kinds and len(self.kinds) >= _MOST_KINDS:
            kind = None
        self.kinds.setdefault(kind, Fields()).learn(value, depth)

    @property
    def closed(self) -> bool:
        """Whether the texts are words of a closed set, by the evidence."""
        return bool(self.texts) and closed(self.texts or {})

    @property
    def fields(self) -> Fields:
        """The objects of all kinds together."""
        whole = Fields()
        for fields in self.kinds.values():
            whole = whole.merged(fields)
        return whole

    def named(self) -> Iterator[str]:
        """The JSON types, an integer within a number."""
        return (name for name in self.types if name != "integer" or "number" not in self.types)

    def merged(self, other: Shape) -> Shape:
        """Both together, as if learned from all samples."""
        whole = Shape(count=self.count + other.count, unknown=self.unknown or other.unknown)
        whole.types = _sum(self.types, other.types)
        texts = None if self.texts is None or other.texts is None else _sum(self.texts, other.texts)
        whole.texts = texts if texts is not None and len(texts) <= _MOST_TEXTS else None
        known = [formats for formats in (self.formats, other.formats) if formats is not None]
        whole.formats = frozenset.intersection(*known) if known else None
        whole.items = self.items.merged(other.items) if self.items and other.items else self.items or other.items
        if self.kinds and other.kinds and self.discriminator != other.discriminator:
            whole.kinds = {None: self.fields.merged(other.fields)}
            return whole
        whole.discriminator = self.discriminator or other.discriminator
        for kind in dict.fromkeys((*self.kinds, *other.kinds)):
            ours, theirs = self.kinds.get(kind), other.kinds.get(kind)
            whole.kinds[kind] = ours.merged(theirs) if ours and theirs else ours or theirs or Fields()
        return whole


def _kind(value: Mapping[str, Any], discriminator: str | None) -> str | None:
    told = value.get(discriminator) if discriminator is not None else None
    return told if isinstance(told, str) and is_token(told) else None


def _sum(ours: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    return {name: ours.get(name, 0) + theirs.get(name, 0) for name in (*ours, *theirs)}
