"""What fuzzing begins with: a few inputs of each kind, so that it need not find out what a request looks like."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

__all__ = ["seeds"]

_HANDSHAKE = (
    b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
_REQUESTS = (
    b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /__replayer/s/x/v1/models?a=%20&b HTTP/1.0\r\n\r\n",
    b"GET /__replayer/journal?limit=3&session=x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b'POST /__replayer/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n{"name":"x"}',
    b"GET http://api.openai.com/v1/models HTTP/1.1\r\nHost: a\r\nReplayer-Session: s\r\n\r\n",
    b'GET /v1/models HTTP/1.1\r\nHost: a\r\nReplayer-Cassette: "a.yaml"\r\nReplayer-Upstream: openai\r\n\r\n',
    b"GET /v1/models HTTP/1.1\r\nHost: a\r\nReplayer-Fault: truncate;bytes=1;end=abrupt, status;code=429\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: a\r\nx-envoy-fault-abort-request: 503\r\n\r\n",
    _POST + b'Content-Length: 29\r\n\r\n{"model":"m","messages":[1e3]}',
    _POST + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n2;x=y\r\n1}\r\n0\r\nTrailer: x\r\n\r\n',
    _POST + b"Content-Encoding: gzip\r\nContent-Length: 24\r\n\r\n" + gzip.compress(b"{}{}", mtime=0),
    _POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"HEAD /v1/models HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    _HANDSHAKE,
    _HANDSHAKE + b"\x81\x87\0\0\0\0" + b'{"a":1}' + b"\x88\x82\0\0\0\0\x03\xe8",
)
_MATCHES = (
    b'application/json\0\0v1/x?b=1&a=2\0{"a":1.0,"b":[true,null]}\0application/json\0gzip\0v1/x?a=2&b=1\0{"b":[]}',
    b"application/x-www-form-urlencoded\0\0a\0x=1&y=%20\0application/x-www-form-urlencoded\0\0a\0y=+&x=1",
    b'multipart/form-data; boundary=x\0\0\0--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n\0\0\0',
    b'application/json\0\0[REDACTED]\0{"a":"[REDACTED]","b":"Bearer [REDACTED]"}\0application/json\0\0k\0{"a":1}',
)
_FAULTS = (
    b"delay;ms=500;jitter=100, status;code=429;retry-after=2;p=0.3",
    b"truncate;fraction=0.5;end=abrupt, throttle;rate=10;first=2;skip=1",
    b"none",
    b"reset;p=1.5, (a b);c",
)
_CASSETTES = (
    b"version: 1\ninteractions:\n- request: {method: GET, uri: 'http://a/', body: null, headers: {}}\n"
    b"  response: {status: {code: 200, message: OK}, headers: {}, body: {string: ''}}\n",
    b'# replayer flow 1\n{"request":{"method":"GET","uri":"http://a/","body":null,"headers":{}},"response":'
    b'{"status":{"code":200,"message":"OK"},"headers":{},"body":{"string":"a"},"replayer":{"chunks":[[1.0,1]]}}}\n',
    b'{"version":1,"interactions":[{"request":{"method":"GET","uri":"ws://a/","body":null,"headers":{}},"response":'
    b'{"status":{"code":101},"headers":{},"body":{"string":""},"replayer":{"frames":[{"at":1,"from":"client",'
    b'"text":"x"},{"at":2,"from":"server","base64":"aGk="},{"at":3,"from":"server","close":1000,"reason":""}]}}}]}',
)


def seeds(name: str, corpus: str | None) -> Iterator[bytes]:
    """Inputs of one target; those of `cassette` with the files below the folder `corpus`."""
    yield from {"request": _REQUESTS, "match": _MATCHES, "fault": _FAULTS, "cassette": _CASSETTES}[name]
    if name == "cassette" and corpus is not None:
        for path in sorted(Path(corpus).rglob("*")):
            if path.suffix in (".yaml", ".yml", ".json") and path.is_file():
                yield path.read_bytes()
