"""From what a user calls secret (`[redact]` in replayer.toml, `--redact`, `--keep`) to rules.

The rule: what a user names is added to the defaults; only `keep` takes one of them away, by its name. A name that means
nothing is refused, with those that there are: nobody shall believe that something is redacted which is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from replayer.config import REDACT_KINDS, RedactConfig
from replayer.errors import ConfigError, closest
from replayer.match.jsonpath import JsonPath, compile_path
from replayer.redact.environment import secret_values
from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT, Rules

__all__ = ["redactor_of", "rules_of", "with_options"]

_KEEPABLE = ("header", "query", "json", "form", "env")


def redactor_of(config: RedactConfig, environment: Mapping[str, str]) -> Redactor:
    """The default rules with the user's, and the secret values of `environment`. Raises ConfigError."""
    kept = _kept(config)
    return Redactor(rules_of(config), secret_values(environment, config.env, kept["env"]))


def with_options(config: RedactConfig, redact: Iterable[str], keep: Iterable[str]) -> RedactConfig:
    """The configuration and what `--redact KIND:NAME` and `--keep KIND:NAME` add to it. Raises ConfigError."""
    added: dict[str, list[str]] = {kind: [] for kind in REDACT_KINDS}
    for text in redact:
        kind, name = _named(text, REDACT_KINDS, "--redact")
        added[kind].append(name)
    more = {kind: (*getattr(config, kind), *names) for kind, names in added.items()}
    return replace(config, **more, keep=(*config.keep, *keep))


def rules_of(config: RedactConfig) -> Rules:
    """The defaults, what is added to them, less what is kept. Raises ConfigError."""
    kept = _kept(config)
    paths = tuple(compile_path(text) for text in config.json)
    return Rules(
        headers=(DEFAULT.headers | _lowered(config.header)) - _lowered(kept["header"]),
        cookie_headers=DEFAULT.cookie_headers - _lowered(kept["header"]),
        query=(DEFAULT.query | _lowered(config.query)) - _lowered(kept["query"]),
        json_fields=(DEFAULT.json_fields | _anywhere(paths)) - frozenset(kept["json"]),
        form=(DEFAULT.form | _lowered(config.form)) - _lowered(kept["form"]),
        shapes=DEFAULT.shapes,
        paths=paths,
        patterns=tuple(_pattern(text) for text in config.pattern),
    )


def _anywhere(paths: Iterable[JsonPath]) -> frozenset[str]:
    """Names at any depth (`$..name`): found as bytes too, where a document is cut short or inside a string."""
    found = {path.text.removeprefix("$..") for path in paths if path.text.startswith("$..") and len(path.steps) == 1}
    return frozenset(name for name in found if re.fullmatch(r"[\w-]+", name))


def _kept(config: RedactConfig) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {kind: [] for kind in _KEEPABLE}
    known = {
        "header": DEFAULT.headers | DEFAULT.cookie_headers,
        "query": DEFAULT.query,
        "json": DEFAULT.json_fields,
        "form": DEFAULT.form,
    }
    for text in config.keep:
        kind, name = _named(text, _KEEPABLE, "keep")
        names = known.get(kind)
        if names is not None and name not in names and name.lower() not in names:
            raise ConfigError(
                f"keep {text!r}: no default redacts the {kind} {name!r}{closest(name, names)} "
                f"(there are: {', '.join(sorted(names))})"
            )
        kept[kind].append(name)
    return kept


def _named(text: str, kinds: tuple[str, ...], what: str) -> tuple[str, str]:
    kind, colon, name = text.partition(":")
    if not colon or kind not in kinds or not name:
        near = closest(kind, kinds) if kind not in kinds else ""
        raise ConfigError(f"{what} {text!r}: write KIND:NAME, where KIND is one of {', '.join(kinds)}{near}")
    return kind, name


def _pattern(text: str) -> re.Pattern[bytes]:
    try:
        pattern = re.compile(text.encode())
    except re.error as error:
        raise ConfigError(f"redact pattern {text!r} is not a regular expression: {error}") from None
    if pattern.search(b""):
        raise ConfigError(f"redact pattern {text!r} matches nothing at all, and so everywhere: make it longer")
    return pattern


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
