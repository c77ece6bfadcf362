"""Checks of how a worker arrives: where it connects, what it shows, what it says first."""

from __future__ import annotations

from replayer.worker.check.bench import Bench
from replayer.worker.check.check import Broken, Check, Kind, Skipped

__all__ = ["ARRIVING"]


async def _registration(bench: Bench) -> None:
    peer = await bench.worker()
    if peer.first != "register":
        raise Broken(f"the first thing it said was {peer.first}")
    register = peer.registered
    assert register is not None
    if not register.worker_id or not register.config_id:
        raise Broken(f"it registered with worker_id {register.worker_id!r} and config_id {register.config_id!r}")
    if register.capacity < 1:
        raise Broken(f"it registered with a capacity of {register.capacity}: it would never be given a job")


async def _base_path(bench: Bench) -> None:
    peer = await bench.worker()
    wanted = bench.url.removeprefix(f"ws://{peer.host}").rstrip("/") + "/ws"
    if peer.path not in (wanted, wanted.replace("/ws", "//ws")):
        raise Broken(f"with CASOLA_WS_URL={bench.url} it connected to {peer.path}, not to {wanted}")


async def _authorization(bench: Bench) -> None:
    peer = await bench.worker()
    if bench.token is None:
        raise Skipped("whether the worker has a CASOLA_API_TOKEN is only known where it is started here")
    if peer.authorization is None:
        raise Broken("CASOLA_API_TOKEN is set, and its handshake has no Authorization header")
    if peer.authorization != f"Bearer {bench.token}":
        raise Broken("its Authorization header is not Bearer and CASOLA_API_TOKEN")


async def _compression(bench: Bench) -> None:
    peer = await bench.worker()
    if "permessage-deflate" not in peer.extensions:
        raise Broken("its handshake offers no permessage-deflate: results travel uncompressed")


async def _ping(bench: Bench) -> None:
    peer = await bench.worker()
    before = peer.pongs
    await peer.ping()
    if not await bench.until(lambda: peer.pongs > before or None, bench.timings.job):
        raise Broken(f"a ping had no pong in {bench.timings.job:g} s: a queue takes such a worker for dead")


ARRIVING = (
    Check(
        name="registration",
        kind=Kind.MUST,
        rule="After the handshake the worker sends register at once: worker_id, config_id, a capacity of 1 or more.",
        ask=_registration,
    ),
    Check(
        name="base-path",
        kind=Kind.MUST,
        rule="A worker connects to CASOLA_WS_URL without its trailing slash and with /ws added; a base path is kept.",
        ask=_base_path,
    ),
    Check(
        name="authorization",
        kind=Kind.MUST,
        rule="Where CASOLA_API_TOKEN is set, the handshake carries Authorization: Bearer and the token.",
        ask=_authorization,
    ),
    Check(
        name="compression",
        kind=Kind.ADVICE,
        rule="The handshake offers permessage-deflate.",
        ask=_compression,
    ),
    Check(
        name="ping",
        kind=Kind.MUST,
        rule="The queue pings every 20 s and drops a worker that does not answer with a pong.",
        ask=_ping,
    ),
)
