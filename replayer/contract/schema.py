"""One schema by its URI: compiled once, when it is first needed, and asked ever after.

Whatever the engine cannot take is a violation, never an exception. How a URI becomes an engine is handed in; this
knows no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from replayer.contract.explain import explain
from replayer.contract.message import excerpt
from replayer.contract.unknown import Telling
from replayer.contract.violation import Violation

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["Compile", "Engine", "Schema"]

_MOST = 100
"""Violations told of one message: a list of a million wrong items is one mistake."""


class Engine(Protocol):
    """A compiled schema, as jsonschema-rs offers it."""

    def is_valid(self, instance: Any) -> bool: ...
    def iter_errors(self, instance: Any) -> Iterator[ValidationError]: ...


Compile = Callable[[str], Engine]


class Schema:
    """A schema document, or a place in one."""

    __slots__ = ("_compile", "_engine", "uri")

    def __init__(self, uri: str, compile_: Compile) -> None:
        self.uri = uri
        self._compile = compile_
        self._engine: Engine | None = None

    def engine(self) -> Engine:
        """The compiled schema. Raises ContractError for one that is itself wrong."""
        if self._engine is None:
            self._engine = self._compile(self.uri)
        return self._engine

    def check(self, value: Any, where: str) -> tuple[Violation, ...]:
        """Hold a parsed JSON value against the schema; empty where it fits."""
        engine = self._engine or self.engine()
        try:
            if engine.is_valid(value):
                return engine.unknown(value, where, self.uri) if isinstance(engine, Telling) else ()
            errors = _once(islice(engine.iter_errors(value), _MOST))
        except (ValueError, OverflowError, RecursionError) as error:
            # A value that did not come from our parser: lone surrogates, keys that are no strings, endless nesting.
            return (
                Violation(
                    where=where,
                    pointer="",
                    expected=f"a JSON value ({str(error)[:120]})",
                    actual=excerpt(value),
                    schema=self.uri,
                ),
            )
        found = (explain(error, where=where, schema=self.uri) for error in errors)
        return tuple(violation for violation in found if violation is not None)


def _once(errors: Iterable[ValidationError]) -> list[ValidationError]:
    """The errors, a value's wrong type told once: a condition (`then`) often narrows what the schema itself says."""
    told: dict[object, ValidationError] = {}
    for number, error in enumerate(errors):
        told[tuple(error.instance_path) if error.kind.name == "type" else number] = error
    return list(told.values())
