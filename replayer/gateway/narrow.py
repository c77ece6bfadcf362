"""`Replayer-Cassette`: one request narrowed to some of the loaded cassettes."""

from __future__ import annotations

from collections.abc import Collection

from replayer.errors import UsageError
from replayer.gateway.headers import cassette_names
from replayer.gateway.session import Session

__all__ = ["UnknownCassette", "narrowed"]


class UnknownCassette(UsageError):
    """Some of the `names` are not loaded."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"not loaded: {', '.join(names)}")
        self.names = names


def narrowed(value: str | None, loaded: Collection[str], *, of: Session | None = None) -> frozenset[str] | None:
    """The cassettes that the header's `value` names, else those of the session `of`; None for all.

    Raises UsageError, UnknownCassette.
    """
    if value is None:
        return None if of is None else of.cassettes
    names = cassette_names(value)
    unknown = [name for name in names if name not in loaded]
    if unknown:
        raise UnknownCassette(unknown)
    return frozenset(names)
