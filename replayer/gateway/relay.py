"""Relaying: a request goes upstream, and the answer streams back as it comes.

The rule: what is kept is kept by the recorder, which stands behind and is asked like the upstream itself. The end of an
answer is held back until the recorder has it, however long it is at work on that, so that whoever asks the same again
meets what was recorded. Nothing of ours is sent on, and an answer that breaks off upstream breaks off here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from replayer.cassette.model import Headers, Request, Response, header
from replayer.errors import FaultError
from replayer.faults.pacing import plan_of
from replayer.faults.plan import Plan
from replayer.gateway import answers
from replayer.gateway.exchange import Exchange
from replayer.gateway.frames import Frames
from replayer.gateway.hearing import Heard, Refused
from replayer.gateway.hop import onward
from replayer.gateway.http import Delivered, pour
from replayer.gateway.inject import Injection
from replayer.gateway.judge import Judge, unchecked
from replayer.gateway.ports import Kept, Recorder
from replayer.gateway.prepared import prepare
from replayer.gateway.routes import Route
from replayer.gateway.spool import BLOCK, Spool
from replayer.gateway.unstored import digest
from replayer.gateway.upstreams import Asking, Keeping, Naming, Reach, Upstreams
from replayer.journal import Outcome
from replayer.match.leading import leads, led

__all__ = ["RELAYED", "Bending", "Relay", "Through", "unnamed"]

RELAYED = "Replayer-Relay"
"""The field by which the recorder knows whose request it relays; it takes all of ours out. Of a large body it tells
what that is: an upstream may answer without reading it, and then not all of it passes."""
_CONNECT_S = 30.0
_LOOK_S = 0.5
"""Seconds after which the recorder is asked how it stands with what it has passed."""
_LOOKS = 10
"""How often it may say that this is not over, although the answer is: then it waits for others, and is not at work."""
_OF_THE_HOP = ("host", "content-length", "expect")
"""Fields that each request has anew."""
_GENERATED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Fields that the HTTP client would add on its own."""


class Bending(StrEnum):
    """Whether faults may be injected where answers may come from upstream."""

    REFUSED = "refused"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """The recorder's forward proxy."""

    url: str
    trust: ssl.SSLContext
    """Its authority."""


class Relay:
    """Asks upstreams. `open` it in the loop, `close` it there."""

    def __init__(self, upstreams: Upstreams, *, recorder: Recorder | None, judge: Judge, faults: Bending) -> None:
        self.upstreams = upstreams
        self._recorder = recorder
        self._judge = judge
        self._faults = faults
        self._client: aiohttp.ClientSession | None = None
        self._proxy: Through | None = None

    def through(self, bases: Mapping[str, str], proxy: Through | None = None) -> None:
        """From now on each upstream is asked at another base URL, the recorder's for it; or all through its proxy."""
        if proxy is not None:
            self._proxy = proxy
            return
        reaches = {name: replace(reach, through=bases[name]) for name, reach in self.upstreams.reaches.items()}
        self.upstreams = replace(self.upstreams, reaches=reaches)

    def reach(self, exchange: Exchange, route: Route) -> Reach | None:
        """Whom a request means; None where that is nobody that may be asked."""
        secure = exchange.raw.secure or exchange.raw.raw_path[:8].lower() == "https://"
        return self.upstreams.of(route, "https" if secure else "http")

    @property
    def proxied(self) -> dict[str, Any]:
        """What the HTTP client is told of the way to an upstream."""
        return {} if self._proxy is None else {"proxy": self._proxy.url, "ssl": self._proxy.trust}

    @property
    def always(self) -> bool:
        """Whether nothing is played."""
        return self.upstreams.asking is Asking.ALWAYS

    @property
    def outcome(self) -> Outcome:
        """Of what is answered from upstream."""
        return Outcome.RECORDED if self.upstreams.keeping is Keeping.RECORDED else Outcome.LIVE

    def forbid_faults(self, exchange: Exchange) -> None:
        """FaultError where a request asks for faults although its answer may come from a real server."""
        if exchange.head.ours.faults and self._faults is Bending.REFUSED:
            from replayer.faults.grammar import from_headers  # every family of faults, which most runs do not have

            if not from_headers(exchange.head.ours.faults):
                return
            raise FaultError(
                "faults are switched off where answers may come from upstream, so that no real answer is taken for an "
                "injected one and none that was bent is recorded: leave the header out, or start with --allow-faults"
            )

    async def respond(
        self, exchange: Exchange, asked: Request, reach: Reach, injected: Injection | None
    ) -> web.StreamResponse:
        """Answer from upstream. ConnectionError where the client left."""
        kept = self.expect(exchange)
        try:
            answer = await self._ask(exchange, asked, reach, kept)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return await exchange.refuse(answers.unreachable(reach.name, reach.url, error))
        entry = exchange.entry
        entry.outcome, entry.status = self.outcome, answer.status
        try:
            if self._recorder is not None and _is_the_recorders_own(answer):
                return await exchange.refuse(answers.unreachable(reach.name, reach.url, None))
            absolute = replace(asked, uri=reach.url.removesuffix(reach.base) + asked.uri)
            hearing = self._judge.hearing(
                entry, absolute, status=answer.status, headers=_fields(answer), service=reach.name
            )
            flow = _Flow(answer, exchange, None if kept is None else partial(self.named, kept), hearing)
            headers = self._led(_fields(answer), exchange, asked, reach)
            if injected is not None:
                return await self._bent(exchange, flow, injected, headers)
            plan = Plan(
                status=answer.status,
                reason=answer.reason or "",
                headers=onward(headers),
                streamed=flow.length is None,
                promised=flow.length,
            )
            return await self._pour(exchange, plan, flow)
        except Refused as refused:
            if not exchange.begun:
                return await exchange.reject(answers.violated(refused.violations, status=502))
            entry.note("rejected", f"{refused.violations[0]}: the answer was cut off there")
            return Delivered(keep_alive=False)
        except UpstreamLost:
            return Delivered(keep_alive=False)
        finally:
            answer.close()

    @staticmethod
    def _led(headers: Headers, exchange: Exchange, asked: Request, reach: Reach) -> Headers:
        """What leads back to the upstream (the recorder has made that its own address) leads through us."""
        here = exchange.here(asked.uri, reach.base) if leads(headers) else None
        return headers if here is None else led(headers, base=reach.through, here=here)

    def expect(self, exchange: Exchange) -> Kept | None:
        """What the recorder is to keep of this exchange; None where nothing is kept."""
        return None if self._recorder is None else self._recorder.expect(exchange.session.play, entry=exchange.entry.id)

    def frames(self, exchange: Exchange, asked: Request, reach: Reach) -> Frames:
        """What hears the messages of a connection that is relayed."""
        uri = reach.url.removesuffix(reach.base) + asked.uri
        return Frames(self._judge, exchange.entry, uri, service=reach.name)

    async def named(self, kept: Kept) -> str | None:
        """`<cassette>#<n>` of what was kept; None where it was not, or where others hold up its end.

        Time in which the recorder is busy does not count: it answers when it no longer is.
        """
        for _ in range(_LOOKS):
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    return await kept.name()
            if not await kept.under_way():
                return await kept.name()
        return None

    def client(self) -> aiohttp.ClientSession:
        """The HTTP client, made when it is first needed."""
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
                skip_auto_headers=_GENERATED,
                # The recorder is on this machine; the upstream itself may be behind a proxy.
                trust_env=self._recorder is None,
                max_line_size=65_536,
                max_field_size=65_536,
            )
        return self._client

    async def close(self) -> None:
        """Let go of all connections."""
        if self._client is not None:
            await self._client.close()

    async def _ask(self, exchange: Exchange, asked: Request, reach: Reach, kept: Kept | None) -> aiohttp.ClientResponse:
        fields = [(name, value) for name, value in onward(exchange.head.headers) if name.lower() not in _OF_THE_HOP]
        body: bytes | Spool | None = exchange.spool or asked.body
        large = body is not None and len(body) > BLOCK
        if kept is not None:
            fields.append((RELAYED, kept.id + (await _promise(asked, body or b"") if large else "")))
        if large:
            fields.append(("Content-Length", str(len(body or b""))))
        return await self.client().request(
            exchange.head.method,
            URL(reach.address(asked.uri), encoded=True),
            headers=fields,
            data=_sent(body or b"") if large else asked.body,
            allow_redirects=False,
            **self.proxied,
        )

    async def _pour(self, exchange: Exchange, plan: Plan, flow: _Flow) -> Delivered:
        outcome = b"replayer-outcome: %b\r\n" % self.outcome.value.encode()
        pieces = flow.pieces()
        if self._judge.withholds:
            # Before the first byte an answer can still be refused.
            pieces = _with_first(await anext(pieces, b""), pieces)
        exchange.begun = True
        return await pour(prepare(plan), exchange.raw, pieces, ours=outcome + exchange.noted())

    async def _bent(self, exchange: Exchange, flow: _Flow, injected: Injection, headers: Headers) -> Delivered:
        """With faults: they need the whole answer."""
        body = b"".join([piece async for piece in flow.pieces()])
        response = Response(status=flow.answer.status, reason=flow.answer.reason or "", headers=headers, body=body)
        plan = injected.rewritten(plan_of(response, method=exchange.head.method))
        encoding = flow.answer.headers.get("Content-Encoding")
        if encoding is not None:
            plan = replace(plan, headers=(*plan.headers, ("content-encoding", encoding)))
        return await exchange.deliver(plan)


def unnamed(relay: Relay | None) -> str:
    """Why a miss did not go upstream although others do; nothing where none does."""
    if relay is None:
        return ""
    if relay.upstreams.naming is Naming.CLIENTS:
        return "; it did not go upstream, because it did not come through the proxy: set HTTPS_PROXY and HTTP_PROXY"
    return f"; it did not go upstream, because it names none of the upstreams: /NAME/… of {relay.upstreams.told}"


class _Flow:
    """An upstream's answer while it passes."""

    def __init__(
        self,
        answer: aiohttp.ClientResponse,
        exchange: Exchange,
        kept: Callable[[], Awaitable[str | None]] | None,
        hearing: Heard | None,
    ) -> None:
        self.answer = answer
        self.length = _length(answer, exchange.head.method)
        self._kept = kept
        self._exchange = exchange
        self._hearing = hearing

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, its last piece (or its end) when the recorder has all of it.

        UpstreamLost where the upstream breaks off, Refused where the answer must not go on.
        """
        left = self.length
        held = b""
        hear = self._hearing
        try:
            async for piece in self.answer.content.iter_any():
                passed = piece if hear is None else hear.hear(piece)
                if left is not None:
                    left -= len(piece)
                    if left <= 0:
                        held = passed
                        break
                if passed:
                    yield passed
                self._go_on()
        except (aiohttp.ClientError, TimeoutError) as error:
            self._exchange.entry.note("upstream", f"broke off: {error}")
            await self._noted()
            yield b"" if hear is None else hear.rest()
            raise UpstreamLost from error
        held += b"" if hear is None else hear.end()
        await self._noted()
        if held:
            yield held
        self._go_on()

    def _go_on(self) -> None:
        if self._hearing is not None and self._hearing.refused:
            raise Refused(self._hearing.refused)

    async def _noted(self) -> None:
        entry = self._exchange.entry
        if self._hearing is not None and self._hearing.unchecked:
            unchecked(entry, self._hearing.unchecked)
        if self._kept is None:
            return
        entry.interaction = await self._kept()
        if entry.interaction is None:
            entry.note("recorded", "not kept: the recorder did not write this exchange")


async def _with_first(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


class UpstreamLost(ConnectionError):
    """The upstream went away in the middle of its answer."""


async def _promise(asked: Request, body: bytes | Spool) -> str:
    """What a body is, as a recording has it that does not store it; nothing where it is compressed."""
    if header(asked.headers, "content-encoding") is not None:
        return ""  # recorded without its compression
    known = body.omitted if isinstance(body, Spool) else await asyncio.to_thread(digest, [body])
    return f";bytes={known.bytes};sha256={known.sha256}"


async def _sent(body: bytes | Spool) -> AsyncIterator[bytes]:
    """A large body, block by block."""
    for at in range(0, len(body), BLOCK):
        yield body[at : at + BLOCK] if isinstance(body, bytes) else await asyncio.to_thread(body.block, at)


def _fields(answer: aiohttp.ClientResponse) -> Headers:
    return tuple(
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in answer.raw_headers
    )


def _length(answer: aiohttp.ClientResponse, method: str) -> int | None:
    """Bytes that are to come, None where only the end says so."""
    if method == "HEAD" or answer.status in (204, 304):
        return answer.content_length if method == "HEAD" else 0
    if "chunked" in answer.headers.get("Transfer-Encoding", "").lower():
        return None
    return answer.content_length


def _is_the_recorders_own(answer: aiohttp.ClientResponse) -> bool:
    """Whether mitmproxy says that it could not reach the upstream."""
    return answer.status == 502 and answer.headers.get("Server", "").startswith("mitmproxy ")
