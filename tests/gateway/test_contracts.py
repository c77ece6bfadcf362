"""Live checks by the user's own contract: reported or rejected, by policy; and requests that drift."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from replayer.cassette.model import Cassette
from replayer.clock import SystemClock
from replayer.config import Config, DispatchConfig, PlayedRoute
from replayer.errors import UsageError
from replayer.inputs import Loaded
from replayer.service import Contracts, Options, Service, build

ASKED = {"x-binds": "request POST /things", "type": "object", "required": ["q"]}
ANSWERED = {"x-binds": "response POST /things", "type": "object", "required": ["id"]}


def service(
    folder: Path, *interactions: Any, policy: str | None = None, contracts: Contracts = Contracts.ON, **config: Any
) -> Service:
    for name, schema in (("asked", ASKED), ("answered", ANSWERED)):
        (folder / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
    loaded = Loaded(
        config=Config(contract=("answered.json",), **config),
        folder=folder,
        cassettes=(("a.yaml", Cassette(interactions=interactions)),),
    )
    options = Options(port=0, seed=1, contracts=contracts, documents=(folder / "asked.json",), policy=policy)
    return build(loaded, options, clock=SystemClock(), environment={})


async def asked(running: Service, body: Any) -> tuple[aiohttp.ClientResponse, Any]:
    (address,) = await running.start()
    try:
        async with aiohttp.ClientSession() as client, client.post(f"{address.url}/things", json=body) as answer:
            return answer, json.loads(await answer.read())
    finally:
        await running.stop()


def recorded(kit: Any, body: Any, answer: Any) -> Any:
    return kit.interaction("/things", method="POST", body=json.dumps(body).encode(), answer=json.dumps(answer).encode())


async def test_violations_are_counted_in_header_journal_and_summary_and_the_answer_goes_out(
    kit: Any, tmp_path: Path
) -> None:
    running = service(tmp_path, recorded(kit, {}, {}))
    answer, body = await asked(running, {})
    assert (answer.status, body) == (200, {})
    assert answer.headers["Replayer-Violations"] == "2"
    (entry,) = running.run.entries()
    assert [violation["expected"] for violation in entry.violations] == ['a property "q"', 'a property "id"']
    assert running.run.summary().violations == 2


async def test_what_is_told_of_a_violation_shows_no_secret(kit: Any, tmp_path: Path) -> None:
    running = service(tmp_path, recorded(kit, {}, {"id": 1}), policy="reject")
    secret = "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3
    _, problem = await asked(running, [secret])
    assert "[REDACTED]" in json.dumps(problem)
    (entry,) = running.run.entries()
    assert secret not in json.dumps([problem, entry.violations])


async def test_a_bad_request_is_answered_with_400_where_the_policy_is_to_reject(kit: Any, tmp_path: Path) -> None:
    running = service(tmp_path, recorded(kit, {}, {"id": 1}), policy="reject")
    answer, problem = await asked(running, {})
    assert answer.status == 400
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Replayer-Outcome"] == "refused"
    assert answer.headers["Replayer-Violations"] == "1"
    assert problem["title"] == "The request breaks its contract"
    assert problem["violations"][0]["expected"] == 'a property "q"'
    assert running.run.summary().unplayed == ("a.yaml#0",)


async def test_a_bad_answer_is_replaced_by_502_where_the_policy_is_to_reject(kit: Any, tmp_path: Path) -> None:
    running = service(tmp_path, recorded(kit, {"q": 1}, {}), policy="reject")
    answer, problem = await asked(running, {"q": 1})
    assert answer.status == 502
    assert answer.headers["Replayer-Interaction"] == "a.yaml#0"
    assert problem["title"] == "The answer breaks its contract"


async def test_the_configuration_can_say_to_reject(kit: Any, tmp_path: Path) -> None:
    running = build(
        Loaded(
            config=Config(contract=("answered.json",), policy="reject"),
            folder=_written(tmp_path),
            cassettes=(("a.yaml", Cassette(interactions=(recorded(kit, {}, {}),))),),
        ),
        Options(port=0, seed=1),
        clock=SystemClock(),
        environment={},
    )
    answer, _ = await asked(running, {})
    assert answer.status == 502


def _written(folder: Path) -> Path:
    (folder / "answered.json").write_text(json.dumps(ANSWERED), encoding="utf-8")
    return folder


def test_to_reject_without_contracts_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--contracts off"):
        service(tmp_path, policy="reject", contracts=Contracts.OFF)


async def test_a_request_that_matches_by_loose_rules_only_is_compared(kit: Any, tmp_path: Path) -> None:
    route = PlayedRoute(prefix="/", ignore=("$.model",))
    running = service(tmp_path, recorded(kit, {"q": 1, "model": "m-1"}, {"id": 1}), played=(route,))
    answer, _ = await asked(running, {"q": 1, "model": "m-2"})
    assert answer.headers["Replayer-Outcome"] == "hit"
    (entry,) = running.run.entries()
    assert entry.details["request_drift"] == [{"part": "body", "pointer": "/model", "recorded": "m-1", "asked": "m-2"}]
    assert running.run.summary().request_drift == 1


async def test_a_header_that_says_what_is_spoken_is_compared_of_every_request(kit: Any, tmp_path: Path) -> None:
    one = kit.interaction("/things", headers=(("content-type", "application/json"),))
    one = replace(one, request=replace(one.request, headers=(("anthropic-version", "2023-06-01"),)))
    running = service(tmp_path, one)
    (address,) = await running.start()
    try:
        async with aiohttp.ClientSession() as client:
            for version in ("2023-06-01", "2024-01-01"):
                async with client.get(f"{address.url}/things", headers={"anthropic-version": version}) as answer:
                    assert answer.headers["Replayer-Outcome"] == "hit"
    finally:
        await running.stop()
    same, other = running.run.entries()
    assert "request_drift" not in same.details
    told = {"part": "headers", "pointer": "/anthropic-version", "recorded": "2023-06-01", "asked": "2024-01-01"}
    assert other.details["request_drift"] == [told]
    assert running.run.summary().request_drift == 1


async def test_a_secret_in_a_workers_wrong_frame_is_not_in_the_journal(tmp_path: Path) -> None:
    secret = "sk-proj-" + "a1B2" * 8
    dispatching = Config(dispatch=DispatchConfig())
    loaded = Loaded(config=dispatching, folder=tmp_path, cassettes=())
    running = build(loaded, Options(port=0, seed=1), clock=SystemClock(), environment={})
    (address,) = await running.start()
    try:
        async with aiohttp.ClientSession() as client, client.ws_connect(f"{address.url}/ws") as worker:
            await worker.send_json({"type": "register", "worker_id": "w", "config_id": "c", "capacity": 1})
            await worker.send_json({"type": "job_error", "job_id": "j", "error": {"key": secret}})
            await worker.send_json({"type": "nonsense"})
            await worker.receive_json()  # the error frame: everything before it has been judged
    finally:
        await running.stop()
    entries = [asdict(entry) for entry in running.run.entries()]
    assert any(violation["pointer"] == "/error" for entry in entries for violation in entry["violations"])
    assert secret not in str(entries)
