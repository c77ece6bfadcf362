"""One run: what is written, what is told, what a kill leaves. With a clock that the test moves."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from replayer.cassette.codec import decode, encode_preamble
from replayer.cassette.long import LongInteraction, line_pieces
from replayer.cassette.model import Chunk, End, FrameKind, Interaction, Omitted, Sender
from replayer.record.exchange import Exchange
from replayer.record.messages import Exchanged, Message, Notice
from replayer.record.recording import Recording, recover
from replayer.redact.redactor import Redactor
from replayer.redact.rules import DEFAULT

SECRET = "correct-horse/battery"


class Hands:
    """A clock that is moved by hand, and a cassette that is a list."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.written: list[Interaction] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)

    def ms(self) -> float:
        return self.time

    def append(self, interaction: Interaction | LongInteraction, session: str = "") -> None:
        if isinstance(interaction, LongInteraction):
            flow = encode_preamble(None) + b"".join(line_pieces(interaction))
            (interaction,) = decode(flow, name="x").interactions
        self.written.append(interaction)


class Run:
    """A recording into `folder`, and what came of it."""

    def __init__(self, folder: Path, *, latest: float | None = None, max_body: int = 1000) -> None:
        self.hands = Hands()
        self.told: list[Message] = []
        self.path = folder / "x.yaml"
        self.recording = Recording(
            path=self.path,
            writer=self.hands,
            latest=latest,
            redactor=Redactor(DEFAULT, [SECRET]),
            clock=self.hands,
            tell=self.told.append,
            max_body=max_body,
        )

    def ask(self, path: str = "/x", *, encoding: str | None = None) -> Exchange:
        exchange = self.recording.begin("up", "POST", f"http://h{path}", ())
        headers = (("content-encoding", encoding),) if encoding else ()
        exchange.response_head(200, "OK", headers)
        return exchange

    def spool(self) -> str:
        return "".join(path.read_text() for path in sorted(self.path.parent.glob("x.yaml.spool/*")))


def test_times_count_from_the_first_request_and_continue_behind_what_is_known(tmp_path: Path) -> None:
    run = Run(tmp_path)
    first = run.ask()
    run.hands.time += 40
    second = run.ask()
    for one in (second, first):
        run.recording.finish(one, End.COMPLETE)
    assert [i.response.at for i in run.hands.written] == [40.0, 0.0]
    later = Run(tmp_path, latest=40.0)
    later.recording.finish(later.ask(), End.COMPLETE)
    assert later.hands.written[0].response.at == 41.0


def test_chunks_are_timed_from_the_request(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.ask()
    for data in (b"one ", b"two "):
        run.hands.time += 5
        exchange.response_chunk(data)
    run.recording.finish(exchange, End.COMPLETE)
    assert run.hands.written[0].response.chunks == (Chunk(5.0, 4), Chunk(10.0, 4))


def test_a_quick_small_exchange_costs_no_file(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.ask()
    exchange.response_chunk(b"all of it")
    run.recording.tick()
    assert not list(tmp_path.iterdir())
    run.recording.finish(exchange, End.COMPLETE)
    assert run.hands.written[0].response.body == b"all of it"


def test_a_stream_is_in_the_spool_from_its_second_chunk_on(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.ask()
    for data in (b"one\n", b"two\n"):
        exchange.response_chunk(data)
    assert "two" in run.spool()
    run.recording.finish(exchange, End.COMPLETE)
    run.recording.close()
    assert not list(tmp_path.iterdir())


def test_what_lasts_is_spooled_whatever_it_waits_for(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.recording.begin("up", "GET", "http://h/slow", ())
    run.hands.time += 200
    run.recording.tick()
    assert "http://h/slow" in run.spool()
    exchange.response_head(200, "OK", ())
    assert '"status":200' in run.spool()


def test_what_a_kill_left_is_recovered_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.ask()
    for data in (b"one\n", b"two\n"):
        exchange.response_chunk(data)
    (spool,) = tmp_path.glob("x.yaml.spool/*")
    with spool.open("ab") as torn:
        torn.write(b'{"e":"received","chunk":2,"at":')
    left = spool.read_bytes()
    hands = Hands()
    assert recover(run.path, hands, tuple) == 1
    (recovered,) = hands.written
    assert (recovered.response.end, recovered.response.body) == (End.LOST, b"one\ntwo\n")
    assert not list(tmp_path.iterdir())
    spool.parent.mkdir()
    spool.write_bytes(left)  # killed again, between the writing and the removing
    assert recover(run.path, hands, lambda: hands.written) == 0
    assert not list(tmp_path.iterdir())


def test_an_answer_over_the_limit_is_omitted_and_hashed(tmp_path: Path) -> None:
    run = Run(tmp_path, max_body=10)
    exchange = run.ask()
    body = [b"12345678"] * 3
    for data in body:
        exchange.response_chunk(data)
    run.recording.finish(exchange, End.COMPLETE)
    response = run.hands.written[0].response
    assert response.omitted == Omitted(bytes=24, sha256=hashlib.sha256(b"".join(body)).hexdigest())
    assert response.body == b""


def test_a_request_that_was_not_read_to_its_end_is_what_the_gateway_in_front_promised(tmp_path: Path) -> None:
    promised = Omitted(bytes=100, sha256="0" * 64)
    run = Run(tmp_path)
    cut, whole = run.ask(), run.ask()
    for exchange in (cut, whole):
        exchange.promised = promised
        exchange.request_chunk(b"the begin")
    whole.request_chunk(b"ning and the end")
    whole.request_end()
    for exchange in (cut, whole):
        run.recording.finish(exchange, End.COMPLETE)
    asked = [one.request for one in run.hands.written]
    assert [(one.body, one.omitted) for one in asked] == [(None, promised), (b"the beginning and the end", None)]


def test_of_a_body_over_the_limit_nothing_stays_in_the_spool(tmp_path: Path) -> None:
    run = Run(tmp_path, max_body=300_000)
    exchange = run.recording.begin("up", "POST", "http://h/x", ())
    for _ in range(3):
        exchange.request_chunk(b"asked...\n" * 10_000)
    before = run.spool()
    exchange.request_chunk(b"asked...\n" * 10_000)
    exchange.request_end()
    exchange.response_head(200, "OK", ())
    assert (before.count("asked..."), run.spool().count("asked...")) == (30_000, 0)
    for _ in range(4):
        exchange.response_chunk(b"answered\n" * 10_000)
    assert "answered" not in run.spool()
    run.recording.finish(exchange, End.COMPLETE)
    (one,) = run.hands.written
    assert (one.request.omitted, one.response.omitted) == tuple(
        Omitted(bytes=360_000, sha256=hashlib.sha256(line * 40_000).hexdigest())
        for line in (b"asked...\n", b"answered\n")
    )
    assert (one.request.body, one.response.body, one.response.chunks, one.response.status) == (None, b"", (), 200)


def test_a_body_that_does_not_decode_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.ask(encoding="gzip")
    exchange.response_chunk(gzip.compress(b"fine" * 100)[:-30])
    exchange.response_chunk(b"\xff" * 40)
    run.recording.finish(exchange, End.COMPLETE)
    (notice,) = [message.text for message in run.told if isinstance(message, Notice)]
    assert "up: POST http://h/x: the body is not what its content-encoding 'gzip' says" in notice


def test_frames_are_timed_from_the_101_and_redacted(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.recording.begin("up", "GET", "ws://h/ws", ())
    run.hands.time += 30
    exchange.response_head(101, "Switching Protocols", ())
    exchange.upgraded()
    run.hands.time += 2
    exchange.message(Sender.CLIENT, FrameKind.TEXT, f"my {SECRET}".encode())
    assert SECRET not in run.spool()
    exchange.closed(Sender.SERVER, 1001, "bye")
    run.recording.finish(exchange, End.COMPLETE)
    frames = run.hands.written[0].response.frames
    assert frames is not None
    assert [(f.at, f.sender, f.text, f.code) for f in frames] == [
        (2.0, Sender.CLIENT, "my [REDACTED]", 0),
        (2.0, Sender.SERVER, "bye", 1001),
    ]


def test_closing_writes_what_is_open_and_sums_up(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.ask().response_chunk(SECRET.encode())
    run.recording.begin("up", "GET", "http://h/unanswered", ())
    summary = run.recording.close()
    assert [i.response.end for i in run.hands.written] == [End.OPEN]
    assert (summary.requests, summary.exchanges, summary.redacted) == (2, 1, 1)
    assert [m.end for m in run.told if isinstance(m, Exchanged)] == ["open"]


def test_what_still_passes_when_all_is_over_leaves_nothing_behind(tmp_path: Path) -> None:
    run = Run(tmp_path, max_body=1 << 20)
    exchange = run.ask()
    exchange.response_chunk(b"a")
    exchange.response_chunk(b"b")
    run.recording.close()
    for _ in range(100):
        exchange.response_chunk(b"c" * 1000)
    exchange.spill()
    assert [one.response.body for one in run.hands.written] == [b"ab"]
    assert not run.path.with_name("x.yaml.spool").exists()


def test_an_exchange_ends_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    exchange = run.ask()
    run.recording.finish(exchange, End.COMPLETE)
    run.recording.finish(exchange, End.CLIENT_LEFT)
    run.recording.drop(exchange)
    assert [i.response.end for i in run.hands.written] == [End.COMPLETE]


PARTS = st.lists(st.one_of(st.just(SECRET), st.text('abc/-"\\\n ', max_size=12)), max_size=8)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PARTS, cuts=st.lists(st.integers(0, 120), max_size=6), packed=st.booleans())
def test_no_secret_is_in_spool_or_interaction_however_the_body_is_cut(
    tmp_path: Path, parts: list[str], cuts: list[int], packed: bool
) -> None:
    run = Run(tmp_path)
    exchange = run.ask(encoding="gzip" if packed else None)
    exchange.spill()
    body = " ".join(parts).encode()
    wire = gzip.compress(body) if packed else body
    edges = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    for start, end in itertools.pairwise(edges):
        exchange.response_chunk(wire[start:end])
        assert SECRET not in run.spool()
    run.recording.finish(exchange, End.COMPLETE)
    response = run.hands.written[0].response
    assert response.body == Redactor(DEFAULT, [SECRET]).body(body)
    assert sum(chunk.size for chunk in response.chunks) == len(response.body)
