"""Files come whole or not at all, and what goes wrong with one is said in a line.

Every verb imports this module; what only writing needs is imported there.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from gradbook import limits
from gradbook.errors import FileError, LimitError
from gradbook.limits import ReadLimit
from gradbook.system import NOT_WAITING

PART = ".gradbook-"  # how files that aren't whole yet begin
NO_NAME = "no file can have that name: choose another"
NO_FILES = {  # what may stand where a file belongs: by its kind, in words and with a remedy
    stat.S_IFIFO: "it is a pipe, not a file: write what comes through it to a file",
    stat.S_IFCHR: "it is a device, not a file: name a file",
    stat.S_IFBLK: "it is a device, not a file: name a file",
    stat.S_IFSOCK: "it is a socket, not a file: name a file",
    stat.S_IFDIR: "it is a folder: name a file in it",
}


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to. When the block ends well it takes the place of `path`.

    If the block fails or is interrupted, nothing is left behind and a file that
    stood at `path` before still stands there.
    """
    with said_plainly("write", path):
        target = Path(os.path.realpath(path))
        if target.exists() and not _is_device(target):
            # replacing a file asks only its folder for permission; we ask the file too
            target.open("ab").close()
        part = _new_part(target)
    try:
        yield part
        with said_plainly("write", path):
            _settle(part, target)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], data: bytes | str | Iterable[str]) -> None:
    """Write all of the data to `path`, or leave everything as it was."""
    pieces = [data] if isinstance(data, bytes | str) else data
    with whole_file(path) as part, said_plainly("write", path), part.open("wb") as file:
        for piece in pieces:
            said = piece.encode("utf-8", "backslashreplace") if isinstance(piece, str) else piece
            file.write(said)


def made_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, made with its parents where it isn't there yet."""
    folder = Path(path)
    with said_plainly("make the folder", path):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def clear_parts(folder: str | os.PathLike[str]) -> None:
    """Take away what killed processes left of files that they were writing in this folder."""
    for part in Path(folder).glob(f"{PART}*"):
        with (
            said_plainly("remove", part),
            suppress(PermissionError),
        ):  # somebody is writing it still
            part.unlink(missing_ok=True)


def read_text(path: str | os.PathLike[str], *, limit: ReadLimit = limits.TEXT) -> str:
    """A text file's content, UTF-8 and within the limit."""
    with open_file(path, limit) as file, said_plainly("read", path):
        content = file.read(limit.most + 1)
    return decode(content, source=str(path), limit=limit)


@contextmanager
def open_file(path: str | os.PathLike[str], limit: ReadLimit) -> Iterator[BufferedReader]:
    """The bytes of a file that may be anybody's, as a stream, if it is a file and not too large.

    Nothing else is even opened: a pipe might be waited for without end, and so might a device.
    """
    with said_plainly("read", path):
        require_file(os.stat(path), path)
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - closed below
    with file:
        about = os.fstat(file.fileno())
        require_file(about, path)  # now that nobody can put another thing there
        require_size(about.st_size, os.fspath(path), limit)
        with said_plainly("read", path):
            file.peek(1)  # what can't be read at all says so now
        yield file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | NOT_WAITING)


def require_file(about: os.stat_result, path: str | os.PathLike[str]) -> None:
    if not stat.S_ISREG(about.st_mode):
        why = NO_FILES.get(stat.S_IFMT(about.st_mode), "it is no file: name a file")
        raise FileError(f"can't read {os.fspath(path)}: {why}")


def require_size(size: int, source: str, limit: ReadLimit) -> None:
    if size > limit.most:
        raise LimitError(f"{source} is larger than {limit}: give a smaller file")


def decode(content: bytes, *, source: str, limit: ReadLimit = limits.TEXT) -> str:
    """Bytes that somebody gave us, as text."""
    require_size(len(content), source, limit)
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
    made = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        os.close(made)
    except OSError:
        part.unlink()
        raise
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
def said_plainly(verb: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever the system says about the file, said in one line with a remedy."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"can't {verb} {os.fspath(path)}: {_remedy(error, path)}") from error
    except ValueError as error:
        if _is_a_name(os.fspath(path)):
            raise
        raise FileError(f"can't {verb} {os.fspath(path)}: {NO_NAME}") from error


def _is_a_name(path: str) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeError:
        return False


def _remedy(error: OSError, path: str | os.PathLike[str]) -> str:
    if error.errno == errno.ENOENT and not os.path.isabs(path) and _is_here_gone():
        return "the folder that this was started in is gone: start in another"
    folder = Path(path).parent
    missing = path if os.path.isdir(folder) else f"folder {folder}"
    remedies = {
        errno.ENOENT: f"there is no {missing}",
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


def _is_here_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def in_order(path: str) -> str:
    """What paths are sorted by, so that exercise-2 stands before exercise-10."""
    return re.sub(r"\d+", lambda digits: f"\0{int(digits[0][:18]):018}\0", path.casefold())
