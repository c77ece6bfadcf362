"""replayer.toml: what it says, and how a mistake in it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from replayer.config import Config, DispatchedRoute, PlayedRoute, Workers, bundled_directory, load_directory, parse
from replayer.errors import ConfigError, UsageError


def refused(table: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(table, where="replayer.toml")
    return str(caught.value)


def test_an_empty_file_is_the_defaults() -> None:
    assert parse({}, where="replayer.toml") == Config()


def test_played_and_dispatched_routes_are_told_apart() -> None:
    config = parse(
        {
            "route": [
                {"prefix": "/v1", "upstream": "openai", "ignore": ["$.metadata"], "pace": 0.5},
                {"path": "/v1/chat/completions", "task": "openai/chat-completion"},
            ]
        },
        where="replayer.toml",
    )
    assert config.played == (PlayedRoute(prefix="/v1", upstream="openai", ignore=("$.metadata",), pace="0.5"),)
    assert config.dispatched == (DispatchedRoute(path="/v1/chat/completions", task="openai/chat-completion"),)


def test_a_dispatched_route_alone_brings_a_queue() -> None:
    config = parse({"route": [{"path": "/v1/embeddings", "task": "openai/embeddings"}]}, where="replayer.toml")
    assert config.dispatch is not None
    assert config.dispatch.path == "/ws"
    assert config.dispatch.workers is Workers.ONE


def test_nothing_dispatched_means_no_queue() -> None:
    assert parse({"route": [{"prefix": "/v1"}]}, where="replayer.toml").dispatch is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"prot": 8788}, "replayer.toml: unknown key 'prot'; did you mean 'port'? (known: contract, "),
        ({"dispatch": {"worker": "one"}}, "dispatch: unknown key 'worker'; did you mean 'workers'?"),
        ({"route": [{"path": "/x", "tsk": "t"}]}, "unknown key 'tsk'; did you mean 'task'?"),
        ({"route": [{"prefix": "/x", "ignor": []}]}, "route[0]: unknown key 'ignor'; did you mean 'ignore'?"),
        ({"route": [{"prefix": "v1"}]}, "route[0]: prefix: "),
        ({"route": [{"path": "/x"}]}, 'route[0]: "task" is a required property'),
        ({"route": {"prefix": "/v1"}}, "route: "),
        ({"port": "8788"}, "port: "),
        ({"port": 70000}, "port: "),
        ({"pace": "fast"}, "pace: "),
    ],
)
def test_a_mistake_is_named_with_its_place(table: dict[str, object], message: str) -> None:
    assert message in refused(table)


def test_every_mistake_is_reported_at_once() -> None:
    assert len(refused({"prot": 1, "port": "x"}).splitlines()) == 2


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "replayer.toml").write_text("port = \n")
    with pytest.raises(ConfigError, match=r"replayer\.toml: is not TOML: .*line 1"):
        load_directory(tmp_path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "replayer.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"replayer\.toml: is not TOML"):
        load_directory(tmp_path)


def test_pyproject_serves_where_there_is_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.replayer]\nport = 9000\n")
    assert load_directory(tmp_path) == Config(port=9000)


def test_a_directory_without_configuration_has_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n")
    assert load_directory(tmp_path) is None


def test_the_bundled_directories_are_valid() -> None:
    config = load_directory(bundled_directory("casola"))
    assert config is not None
    assert config.port == 8788
    assert {route.task for route in config.dispatched} >= {"openai/chat-completion", "openai/embeddings"}


def test_an_unknown_bundled_name_names_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'casola'"):
        bundled_directory("casolla")
