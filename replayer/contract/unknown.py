"""Fields that a contract does not know: information, because no client breaks on them.

What a schema says of an object's fields is what its validation annotates (JSON Schema 2020-12, core, 10.3.2): a field
that no `properties` or `additionalProperties` annotated is unknown. An object of which nothing is said at all is free.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from replayer.contract.message import excerpt
from replayer.contract.violation import Severity, Violation

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

__all__ = ["Telling"]

_MOST = 100
"""Told of one message."""

_SAYS = ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties")


class Telling:
    """An engine that can tell of a valid message which of its fields nobody asked for."""

    def __init__(self, engine: Validator) -> None:
        self._engine = engine
        self.is_valid = engine.is_valid

    def iter_errors(self, instance: Any) -> Iterator[ValidationError]:
        """The engine's own errors."""
        return self._engine.iter_errors(instance)

    def unknown(self, value: Any, where: str, schema: str) -> tuple[Violation, ...]:
        """The fields of a valid message that the schema says nothing of."""
        known: dict[str, set[str]] = {}
        for said in self._engine.evaluate(value).annotations():
            if said["schemaLocation"].rpartition("/")[2] in _SAYS and isinstance(said["annotations"], list):
                known.setdefault(said["instanceLocation"], set()).update(map(str, said["annotations"]))
        found: list[Violation] = []
        for place, names in known.items():
            here = _at(value, place)
            for name in here if isinstance(here, dict) else ():
                if name not in names and len(found) < _MOST:
                    found.append(
                        Violation(
                            where=where,
                            pointer=f"{place}/{name.replace('~', '~0').replace('/', '~1')}",
                            expected="a field that the contract knows",
                            actual=excerpt(here[name], 80),
                            schema=schema,
                            severity=Severity.INFO,
                        )
                    )
        return tuple(found)


def _at(value: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else value[step.replace("~1", "/").replace("~0", "~")]
    return value
