"""A fault's parameters, declared once: the field of its class says name, type, bounds and default.

The rule: what is not declared is refused, and so is what is out of bounds; nothing is rounded, clipped or guessed.
Names are spelled with hyphens where the field has underscores (`retry_after` is `retry-after`, `from_` is `from`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

from http_sf import Token

from replayer.errors import FaultError, closest

__all__ = ["MS_MAX", "Parameter", "choice", "declared", "integer", "number", "read"]

MS_MAX = 86_400_000
"""A day: a longer wait is a mistype."""
_KEY = "parameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What one parameter may be."""

    whole: bool
    """An integer; else a decimal is taken too."""
    low: float
    high: float | None
    choices: type[StrEnum] | None = None
    """Words instead of numbers."""

    @property
    def says(self) -> str:
        """The bounds, for a message."""
        if self.choices is not None:
            return " or ".join(self.choices)
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g}" + ("" if self.high is None else f" to {self.high:g}")

    def value(self, given: object) -> Any:
        """The value, checked. ValueError where it is not what the parameter may be."""
        if self.choices is not None:
            if isinstance(given, str | Token):
                return self.choices(str(given))
            raise ValueError
        # A bare parameter is the boolean true, which Python would take for a 1.
        if isinstance(given, bool) or not isinstance(given, int if self.whole else int | Decimal):
            raise ValueError
        if given < self.low or (self.high is not None and given > self.high):
            raise ValueError
        return given if self.whole else float(given)


def integer(*, low: int = 0, high: int | None = None, default: Any = MISSING) -> Any:
    """Declare a whole number; required where it has no default."""
    return _declare(Parameter(whole=True, low=low, high=high), default)


def number(*, low: float = 0, high: float | None = None, default: Any = MISSING) -> Any:
    """Declare a number; required where it has no default."""
    return _declare(Parameter(whole=False, low=low, high=high), default)


def choice(choices: type[StrEnum], *, default: Any = MISSING) -> Any:
    """Declare a word of a closed set."""
    return _declare(Parameter(whole=False, low=0, high=None, choices=choices), default)


def declared(fault: type[Any]) -> dict[str, Field[Any]]:
    """A fault class's own and common parameters: spelled name to field, its own first."""
    found = {each.name.rstrip("_").replace("_", "-"): each for each in fields(fault) if _KEY in each.metadata}
    common = ("p", "first", "skip")
    return {name: found[name] for name in (*(n for n in found if n not in common), *(n for n in common if n in found))}


def read(name: str, fault: type[Any], given: Mapping[str, object]) -> dict[str, Any]:
    """Check the parameters of the fault `name` and give them as its constructor takes them. FaultError names one."""
    known = declared(fault)
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise FaultError(f"fault {name!r} has no parameter {key!r}{closest(key, known)}")
        parameter: Parameter = known[key].metadata[_KEY]
        try:
            values[known[key].name] = parameter.value(value)
        except ValueError:
            what = "has no value" if value is True else f"is {_shown(value)}"
            raise FaultError(f"parameter {key!r} of fault {name!r} {what}: it takes {parameter.says}") from None
    missing = [key for key, each in known.items() if each.default is MISSING and key not in given]
    if missing:
        raise FaultError(f"fault {name!r} needs its parameter {missing[0]!r}")
    return values


def _declare(parameter: Parameter, default: Any) -> Any:
    return field(default=default, metadata={_KEY: parameter})


def _shown(value: object) -> str:
    return str(value) if isinstance(value, int | Decimal | Token) else repr(value)[:60]
