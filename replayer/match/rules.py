"""Rules: what matching leaves out of account.

The rule: rules are applied to both sides alike, the recorded request and the one that was asked. A value, hashable,
so that an index is built once for each set of rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from replayer.match.jsonpath import JsonPath, compile_path

__all__ = ["NO_RULES", "PLACEHOLDER", "Rules"]

PLACEHOLDER = "[REDACTED]"
"""What redaction leaves where a secret was; in a recorded request it matches anything at its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a route ignores, and what it looks at besides."""

    ignore: tuple[JsonPath, ...] = ()
    """Places of JSON bodies."""
    ignore_query: frozenset[str] = frozenset()
    """Keys of the query, decoded."""
    match_headers: tuple[str, ...] = ()
    """Header fields that matter, in lower case and sorted; all others never do."""

    @classmethod
    def of(
        cls, *, ignore: Iterable[str] = (), ignore_query: Iterable[str] = (), match_headers: Iterable[str] = ()
    ) -> Rules:
        """Compile what configuration says. ConfigError for a path that is not understood."""
        return cls(
            ignore=tuple(compile_path(text) for text in ignore),
            ignore_query=frozenset(ignore_query),
            match_headers=tuple(sorted({name.lower() for name in match_headers})),
        )


NO_RULES = Rules()
"""Of whoever has none: one value, so that it is known without being compared."""
