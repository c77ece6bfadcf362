from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from replayer.cassette.model import Sender
from replayer.contract.asyncapi import Channel, read_asyncapi
from replayer.contract.documents import place
from replayer.errors import ContractError


def message(**constants: str) -> dict[str, Any]:
    properties = {name: {"const": value} for name, value in constants.items()}
    return {"payload": {"type": "object", "required": list(constants), "properties": properties}}


def read(heard: list[dict[str, Any]], said: list[dict[str, Any]], **info: str) -> list[Channel]:
    messages = {f"h{n}": m for n, m in enumerate(heard)} | {f"s{n}": m for n, m in enumerate(said)}

    def listed(letter: str) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/c/messages/{name}"} for name in messages if name.startswith(letter)]

    channel = {"$ref": "#/channels/c"}
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "t", "version": "1", **info},
        "channels": {"c": {"address": "/live", "messages": messages}},
        "operations": {
            "hear": {"action": "receive", "channel": channel, "messages": listed("h")},
            "say": {"action": "send", "channel": channel, "messages": listed("s")},
        },
    }
    fetch = {"urn:d": document}.__getitem__
    compile_ = lambda uri: jsonschema_rs.Draft202012Validator({"$ref": uri}, retriever=fetch)  # noqa: E731 (one use)
    return read_asyncapi(place("urn:d", fetch), compile_)


def test_what_the_described_server_receives_is_sent_by_the_client() -> None:
    (channel,) = read([message(type="ask")], [message(type="tell")])
    assert list(channel.messages[Sender.CLIENT]) == ["ask"]
    assert list(channel.messages[Sender.SERVER]) == ["tell"]
    assert channel.check(Sender.CLIENT, {"type": "ask"}, "w") == ()


def test_a_document_may_describe_the_client() -> None:
    (channel,) = read([message(type="ask")], [message(type="tell")], **{"x-describes": "client"})
    assert list(channel.messages[Sender.SERVER]) == ["ask"]


def test_messages_may_be_told_apart_by_another_property() -> None:
    (channel,) = read([message(event="a"), message(event="b")], [message(event="c")])
    assert channel.selector == "event"
    (violation,) = channel.check(Sender.CLIENT, {"event": "bb"}, "w")
    assert violation.expected == "one of a, b; did you mean 'b'?"
    assert violation.pointer == "/event"


def test_one_message_a_direction_needs_no_type() -> None:
    (channel,) = read([{"payload": {"type": "integer"}}], [{"payload": {"type": "array"}}])
    assert channel.check(Sender.CLIENT, 3, "w") == ()
    assert len(channel.check(Sender.SERVER, 3, "w")) == 1


def test_messages_that_nothing_tells_apart_are_refused() -> None:
    with pytest.raises(ContractError, match=r"urn:d: /channels/c: no property tells the messages apart"):
        read([message(type="a"), {"payload": {}}], [message(type="c")])


def test_a_message_without_payload_is_refused() -> None:
    with pytest.raises(ContractError, match="a message has a payload"):
        read([{}], [message(type="c")])


def test_a_channel_fits_paths_that_end_with_its_address() -> None:
    (channel,) = read([message(type="a")], [])
    assert channel.fits("/live")
    assert channel.fits("/base/live")
    assert not channel.fits("/alive")
    assert not channel.fits("/live/x")


def test_a_direction_without_messages_allows_none() -> None:
    (channel,) = read([message(type="a")], [])
    (violation,) = channel.check(Sender.SERVER, {"type": "a"}, "w")
    assert violation.expected == "no message from the server"
