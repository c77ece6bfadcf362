"""`x-known-values`: an open enumeration. A text that it does not list is new: a warning, because no client breaks.

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
        self._known = frozenset(option for option in value if isinstance(option, str))
        self._told = ", ".join(excerpt(option) for option in value)

    def validate(self, instance: Any) -> None:
        """Raise ValueError, with what was expected as its text, for a text that is new."""
        if isinstance(instance, str) and instance not in self._known:
            raise ValueError(f"a known value ({self._told})")


def keywords() -> dict[str, type[KeywordValidator]]:
    """Our keywords, by name."""
    return {KNOWN_VALUES: KnownValues}
