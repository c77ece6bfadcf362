"""What counts as a secret of the environment."""

from __future__ import annotations

import pytest

from replayer.redact.environment import secret_values

SECRET = "correct-horse-battery"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "dbPassword", "GITHUB_TOKEN", "MY_SECRET", "AUTH", "service.pat"])
def test_a_variable_looks_secret_by_a_word_of_its_name(name: str) -> None:
    assert secret_values({name: SECRET}) == (SECRET,)


@pytest.mark.parametrize("name", ["HOME", "KEYBOARD", "MONKEY", "AUTHOR", "LANG", "TOKENIZERS_PARALLELISM"])
def test_an_ordinary_variable_is_not_secret(name: str) -> None:
    assert secret_values({name: SECRET}) == ()


def test_short_values_paths_and_plain_urls_are_not_looked_for() -> None:
    environment = {
        "API_KEY": "elevenchars",
        "SSH_AUTH_SOCK": "/tmp/ssh-agent/agent.1",
        "TOKEN_URL": "https://login.example/oauth/token",
    }
    assert secret_values(environment) == ()


def test_a_password_inside_a_url_counts_whatever_the_name() -> None:
    assert secret_values({"DATABASE": "postgres://me:hunter2-hunter2@db/x"}) == ("hunter2-hunter2",)


def test_longer_values_come_first_so_that_the_whole_of_them_is_found() -> None:
    assert secret_values({"A_KEY": SECRET, "B_KEY": SECRET + "-staple"}) == (SECRET + "-staple", SECRET)
