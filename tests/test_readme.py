"""The README is the manual: whatever a user can type or set stands in it; CI runs its second command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from replayer.bundled import schemas_folder
from replayer.cli import cli
from replayer.control.api import ROUTES
from replayer.faults.grammar import KNOWN

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group, path: str = "replayer") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


ALL = dict(commands(cli))


@pytest.mark.parametrize("name", ALL)
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert f"{name}" in README


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (name, option)
        for name, command in ALL.items()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    ],
)
def test_every_option_stands_in_the_readme(name: str, option: str) -> None:
    assert re.search(rf"{option}(?![\w-])", README), f"{option} of {name}"


@pytest.mark.parametrize("fault", sorted(KNOWN))
def test_every_fault_stands_in_the_readme(fault: str) -> None:
    assert f"`{fault}" in README


@pytest.mark.parametrize("route", ROUTES)
def test_every_control_route_stands_in_the_readme(route: str) -> None:
    assert f"/__replayer/{route}" in README


def keys(schema: dict[str, object]) -> Iterator[str]:
    for name, value in schema.items():
        if name == "properties":
            assert isinstance(value, dict)
            yield from value
        if isinstance(value, dict):
            yield from keys(value)


@pytest.mark.parametrize(
    "key", sorted(set(keys(json.loads((schemas_folder() / "replayer" / "config.json").read_text()))))
)
def test_every_configuration_key_stands_in_the_readme(key: str) -> None:
    assert re.search(rf"`{key}`|^{key} = |\[\[?{key}\]", README, re.MULTILINE)


def test_ci_runs_the_second_command_of_the_readme() -> None:
    first, second = re.findall(r"^```(?:sh|bash)\n(python3 -m venv [^`]+?)\n```", README, re.MULTILINE)[:2]
    assert "replayer demo" in first
    assert "pytest" in second
    ci = (TOP / ".ci" / "run").read_text(encoding="utf-8")
    assert second in ci
