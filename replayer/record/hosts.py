"""Which hosts are recorded, which pass through unrecorded, which are blocked. Pure.

A pattern is a host, with `*` for any characters, and perhaps a port: `api.openai.com`, `*.openai.com`,
`localhost:8080`. The rule: block over ignore over allow. Without `allow` every host is recorded that nothing else
names; with it, only those that it names are, and the rest passes through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from replayer.errors import UsageError

__all__ = ["HostRules", "Verdict", "split"]

_PATTERN = re.compile(r"(\[[0-9a-f:*]+\]|[a-z0-9._*-]+)(:\d{1,5})?", re.IGNORECASE)


class Verdict(StrEnum):
    """What becomes of a request to a host."""

    RECORD = "record"
    PASS = "pass"
    BLOCK = "block"


@dataclass(frozen=True, kw_only=True)
class HostRules:
    """Patterns as they were written. Without any, every host is recorded."""

    allow: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    block: tuple[str, ...] = ()

    def verdict(self, host: str, port: int) -> Verdict:
        """For a request to `host` at `port`."""
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if self._blocked.fullmatch(name):
            return Verdict.BLOCK
        if self._ignored.fullmatch(name) or (self.allow and not self._allowed.fullmatch(name)):
            return Verdict.PASS
        return Verdict.RECORD

    def passed_patterns(self) -> list[str]:
        """One regular expression that finds each `host:port` that passes through, or none."""
        if not self.ignore and not self.allow:
            return []
        passed = f"(?:{self._ignored.pattern})"
        if self.allow:
            passed += f"|(?!(?:{self._allowed.pattern})$).*"
        # A blocked host has to be met, to be refused.
        return [f"^(?!(?:{self._blocked.pattern})$)(?:{passed})$"]

    @cached_property
    def _allowed(self) -> re.Pattern[str]:
        return _either(self.allow)

    @cached_property
    def _ignored(self) -> re.Pattern[str]:
        return _either(self.ignore)

    @cached_property
    def _blocked(self) -> re.Pattern[str]:
        return _either(self.block)


def split(option: str, values: Iterable[str]) -> tuple[str, ...]:
    """The patterns in values of `option`, separated by commas. UsageError for what is no pattern of a host."""
    patterns = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise UsageError(
                f"{option} {pattern}: that is no host; write a host such as api.openai.com or *.openai.com, perhaps "
                f"with a port (localhost:8080), without scheme and path"
            )
    return patterns


def _either(patterns: Iterable[str]) -> re.Pattern[str]:
    """Matches `host:port`."""
    every = []
    for pattern in patterns:
        port = pattern.rpartition(":")[2] if not pattern.endswith("]") and ":" in pattern else ""
        host = pattern.removesuffix(f":{port}") if port else pattern
        every.append(re.escape(host).replace(r"\*", ".*") + (f":{port}" if port else r":\d+"))
    return re.compile("|".join(every) or r"(?!)", re.IGNORECASE)
