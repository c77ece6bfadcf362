"""What jsonschema-rs found, in words that a reader of a report understands.

The engine decides and locates; this says what was expected and what was there. Where no branch of an `anyOf` or
`oneOf` fits, the branch that came furthest into the message explains (as jsonschema's `best_match` does), because
that is the one that was meant. Knows nothing of documents or bindings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from replayer.contract.message import REDACTED, excerpt
from replayer.contract.violation import Severity, Violation

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["KNOWN_VALUES", "explain", "pointer"]

KNOWN_VALUES = "x-known-values"
"""The annotation of an open enumeration: another value is new, a warning, and breaks nobody."""


def explain(error: ValidationError, *, where: str, schema: str) -> Violation | None:
    """The violation of one error; None where only a redacted value is in the way."""
    error = _deepest(error)
    path, prefix = error.instance_path, ""
    if error.kind.name == "propertyNames":
        # What is wrong is a name: the rule that it breaks tells of it, and the field that has it is the place.
        error, prefix = getattr(error.kind, "error", error), "as a name "
        path = [*path, str(error.instance)]
    keyword = error.kind.name
    if _redacted(error.instance, keyword):
        return None
    actual = _missing(error.instance) if keyword == "required" else excerpt(error.instance)
    expected = prefix + _EXPECTED.get(keyword, _verbatim)(error.kind.value, error)
    return Violation(
        where=where,
        pointer=pointer(path),
        expected=expected if len(expected) <= 240 else expected[:239] + "…",
        actual=actual,
        schema=_owner(error, schema),
        severity=Severity.WARNING if keyword == KNOWN_VALUES else Severity.ERROR,
    )


def pointer(path: list[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _owner(error: ValidationError, schema: str) -> str:
    """The `$id` of the document that the broken rule stands in; the binding's own place where it stands inline."""
    document = (error.absolute_keyword_location or "").partition("#")[0]
    return document if document and document != schema.partition("#")[0] else schema


def _deepest(error: ValidationError) -> ValidationError:
    """The error to tell of: for a choice, the one of the branch that came furthest, if one came further than all."""
    while error.kind.name in ("anyOf", "oneOf"):
        branches = [branch for branch in getattr(error.kind, "context", []) if branch]
        if not branches:
            break
        reach = [max(len(inner.instance_path) for inner in branch) for branch in branches]
        furthest = max(reach)
        own = [branch for branch, length in zip(branches, reach, strict=True) if length == furthest]
        if furthest == len(error.instance_path):
            # All fail at the value itself; a branch of the right type is still the one that was meant.
            own = [branch for branch in own if all(inner.kind.name != "type" for inner in branch)]
        if len(own) != 1:
            break
        error = max(own[0], key=lambda inner: len(inner.instance_path))
    return error


def _redacted(instance: Any, keyword: str) -> bool:
    """Whether what failed is what redaction wrote, directly or somewhere below a choice."""
    if isinstance(instance, str):
        return REDACTED in instance
    return keyword in ("anyOf", "oneOf", "not", "contains") and REDACTED in excerpt(instance, limit=1 << 16)


def _missing(instance: Any) -> str:
    names = ", ".join(f'"{name}"' for name in instance) if isinstance(instance, dict) else ""
    text = f"an object with {names}" if names else "an empty object"
    return text if len(text) <= 120 else text[:119] + "…"


def _verbatim(_value: Any, error: ValidationError) -> str:
    return f"what the schema says ({error.message})"


def _listed(value: Any, _error: ValidationError) -> str:
    return "one of " + ", ".join(excerpt(option) for option in value)


def _required(value: Any, _error: ValidationError) -> str:
    return f'a property "{value}"'


def _known(_value: Any, error: ValidationError) -> str:
    return error.message


def _branches(_value: Any, error: ValidationError) -> str:
    """The branches of a choice by their first complaint: `string, or null`."""
    context = getattr(error.kind, "context", [])
    told = [
        _EXPECTED.get(branch[0].kind.name, _verbatim)(branch[0].kind.value, branch[0]) for branch in context if branch
    ]
    return ", or ".join(dict.fromkeys(told)) or "exactly one of the alternatives"


def _types(value: Any, _error: ValidationError) -> str:
    return " or ".join(value) if isinstance(value, list) else str(value)


def _say(text: str) -> Callable[[Any, ValidationError], str]:
    return lambda value, _error: text.format(value)


_EXPECTED: dict[str, Callable[[Any, ValidationError], str]] = {
    "type": _types,
    "required": _required,
    "enum": _listed,
    "const": lambda value, _error: excerpt(value),
    "anyOf": _branches,
    "oneOf": _branches,
    KNOWN_VALUES: _known,
    "minimum": _say("at least {}"),
    "maximum": _say("at most {}"),
    "exclusiveMinimum": _say("more than {}"),
    "exclusiveMaximum": _say("less than {}"),
    "multipleOf": _say("a multiple of {}"),
    "minLength": _say("a text of {} characters or more"),
    "maxLength": _say("a text of {} characters at most"),
    "minItems": _say("a list of {} or more"),
    "maxItems": _say("a list of {} at most"),
    "minProperties": _say("an object of {} or more"),
    "maxProperties": _say("an object of {} at most"),
    "uniqueItems": _say("items that differ"),
    "pattern": _say("a text that matches {}"),
    "format": _say("the format {}"),
    "falseSchema": _say("nothing here"),
    "additionalProperties": lambda value, _error: "no property " + ", ".join(f'"{name}"' for name in value),
    "unevaluatedProperties": lambda value, _error: "no property " + ", ".join(f'"{name}"' for name in value),
}
