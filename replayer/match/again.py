"""Whether one recorded request is another one recorded again: the key by which both are known. Pure.

The rule: what answers the same request in replay is the same here, by the matcher of replay without rules of routes;
and it was recorded from the same host.
"""

from __future__ import annotations

from hashlib import blake2b

from replayer.cassette.model import Interaction
from replayer.match.normalize import WEBSOCKET, normalize
from replayer.match.rules import NO_RULES

__all__ = ["again"]


def again(interaction: Interaction) -> bytes:
    """Equal for two interactions if and only if one is the other recorded again."""
    normal = normalize(interaction.request, NO_RULES)
    if interaction.is_websocket:
        normal = normal._replace(method=WEBSOCKET)
    omitted = interaction.request.omitted  # bodies that were too large to be stored match alike, and are not the same
    return blake2b(repr((normal.host, normal.key, omitted)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
