"""Routes: prefixes, upstreams, base paths."""

from __future__ import annotations

import pytest

from replayer.config import Config, PlayedRoute
from replayer.errors import ConfigError
from replayer.gateway.routes import Routes, UnknownUpstream

UPSTREAMS = {"openai": "https://api.openai.com/v1", "local": "http://127.0.0.1:9000"}
HOSTS = ("api.openai.com", "127.0.0.1:9000", "other.example")


def routes(*played: PlayedRoute, upstreams: dict[str, str] | None = None, pace: str = "instant") -> Routes:
    return Routes(
        Config(played=played, pace=pace), upstreams=UPSTREAMS if upstreams is None else upstreams, hosts=HOSTS
    )


@pytest.mark.parametrize(
    ("target", "upstream", "recorded", "host"),
    [
        ("/v1/models", None, "/v1/models", None),
        ("/openai/models?a=1", None, "/v1/models?a=1", "api.openai.com"),
        ("/openai", None, "/v1/", "api.openai.com"),
        ("/local/v1/models", None, "/v1/models", "127.0.0.1:9000"),
        ("/locals/v1/models", None, "/locals/v1/models", None),
        ("/models", "openai", "/v1/models", "api.openai.com"),
        ("/v1/models", "openai", "/v1/models", "api.openai.com"),
        ("/openai/models", "other.example", "/openai/models", "other.example"),
    ],
)
def test_an_upstream_is_named_by_prefix_or_header(
    target: str, upstream: str | None, recorded: str, host: str | None
) -> None:
    found, route = routes().of(target, upstream)
    assert (found, route.host) == (recorded, host)


def test_a_single_upstreams_base_path_goes_in_front() -> None:
    alone = routes(upstreams={"openai": "https://api.openai.com/v1"})
    assert alone.of("/models")[0] == "/v1/models"
    assert alone.of("/v1/models")[0] == "/v1/models"
    assert alone.of("/v10")[0] == "/v1/v10"


def test_the_longest_prefix_wins() -> None:
    found = routes(PlayedRoute(prefix="/v1"), PlayedRoute(prefix="/v1/files", upstream="openai", pace="0.5"))
    assert found.of("/v1/files/a")[1].host == "api.openai.com"
    assert found.of("/v1/files/a")[1].pace.factor == 0.5
    assert found.of("/v1/filesystem")[1].prefix == "/v1"
    assert found.of("/v10")[1].prefix == "/"


def test_an_unknown_upstream_names_the_closest() -> None:
    with pytest.raises(UnknownUpstream, match="did you mean 'openai'"):
        routes().of("/v1/models", "opanai")


@pytest.mark.parametrize("played", [PlayedRoute(prefix="/", ignore=("$[?(@.a)]",)), PlayedRoute(prefix="/", pace="x")])
def test_a_rule_that_is_not_understood_is_refused_at_the_start(played: PlayedRoute) -> None:
    with pytest.raises(ConfigError):
        routes(played)
