"""Values of the hot path: frozen to whoever checks types, plain at run time.

A frozen dataclass sets each field of a new value through `object.__setattr__`, so that making one takes twice the time:
of those that every request makes several, that is too much. mypy refuses a change of these as of all others. All other
values are frozen dataclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen, **options):
        """As `dataclass`, but that `frozen` is the type checker's alone to keep; it gives a hash all the same."""
        return dataclass(**options, unsafe_hash=frozen)
