"""Upstreams by name, prefix and port."""

from __future__ import annotations

import pytest

from replayer.errors import UsageError
from replayer.record.upstreams import Listener, Upstream, listeners, parse

OPENAI = parse("openai=https://api.openai.com")
QUEUE = parse("queue=wss://queue.example:8443/base/")


def uri(listener: Listener, path: str, *, websocket: bool = False) -> str | None:
    target = listener.target(path)
    return None if target is None else target.uri(websocket=websocket)


def test_a_name_an_address_and_perhaps_a_port() -> None:
    assert Upstream(name="openai", url="https://api.openai.com") == OPENAI
    assert parse("a=http://127.0.0.1:9@8080") == Upstream(name="a", url="http://127.0.0.1:9", port=8080)
    assert (QUEUE.scheme, QUEUE.host, QUEUE.host_port, QUEUE.path) == ("https", "queue.example", 8443, "/base")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("openai", "write NAME=URL"),
        ("=https://h", "write NAME=URL"),
        ("a b=https://h", "write NAME=URL"),
        ("a=ftp://h", "is no address"),
        ("a=https://", "is no address"),
        ("a=https://h:99999", "is no address"),
        ("a=https://h@99999", "is no address"),
        ("a=https://h?x=1", "is no address"),
        ("a=https://me:secret-password@h", "leave user and password out"),
    ],
)
def test_a_mistake_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(text)
    assert "secret-password" not in str(caught.value)


def test_a_single_upstream_needs_no_prefix() -> None:
    (listener,) = listeners([OPENAI], 0)
    assert uri(listener, "/openai/v1?x=1") == "https://api.openai.com/openai/v1?x=1"


def test_several_share_a_listener_under_their_names() -> None:
    (listener,) = listeners([OPENAI, QUEUE], 8080)
    assert listener.port == 8080
    assert uri(listener, "/openai/v1/x") == "https://api.openai.com/v1/x"
    assert uri(listener, "/queue/ws?a=1", websocket=True) == "wss://queue.example:8443/base/ws?a=1"
    assert uri(listener, "/openai") == "https://api.openai.com/"
    assert uri(listener, "/openai?x=1") == "https://api.openai.com/?x=1"
    assert uri(listener, "/openaix/v1") is None


def test_a_port_of_its_own_is_a_listener_of_its_own() -> None:
    shared, own = listeners([OPENAI, parse("b=http://h@8081")], 8080)
    assert (shared.upstreams, own.port, own.prefixed) == ((OPENAI,), 8081, False)


def test_names_and_ports_are_used_once() -> None:
    with pytest.raises(UsageError, match="two upstreams have the name 'openai'"):
        listeners([OPENAI, OPENAI], 0)
    with pytest.raises(UsageError, match="two listeners have the port 8080"):
        listeners([OPENAI, parse("b=http://h@8080")], 8080)
    with pytest.raises(UsageError, match="say what to record"):
        listeners([], 0)


def test_an_ipv6_address_stands_in_brackets() -> None:
    (listener,) = listeners([parse("a=http://[::1]:9")], 0)
    assert uri(listener, "/x") == "http://[::1]:9/x"
