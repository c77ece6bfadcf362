"""Conversations with a recorded connection: whose turn it is, and what is no part of it."""

from __future__ import annotations

import pytest

from replayer.cassette.model import Frame, FrameKind, Sender
from replayer.match.conversation import Conversation, Departure, Gate, Message
from replayer.match.jsondiff import Change
from replayer.match.rules import Rules


def client(message: Message) -> Frame:
    return frame(Sender.CLIENT, message)


def server(message: Message) -> Frame:
    return frame(Sender.SERVER, message)


def frame(sender: Sender, message: Message) -> Frame:
    if isinstance(message, str):
        return Frame(at=0, sender=sender, kind=FrameKind.TEXT, text=message)
    return Frame(at=0, sender=sender, kind=FrameKind.BINARY, data=message)


def talk(*frames: Frame, gate: Gate = Gate.ORDER, ignore: tuple[str, ...] = ()) -> Conversation:
    return Conversation(frames, Rules.of(ignore=ignore), gate=gate)


def place(departure: Departure | None) -> tuple[int | None, list[str]]:
    assert departure is not None
    return departure.number, [change.pointer for change in departure.changes]


def test_a_server_frame_waits_for_the_client_messages_before_it() -> None:
    talked = talk(server("hello"), client("a"), client("b"), server("bye"))
    assert talked.turn == 0
    talked.pass_on()
    assert talked.turn == 1
    assert talked.hear("a") is None
    assert talked.turn == 2
    assert talked.hear("b") is None
    assert talked.turn == 3
    talked.pass_on()
    assert talked.turn is None


def test_a_message_may_come_before_its_turn() -> None:
    talked = talk(server("hello"), client("a"), server("bye"))
    assert talked.hear("a") is None
    assert talked.turn == 0
    talked.pass_on()
    assert talked.turn == 2


@pytest.mark.parametrize(
    ("recorded", "message"),
    [
        ('{"a": 1, "b": [2]}', '{"b":[2.0],"a":1}'),
        ('{"key": "[REDACTED]"}', '{"key": "sk-live"}'),
        ('{"a": "Bearer [REDACTED]"}', '{"a": "Bearer x"}'),
        ("plain [REDACTED] text", "plain old text"),
        (b"\x00\xff", b"\x00\xff"),
        ("null", " null "),
    ],
)
def test_these_are_the_recorded_message(recorded: Message, message: Message) -> None:
    assert talk(client(recorded)).hear(message) is None


@pytest.mark.parametrize(
    ("recorded", "message", "changes"),
    [
        ('{"a": 1}', '{"a": true}', [Change("/a", 1, True)]),
        ("text", "texts", [Change("", "text", "texts")]),
        ("a", b"a", [Change("", "a text message", "a binary message")]),
        (b"a", "a", [Change("", "a binary message", "a text message")]),
        (b"a", b"b", [Change("", b"a", b"b")]),
    ],
)
def test_these_are_not(recorded: Message, message: Message, changes: list[Change]) -> None:
    departure = talk(client(recorded)).hear(message)
    assert departure == Departure(number=0, changes=tuple(changes))


def test_ignored_places_do_not_matter() -> None:
    talked = talk(client('{"event_id": 1, "type": "x"}'), ignore=("$.event_id",))
    assert talked.hear('{"event_id": 2, "type": "x"}') is None


def test_in_order_a_message_of_later_is_wrong_now() -> None:
    assert place(talk(client("a"), client("b")).hear("b")) == (0, [""])


def test_one_message_more_than_was_recorded_is_wrong() -> None:
    talked = talk(client("a"))
    assert talked.hear("a") is None
    assert talked.hear("a") == Departure(number=None)


def test_loosely_messages_come_in_any_order() -> None:
    talked = talk(client("a"), client("b"), server("bye"), gate=Gate.LOOSE)
    assert talked.hear("b") is None
    assert talked.turn == 0
    assert talked.hear("a") is None
    assert talked.turn == 2


def test_loosely_a_heartbeat_may_come_more_or_less_often_than_recorded() -> None:
    beat = '{"type": "ping"}'
    talked = talk(client(beat), client(beat), client("go"), client(beat), server("bye"), gate=Gate.LOOSE)
    assert talked.hear('{"type":"ping"}') is None
    assert talked.hear("go") is None
    assert talked.turn == 4
    assert talked.hear(beat) is None


def test_loosely_what_was_never_recorded_is_wrong_and_held_against_the_nearest() -> None:
    talked = talk(client('{"a":1,"b":1}'), client('{"a":1,"b":2}'), gate=Gate.LOOSE)
    assert place(talked.hear('{"a":1,"b":3}')) == (0, ["/b"])
    assert talked.hear('{"a":1,"b":1}') is None
    assert place(talked.hear('{"a":1,"b":3}')) == (1, ["/b"])


def test_loosely_a_placeholder_still_fits() -> None:
    talked = talk(client('{"key":"[REDACTED]"}'), server("x"), gate=Gate.LOOSE)
    assert talked.hear('{"key":"sk"}') is None
    assert talked.turn == 1
