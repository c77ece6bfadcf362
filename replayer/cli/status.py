"""`replayer status`: how a running gateway stands, asked over its control routes."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any

import click
import orjson

from replayer.errors import UnreadableError

__all__ = ["command"]

_TIMEOUT_S = 5.0


@click.command("status")
@click.option(
    "--url",
    envvar="REPLAYER_URL",
    default="http://127.0.0.1:8788",
    show_default=True,
    help="Where the gateway listens (REPLAYER_URL).",
)
@click.option("--json", "as_json", is_flag=True, help="Print what control answers, as JSON.")
def command(url: str, as_json: bool) -> None:
    """Show how a running gateway stands: workers, slots, jobs, and what was asked of it.

    With REPLAYER_TOKEN set, the token is sent as Bearer. Ends with 4 where no gateway answers.
    """
    body = _asked(url)
    if as_json:
        click.echo(body.decode())
        return
    for line in _lines(orjson.loads(body)):
        click.echo(line)


def _asked(url: str) -> bytes:
    target = url.rstrip("/") + "/__replayer/status"
    try:
        request = urllib.request.Request(target)
        if token := os.environ.get("REPLAYER_TOKEN"):
            request.add_header("Authorization", f"Bearer {token}")
        # A gateway is asked directly, whatever proxies the environment names for the programs under test.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=_TIMEOUT_S) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise UnreadableError(f"{target} answers {error.code}: {_detail(error.read()) or error.reason}") from error
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UnreadableError(f"no gateway answers at {url} ({reason}): is it running, is --url right?") from error
    if not isinstance(_parsed(body).get("requests"), int):
        raise UnreadableError(f"{target} answers, but is no gateway of this program: is --url right?")
    return body


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _detail(body: bytes) -> str:
    return str(_parsed(body).get("detail", ""))


def _lines(status: Mapping[str, Any]) -> Iterator[str]:
    yield f"listening on {', '.join(status['listening'])} (replayer {status['version']}, since {status['started_at']})"
    outcomes = ", ".join(f"{count} {name}" for name, count in status["outcomes"].items())
    yield f"{status['requests']} requests{f': {outcomes}' if outcomes else ''}; {status['violations']} violations"
    loaded = status["interactions"]["loaded"]
    if loaded:
        yield f"{loaded - status['interactions']['unplayed']} of {loaded} interactions played"
    dispatch = status["dispatch"]
    if dispatch is None:
        return
    slots = _counted(sum(worker["capacity"] for worker in dispatch["workers"]), "slot")
    jobs = ", ".join(f"{dispatch[state]} {state}" for state in ("running", "waiting", "completed", "failed"))
    yield f"{_counted(len(dispatch['workers']), 'worker')}, {slots}; jobs: {jobs}"
    for worker in dispatch["workers"]:
        name = worker["worker_id"] or "(not registered)"
        session = "" if worker["session"] == "default" else f", session {worker['session']}"
        slots = f"{len(worker['running'])}/{worker['capacity']} slots"
        yield f"  {name}: {worker['state']}, {slots}, config {worker['config_id']}{session}"
        yield from (f"    running {job}" for job in worker["running"])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
