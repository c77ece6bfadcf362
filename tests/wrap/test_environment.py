"""The environment of a wrapped program."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from replayer.errors import UsageError
from replayer.wrap.environment import DUMMY_KEY, KNOWN, Base, Environment, assignment

OPENAI = Base(here="http://127.0.0.1:9/openai", url="https://api.openai.com")


def pointed(user: Mapping[str, str], **bases: Base) -> Mapping[str, str]:
    environment = Environment(user)
    environment.point(bases)
    return environment.variables


def test_each_known_service_has_its_variable_with_the_path_that_its_client_expects() -> None:
    here = {service: Base(here=f"http://127.0.0.1:9/{service}") for service in KNOWN}
    assert pointed({"HOME": "/h"}, **here) == {
        "HOME": "/h",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/openai/v1",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/anthropic",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/gemini",
        "CASOLA_WS_URL": "ws://127.0.0.1:9/casola",
    }


def test_a_service_is_known_by_its_host_too() -> None:
    assert pointed({}, mine=OPENAI) == {"OPENAI_BASE_URL": "http://127.0.0.1:9/openai/v1"}
    assert pointed({}, mine=Base(here="http://127.0.0.1:9", url="https://other.example")) == {}


def test_an_upstream_that_says_its_path_already_does_not_say_it_twice() -> None:
    base = Base(here="http://127.0.0.1:9", url="https://api.openai.com/v1/")
    assert pointed({}, openai=base) == {"OPENAI_BASE_URL": "http://127.0.0.1:9"}


def test_what_the_user_set_is_left_alone_and_told() -> None:
    environment = Environment({"OPENAI_BASE_URL": "https://mine.example"})
    environment.point({"openai": OPENAI})
    assert environment.variables["OPENAI_BASE_URL"] == "https://mine.example"
    assert environment.left == ["OPENAI_BASE_URL"]
    environment.assign({"openai": OPENAI}, [assignment("OPENAI_BASE_URL=openai/v1", ["openai"])])
    assert environment.variables["OPENAI_BASE_URL"] == "http://127.0.0.1:9/openai/v1"
    assert environment.left == []


def test_an_assignment_has_the_scheme_of_its_upstream() -> None:
    environment = Environment({})
    queue = Base(here="http://127.0.0.1:9/queue", url="wss://queue.example")
    environment.assign({"queue": queue}, [assignment("CASOLA_WS_URL=queue", ["queue"])])
    assert environment.variables == {"CASOLA_WS_URL": "ws://127.0.0.1:9/queue"}


def test_a_proxy_of_the_users_is_not_asked_for_our_loopback_address() -> None:
    user = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "corp.example"}
    variables = pointed(user, openai=OPENAI)
    assert variables["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert variables["NO_PROXY"] == "corp.example,127.0.0.1,localhost"
    assert variables["no_proxy"] == "127.0.0.1,localhost"
    assert "NO_PROXY" not in pointed({}, openai=OPENAI)


def test_forward_sets_proxies_and_trust_and_adds_to_nodes_options() -> None:
    environment = Environment({"NODE_OPTIONS": "--max-old-space-size=99", "HTTPS_PROXY": "http://proxy.example:3128"})
    environment.trust(bundle="/t/all.pem", ca="/t/node.pem")
    environment.forward("http://127.0.0.1:9", preload='/a "b"/preload.cjs')
    variables = environment.variables
    assert {variables[name] for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")} == {
        "http://127.0.0.1:9"
    }
    assert {variables[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")} == {"/t/all.pem"}
    assert variables["NODE_EXTRA_CA_CERTS"] == "/t/node.pem"
    assert variables["NODE_OPTIONS"] == '--max-old-space-size=99 --require "/a \\"b\\"/preload.cjs"'
    assert environment.own_proxy == "http://proxy.example:3128"


def test_a_key_is_made_up_only_where_none_is_set() -> None:
    environment = Environment({"GOOGLE_API_KEY": "mine", "ANTHROPIC_AUTH_TOKEN": "mine", "OPENAI_API_KEY": ""})
    environment.unlock()
    assert environment.variables == {
        "GOOGLE_API_KEY": "mine",
        "ANTHROPIC_AUTH_TOKEN": "mine",
        "OPENAI_API_KEY": DUMMY_KEY,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MY_URL", "write VARIABLE=NAME"),
        ("MY URL=openai", "write VARIABLE=NAME"),
        ("=openai", "write VARIABLE=NAME"),
        ("MY_URL=opnai", "no upstream 'opnai'; did you mean 'openai'"),
    ],
)
def test_an_assignment_that_is_none_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        assignment(text, ["openai"])
