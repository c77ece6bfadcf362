"""Loading a cassette, and finding an answer in it: beside libyaml's C loader and beside vcrpy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import yaml
from vcr.cassette import Cassette as Theirs  # type: ignore[import-untyped]  # it ships no types
from vcr.matchers import body, method, uri  # type: ignore[import-untyped]  # it ships no types
from vcr.request import Request as TheirRequest  # type: ignore[import-untyped]  # it ships no types
from vcr.serialize import deserialize  # type: ignore[import-untyped]  # it ships no types
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]  # it ships no types

from replayer.cassette.codec import Layout, decode, encode
from replayer.match.player import Player, PlayState
from tests.benchmarks.table import Line
from tests.benchmarks.traffic import cassette

__all__ = ["lines"]

_LOOKED_UP = 200
"""Requests, spread over the cassette: vcrpy goes through all that it holds for each."""


def lines(count: int) -> list[Line]:
    """Loading as parts of libyaml's time, and matching as times of vcrpy's speed."""
    recorded = cassette(count)
    block, flow = encode(recorded, Layout.BLOCK), encode(recorded, Layout.FLOW)
    libyaml = _seconds(lambda: yaml.load(block, Loader=yaml.CSafeLoader))
    ours = _seconds(lambda: decode(block, name="block"))
    quick = min(_seconds(lambda: decode(flow, name="flow")) for _ in range(3))
    theirs = _seconds(lambda: deserialize(block.decode(), yamlserializer))
    size = f"{count:,} interactions, {len(block) / 1e6:.0f} MB"
    return [
        Line(what=f"libyaml's C loader, {size}", measured=f"{libyaml:.2f} s"),
        _part("load of a block file against libyaml", ours / libyaml, 1.0),
        _part("load of a flow file against libyaml on the block file", quick / libyaml, 0.05),
        Line(what="load of a block file against vcrpy's loader", measured=f"{theirs / ours:.1f} times as quick"),
        _matching(count),
    ]


def _matching(count: int) -> Line:
    recorded = cassette(count)
    requests = [one.request for one in recorded.interactions[:: max(1, count // _LOOKED_UP)]]
    theirs = Theirs(path="", match_on=(method, uri, body))
    theirs.data = [
        (TheirRequest(one.request.method, one.request.uri, one.request.body, dict(one.request.headers)), {})
        for one in recorded.interactions
    ]
    asked = [TheirRequest(one.method, one.uri, one.body, dict(one.headers)) for one in requests]
    slow = _seconds(lambda: [list(theirs._responses(one)) for one in asked])
    player, state = Player([("a", recorded)]), PlayState()
    quick = _seconds(lambda: [player.answer(one, state=state, entry=1) for one in requests])
    return Line(what=f"matching against vcrpy's, {count:,} interactions", measured=f"{slow / quick:,.0f} times")


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _part(what: str, part: float, bar: float) -> Line:
    return Line(what=what, measured=f"{part:.3f}", bar=f"≤ {bar}", held=part <= bar)
