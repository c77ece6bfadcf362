"""A program run around a gateway: its clients are pointed at it, and its end is the gateway's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from replayer.inputs import Loaded
from replayer.record.upstreams import Upstream
from replayer.wrap import process
from replayer.wrap.environment import KNOWN, Base, Environment
from replayer.wrap.program import Program

__all__ = ["bases_of", "run"]


def bases_of(loaded: Loaded, upstreams: Iterable[Upstream] = ()) -> dict[str, str]:
    """Names and base URLs of what the cassettes were recorded from, and of the `upstreams` that may be asked."""
    found: dict[str, str] = {upstream.name: upstream.url for upstream in upstreams}
    for _, cassette in loaded.cassettes:
        if cassette.metadata is not None:
            found.update(cassette.metadata.upstreams)
    return found


async def run(
    program: Program,
    url: str,
    loaded: Loaded,
    say: Callable[[Iterable[str]], None],
    *,
    upstreams: Sequence[Upstream] = (),
) -> process.Ended:
    """Run the program while a gateway answers at `url`; how it ended. UsageError where it cannot be run."""
    environment = Environment(os.environ)
    bases = bases_of(loaded, upstreams)
    several = len(bases) > 1
    asking = frozenset(upstream.name for upstream in upstreams)
    known = {service: Base(here=url) for service in KNOWN}
    for name, upstream in bases.items():
        # Paths and the providers' own headers tell who is meant; a base path does not tell itself.
        # Who may really be asked must be named, whatever the path.
        named = urlsplit(upstream).path.rstrip("/") or name in asking
        here = f"{url}/{name}" if several and named else url
        known[_service(name, upstream)] = Base(here=here, url=upstream)
    if loaded.config.dispatch is not None:
        known["casola"] = Base(here=url)
    environment.point(known)
    asked = {name: Base(here=f"{url}/{name}" if several else url, url=upstream) for name, upstream in bases.items()}
    environment.assign(asked, program.assignments)
    environment.unlock()
    say(f"{name} is set by you and left alone, so its client does not come here" for name in environment.left)
    started = await process.started(program.command, environment.variables)
    with started.signalled():
        return await started.ended()


def _service(name: str, upstream: str) -> str:
    """The known service that an upstream is, or its own name."""
    host = urlsplit(upstream).hostname
    return next(
        (service for service, facts in KNOWN.items() if name == service or (facts.host and facts.host == host)), name
    )
