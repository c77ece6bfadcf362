"""One request's way through the gateway, over real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from replayer.journal import Outcome


async def test_a_recorded_answer_is_a_hit_that_names_its_interaction(kit: Any) -> None:
    async with kit.serve(kit.interaction(answer=b'{"data":[]}')) as running:
        answer = await running.get("/v1/models")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
    assert b"\r\nreplayer-outcome: hit\r\n" in head
    assert b"\r\nreplayer-interaction: a.yaml#0\r\n" in head
    assert body == b'{"data":[]}'


async def test_a_miss_names_the_nearest_and_is_not_to_be_retried(kit: Any) -> None:
    recorded = kit.interaction("/v1/chat", method="POST", body=b'{"model":"a","n":1}')
    async with kit.serve(recorded) as running, aiohttp.ClientSession() as client:
        async with client.post(f"{running.url}/v1/chat", json={"model": "b", "n": 1}) as answer:
            told = await answer.json(content_type="application/problem+json")
        entry = running.journal()[-1]
    assert answer.status == 424
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["Replayer-Outcome"] == "miss"
    assert told["nearest"][0]["interaction"] == "a.yaml#0"
    assert told["nearest"][0]["differed"] == [
        {"matcher": "body", "pointer": "/model", "recorded": "a", "asked": "b"},
    ]
    assert "/model" in told["detail"]
    assert entry.outcome is Outcome.MISS
    assert entry.status == 424
    assert entry.details["nearest"] == told["nearest"]


async def test_a_used_up_interaction_names_the_entry_that_used_it(kit: Any) -> None:
    async with kit.serve(kit.interaction(), repeat="none") as running:
        await running.get("/v1/models")
        answer = await running.get("/v1/models")
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert told["nearest"][0]["used_up"] is True
    assert told["nearest"][0]["used_by_entry"] == 1
    assert "used up (journal entry 1)" in told["detail"]


async def test_sessions_play_each_from_the_first_answer(kit: Any) -> None:
    async with kit.serve(kit.interaction(answer=b"1", at=0), kit.interaction(answer=b"2", at=1)) as running:
        bodies = [
            (await running.get(path, *fields)).partition(b"\r\n\r\n")[2]
            for path, fields in [
                ("/v1/models", ()),
                ("/v1/models", ("Replayer-Session: one",)),
                ("/__replayer/s/two/v1/models", ()),
                ("/v1/models", ()),
                ("/__replayer/s/one/v1/models", ()),
                ("/v1/models", ("Replayer-Session: two",)),
            ]
        ]
        sessions = [entry.session for entry in running.journal()]
    assert bodies == [b"1", b"1", b"1", b"2", b"2", b"2"]
    assert sessions == ["default", "one", "two", "default", "one", "two"]


async def test_replayer_cassette_narrows_a_request(kit: Any) -> None:
    cassettes = {"t/a.yaml": (kit.interaction(answer=b"a"),), "t/b.yaml": (kit.interaction(answer=b"b"),)}
    async with kit.serve(cassettes=cassettes) as running:
        assert (await running.get("/v1/models", 'Replayer-Cassette: "t/b.yaml"')).endswith(b"\r\n\r\nb")
        unknown = await running.get("/v1/models", 'Replayer-Cassette: "t/bb.yaml"')
        wrong = await running.get("/v1/models", "Replayer-Cassette: t/b.yaml")
    assert unknown.startswith(b"HTTP/1.1 404 ")
    assert b"did you mean 't/b.yaml'?" in unknown
    assert wrong.startswith(b"HTTP/1.1 400 ")


async def test_an_upstream_is_named_by_prefix_or_header(kit: Any) -> None:
    both = (kit.interaction(answer=b"o"), kit.interaction(answer=b"d", host="api.deepseek.com"))
    upstreams = {"openai": "https://api.openai.com", "deepseek": "https://api.deepseek.com"}
    async with kit.serve(*both, upstreams=upstreams) as running:
        assert (await running.get("/deepseek/v1/models")).endswith(b"\r\n\r\nd")
        assert (await running.get("/v1/models", "Replayer-Upstream: deepseek")).endswith(b"\r\n\r\nd")
        assert (await running.get("/v1/models", "Replayer-Upstream: api.deepseek.com")).endswith(b"\r\n\r\nd")
        assert (await running.get("/openai/v1/models")).endswith(b"\r\n\r\no")
        unknown = await running.get("/v1/models", "Replayer-Upstream: deepsek")
    assert unknown.startswith(b"HTTP/1.1 404 ")
    assert b"did you mean 'deepseek'?" in unknown


async def test_a_header_of_ours_that_there_is_not_is_refused(kit: Any) -> None:
    async with kit.serve(kit.interaction()) as running:
        answer = await running.get("/v1/models", "Replayer-Fualt: reset")
        outcome = running.journal()[-1].outcome
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"did you mean 'replayer-fault'?" in answer
    assert outcome is Outcome.REFUSED


async def test_a_malformed_fault_lists_the_faults_and_consumes_nothing(kit: Any) -> None:
    async with kit.serve(kit.interaction(), repeat="none") as running:
        refused = await running.get("/v1/models", "Replayer-Fault: statsu;code=429")
        played = await running.get("/v1/models")
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert b"did you mean 'status'?" in refused
    assert b"truncate" in refused
    assert played.startswith(b"HTTP/1.1 200 ")


async def test_an_injected_status_consumes_nothing(kit: Any) -> None:
    async with kit.serve(kit.interaction(), repeat="none") as running:
        injected = await running.get("/v1/models", "Replayer-Fault: status;code=429;retry-after=2")
        played = await running.get("/v1/models")
        entry = running.journal()[0]
    assert injected.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nretry-after: 2\r\n" in injected.lower()
    assert b"\r\nreplayer-faults: status\r\n" in injected
    assert b'"rate_limit_exceeded"' in injected
    assert played.startswith(b"HTTP/1.1 200 ")
    assert entry.faults == ("status",)


async def test_a_fault_that_cannot_apply_is_told_in_the_journal(kit: Any) -> None:
    async with kit.serve(kit.stream(b"data: 1\n\n", b"data: 2\n\n")) as running:
        await running.get("/v1/stream", "Replayer-Fault: truncate;chunks=9")
        entry = running.journal()[-1]
        not_applied = running.service.run.summary().not_applied
    assert entry.faults == ()
    assert [reason.partition(":")[0] for reason in entry.not_applied] == ["truncate"]
    assert not_applied == 1


async def test_health_answers_at_the_root_only_where_nothing_was_recorded(kit: Any) -> None:
    async with kit.serve(kit.interaction()) as running:
        assert (await running.get("/health")).endswith(b'{"status":"ok"}')
    async with kit.serve(kit.interaction("/health", answer=b"recorded")) as running:
        assert (await running.get("/health")).endswith(b"recorded")


async def test_what_is_not_http_is_answered_and_nothing_is_said_on_the_console(kit: Any, capfd: Any) -> None:
    async with kit.serve(kit.interaction()) as running:
        answer = await running.raw(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        again = await running.get("/v1/models")
    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert again.startswith(b"HTTP/1.1 200 ")
    assert capfd.readouterr() == ("", "")


async def test_pipelined_requests_are_answered_in_order(kit: Any) -> None:
    async with kit.serve(kit.interaction("/a", answer=b"A"), kit.interaction("/b", answer=b"B")) as running:
        request = b"GET /%b HTTP/1.1\r\nHost: h\r\n%b\r\n"
        answer = await running.raw(
            request % (b"a", b"") + request % (b"b", b"") + request % (b"a", b"Connection: close\r\n")
        )
    assert [part[-1:] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [b"A", b"B", b"A"]


async def test_a_client_that_asks_first_is_told_to_go_on(kit: Any) -> None:
    async with kit.serve(kit.interaction("/up", method="POST", body=b"{}")) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        head = "POST /up HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        writer.write(f"{head}Expect: 100-continue\r\nConnection: close\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(kit: Any) -> None:
    async with kit.serve(kit.interaction()) as running:
        answer = await running.raw(
            b"POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999\r\nExpect: 100-continue\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_secrets_of_a_request_are_in_neither_the_journal_nor_the_miss(kit: Any) -> None:
    secret = "s3cr3t-of-the-environment"
    async with kit.serve(kit.interaction(), environment={"SOME_API_KEY": secret}) as running:
        answer = await running.get(f"/v1/models?key={secret}&q={secret}", f"Authorization: Bearer {secret}")
        entry = running.journal()[-1]
    assert answer.startswith(b"HTTP/1.1 424 ")
    assert secret.encode() not in answer
    assert secret not in str(entry)
