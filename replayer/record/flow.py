"""mitmproxy's flows in our words, and what is changed in them on their way."""

from __future__ import annotations

from mitmproxy import http

from replayer.cassette.model import Headers
from replayer.record.upstreams import Target

__all__ = ["WHOLE", "fields", "is_endless", "is_small", "keep_alive", "send_to", "without_ours"]

WHOLE = 64 * 1024
"""A request body of at most so many bytes goes upstream whole, so that an upstream that is not there is a clean 502."""


def fields(headers: http.Headers) -> Headers:
    """Header fields in their order."""
    # Bytes that are not UTF-8 pass through JSON and YAML as their Latin-1 characters.
    return tuple((name.decode("latin-1"), _value(value)) for name, value in headers.fields)


def _value(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def without_ours(request: http.Request) -> None:
    """Headers of ours are for us, never for an upstream."""
    for name in [name for name in request.headers if name.lower().startswith("replayer-")]:
        del request.headers[name]


def send_to(request: http.Request, target: Target) -> None:
    """Make a request that came to us one for the upstream."""
    upstream = target.upstream
    request.scheme, request.host, request.port = upstream.scheme, upstream.host, upstream.host_port
    request.path = target.path
    request.host_header = target.authority


def is_small(request: http.Request) -> bool:
    """Whether the body is known to be no larger than `WHOLE`."""
    length = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers:
        return False
    return not length or (length.isdigit() and int(length) <= WHOLE)


def keep_alive(flow: http.HTTPFlow) -> None:
    """HTTP/2 needs no length; towards HTTP/1.1 the body is chunked, or its end would have to be the connection's."""
    request, response = flow.request, flow.response
    assert response is not None
    bodiless = request.method == "HEAD" or response.status_code in (204, 304)
    endless = response.is_http2 and "content-length" not in response.headers
    if endless and request.http_version == "HTTP/1.1" and not bodiless:
        response.headers["transfer-encoding"] = "chunked"


def is_endless(response: http.Response | None) -> bool:
    """Whether an answer has begun whose body ends with its connection."""
    if response is None or response.is_http2:
        return False
    return "content-length" not in response.headers and "transfer-encoding" not in response.headers
