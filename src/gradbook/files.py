"""Files come whole or not at all, and what goes wrong with one is said in a line.

Every verb imports this module; what only writing needs is imported there.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from gradbook.errors import FileError, LimitError
from gradbook.system import FolderLock

PART = ".gradbook-"  # how files that aren't whole yet begin
NO_NAME = "no file can have that name: choose another"
TEXT_LIMIT = 16 * 2**20  # bytes; a network or a table that is larger is a mistake


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to. When the block ends well it takes the place of `path`.

    If the block fails or is interrupted, nothing is left behind and a file that
    stood at `path` before still stands there.
    """
    with _plainly("write", path):
        target = Path(os.path.realpath(path))
        if target.exists() and not _is_device(target):
            # replacing a file asks only its folder for permission; we ask the file too
            target.open("ab").close()
        part = _new_part(target)
    try:
        yield part
        with _plainly("write", path):
            _settle(part, target)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Write all of the data to `path`, or leave everything as it was."""
    content = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    with whole_file(path) as part, _plainly("write", path):
        part.write_bytes(content)


def made_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, made with its parents where it isn't there yet."""
    folder = Path(path)
    with _plainly("make the folder", path):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def kept_in(kind: str) -> Path:
    """The folder of gradbook's own for things of this kind, which can be made again."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("GRADBOOK_CACHE") or user_cache_dir("gradbook", False), kind)


@contextmanager
def alone_in(folder: str | os.PathLike[str]) -> Iterator[bool]:
    """Whether no other process is alone in this folder now, which then holds until the block ends.

    However a process ends, the system lets go of what it held. Where the system knows no locks
    of folders (Windows, some network drives), everybody is taken to be alone.
    """
    with _plainly("open", folder):
        lock = FolderLock(folder)
    try:
        yield lock.is_ours
    finally:
        lock.let_go()


def clear_parts(folder: str | os.PathLike[str]) -> None:
    """Take away what killed processes left of files that they were writing in this folder."""
    for part in Path(folder).glob(f"{PART}*"):
        with _plainly("remove", part), suppress(PermissionError):  # somebody is writing it still
            part.unlink(missing_ok=True)


def read_text(path: str | os.PathLike[str], *, limit: int = TEXT_LIMIT) -> str:
    """A text file's content, UTF-8 and at most `limit` bytes."""
    with _plainly("read", path), open(path, "rb") as file:
        content = file.read(limit + 1)
    return decoded(content, source=str(path), limit=limit)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BufferedReader]:
    """A file's bytes as a stream; what goes wrong with opening it is said plainly."""
    with _plainly("read", path):
        file = open(path, "rb")  # noqa: SIM115 - the `with` below closes it
    with file:
        yield file


def decoded(content: bytes, *, source: str, limit: int = TEXT_LIMIT) -> str:
    """Bytes that somebody gave us, as text."""
    if len(content) > limit:
        raise LimitError(f"{source} is larger than {limit:,} bytes: give a smaller file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{source} isn't UTF-8 text (byte {error.start + 1}): save it as UTF-8"
        ) from error


def _new_part(target: Path) -> Path:
    """An empty file beside the target, named like nothing else, with the usual permissions."""
    part = target.with_name(f"{PART}{os.urandom(8).hex()}{target.suffix[:16]}")
    if _is_device(target):
        from tempfile import gettempdir

        part = Path(gettempdir(), part.name)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return part


def _settle(part: Path, target: Path) -> None:
    import shutil

    if _is_device(target):
        with part.open("rb") as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        return
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    if target.exists():
        shutil.copymode(target, part)
    os.replace(part, target)


def _is_device(target: Path) -> bool:
    """Whether it is a terminal, a pipe or the like, which must be written to, not replaced."""
    return target.exists() and not (target.is_file() or target.is_dir())


@contextmanager
def _plainly(verb: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever the system says about the file, said in one line with a remedy."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise FileError(f"can't {verb} {os.fspath(path)}: {_remedy(error, path)}") from error


def _remedy(error: OSError | ValueError, path: str | os.PathLike[str]) -> str:
    if isinstance(error, ValueError):
        return NO_NAME
    folder = Path(path).parent
    remedies = {
        errno.ENOENT: f"there is no {path}" if folder.is_dir() else f"there is no folder {folder}",
        errno.EINVAL: NO_NAME,
        errno.EISDIR: "it is a folder: name a file in it",
        errno.ENOTDIR: f"{folder} isn't a folder: choose another place",
        errno.EEXIST: "a file of that name is in the way: choose another name",
        errno.EACCES: "no permission: choose another place, or close what holds it open",
        errno.EPERM: "no permission: choose another place, or close what holds it open",
        errno.EROFS: "nothing can be written there: choose another place",
        errno.ENOSPC: "the disk is full: make room or choose another place",
        errno.EDQUOT: "all the room that is yours on that disk is taken: make some",
        errno.EFBIG: "files may not become that large there: choose another place",
        errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
    }
    return remedies.get(error.errno or 0, error.strerror or str(error))


def in_order(path: str) -> list[tuple[int, str]]:
    """What paths are sorted by, so that exercise-2 stands before exercise-10."""
    parts = re.split(r"(\d+)", path.casefold())
    return [(int(part[:18]), "") if k % 2 else (-1, part) for k, part in enumerate(parts)]
