"""An answer made ready: the bytes that a plan puts on the wire, as far as they are known before the request is.

The rule: made once for an interaction and a pace, then only copied out. Framing and our own fields are added when an
answer is delivered. A field that would break the head (a control character in a name or value) is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote

from replayer.cassette.model import Headers, Response
from replayer.faults.pacing import plan_of
from replayer.faults.plan import Ending, Plan, Send

__all__ = ["Prepared", "field_value", "prepare", "whole_head"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = frozenset({204, 304})
_VISIBLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One answer, nearly on its way."""

    plan: Plan
    head: bytes
    """Status line and end-to-end fields, each with its line end; the empty line is still to come."""
    body: bytes
    """All bytes of a body that goes out in one piece; `b""` of one that is sent step by step."""
    promised: int
    """What Content-Length says, where there is one."""
    bodiless: bool
    """Whether the status allows no body."""
    at_once: bool
    """Whether head and body may go out in one write: nothing waits, nothing is cut."""


def prepare(plan: Plan) -> Prepared:
    """Make a plan ready."""
    sends = [step.data for step in plan.steps if isinstance(step, Send)]
    whole = len(sends) == len(plan.steps)
    return Prepared(
        plan=plan,
        head=_head(plan.status, plan.reason, plan.headers),
        body=b"".join(sends) if whole else b"",
        promised=_promised(plan),
        bodiless=plan.status in _BODILESS or 100 <= plan.status < 200,
        at_once=whole and not plan.streamed and not plan.before and plan.ending is Ending.COMPLETE and plan.status > 0,
    )


@lru_cache(maxsize=256)
def whole_head(status: int, reason: str, headers: Headers) -> bytes | None:
    """The head of an answer whose body goes out in one piece, whatever it is, as in `Prepared`; None where that needs
    a plan. Live answers have the same head again and again.
    """
    plan = plan_of(Response(status=status, reason=reason, headers=headers, body=b"."))
    prepared = prepare(plan)
    return prepared.head if prepared.at_once and prepared.body == b"." and not prepared.bodiless else None


def field_value(text: str) -> bytes:
    """A name of ours as a field's value: what is not visible ASCII is percent-encoded."""
    return quote(text, safe=_VISIBLE).encode()


def _promised(plan: Plan) -> int:
    if plan.promised is not None:
        return plan.promised
    # A body that is cut short is promised one byte more than comes, so that its end is seen to be none.
    return plan.size + (plan.ending is not Ending.COMPLETE)


@lru_cache(maxsize=256)
def _head(status: int, reason: str, headers: Headers) -> bytes:
    """Live answers have the same head again and again."""
    lines = [f"HTTP/1.1 {status} {_phrase(status, reason)}"]
    lines += [f"{name}: {value}" for name, value in headers if _TOKEN.match(name) and not _FORBIDDEN.search(value)]
    text = "\r\n".join(lines) + "\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def _phrase(status: int, reason: str) -> str:
    if reason and not _FORBIDDEN.search(reason):
        return reason
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
