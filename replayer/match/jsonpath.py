"""JSONPath, the part of it that names volatile fields: `$.metadata`, `$.messages[*].id`, `$..id`, `$["a b"][0]`.

The rule: a path selects places, never values. Filters, slices, unions and functions are refused by name, so that
nobody believes that a rule ignores what it does not. A subset of RFC 9535, small enough that a library with its
parser would cost more of the start than these lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from replayer.errors import ConfigError

__all__ = ["JsonPath", "Place", "compile_path"]

Place = tuple[str | int, ...]
"""Names and indices from the root of a JSON value down."""

_STEP = re.compile(
    r"""
    (?P<descend>\.\.)?
    (?: \.?(?P<name>[^\W\d][\w-]*)
      | \.?(?P<star>\*)
      | \[\s*(?P<index>-?\d+)\s*\]
      | \[\s*(?P<any>\*)\s*\]
      | \[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
      | \[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Step:
    selector: str | int | None
    """A name, an index, or None for every child."""
    descend: bool
    """At any depth below."""


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path. Equal texts are equal paths."""

    text: str
    steps: tuple[_Step, ...]

    def without(self, value: Any) -> Any:
        """`value` with every selected place taken out, changed in place; None where the root itself is selected."""
        if not self.steps:
            return None
        parents: list[Any] = [value]
        for step in self.steps[:-1]:
            parents = [child for parent in _reached(parents, step) for child in _selected(parent, step.selector)]
        last = self.steps[-1]
        for parent in _reached(parents, last):
            _remove(parent, last.selector)
        return value

    def places(self, value: Any) -> list[Place]:
        """Where in `value` it selects something; the root is `()`."""
        found: list[tuple[Place, Any]] = [((), value)]
        for step in self.steps:
            found = [child for parent in _below(found, step) for child in _children(*parent, step.selector)]
        return [place for place, _ in found]


def compile_path(text: str) -> JsonPath:
    """Read a path. ConfigError names the place that is not understood and what is."""
    if not text.startswith("$"):
        raise ConfigError(f"JSONPath {text!r} does not begin with '$': write '$.{text}' or '$..{text}'")
    steps: list[_Step] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        # `$name` without its dot is a mistype, never a step.
        if found is None or text[at] not in ".[":
            raise ConfigError(
                f"JSONPath {text!r} is not understood at {text[at:]!r}: "
                "names (.name, ['name']), indices ([0]), wildcards ([*]) and descent (..name) are"
            )
        steps.append(_Step(_selector(found), found["descend"] is not None))
        at = found.end()
    return JsonPath(text, tuple(steps))


def _selector(found: re.Match[str]) -> str | int | None:
    if found["index"] is not None:
        return int(found["index"])
    if found["name"] is not None:
        return found["name"]
    for quoted in (found["single"], found["double"]):
        if quoted is not None:
            return re.sub(r"\\(.)", r"\1", quoted)
    return None


def _reached(parents: list[Any], step: _Step) -> list[Any]:
    """The containers in which a step looks for its selector: the parents, or everything below them as well."""
    if not step.descend:
        return parents
    reached: list[Any] = []
    waiting = list(parents)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            reached.append(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            reached.append(value)
            waiting.extend(value)
    return reached


def _selected(parent: Any, selector: str | int | None) -> list[Any]:
    if isinstance(parent, dict):
        if selector is None:
            return list(parent.values())
        return [parent[selector]] if selector in parent and isinstance(selector, str) else []
    if isinstance(parent, list):
        if selector is None:
            return list(parent)
        return [parent[selector]] if isinstance(selector, int) and -len(parent) <= selector < len(parent) else []
    return []


def _remove(parent: Any, selector: str | int | None) -> None:
    if isinstance(parent, dict | list) and selector is None:
        parent.clear()
    elif isinstance(parent, dict) and isinstance(selector, str):
        parent.pop(selector, None)
    elif isinstance(parent, list) and isinstance(selector, int) and -len(parent) <= selector < len(parent):
        del parent[selector]


def _below(found: list[tuple[Place, Any]], step: _Step) -> list[tuple[Place, Any]]:
    """`_reached`, with places."""
    if not step.descend:
        return found
    reached = []
    waiting = list(found)
    while waiting:
        place, value = waiting.pop()
        reached.append((place, value))
        waiting.extend(_children(place, value, None))
    return reached


def _children(place: Place, parent: Any, selector: str | int | None) -> list[tuple[Place, Any]]:
    if isinstance(parent, dict):
        names = parent if selector is None else [selector] if selector in parent else []
        return [((*place, name), parent[name]) for name in names]
    if isinstance(parent, list):
        if selector is None:
            return [((*place, at), value) for at, value in enumerate(parent)]
        if isinstance(selector, int) and -len(parent) <= selector < len(parent):
            at = selector % len(parent)
            return [((*place, at), parent[at])]
    return []
