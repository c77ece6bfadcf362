"""Refusals: what is wrong with a request, as the answer that says so."""

from __future__ import annotations

from collections.abc import Collection

from replayer.cassette.model import Response
from replayer.errors import FaultError, ReplayerError
from replayer.gateway.answers import refused, too_large, unknown_cassettes
from replayer.gateway.intake import BodyTooLarge, BrokenBody, NoRoom, SlowBody
from replayer.gateway.narrow import UnknownCassette
from replayer.gateway.routes import UnknownUpstream

__all__ = ["refusal"]


def refusal(error: ReplayerError, *, cassettes: Collection[str]) -> Response:
    """The answer to a request that raised `error` before anything was consumed; `cassettes` are those loaded."""
    if isinstance(error, BodyTooLarge):
        return too_large(error.limit)
    if isinstance(error, UnknownCassette):
        return unknown_cassettes(error.names, sorted(cassettes))
    if isinstance(error, UnknownUpstream):
        return refused("unknown-upstream", str(error), status=404, title="No such upstream")
    if isinstance(error, SlowBody):
        return refused("slow-body", str(error), status=408, title="The body takes too long")
    if isinstance(error, NoRoom):
        return refused("no-room", str(error), status=507, title="The body cannot be kept")
    if isinstance(error, BrokenBody):
        return refused("broken-body", str(error), title="The body cannot be read")
    if isinstance(error, FaultError):
        return refused("bad-fault", str(error), title="The fault cannot be injected")
    return refused("bad-header", str(error))
