"""A connection under way: to which channel it belongs, and when that is known."""

from __future__ import annotations

import json
from typing import Any

from replayer.cassette.model import Sender
from replayer.contract.checked import Checked
from replayer.contract.connection import Connection
from replayer.contract.registry import bundled

CONTRACT = bundled()
UPDATE = json.dumps({"type": "session.update", "session": {"type": "realtime"}})
BAD_EVENT = json.dumps({"type": "error"})
REGISTER = json.dumps({"type": "register", "worker_id": "w", "config_id": "c", "capacity": 1})


def to(path: str, *, service: str | None = None) -> Connection:
    return CONTRACT.connection(f"wss://api.example{path}", service=service)


def places(checked: Checked) -> set[str]:
    return {violation.where for violation in checked.violations}


def test_what_the_server_says_first_waits_for_the_clients_first_message() -> None:
    connection = to("/v1/realtime")
    assert connection.hear(Sender.SERVER, BAD_EVENT, "one") == Checked()
    checked = connection.hear(Sender.CLIENT, UPDATE, "two")
    assert (checked.frames, places(checked)) == (2, {"one"})
    assert places(connection.hear(Sender.SERVER, BAD_EVENT, "three")) == {"three"}
    assert connection.end() == Checked()


def test_a_client_that_speaks_otherwise_is_of_another_service() -> None:
    connection = to("/ws")
    connection.hear(Sender.SERVER, '{"type": "job"}', "one")
    assert connection.hear(Sender.CLIENT, '{"type": "subscribe"}', "two") == Checked(uncovered=2)
    assert connection.hear(Sender.CLIENT, REGISTER, "three") == Checked(uncovered=1)


def test_a_service_that_is_known_is_the_one() -> None:
    checked = to("/ws", service="casola").hear(Sender.CLIENT, '{"type": "subscribe"}', "one")
    assert places(checked) == {"one"}


def test_where_clients_speak_the_server_alone_shows_nothing() -> None:
    connection = to("/ws")
    assert connection.hear(Sender.SERVER, '{"type": "job"}', "one") == Checked()
    assert connection.end() == Checked(uncovered=1)


def test_a_server_that_says_too_much_is_not_kept_for_the_clients_first_message() -> None:
    connection = to("/v1/realtime")
    checked = Checked()
    big: Any = json.dumps({"type": "error", "more": "x" * (1 << 20)})
    for number in range(6):
        checked += connection.hear(Sender.SERVER, big, str(number))
    assert checked == Checked(uncovered=6)


def test_messages_that_hold_nothing_are_not_kept_without_end_either() -> None:
    connection = to("/v1/realtime")
    assert any(connection.hear(Sender.SERVER, "", "e").uncovered for _ in range(20_000))


def test_a_connection_without_messages_is_nothing() -> None:
    assert to("/ws").end() == Checked()
