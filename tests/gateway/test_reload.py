"""Reading cassettes anew: all or nothing, and nobody's place is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from replayer.cassette import store
from replayer.cassette.codec import Layout
from replayer.cassette.model import Cassette, Interaction, Request, Response
from replayer.clock import SystemClock
from replayer.errors import CassetteError
from replayer.inputs import load
from replayer.service import Contracts, Options, Service, build
from replayer.watch import watch


def write(path: Path, *answers: str) -> None:
    interactions = tuple(
        Interaction(
            request=Request(method="GET", uri="https://api.openai.com/v1/models"),
            response=Response(status=200, body=answer.encode()),
        )
        for answer in answers
    )
    store.write(path, Cassette(interactions=interactions), layout=Layout.BLOCK)


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[tuple[Service, aiohttp.ClientSession, str]]:
    options = Options(port=0, seed=1, repeat="none", contracts=Contracts.OFF)
    service = build(load((str(folder),)), options, clock=SystemClock(), environment={})
    service.reloads(lambda: load((str(folder),)))
    (address,) = await service.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield service, client, address.url
    finally:
        await service.stop()


async def ask(client: aiohttp.ClientSession, url: str) -> str:
    async with client.get(f"{url}/v1/models") as answer:
        return await answer.text() if answer.status == 200 else str(answer.status)


async def test_what_changed_is_played_and_what_was_played_stays_played(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one", "two")
    async with playing(tmp_path) as (service, client, url):
        assert await ask(client, url) == "one"
        write(tmp_path / "a.yaml", "one", "two, mended")
        write(tmp_path / "b.yaml", "three")
        reloaded = await service.reload()
        assert (reloaded.cassettes, reloaded.interactions, reloaded.added, reloaded.gone) == (2, 3, 2, 1)
        assert [await ask(client, url) for _ in range(3)] == ["two, mended", "three", "424"]
        assert service.run.summary().unplayed == ()


async def test_an_answer_that_was_made_ready_is_not_kept_over_a_reload(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "before")
    async with playing(tmp_path) as (service, client, url):
        assert await ask(client, url) == "before"
        write(tmp_path / "a.yaml", "after")
        await service.reload()
        assert await ask(client, url) == "after"


async def test_a_broken_file_changes_nothing_and_control_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one", "two")
    async with playing(tmp_path) as (service, client, url):
        write(tmp_path / "b.yaml", "three")
        (tmp_path / "c.yaml").write_text("interactions: [{request: ")
        with pytest.raises(CassetteError, match=r"c\.yaml"):
            await service.reload()
        async with client.post(f"{url}/__replayer/cassettes") as answer:
            assert answer.status == 409
            assert "c.yaml" in (await answer.json())["detail"]
        assert [await ask(client, url) for _ in range(3)] == ["one", "two", "424"]
        (tmp_path / "c.yaml").unlink()
        async with client.post(f"{url}/__replayer/cassettes") as answer:
            assert (await answer.json())["reloaded"]["interactions"] == 3
        assert await ask(client, url) == "three"


async def test_watching_reloads_what_has_changed_and_says_what_is_broken(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one")
    said: asyncio.Queue[str] = asyncio.Queue()
    async with playing(tmp_path) as (service, client, url):
        watching = asyncio.create_task(watch(service, (str(tmp_path),), said.put_nowait, every_s=0.01))
        try:
            await asyncio.sleep(0.05)  # it has looked once
            write(tmp_path / "a.yaml", "one", "another")
            assert await said.get() == "reloaded: 1 cassettes, 2 interactions (1 new or changed, 0 gone)"
            assert [await ask(client, url), await ask(client, url)] == ["one", "another"]
            (tmp_path / "a.yaml").write_text("interactions: [{request: ")
            assert (await said.get()).startswith("not reloaded, what was loaded before is played on: ")
        finally:
            watching.cancel()


async def test_a_session_made_by_control_plays_its_cassettes_only_and_begins_anew(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one")
    write(tmp_path / "b.yaml", "two")
    async with playing(tmp_path) as (_, client, url):
        session = {"name": "mine", "cassettes": ["b.yaml"]}
        async with client.post(f"{url}/__replayer/sessions", json=session) as answer:
            assert answer.status == 200
        mine = f"{url}/__replayer/s/mine"
        assert [await ask(client, mine), await ask(client, mine)] == ["two", "424"]
        async with client.post(f"{mine}/__replayer/reset") as answer:
            assert answer.status == 200
        async with client.post(f"{url}/__replayer/reset?session=mine") as answer:
            assert await answer.json() == {"reset": 1}
        assert await ask(client, mine) == "two"
        async with client.get(f"{url}/__replayer/interactions?session=mine&played=true") as answer:
            assert [found["name"] for found in (await answer.json())["interactions"]] == ["b.yaml#0"]
        async with client.delete(f"{url}/__replayer/sessions/mine") as answer:
            assert answer.status == 200
        assert await ask(client, mine) == "one"
        async with client.post(f"{url}/__replayer/sessions", json={"name": "x", "cassettes": ["c.yaml"]}) as answer:
            assert answer.status == 409
