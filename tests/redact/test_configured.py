"""What a user calls secret, and what a user does not."""

from __future__ import annotations

import json

import pytest

from replayer.config import RedactConfig, parse
from replayer.errors import ConfigError
from replayer.redact.configured import redactor_of, rules_of, with_options


def test_each_kind_adds_to_the_defaults() -> None:
    config = RedactConfig(
        header=("X-Team",),
        query=("sid",),
        json=("$.user.email", "$.items[*].code", "$..ssn"),
        form=("otp",),
        pattern=(r"cus_[0-9]+ [a-z]+",),
        env=("PLAIN",),
    )
    redactor = redactor_of(config, {"PLAIN": "five5"})
    assert redactor.headers((("x-team", "a"), ("authorization", "b"))) == (
        ("x-team", "[REDACTED]"),
        ("authorization", "[REDACTED]"),
    )
    assert redactor.uri("/p?sid=1&q=five5") == "/p?sid=[REDACTED]&q=[REDACTED]"
    document = {
        "user": {"email": "a@b"},
        "items": [{"code": 1}, {"code": {"x": 2}}],
        "a": {"ssn": [3]},
        "t": "cus_12 ab",
    }
    assert json.loads(redactor.body(json.dumps(document).encode(), "application/json")) == {
        "user": {"email": "[REDACTED]"},
        "items": [{"code": "[REDACTED]"}, {"code": "[REDACTED]"}],
        "a": {"ssn": "[REDACTED]"},
        "t": "[REDACTED]",
    }
    assert redactor.body(b"otp=123", "application/x-www-form-urlencoded") == b"otp=[REDACTED]"


def test_a_path_rule_holds_in_events_frames_and_json_lines() -> None:
    redactor = redactor_of(RedactConfig(json=("$.user.email",)), {})
    one, left = b'{"user": {"email": "a@b"}, "n": 1}', b'{"user": {"email": "[REDACTED]"}, "n": 1}'
    assert (
        redactor.body(b"data: " + one + b"\n\ndata: x\n\n", "text/event-stream")
        == b"data: " + left + b"\n\ndata: x\n\n"
    )
    assert redactor.body(one + b"\n" + one + b"\n", "application/x-ndjson") == left + b"\n" + left + b"\n"
    ((_, spans),) = redactor.conversation().feed(one, by="client")
    assert [span.replacement for span in spans] == [b'"[REDACTED]"']


def test_a_default_can_be_kept_and_a_variable_too() -> None:
    config = RedactConfig(keep=("header:OpenAI-Organization", "query:key", "json:password", "env:MY_TOKEN"))
    redactor = redactor_of(config, {"MY_TOKEN": "not-a-secret-at-all"})
    assert redactor.headers((("openai-organization", "o"),)) == (("openai-organization", "o"),)
    assert redactor.uri("/p?key=1&token=2") == "/p?key=1&token=[REDACTED]"
    assert (
        redactor.text('{"password": "x", "t": "not-a-secret-at-all"}')
        == '{"password": "x", "t": "not-a-secret-at-all"}'
    )


@pytest.mark.parametrize(
    ("redact", "keep", "said"),
    [
        (["X-Team"], [], "KIND:NAME"),
        (["heeder:x"], [], "did you mean 'header'"),
        (["json:user.email"], [], "does not begin with"),
        (["pattern:("], [], "not a regular expression"),
        (["pattern:a*"], [], "everywhere"),
        ([], ["header:authorisation"], "did you mean 'authorization'"),
        ([], ["pattern:x"], "KIND is one of"),
    ],
)
def test_what_means_nothing_is_refused(redact: list[str], keep: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        rules_of(with_options(RedactConfig(), redact, keep))


def test_the_configuration_is_read_from_toml() -> None:
    config = parse({"redact": {"header": ["x-a"], "keep": ["query:key"]}}, where="x")
    assert config.redact == RedactConfig(header=("x-a",), keep=("query:key",))
    with pytest.raises(ConfigError, match="did you mean 'header'"):
        parse({"redact": {"headers": []}}, where="x")
