"""A gateway in a record mode, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from replayer.clock import SystemClock
from replayer.inputs import Loaded, load
from replayer.record.settings import Settings
from replayer.record.upstreams import Upstream
from replayer.service import Contracts, Options, Service, build
from replayer.source import Mode, Source, Taping

__all__ = ["gateway"]


def _known(path: Path) -> Loaded:
    return load((str(path),) if path.exists() else ())


@asynccontextmanager
async def gateway(
    path: Path, mode: Mode, *upstreams: Upstream, settings: Settings | None = None
) -> AsyncIterator[tuple[Service, str]]:
    taping = Taping(output=path, settings=settings) if mode not in (Mode.NONE, Mode.SPY, Mode.PASSTHROUGH) else None
    source = Source(mode=mode, upstreams=upstreams, taping=taping)
    loaded = _known(path)
    if mode is Mode.REWRITE:
        loaded = loaded.without(path)
    options = Options(port=0, seed=1, repeat="none", contracts=Contracts.OFF, source=source)
    service = build(loaded, options, clock=SystemClock(), environment={"HOME": str(path.parent)})
    addresses = await service.start()
    try:
        yield service, addresses[0].url
    finally:
        await service.stop()
