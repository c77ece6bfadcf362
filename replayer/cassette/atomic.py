"""Files replaced whole, and one writer at a time. The only code that puts a cassette's bytes on a disk as a file.

A replacement is a temporary file in the same folder, fsync, rename, fsync of the folder: at every moment the path
holds the old content or the new one. The lock is a file beside the cassette that names its holder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from replayer.errors import LockedError, WriteError

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["lock", "release", "replace", "writing"]


def lock(path: Path) -> FileLock:
    """Become the one writer of `path` (already resolved), or raise `LockedError` at once, naming who is."""
    from filelock import FileLock, Timeout  # a replay, which must start fast, writes nothing

    beside = path.with_name(f".{path.name}.lock")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(beside, timeout=0, thread_local=False)
        try:
            held.acquire()
        except Timeout:
            raise LockedError(
                f"{path}: another recorder writes this cassette{_holder(beside)}; "
                f"wait for its end, or record into another file"
            ) from None
        beside.write_text(f"{os.getpid()}\n")
    return held


def release(held: FileLock) -> None:
    """Let others write. The lock file goes while it is still held, so that nobody's new one is taken away."""
    with suppress(OSError):
        os.unlink(held.lock_file)
    held.release()


def replace(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Put `data` in the place of the file, keeping its mode. The caller holds the lock, so one name will do."""
    pieces = (data,) if isinstance(data, bytes) else data
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path):
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            with open(descriptor, "wb") as file:
                with suppress(FileNotFoundError):
                    os.fchmod(descriptor, path.stat().st_mode & 0o7777)
                file.writelines(pieces)
                file.flush()
                os.fsync(descriptor)
            temporary.rename(path)
            _sync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into our error."""
    try:
        yield
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}; what it held is still there") from None


def _holder(beside: Path) -> str:
    try:
        return f" (process {int(beside.read_text())})"
    except (OSError, ValueError):
        return ""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
