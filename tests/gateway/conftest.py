"""A gateway on a real socket, from cassettes made in the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from replayer.cassette.model import (
    Cassette,
    Chunk,
    End,
    Frame,
    Headers,
    Interaction,
    Metadata,
    Origin,
    Request,
    Response,
)
from replayer.clock import Clock, SystemClock
from replayer.config import Config
from replayer.inputs import Loaded
from replayer.journal import Entry
from replayer.listening import Doors
from replayer.service import Contracts, Options, Service, build
from replayer.source import Source

JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)


class Running:
    """A gateway that listens."""

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def journal(self) -> list[Entry]:
        return list(self.service.run.entries())

    async def raw(self, request: bytes) -> bytes:
        """Send bytes, and read until the gateway closes. ConnectionResetError where it resets."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()

    async def get(self, path: str, *fields: str) -> bytes:
        """A GET over a connection of its own: the whole answer as it came."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]
        return await self.raw("\r\n".join(lines).encode())


class Kit:
    """What a test makes a gateway of."""

    def interaction(
        self,
        path: str = "/v1/models",
        *,
        method: str = "GET",
        body: bytes | None = None,
        host: str = "api.openai.com",
        status: int = 200,
        headers: Headers = JSON,
        answer: bytes = b"{}",
        chunks: tuple[Chunk, ...] = (),
        end: End = End.COMPLETE,
        at: float | None = None,
    ) -> Interaction:
        return Interaction(
            request=Request(method=method, uri=f"https://{host}{path}", headers=JSON if body else (), body=body),
            response=Response(status=status, headers=headers, body=answer, chunks=chunks, end=end, at=at),
        )

    def stream(self, *pieces: bytes, end: End = End.COMPLETE) -> Interaction:
        """An SSE answer with these chunks, 1 ms apart."""
        chunks = tuple(Chunk(float(number), len(piece)) for number, piece in enumerate(pieces))
        return self.interaction("/v1/stream", headers=SSE, answer=b"".join(pieces), chunks=chunks, end=end)

    def connection(self, *frames: Frame, headers: Headers = ()) -> Interaction:
        """A WebSocket connection to /v1/realtime."""
        return Interaction(
            request=Request(method="GET", uri="wss://api.openai.com/v1/realtime"),
            response=Response(status=101, headers=headers, frames=frames),
        )

    @asynccontextmanager
    async def serve(
        self,
        *interactions: Interaction,
        cassettes: dict[str, tuple[Interaction, ...]] | None = None,
        upstreams: dict[str, str] | None = None,
        config: Config | None = None,
        repeat: str | None = None,
        contracts: Contracts = Contracts.OFF,
        environment: dict[str, str] | None = None,
        source: Source | None = None,
        doors: Doors | None = None,
        max_upload: int | None = None,
        clock: Clock | None = None,
    ) -> AsyncIterator[Running]:
        metadata = Metadata(origin=Origin.STUB, upstreams=upstreams or {})
        named = cassettes or {"a.yaml": interactions}
        loaded = Loaded(
            config=config or Config(),
            cassettes=tuple((name, Cassette(interactions=found, metadata=metadata)) for name, found in named.items()),
        )
        options = Options(
            port=0,
            seed=1,
            repeat=repeat,
            contracts=contracts,
            source=source or Source(),
            doors=doors or Doors(),
            max_upload=max_upload,
        )
        service = build(loaded, options, clock=clock or SystemClock(), environment=environment or {})
        addresses = await service.start()
        try:
            yield Running(service, addresses[0].port)
        finally:
            await service.stop()


@pytest.fixture
def kit() -> Kit:
    return Kit()


Serve = Callable[..., AbstractAsyncContextManager[Running]]
