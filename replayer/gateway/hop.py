"""Hop-by-hop fields: they belong to one connection and are never sent on (RFC 9110, section 7.6.1). Pure."""

from __future__ import annotations

from replayer.cassette.model import Headers

__all__ = ["onward"]

_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    )
)


def onward(headers: Headers) -> Headers:
    """The fields that go on to the other side; a length is its own connection's to say."""
    named = {
        token.strip().lower() for name, value in headers if name.lower() == "connection" for token in value.split(",")
    }
    dropped = _HOP | named | {"content-length"}
    return tuple((name, value) for name, value in headers if name.lower() not in dropped)
