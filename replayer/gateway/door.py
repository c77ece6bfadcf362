"""The door that a request came in by: what that says about the upstream it means. Values.

The rule: a request's own word (`Replayer-Upstream`) goes before the door's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from replayer.gateway.headers import Ours

__all__ = ["FRONT", "Door"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a request came in."""

    upstream: str | None = None
    """The upstream that a port belongs to, None for everybody's port."""
    host: str | None = None
    """The host that a proxy was asked for, as matching spells it."""
    proxied: bool = False
    """Whether clients take it for a proxy: then a whole URL names the host that is meant."""

    def of(self, ours: Ours) -> Ours:
        """What a request asks for that came in here."""
        return replace(ours, upstream=ours.upstream or self.upstream, host=self.host)


FRONT = Door()
"""The everyday one, which says nothing."""
