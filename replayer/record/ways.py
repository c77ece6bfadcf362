"""The ways in: where a request goes, and whether it is recorded, passed through or refused. An add-on of mitmproxy.

The rule: it decides before anything is recorded, and leaves the target on the flow (`target_of`). An upstream under
TLS is offered HTTP/2 and HTTP/1.1, but HTTP/1.1 alone for the upgrade of a WebSocket, which mitmproxy cannot do over
HTTP/2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mitmproxy import http, tls
from mitmproxy.connection import Client
from mitmproxy.net.server_spec import ServerSpec

from replayer.cassette.model import Headers, Omitted
from replayer.match.leading import leads, led
from replayer.record.flow import is_small, send_to, without_ours
from replayer.record.hosts import HostRules, Verdict
from replayer.record.mend import is_upgrade
from replayer.record.recording import Recording
from replayer.record.refusal import blocked, unrouted
from replayer.record.upstreams import Listener, Target, Way

__all__ = ["Ways", "lead", "placeholder_host", "promise_of", "relay_of", "target_of"]

HTTP_2, HTTP_1 = b"h2", b"http/1.1"
_KEY, _RELAY, _HERE = "replayer.target", "replayer.relay", "replayer.here"
RELAYED = "Replayer-Relay"
"""The field in which a gateway in front names a request that it relays; it goes no further. Behind the name may stand
what the request's body is: `17;bytes=73400320;sha256=…`."""

_PROMISE = re.compile(r"\w+;bytes=(\d{1,18});sha256=([0-9a-f]{64})")


def placeholder_host(number: int) -> str:
    """The name by which a flow tells which listener it came to; no connection is ever made to it."""
    return f"listener-{number}.invalid"


def target_of(flow: http.HTTPFlow) -> Target | None:
    """Where a flow goes that is recorded; None for any other."""
    target: Target | None = flow.metadata.get(_KEY)
    return target


def relay_of(flow: http.HTTPFlow) -> str:
    """What the gateway in front calls a flow; empty where there is none."""
    relay: str = flow.metadata.get(_RELAY, "")
    return relay.partition(";")[0]


def promise_of(flow: http.HTTPFlow) -> Omitted | None:
    """What the gateway in front says that the request's body is; None where it says nothing."""
    told = _PROMISE.fullmatch(flow.metadata.get(_RELAY, ""))
    return None if told is None else Omitted(bytes=int(told[1]), sha256=told[2])


def lead(flow: http.HTTPFlow, headers: Headers) -> None:
    """What leads the client back to the upstream leads through us; `headers` are the answer's own."""
    here, target = flow.metadata.get(_HERE), target_of(flow)
    if here and target is not None and flow.response is not None and leads(headers):
        for (name, old), (_, new) in zip(headers, led(headers, base=target.upstream.url, here=here), strict=True):
            if new != old:
                flow.response.headers[name] = new


class Ways:
    """All listeners of one recorder. `via` is the proxy through which upstreams are reached, if any."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        recording: Recording,
        *,
        hosts: HostRules,
        via: ServerSpec | None = None,
    ) -> None:
        self._listeners = {placeholder_host(number): listener for number, listener in enumerate(listeners)}
        self._forward = next((listener for listener in listeners if listener.way is Way.FORWARD), None)
        self._recording = recording
        self._hosts = hosts
        self._via = via
        self._upgrading: set[str] = set()  # clients whose next upstream must speak HTTP/1.1
        self._distrustful: set[str] = set()  # hosts of which it was told that clients do not trust our CA

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A client wants a tunnel through the forward proxy."""
        host, port = flow.request.host, flow.request.port
        match self._hosts.verdict(host, port):
            case Verdict.BLOCK:
                self._recording.blocked(host)
                flow.response = blocked(host)
            case Verdict.PASS:
                self._recording.passed()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Route a request, or refuse it."""
        request = flow.request
        listener = self._listeners.get(request.host) or self._forward
        assert listener is not None, "a flow comes from one of our listeners"
        target = _target(listener, request)
        if target is None:
            flow.response = unrouted(listener, request.path)
            return
        flow.metadata[_HERE] = _here(listener, request, target, secure=flow.client_conn.tls_established)
        flow.metadata[_RELAY] = request.headers.get(RELAYED, "")
        without_ours(request)
        if listener.way is Way.REVERSE:
            send_to(request, target)
            if self._via is not None:
                flow.server_conn.via = self._via
        (self._upgrading.add if is_upgrade(request.headers) else self._upgrading.discard)(flow.client_conn.id)
        self._judge(flow, target)

    def tls_start_server(self, data: tls.TlsData) -> None:
        """What an upstream is offered to speak."""
        upgrading = data.context.client.id in self._upgrading
        data.context.server.alpn_offers = (HTTP_1,) if upgrading else (HTTP_2, HTTP_1)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """A client refused the certificate that we showed: it does not know our CA."""
        host = data.context.client.sni or (data.context.server.address or ("the upstream", 0))[0]
        if host not in self._distrustful:
            self._distrustful.add(host)
            self._recording.notice(
                host,
                f"the client did not accept the recorder's certificate ({data.conn.error}); let it trust the "
                f"recorder's CA, or leave the host alone with --ignore-hosts {host}",
            )

    def client_disconnected(self, client: Client) -> None:
        """Nothing more comes of it."""
        self._upgrading.discard(client.id)

    def _judge(self, flow: http.HTTPFlow, target: Target) -> None:
        upstream = target.upstream
        match self._hosts.verdict(upstream.host, upstream.host_port):
            case Verdict.BLOCK:
                self._recording.blocked(upstream.host)
                flow.response = blocked(upstream.host)
            case Verdict.PASS:
                self._recording.passed()
                flow.request.stream = not is_small(flow.request)
            case Verdict.RECORD:
                flow.metadata[_KEY] = target


def _here(listener: Listener, request: http.Request, target: Target, *, secure: bool) -> str:
    """The base URL by which a client means the upstream; empty where it takes us for a proxy."""
    host = request.host_header
    if listener.way is Way.FORWARD or not host:
        return ""
    prefix = f"/{target.upstream.name}" if listener.prefixed else ""
    return f"http{'s' if secure else ''}://{host}{prefix}"


def _target(listener: Listener, request: http.Request) -> Target | None:
    if listener.way is Way.FORWARD:
        return listener.toward(request.scheme, request.host, request.port, request.path)
    return listener.target(request.path)
