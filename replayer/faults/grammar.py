"""The grammar of faults: a Structured Field list (RFC 9651), `delay;ms=500;jitter=100, status;code=429;p=0.3`.

The rule: a test must never believe that it injected something. What is unknown, malformed, repeated, out of bounds or
could never take effect is refused by name, also where the parser of Structured Fields would let it pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from http_sf import StructuredFieldError, Token
from http_sf import parse as parse_field

from replayer.cassette.model import Headers, header
from replayer.errors import FaultError, closest
from replayer.faults import answer, pieces, stream
from replayer.faults.fault import Answering, Fault
from replayer.faults.parameter import declared, read

__all__ = ["HEADER", "KNOWN", "from_headers", "parse"]

HEADER = "Replayer-Fault"
OFF = "none"

KNOWN: Mapping[str, type[Fault]] = {fault.name: fault for fault in (*answer.FAMILY, *stream.FAMILY, *pieces.FAMILY)}
"""Every fault, by name: a family registers here."""

_ENVOY = {
    "x-envoy-fault-delay-request": "delay;ms={}",
    "x-envoy-fault-throughput-response": "throttle;rate={}",
    "x-envoy-fault-abort-request": "status;code={}",
}
"""In the order in which they act: what answers comes last."""
_KIB = "x-envoy-fault-throughput-response"


def parse(value: str) -> tuple[Fault, ...]:
    """Read a list of faults, left to right; `none` is the empty list. FaultError names the mistake and the faults."""
    try:
        return _checked(_members(value))
    except FaultError as error:
        raise FaultError(f"{error}; known faults: {_catalogue()}") from None


def from_headers(headers: Headers) -> tuple[Fault, ...] | None:
    """The faults of a request: its `Replayer-Fault`, or Envoy's headers. None where it asks for none."""
    values = [value for name, value in headers if name.lower() == HEADER.lower()]
    envoy = {name.lower() for name, _ in headers if name.lower().startswith("x-envoy-fault-")}
    if not values and not envoy:
        return None
    if values and envoy:
        raise FaultError(f"{HEADER} and {min(envoy)} in one request: say it in one of them")
    if values:
        return parse(", ".join(values))
    aliases = [name for name in _ENVOY if name in envoy]
    stray = envoy - {spelled for name in aliases for spelled in (name, f"{name}-percentage")}
    if stray:
        raise FaultError(f"{min(stray)} alone is no fault; known are {', '.join(_ENVOY)}, each with -percentage")
    return parse(", ".join(_alias(name, headers) for name in aliases))


def _alias(name: str, headers: Headers) -> str:
    """One of Envoy's headers in our grammar. The throughput is in KiB a second, the percentage from 0 to 100."""
    number = _digits(name, header(headers, name) or "")
    text = _ENVOY[name].format(number * 1024 if name == _KIB else number)
    share = header(headers, f"{name}-percentage")
    if share is None:
        return text
    percentage = _digits(f"{name}-percentage", share)
    if percentage > 100:
        raise FaultError(f"{name}-percentage is {share!r}: it takes a whole number from 0 to 100")
    return f"{text};p={percentage / 100}"


def _digits(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value.strip()):
        raise FaultError(f"{name} is {value[:40]!r}: it takes a whole number from 0")
    return int(value)


def _members(value: str) -> list[tuple[str, Mapping[str, object]]]:
    """Names with their parameters, still unchecked."""
    try:
        members = parse_field(
            value.encode("utf-8", "surrogateescape"), tltype="list", on_duplicate_key=_refuse_repeated
        )
    except StructuredFieldError as error:
        raise FaultError(f"{value[:80]!r} is not a list of faults: {error}") from None
    found: list[tuple[str, Mapping[str, object]]] = []
    for member in members if isinstance(members, list) else []:
        item, parameters = member if isinstance(member, tuple) else (member, {})
        if isinstance(item, list):
            raise FaultError("a list in parentheses is no fault: write the faults one after another")
        if not isinstance(item, Token):
            raise FaultError(f"{item!r} is no fault: a fault is a word, without quotes")
        found.append((str(item), parameters))
    if not found:
        raise FaultError(f"the list of faults is empty: {OFF!r} switches faults off")
    return found


def _refuse_repeated(key: str, _kind: str) -> NoReturn:
    raise FaultError(f"parameter {key!r} is given twice")


def _checked(members: list[tuple[str, Mapping[str, object]]]) -> tuple[Fault, ...]:
    if any(name == OFF for name, _ in members):
        if len(members) > 1 or members[0][1]:
            raise FaultError(f"{OFF!r} switches faults off: it stands alone")
        return ()
    faults: list[Fault] = []
    for name, parameters in members:
        if name not in KNOWN:
            raise FaultError(f"there is no fault {name!r}{closest(name, [*KNOWN, OFF])}")
        if faults and isinstance(faults[-1], Answering) and faults[-1].always:
            raise FaultError(f"{name!r} can never take effect: {faults[-1].name!r} before it always answers")
        fault = KNOWN[name](**read(name, KNOWN[name], parameters))
        try:
            fault.check()
        except ValueError as error:
            raise FaultError(f"fault {name!r} {error}") from None
        faults.append(fault)
    return tuple(faults)


def _catalogue() -> str:
    return ", ".join(";".join((name, *declared(fault))) for name, fault in sorted(KNOWN.items())) + f", {OFF}"
