"""What `record` says while it runs and at its end: on stderr, as text or as JSON lines.

The rule: stdout is the addresses', and nobody's under `-- COMMAND`. Live lines are for a terminal; elsewhere only
what the user should know is said, or with `--log-format json` everything, a JSON object a line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import click
import orjson

from replayer.cli.aftermath import Judgement
from replayer.record.messages import Exchanged, Message, Notice, Summary, plain

__all__ = ["Console", "LogFormat"]

_PATH = 60
_IN_FLOW = "is left in the flow layout, which has it all (another one: replayer convert --layout)"


class LogFormat(StrEnum):
    """Of what is said on stderr."""

    TEXT = "text"
    JSON = "json"


class Console:
    """Says things. `live` is whether somebody watches."""

    def __init__(self, log_format: LogFormat) -> None:
        self._json = log_format is LogFormat.JSON
        self._live = sys.stderr.isatty()

    @property
    def watched(self) -> bool:
        """Whether exchanges are told at all."""
        return self._json or self._live

    def hear(self, message: Message) -> None:
        """A message of the recorder."""
        if self._json:
            self._write(plain(message))
        elif isinstance(message, Notice):
            self.say(message.text)
        elif isinstance(message, Exchanged) and self._live:
            _print(live_line(message))

    def say(self, text: str) -> None:
        """Something that the user should know."""
        if self._json:
            self._write({"message": "notice", "text": text})
        else:
            _print(f"replayer: {text}")

    def say_all(self, texts: Iterable[str]) -> None:
        """Several things, one after the other."""
        for text in texts:
            self.say(text)

    def summary(self, summary: Summary, judgement: Judgement) -> None:
        """The last word."""
        if self._json:
            self._write({**plain(summary), "judged": judgement.counts})
        else:
            _print(f"replayer: {told(summary)}{f'; {judgement.told}' if judgement.told else ''}")

    @staticmethod
    def _write(value: Mapping[str, Any]) -> None:
        _print(orjson.dumps(value).decode())


def live_line(one: Exchanged) -> str:
    """An exchange: method, host, path (without its query), status, duration, size, new or known, and a bad end."""
    parts = urlsplit(one.uri)
    path = parts.path if len(parts.path) <= _PATH else parts.path[: _PATH - 1] + "…"
    size = f"{one.bytes:,} B" if not one.frames else f"{one.frames:,} frames, {one.bytes:,} B"
    status = click.style(str(one.status), fg="red" if one.status >= 400 else "green")
    ended = "" if one.end == "complete" else "  " + click.style(one.end, fg="yellow")
    novelty = "known" if one.known else "new"
    return f"{one.method:<6} {parts.netloc}{path or '/'}  {status}  {one.ms:,.0f} ms  {size}  {novelty}{ended}"


def told(summary: Summary) -> str:
    """A recording in a sentence."""
    beside = "".join(
        f", {count:,} {what}"
        for count, what in ((summary.passed, "passed through unrecorded"), (summary.blocked, "blocked"))
        if count
    )
    if not summary.file:
        came = f"{summary.requests} request(s) came, none was answered" if summary.requests else "no request came"
        return f"nothing was recorded: {came}{beside}; no file was written"
    recovered = f", {summary.recovered} recovered from an interrupted run" if summary.recovered else ""
    left = "".join(f"; {click.format_filename(path)} {_IN_FLOW}" for path in summary.left_in_flow)
    return (
        f"recorded {summary.exchanges} exchange(s) ({summary.connections} WebSocket, {summary.frames} frames), "
        f"{summary.bytes:,} bytes, {summary.redacted} secret(s) redacted in bodies and frames{recovered}{beside}: "
        f"{summary.file}{left}"
    )


def _print(line: str) -> None:
    with suppress(OSError):  # nobody has to listen
        click.echo(line, err=True)
