"""Who may talk to control: programs of this machine, and others with the token.

The rule: the Host header is checked always, so that a web page whose name resolves to us (DNS rebinding) reaches
nothing; Origin is checked on every change, so that no page of another site can change anything; and where control is
bound beyond loopback, it needs the token. Pure.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from replayer.cassette.model import Request, Response, header
from replayer.problem import problem

__all__ = ["Guard", "is_loopback"]

_NAMES = frozenset({"localhost", "ip6-localhost"})
_SAFE = frozenset({"GET", "HEAD"})


def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's own."""
    if host.lower() in _NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """The checks of one gateway's control."""

    def __init__(self, *, host: str, token: str | None) -> None:
        """`host` is what is bound; `token` is needed from everybody where it is given."""
        self._host = host.lower()
        self._token = token

    def refusal(self, request: Request) -> Response | None:
        """The problem with a request, None where it may pass."""
        host = _name(header(request.headers, "host") or "")
        if not self._known(host):
            return problem(
                "wrong-host",
                status=403,
                title="Control does not answer to that name",
                detail="the Host header of control is a loopback name or an address; connect to the address itself",
            )
        origin = header(request.headers, "origin")
        if request.method not in _SAFE and origin is not None and _name(urlsplit(origin).netloc) != host:
            return problem(
                "wrong-origin",
                status=403,
                title="Control is not changed from other sites",
                detail="the Origin of a change must be the gateway's own address",
            )
        if self._token is not None and not self._holds(request):
            return problem(
                "token-needed",
                status=401,
                title="Control needs its token",
                detail="this gateway is bound beyond loopback: send Authorization: Bearer with REPLAYER_TOKEN's value",
                headers=(("www-authenticate", "Bearer"),),
            )
        return None

    def _known(self, host: str) -> bool:
        if host in _NAMES or host == self._host:
            return True
        try:
            # Rebinding needs a name: an address in the Host header is what the client really connected to.
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True

    def _holds(self, request: Request) -> bool:
        scheme, _, given = (header(request.headers, "authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or self._token is None:
            return False
        return hmac.compare_digest(given.strip().encode("utf-8", "replace"), self._token.encode())


def _name(authority: str) -> str:
    """The host of `host[:port]`, without the brackets of an IPv6 address."""
    authority = authority.rpartition("@")[2].lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]
