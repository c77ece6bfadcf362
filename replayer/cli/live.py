"""`replayer drift --live`: which recorded requests are sent again, to whom, with which credential; and the sending.

The rule: nothing is sent before the user has seen how many requests go where, and has said yes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import click

from replayer.cassette.model import Interaction, Metadata, Request, Response
from replayer.clock import SystemClock
from replayer.contract.credentials import CannotSend, authorized, variables
from replayer.contract.drift import Named
from replayer.errors import UsageError
from replayer.redact.redactor import Redactor

__all__ = ["Asked", "Plan", "Source", "ask_again", "confirm", "plan"]

Source = tuple[str, Interaction, Metadata | None]
"""A place, what was recorded there, and what its cassette says of itself."""


@dataclass(slots=True)
class Plan:
    """What is to be sent. `requests` carry credentials and are never shown."""

    requests: list[tuple[str, Request]] = field(default_factory=list)
    sources: dict[str, Interaction] = field(default_factory=dict)
    """What was recorded, by place."""
    targets: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many requests go to each base URL, with which variable."""
    left_out: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Asked:
    """What came back: the recorded side and the new one, and what could not be compared."""

    old: list[Named] = field(default_factory=list)
    new: list[Named] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def plan(sources: Sequence[Source], upstreams: Mapping[str, str], *, limit: int | None) -> Plan:
    """Decide what is sent. Raises UsageError for an unknown upstream, and a credential in no variable."""
    known = _names(sources, upstreams)
    for name in upstreams:
        if name not in known:
            raise UsageError(f"--upstream {name}: no cassette has an upstream or a host of that name")
    found = Plan()
    for where, interaction, metadata in sources:
        if interaction.is_websocket:
            found.left_out.append((where, "a WebSocket connection is not asked again"))
            continue
        if limit is not None and len(found.requests) >= limit:
            found.left_out.append((where, f"beyond --limit {limit}"))
            continue
        uri, own = _target(interaction.request.uri, metadata, upstreams)
        asked = replace(interaction.request, uri=uri)
        try:
            request = authorized(asked, upstream=own, environment=os.environ)
        except CannotSend as reason:
            found.left_out.append((where, str(reason)))
            continue
        target = urlsplit(uri)
        variable = next((v for v in variables(uri, own) if os.environ.get(v)), "") if request != asked else ""
        found.targets[f"{target.scheme}://{target.netloc}", variable] += 1
        found.requests.append((where, request))
        found.sources[where] = interaction
    return found


def _names(sources: Sequence[Source], upstreams: Mapping[str, str]) -> set[str]:
    found = (_target(interaction.request.uri, metadata, upstreams)[1] for _, interaction, metadata in sources)
    return {name for name in found if name is not None}


def _target(uri: str, metadata: Metadata | None, upstreams: Mapping[str, str]) -> tuple[str, str | None]:
    """Where a recorded request goes now, and the name that the user gave that upstream."""
    recorded = metadata.upstreams if metadata is not None else {}
    host = urlsplit(uri)
    for name, url in upstreams.items():
        base = recorded.get(name, f"{host.scheme}://{host.netloc}" if name in (host.netloc, host.hostname) else "")
        base = base.rstrip("/")
        if base and (uri == base or uri.startswith((base + "/", base + "?"))):
            return url.rstrip("/") + uri[len(base) :], name
        if url.rstrip("/") == f"{host.scheme}://{host.netloc}":
            return uri, name
    return uri, None


def confirm(found: Plan, *, yes: bool, say: Callable[[str], None]) -> None:
    """Show what will be sent and ask. Raises UsageError where nobody can be asked, Abort where the answer is no."""
    total = len(found.requests)
    say(f"{total} request{'' if total == 1 else 's'} will be sent again:")
    for (base, variable), count in sorted(found.targets.items()):
        say(f"  {count} to {base}{f', with {variable}' if variable else ''}")
    if found.left_out:
        say(f"  {len(found.left_out)} not sent: {found.left_out[0][1]}{', …' if len(found.left_out) > 1 else ''}")
    if yes or not total:
        return
    if not sys.stdin.isatty():
        raise UsageError("nothing was sent: say --yes to send these requests")
    click.confirm("Send them?", abort=True, err=True)


def ask_again(found: Plan, *, rate: float, progress: Callable[[int], None]) -> Asked:
    """Send, and pair each answer with what was recorded. Answers are redacted before they are kept."""
    return asyncio.run(_ask_again(found, rate, progress))


async def _ask_again(found: Plan, rate: float, progress: Callable[[int], None]) -> Asked:
    from replayer.contract.ask import ask

    redactor = Redactor.default(os.environ)
    asked = Asked(left_out=list(found.left_out))
    count = 0
    async for where, _, answer in ask(found.requests, rate=rate, clock=SystemClock()):
        count += 1
        progress(count)
        recorded = found.sources[where]
        if isinstance(answer, str):
            asked.left_out.append((where, f"no answer: {redactor.text(answer)}"))
        elif answer.status == 429 != recorded.response.status:
            asked.left_out.append((where, "429: too many requests; ask again with a lower --rate"))
        else:
            asked.old.append((where, recorded))
            asked.new.append((where, replace(recorded, response=_redacted(answer, redactor), extra={})))
    return asked


def _redacted(answer: Response, redactor: Redactor) -> Response:
    body = redactor.body(answer.body)
    chunks = answer.chunks if body == answer.body else ()
    return replace(answer, headers=redactor.headers(answer.headers), body=body, chunks=chunks)
