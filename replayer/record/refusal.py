"""Answers of the recorder's own: to a path that leads nowhere, and to a host that is blocked."""

from __future__ import annotations

from mitmproxy import http

from replayer.record.upstreams import Listener

__all__ = ["blocked", "unrouted"]


def unrouted(listener: Listener, path: str) -> http.Response:
    """No upstream has this prefix."""
    known = ", ".join(f"/{upstream.name}/" for upstream in listener.upstreams)
    return _refusal(404, f"no upstream is reached under {path.partition('?')[0]}; the recorder knows {known}")


def blocked(host: str) -> http.Response:
    """The user does not want this host to be reached."""
    return _refusal(403, f"{host} is blocked while recording (--block-hosts)")


def _refusal(status: int, text: str) -> http.Response:
    # Official clients would try again.
    return http.Response.make(
        status, f"replayer: {text}\n", {"content-type": "text/plain; charset=utf-8", "x-should-retry": "false"}
    )
