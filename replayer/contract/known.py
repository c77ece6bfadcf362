"""`x-known-values`: an open enumeration. A value that it does not list is new: a warning, because no client breaks.

Only values of a type that the list has are judged: a list of texts says nothing of a number.

JSON Schema has no such thing; other engines take it for an annotation and let every value pass. It must not stand
below `anyOf`, `oneOf`, `not`, `if` or `contains`, where a new value would decide a branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replayer.contract.explain import KNOWN_VALUES
from replayer.contract.message import excerpt

if TYPE_CHECKING:
    from jsonschema_rs import KeywordValidator

__all__ = ["KnownValues", "keywords"]


class KnownValues:
    """The keyword, as jsonschema-rs asks for one."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:
        if not isinstance(value, list):
            raise ValueError(f"{KNOWN_VALUES} is a list of values")
        self._texts = frozenset(option for option in value if isinstance(option, str))
        self._numbers = frozenset(option for option in value if _is_number(option))
        self._told = ", ".join(excerpt(option) for option in value)

    def validate(self, instance: Any) -> None:
        """Raise ValueError, with what was expected as its text, for a value that is new."""
        if isinstance(instance, str):
            new = bool(self._texts) and instance not in self._texts
        else:
            new = bool(self._numbers) and _is_number(instance) and instance not in self._numbers
        if new:
            raise ValueError(f"a known value ({self._told})")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def keywords() -> dict[str, type[KeywordValidator]]:
    """Our keywords, by name."""
    return {KNOWN_VALUES: KnownValues}
