"""The appender: nothing appended is lost, whatever happens to the process, and nothing old is lost either."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from replayer.cassette import store
from replayer.cassette.appender import Appender, AppendMode
from replayer.cassette.codec import FLOW_MARK, Layout, encode_line, encode_preamble
from replayer.cassette.model import Cassette, Interaction, Metadata, Origin, Request, Response
from replayer.errors import CassetteError, LockedError, WriteError

METADATA = Metadata(origin=Origin.RECORDED, tool="replayer 0.1.0", upstreams={"a": "https://a.example"})

CHILD = """
import sys
from pathlib import Path
from replayer.cassette.appender import Appender
from replayer.cassette.model import Interaction, Metadata, Origin, Request, Response

appender = Appender.open(Path(sys.argv[1]), metadata=Metadata(origin=Origin.RECORDED))
for n in range(int(sys.argv[2])):
    appender.append(Interaction(request=Request(method="GET", uri=f"http://a/{n}"), response=Response(status=200)))
    print(n, flush=True)
print("done", flush=True)
sys.stdin.read()
"""


def interaction(n: int, body: bytes = b"x") -> Interaction:
    return Interaction(request=Request(method="GET", uri=f"http://a/{n}"), response=Response(status=200, body=body))


def child(path: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(path), str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def record(path: Path, *numbers: int, layout: Layout | None = None, mode: AppendMode = AppendMode.CONTINUE) -> None:
    appender = Appender.open(path, metadata=METADATA, mode=mode)
    for n in numbers:
        appender.append(interaction(n))
    appender.close(layout=layout)


def uris(path: Path) -> list[str]:
    return [one.request.uri for one in store.read(path).interactions]


def test_a_short_recording_ends_in_block_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.yaml"
    record(path, 1, 2)
    assert path.read_text().startswith("version: 1\nmetadata:\n")
    assert store.read(path) == Cassette(interactions=(interaction(1), interaction(2)), metadata=METADATA)
    assert os.listdir(path.parent) == ["x.yaml"]


def test_a_long_recording_stays_in_flow(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    record(path, *range(1000))
    assert path.read_text().startswith(FLOW_MARK)
    assert len(store.read(path).interactions) == 1000


def test_the_layout_can_be_asked_for(tmp_path: Path) -> None:
    for layout in Layout:
        record(tmp_path / layout, 1, layout=layout)
        assert uris(tmp_path / layout) == ["http://a/1"]
    assert (tmp_path / "flow").read_text().startswith(FLOW_MARK)
    assert (tmp_path / "json").read_text().startswith("{")


def test_while_recording_every_interaction_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    appender = Appender.open(path, metadata=METADATA)
    assert not path.exists()
    for n in range(3):
        appender.append(interaction(n))
        assert len(store.read(path).interactions) == n + 1
    appender.close()


@pytest.mark.parametrize("layout", list(Layout))
def test_a_recording_goes_on_in_a_file_of_any_layout(layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    record(path, 1, 2, layout=layout)
    record(path, 3)
    assert uris(path) == ["http://a/1", "http://a/2", "http://a/3"]


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.touch()
    record(path, 1)
    assert uris(path) == ["http://a/1"]


@pytest.mark.parametrize("mode", list(AppendMode))
def test_a_recording_of_nothing_changes_nothing(mode: AppendMode, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    record(path, mode=mode)
    assert not path.exists()
    path.write_text("# mine\ninteractions: []\n")
    record(path, mode=mode)
    assert path.read_text() == "# mine\ninteractions: []\n"


def test_rewriting_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    record(path, 1, 2)
    record(path, 3, mode=AppendMode.REWRITE)
    assert uris(path) == ["http://a/3"]


def test_new_upstreams_join_those_of_the_file_which_keeps_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    mine = Metadata(origin=Origin.STUB, upstreams={"b": "https://b.example"})
    store.write(path, Cassette(interactions=(interaction(0),), metadata=mine), layout=Layout.FLOW)
    record(path, 1)
    metadata = store.read(path).metadata
    assert metadata is not None
    assert metadata.origin is Origin.STUB
    assert metadata.upstreams == {"a": "https://a.example", "b": "https://b.example"}


def test_a_file_of_vcrpy_that_goes_on_is_not_said_to_be_recorded(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    store.write(path, Cassette(interactions=(interaction(0),)), layout=Layout.BLOCK)
    record(path, 1)
    metadata = store.read(path).metadata
    assert metadata is not None
    assert metadata.origin is Origin.IMPORTED


def test_a_torn_line_is_dropped_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(encode_preamble(METADATA) + encode_line(interaction(1)) + encode_line(interaction(2))[:-9])
    appender = Appender.open(path, metadata=METADATA)
    assert "torn" in appender.problems[0].message
    assert appender.count == 1
    appender.append(interaction(3))
    appender.close(layout=Layout.FLOW)
    assert uris(path) == ["http://a/1", "http://a/3"]
    assert store.read(path).problems == ()


@pytest.mark.parametrize("mode", list(AppendMode))
def test_a_file_that_cannot_be_read_is_left_alone(mode: AppendMode, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("interactions: [")
    with pytest.raises(CassetteError, match=r"x\.yaml, line"):
        Appender.open(path, metadata=METADATA, mode=mode)
    assert path.read_text() == "interactions: ["
    assert os.listdir(tmp_path) == ["x.yaml"]


def test_a_file_with_entries_that_we_could_not_keep_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    text = "interactions:\n- {kind: websocket, data: x}\n"
    path.write_text(text)
    with pytest.raises(CassetteError, match="entry 0 is not one that we could keep"):
        Appender.open(path, metadata=METADATA)
    assert path.read_text() == text


def test_an_entry_that_is_not_ours_stays_in_a_flow_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(encode_preamble(METADATA) + b'- {"kind":"grpc"}\n' + encode_line(interaction(1)))
    record(path, 2)
    assert b'- {"kind":"grpc"}\n' in path.read_bytes()
    assert uris(path) == ["http://a/1", "http://a/2"]


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with child(path, 1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "0\n"
        with pytest.raises(LockedError, match=rf"x\.yaml: another .* \(process {other.pid}\)"):
            Appender.open(path, metadata=METADATA)
        with pytest.raises(LockedError):
            store.write(path, Cassette(), layout=Layout.BLOCK)
        other.communicate()
    record(path, 7)
    assert uris(path) == ["http://a/0", "http://a/7"]


def test_two_writers_in_one_process_are_two_writers(tmp_path: Path) -> None:
    with Appender.open(tmp_path / "x.yaml", metadata=METADATA), pytest.raises(LockedError):
        Appender.open(tmp_path / "x.yaml", metadata=METADATA)


@pytest.mark.parametrize("seen", [1, 7, 40])
def test_a_killed_recording_holds_everything_appended_and_goes_on(seen: int, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with child(path, 100_000) as other:
        assert other.stdout is not None
        for _ in range(seen):
            last = int(other.stdout.readline())
        other.send_signal(signal.SIGKILL)
        rest = [line for line in other.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        last = int(rest[-1]) if rest else last
    appender = Appender.open(path, metadata=Metadata(origin=Origin.RECORDED))
    assert appender.count >= last + 1
    appender.append(interaction(-1))
    appender.close(layout=Layout.FLOW)
    found = uris(path)
    assert found == [f"http://a/{n}" for n in range(len(found) - 1)] + ["http://a/-1"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from replayer.cassette.appender import Appender
from replayer.cassette.model import Interaction, Metadata, Origin, Request, Response
from replayer.errors import WriteError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
appender = Appender.open(Path(sys.argv[1]), metadata=Metadata(origin=Origin.RECORDED))
small = Interaction(request=Request(method="GET", uri="http://a/0"), response=Response(status=200))
large = Interaction(request=Request(method="GET", uri="http://a/1"), response=Response(status=200, body=b"x" * 9000))
appender.append(small)
try:
    appender.append(large)
except WriteError as error:
    print(error)
appender.append(small)
try:
    appender.close()
finally:
    print("closed")
"""


def test_a_full_disk_costs_the_interaction_that_did_not_fit_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    assert "interaction 1 cannot be written: File too large; the 1 before it are in the file" in done.stdout
    assert uris(path) == ["http://a/0", "http://a/0"]
    assert store.read(path).problems == ()


def test_a_folder_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        Appender.open(tmp_path / "file" / "x.yaml", metadata=METADATA)


def renew(path: Path, *numbers: int, layout: Layout | None = None) -> None:
    appender = Appender.open(path, metadata=METADATA, mode=AppendMode.RENEW, again=lambda one: one.request.uri.encode())
    for n in numbers:
        appender.append(interaction(n, b"new"))
    appender.close(layout=layout)


@pytest.mark.parametrize("layout", [Layout.BLOCK, Layout.FLOW])
def test_what_is_recorded_again_goes_and_all_else_stays(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "x.yaml"
    record(path, 1, 2, 2, 3, layout=layout)
    renew(path, 2, 4, 4, layout=layout)
    found = [(one.request.uri[-1], one.response.body) for one in store.read(path).interactions]
    assert found == [("1", b"x"), ("3", b"x"), ("2", b"new"), ("4", b"new"), ("4", b"new")]
    assert path.read_text().startswith(FLOW_MARK) == (layout is Layout.FLOW)


def test_a_renewal_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    record(path, 1, 2)
    appender = Appender.open(path, metadata=METADATA, mode=AppendMode.RENEW, again=lambda _: b"all alike")
    appender.append(interaction(2, b"new"))
    appender.abandon()
    assert uris(path) == ["http://a/1", "http://a/2", "http://a/2"]


def test_a_renewal_without_anything_new_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    record(path, 1, 2)
    before = path.read_bytes()
    renew(path)
    assert path.read_bytes() == before


def test_what_is_recorded_again_goes_also_where_somebody_waits(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    record(path, 1, 2)
    appender = Appender.open(path, metadata=METADATA, mode=AppendMode.RENEW, again=lambda one: one.request.uri.encode())
    appender.append(interaction(2, b"new"))
    assert not appender.close(late=lambda: True)
    assert path.read_text().startswith(FLOW_MARK)
    assert uris(path) == ["http://a/1", "http://a/2"]


def test_a_file_that_there_is_no_time_to_lay_out_stays_in_flow_whole(tmp_path: Path) -> None:
    for late, layout in ((True, FLOW_MARK), (False, "version: 1")):
        path = tmp_path / f"{late}.yaml"
        appender = Appender.open(path, metadata=METADATA)
        for n in range(3):
            appender.append(interaction(n))
        assert appender.close(late=(lambda: True) if late else (lambda: False)) is not late
        assert path.read_text().startswith(layout)
        assert len(store.read(path).interactions) == 3
        assert os.listdir(tmp_path / ".") == [path.name]
        path.unlink()


@pytest.mark.parametrize("where", ["new", "before it", "in a block file before it"])
def test_one_long_interaction_is_not_begun_to_be_laid_out_where_somebody_waits(tmp_path: Path, where: str) -> None:
    path = tmp_path / "x.yaml"
    long, short = interaction(0, b"x" * (3 << 20)), interaction(1)
    if where != "new":
        layout = Layout.BLOCK if "block" in where else Layout.FLOW
        store.write(path, Cassette(interactions=(long,), metadata=METADATA), layout=layout)
    appender = Appender.open(path, metadata=METADATA)
    appender.append(long if where == "new" else short)
    assert not appender.close(layout=Layout.BLOCK, late=lambda: False)
    assert path.read_bytes().startswith(FLOW_MARK.encode())
    assert store.read(path).interactions[0] == long
