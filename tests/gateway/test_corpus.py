"""Every interaction of the corpus of real cassettes, replayed through a real HTTP client.

One gateway plays all files. Each file has a session of its own, in which its interactions are asked in their order;
status, end-to-end fields and decoded body are then the recorded ones, and it is that very interaction that answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from replayer.cassette.model import Headers, Interaction, Request
from replayer.clock import SystemClock
from replayer.inputs import Loaded, load
from replayer.service import Contracts, Options, build
from tests import needs
from tests.needs import CORPUS

# What describes one connection or the framing of one message says nothing about what was answered.
FRAMING = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "content-length", "content-encoding"),
    )
)
OURS = ("replayer-outcome", "replayer-interaction", "replayer-violations")
_NEVER_SENT = FRAMING | {"host", "accept-encoding", "expect"}


def end_to_end(headers: Headers) -> list[tuple[str, str]]:
    """Fields as they are compared: names in any case, values without surrounding blanks, order within a name."""
    kept = [(name.lower(), value.strip()) for name, value in headers]
    return sorted(pair for pair in kept if pair[0] not in FRAMING and pair[0] not in OURS)


def sent(request: Request) -> CIMultiDict[str]:
    """The recorded request's own fields, as far as a client may set them."""
    return CIMultiDict((name, value) for name, value in request.headers if name.lower() not in _NEVER_SENT)


@asynccontextmanager
async def gateway(loaded: Loaded) -> AsyncIterator[str]:
    options = Options(port=0, seed=1, repeat="none", contracts=Contracts.OFF)
    service = build(loaded, options, clock=SystemClock(), environment={})
    (address,) = await service.start()
    try:
        yield address.url
    finally:
        await service.stop()


async def replayed(client: aiohttp.ClientSession, url: str, name: str, index: int, one: Interaction) -> str | None:
    """Ask for one interaction; what is wrong with the answer, or None."""
    parts = urlsplit(one.request.uri)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = sent(one.request)
    headers["Replayer-Session"] = sha256(name.encode()).hexdigest()
    headers["Replayer-Cassette"] = f'"{name}"'
    headers["Replayer-Upstream"] = parts.netloc
    async with client.request(
        one.request.method.upper(),
        URL(url + target, encoded=True),
        data=one.request.body,
        headers=headers,
        allow_redirects=False,
        skip_auto_headers=("Content-Type",),
    ) as answer:
        body = await answer.read()
        if answer.headers.get("Replayer-Interaction") != f"{name}#{index}":
            return f"{name}#{index}: {answer.headers.get('Replayer-Interaction')} {body[:400]!r}"
        bodiless = one.request.method.upper() == "HEAD" or one.response.status in (204, 304)
        for what, ours, theirs in (
            ("status", answer.status, one.response.status),
            ("body", body, b"" if bodiless else one.response.body),
            ("fields", end_to_end(tuple(answer.headers.items())), end_to_end(one.response.headers)),
        ):
            if ours != theirs:
                return f"{name}#{index}: {what} {ours!r:.300} instead of {theirs!r:.300}"
    return None


@needs.corpus
async def test_every_interaction_of_the_corpus_is_answered_as_it_was_recorded() -> None:
    loaded = load([str(CORPUS)])
    asked = 0
    wrong = []
    async with gateway(loaded) as url, aiohttp.ClientSession() as client:
        for name, cassette in loaded.cassettes:
            for index, one in enumerate(cassette.interactions):
                asked += 1
                wrong.append(await replayed(client, url, name, index, one))
    assert [found for found in wrong if found] == []
    assert asked > 300


# What real cassettes have elsewhere, and none of the corpus's folders has: see the format's irregularities.
IRREGULAR = {
    "parsed_body.yaml": """
interactions:
- request:
    {method: POST, uri: 'https://a.test/v1/x', headers: {content-type: [application/json]}, parsed_body: {q: [1, 2.5]}}
  response: {status: {code: 200, message: OK}, headers: {content-type: [application/json]}, parsed_body: {a: é}}
""",
    "pairs.yaml": """
version: '1'
interactions:
- request: {method: get, uri: 'https://a.test:443/caf%C3%A9/x%2Fy?b=2&a=1', headers: [[Accept, text/plain]], body: null}
  response:
    status: {code: 200, message: OK}
    headers: [[Content-Type, text/plain], [Set-Cookie, a=1], [set-cookie, b=2], [Vary, a], [Vary, b]]
    body: {string: hello}
""",
    "values.yaml": """
version: 1
interactions:
- request: {method: POST, uri: 'https://a.test/bytes', headers: {Content-Type: text/plain}, body: !!binary AAH/}
  response:
    status: {code: 200, message: OK}
    headers: {Content-Type: !!binary dGV4dC9wbGFpbg==, Content-Length: ['99'], Transfer-Encoding: [chunked]}
    body: {string: !!binary AAH/}
- request: {method: POST, uri: 'https://a.test/bytes', headers: {}, body: {k: v}}
  response: {status: {code: 429, message: ''}, headers: {Retry-After: ['1']}, body: {string: slow down}}
- request: {method: GET, uri: 'https://a.test/gone', headers: {}, body: null}
  response: {status: {code: 302, message: Found}, headers: {Location: ['https://b.test/']}, body: {string: ''}}
- request: {method: GET, uri: 'https://b.test/gone', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {Content-Encoding: [gzip]}, body: {string: decoded before}}
- request: {method: HEAD, uri: 'https://b.test/gone', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {Content-Length: ['7']}, body: {string: ''}}
""",
    "httpx_old.yaml": """
interactions:
- request: {method: GET, uri: 'https://a.test/old', headers: {}, body: ''}
  response: {content: old layout, http_version: HTTP/1.1, status_code: 200, headers: {X-A: [b]}}
""",
    "json.json": """{"version": 1, "interactions": [{
 "request": {"method": "GET", "uri": "https://a.test/json", "body": null, "headers": {}},
 "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "\\u00e9"}}}]}""",
    "before_1.0.yaml": """
- request: {method: GET, host: a.test, port: 80, protocol: http, path: /ancient, headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: ancient}}
""",
    "unsupported.yaml": """
interactions:
- {kind: ws, direction: send, data: private}
- request: {method: GET, uri: 'https://a.test/fine', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: fine}}
""",
    "empty.yaml": "interactions: []\n",
}


async def test_every_irregularity_replays(tmp_path: Path) -> None:
    for name, text in IRREGULAR.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    loaded = load([str(tmp_path)])
    counts = {name: len(cassette.interactions) for name, cassette in loaded.cassettes}
    assert counts == {**dict.fromkeys(IRREGULAR, 1), "values.yaml": 5, "empty.yaml": 0}
    wrong = []
    async with gateway(loaded) as url, aiohttp.ClientSession() as client:
        for name, cassette in loaded.cassettes:
            for index, one in enumerate(cassette.interactions):
                wrong.append(await replayed(client, url, name, index, one))
    assert [found for found in wrong if found] == []


def test_an_unsupported_entry_is_reported_by_file_and_index(tmp_path: Path) -> None:
    (tmp_path / "unsupported.yaml").write_text(IRREGULAR["unsupported.yaml"], encoding="utf-8")
    ((name, cassette),) = load([str(tmp_path)]).cassettes
    (problem,) = cassette.problems
    assert (name, problem.index, problem.lost) == ("unsupported.yaml", 0, True)
    assert "unsupported" in problem.message
