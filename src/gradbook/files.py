"""Files come whole or not at all, and what goes wrong with one is said in a line.

A command may have a guard, which is told of every file that is read and asked before one is
replaced. Every verb imports this module; what only writing needs is imported there.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader
from pathlib import Path, PurePath
from time import time
from typing import IO, Any, Protocol, TypeVar

from gradbook import limits, system
from gradbook.errors import FileError, LimitError
from gradbook.limits import ReadLimit
from gradbook.system import NOT_WAITING, FolderLock

PART = ".gradbook-"  # how files that aren't whole yet begin
PART_NAME = re.compile(re.escape(PART) + r"[0-9a-f]{16}(\..*)?")
OUR_STREAM = re.compile(r"/dev/(stdout|stderr|fd/[0-9]+)|/proc/self/fd/[0-9]+")
A_DAY = 86_400  # seconds
NO_NAME = "no file can have that name: choose another"
NO_FILES = {  # what may stand where a file belongs: by its kind, in words and with a remedy
    stat.S_IFIFO: "it is a pipe, not a file: write what comes through it to a file",
    stat.S_IFCHR: "it is a device, not a file: name a file",
    stat.S_IFBLK: "it is a device, not a file: name a file",
    stat.S_IFSOCK: "it is a socket, not a file: name a file",
    stat.S_IFDIR: "it is a folder: name a file in it",
    stat.S_IFLNK: "it is a link, and none is followed there: put what it leads to in its place",
}


FileName = str | os.PathLike[str]
AnyName = TypeVar("AnyName", str, Path, FileName)
Content = bytes | str | Iterable[str]


class OutputGuard(Protocol):
    """Knows what a command reads, and which files it may replace."""

    def note_read(self, about: os.stat_result, path: FileName) -> None: ...

    def require_replaceable(self, path: FileName, content: Path | None = None) -> None:
        """Refuse to put the content, or any, where a file is that must stay."""

    def note_written(self, path: FileName) -> None: ...

    def renew(self, *folders: FileName) -> None: ...


_guards: list[OutputGuard | None] = [None]  # the last is asked


@contextmanager
def guarded(guard: OutputGuard | None) -> Iterator[None]:
    """Until the block ends it is this guard, or none, that is told and asked, by every thread."""
    _guards.append(guard)
    try:
        yield
    finally:
        _guards.pop()


def note_read(*paths: FileName) -> None:
    """Tell the guard of files that other processes will read, or that something else opens."""
    for path in paths if _guards[-1] else ():
        with suppress(OSError, ValueError):  # which whoever reads it will say
            note_open(os.stat(path), path)


def note_open(about: os.stat_result, path: FileName) -> None:
    if (guard := _guards[-1]) and stat.S_ISREG(about.st_mode):
        guard.note_read(about, path)


def renew(*folders: FileName) -> None:
    """These folders are gradbook's own: what it keeps there it may write anew as it goes on."""
    if guard := _guards[-1]:
        guard.renew(*folders)


def require_replaceable(*paths: FileName | None) -> None:
    """Say before long work, and not after it, that one of these files must stay."""
    for path in paths:
        if path:
            _require_replaceable(path)


def _require_replaceable(path: FileName, content: Path | None = None) -> None:
    if (guard := _guards[-1]) and not _is_device(_target(path)):
        guard.require_replaceable(path, content)


@contextmanager
def whole_file(path: FileName) -> Iterator[Path]:
    """A temporary path to write to. When the block ends well it takes the place of `path`.

    If the block fails or is interrupted, nothing is left behind and a file that
    stood at `path` before still stands there.
    """
    require_replaceable(path)
    with _part_of(path) as (part, target):
        yield Path(part)
        require_replaceable(path)
        with said_plainly("write", path):
            _settle(part, target)


def write_whole(path: FileName, content: Content, moment: float | None = None) -> None:
    """Write all of the content to `path`, or leave everything as it was; it was last changed now,
    or at that moment.
    """
    write_all({path: content}, moment)


def write_all(files: Mapping[AnyName, Content], moment: float | None = None) -> None:
    """Write every file's content; before the first is replaced all of them may be."""
    with ExitStack() as stack:
        parts = {path: stack.enter_context(_part_of(path)) for path in files}
        for path, (part, _) in parts.items():
            content = files[path]
            with said_plainly("write", path):
                with part.open("wb") as file:
                    for piece in [content] if isinstance(content, bytes | str) else content:
                        file.write(as_bytes(piece))
                if moment is not None:
                    os.utime(part, (moment, moment))
        for path, (part, _) in parts.items():
            _require_replaceable(path, Path(part))
        for path, (part, target) in parts.items():
            with said_plainly("write", path):
                _settle(part, target)


def as_bytes(content: bytes | str) -> bytes:
    """A class may be called by what no text can say, such as the name of a folder in old bytes."""
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def made_folder(path: FileName) -> Path:
    """The folder, made with its parents where it isn't there yet."""
    with said_plainly("make the folder", path):
        if isinstance(path, InnerPath):
            path.mkdir()
        else:
            Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def clear_parts(folder: FileName) -> None:
    """Take away what killed processes left of files that they were writing in this folder.

    Who is writing one holds it, and the system lets go of it however a process ends.
    """
    for part in inside(folder).iterdir():
        if not PART_NAME.fullmatch(part.name):
            continue
        with (
            said_plainly("remove", part),
            suppress(PermissionError, FileNotFoundError),  # somebody holds it, or was quicker
        ):
            about = part.stat()
            if not stat.S_ISREG(about.st_mode):
                continue
            lock = FolderLock(part, opened=part.opened)
            if lock.is_ours and (lock.is_sure or time() - about.st_mtime > A_DAY):
                part.unlink()
            lock.let_go()


def read_text(path: FileName, *, limit: ReadLimit = limits.TEXT) -> str:
    """A text file's content, UTF-8 and within the limit."""
    return decode(read_bytes(path, limit), source=str(path), limit=limit)


def read_bytes(path: FileName, limit: ReadLimit) -> bytes:
    """A file's content, if it is a file and within the limit."""
    with open_file(path, limit) as file, said_plainly("read", path):
        content = file.read(limit.most + 1)
    require_size(len(content), os.fspath(path), limit)
    return content


@contextmanager
def open_file(path: FileName, limit: ReadLimit) -> Iterator[BufferedReader]:
    """The bytes of a file that may be anybody's, as a stream, if it is a file and not too large.

    Nothing else is even opened: a pipe might be waited for without end, and so might a device.
    """
    inner = path if isinstance(path, InnerPath) else None
    with said_plainly("read", path):
        require_file(inner.stat() if inner else os.stat(path), path)
        opener = inner.opened if inner else _without_waiting
        file = open(path, "rb", opener=opener)  # noqa: SIM115 - closed below
    with file:
        about = os.fstat(file.fileno())
        require_file(about, path)  # now that nobody can put another thing there
        note_open(about, path)
        require_size(about.st_size, os.fspath(path), limit)
        with said_plainly("read", path):
            file.peek(1)  # what can't be read at all says so now
        yield file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | NOT_WAITING)


def require_file(about: os.stat_result, path: FileName, verb: str = "read") -> None:
    if not stat.S_ISREG(about.st_mode):
        why = NO_FILES.get(stat.S_IFMT(about.st_mode), "it is no file: name a file")
        raise FileError(f"can't {verb} {os.fspath(path)}: {why}")


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


def _target(path: FileName) -> Path | InnerPath:
    """Where a file's name leads to."""
    if isinstance(path, InnerPath):
        return path
    is_ours = OUR_STREAM.fullmatch(os.path.abspath(path))
    return Path(path if is_ours else os.path.realpath(path))


@contextmanager
def _part_of(path: FileName) -> Iterator[tuple[Path | InnerPath, Path | InnerPath]]:
    """An empty file, held by this process and gone after the block; and whose place it takes."""
    with said_plainly("write", path):
        target = _target(path)
        if target.is_file() or target.is_dir():
            # replacing a file asks only its folder for permission; we ask the file too
            target.open("ab").close()
        part, lock = _new_part(target)
    try:
        yield part, target
    finally:
        part.unlink(missing_ok=True)
        lock.let_go()


def _new_part(target: Path | InnerPath) -> tuple[Path | InnerPath, FolderLock]:
    """An empty file beside the target, named like nothing else, with the usual permissions."""
    place = target
    if _is_device(target):
        from tempfile import gettempdir

        place = Path(gettempdir(), target.name)
    _clear_once(inside(place.parent))
    while True:
        part = place.with_name(f"{PART}{os.urandom(8).hex()}{target.suffix[:16]}")
        made = part.open("xb")
        try:
            made.close()
            opened = part.opened if isinstance(part, InnerPath) else os.open
            lock = FolderLock(part, share=False, opened=opened)
        except FileNotFoundError:  # taken for a leftover before it was held
            continue
        except OSError:
            part.unlink()
            raise
        if lock.is_ours and part.is_file():
            return part, lock
        lock.let_go()


@lru_cache(maxsize=1000)
def _clear_once(folder: InnerPath) -> None:
    with suppress(FileError):
        clear_parts(folder)


def _settle(part: Path | InnerPath, target: Path | InnerPath) -> None:
    if _is_device(target):
        import shutil

        with part.open("rb") as source, target.open("ab") as sink:
            shutil.copyfileobj(source, sink)
        return
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    if target.is_file():
        part.chmod(stat.S_IMODE(target.stat().st_mode))
    part.replace(target)
    if guard := _guards[-1]:
        guard.note_written(target)


def _is_device(target: Path | InnerPath) -> bool:
    """Whether it is a terminal, a pipe or the like, which must be written to, not replaced; or
    whatever the command was given to write to.
    """
    if isinstance(target, InnerPath) or not target.exists():
        return False
    return not (target.is_file() or target.is_dir()) or bool(OUR_STREAM.fullmatch(str(target)))


@contextmanager
def said_plainly(verb: str, path: FileName) -> Iterator[None]:
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


def _remedy(error: OSError, path: FileName) -> str:
    if error.errno == errno.ENOENT and not os.path.isabs(path) and _is_here_gone():
        return "the folder that this was started in is gone: start in another"
    folder = Path(path).parent
    missing = path if os.path.isdir(folder) else f"folder {folder}"
    remedies = {
        errno.ENOENT: f"there is no {missing}",
        errno.EINVAL: NO_NAME,
        errno.EISDIR: "it is a folder: name a file in it",
        errno.ENOTDIR: f"{_no_folder(Path(path))} isn't a folder: choose another place",
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


def _no_folder(path: Path) -> Path:
    """What on the way there is a file, or whatever else."""
    way = (path, *path.parents)
    return next((at for at in way if os.path.exists(at) and not os.path.isdir(at)), path)


def _is_here_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def in_order(path: str) -> str:
    """What paths are sorted by, so that exercise-2 stands before exercise-10."""
    return re.sub(r"\d+", lambda digits: f"\0{int(digits[0][:18]):018}\0", path.casefold())


# Folders of strangers -----------------------------------------------------------------


def inside(path: FileName) -> InnerPath:
    """A folder that a user named, of which what lies in it isn't trusted."""
    return path if isinstance(path, InnerPath) else InnerPath(str(PurePath(path)))


@dataclass(frozen=True)
class InnerPath(os.PathLike[str]):
    """A file or a folder in a folder that may be a stranger's. That one is wherever the user says,
    but from there on no link is followed, to read or to write: where one stands it is refused.

    Each is opened by the handle of the folder that it lies in, so that nobody can put a link there
    meanwhile. Where a system has no such handles, a way is refused that leads elsewhere than it
    says.
    """

    folder: str
    names: tuple[str, ...] = ()

    def __fspath__(self) -> str:
        return os.path.join(self.folder, *self.names)

    def __str__(self) -> str:
        return os.fspath(self)

    def __truediv__(self, name: str) -> InnerPath:
        below = PurePath(name)
        assert not below.anchor, name
        assert ".." not in below.parts, name
        return InnerPath(self.folder, (*self.names, *below.parts))

    @property
    def parent(self) -> InnerPath:
        return InnerPath(self.folder, self.names[:-1])

    @property
    def name(self) -> str:
        return PurePath(self).name

    @property
    def stem(self) -> str:
        return PurePath(self).stem

    @property
    def suffix(self) -> str:
        return PurePath(self).suffix

    def with_name(self, name: str) -> InnerPath:
        return self.parent / name

    def relative_to(self, folder: InnerPath) -> str:
        return os.path.join(*self.names[len(folder.names) :])

    # What is there.

    def stat(self) -> os.stat_result:
        """Of itself, should it be a link."""
        with self._place() as (name, handle):
            return os.stat(name, dir_fd=handle, follow_symlinks=not self.names)

    def exists(self) -> bool:
        """Whether anything stands there, a link that leads nowhere too."""
        return self._look() is not None

    def is_file(self) -> bool:
        """Whether there is a file. Anything else that stands in its place is refused."""
        about = self._look()
        if about:
            require_file(about, self, "use")
        return about is not None

    def is_dir(self) -> bool:
        """Whether there is a folder. A link in its place is refused."""
        about = self._look()
        if about and stat.S_ISLNK(about.st_mode):
            require_file(about, self, "use")
        return about is not None and stat.S_ISDIR(about.st_mode)

    def iterdir(self) -> list[InnerPath]:
        """What lies in the folder, in order; nothing where there is none."""
        with said_plainly("look into", self), suppress(FileNotFoundError), self._handle() as handle:
            names = os.listdir(self if handle is None else handle)
            return [self / name for name in sorted(names)]
        return []

    def files(self) -> Iterator[InnerPath]:
        """What lies in it and in its folders but the hidden ones; links stand for themselves."""
        for path in self.iterdir():
            about = path._look()
            if about and not stat.S_ISDIR(about.st_mode):
                yield path
            elif about and not path.name.startswith("."):
                yield from path.files()

    # What is done to it.

    def open(self, mode: str) -> IO[Any]:
        return open(self, mode, opener=self.opened)

    def opened(self, path: str, flags: int) -> int:
        """For `open`: the number of the file."""
        self.is_file()
        with self._place() as (name, handle):
            flags |= NOT_WAITING | (system.NO_LINK if self.names else 0)
            return os.open(name, flags, 0o666, dir_fd=handle)

    def mkdir(self) -> None:
        """With what is missing above it."""
        os.makedirs(self.folder, exist_ok=True)
        for depth in range(1, len(self.names) + 1):
            folder = InnerPath(self.folder, self.names[:depth])
            if not folder.is_dir():
                with folder._place() as (name, handle):
                    os.mkdir(name, dir_fd=handle)

    def replace(self, target: str | os.PathLike[str]) -> None:
        with self._place() as (name, handle), inside(target)._place() as (wanted, there):
            os.replace(name, wanted, src_dir_fd=handle, dst_dir_fd=there)

    def unlink(self, missing_ok: bool = False) -> None:
        with suppress(*[FileNotFoundError] * missing_ok), self._place() as (name, handle):
            os.unlink(name, dir_fd=handle)

    def chmod(self, mode: int) -> None:
        with self._place() as (name, handle):
            os.chmod(name, mode, dir_fd=handle)

    # The way there.

    def _look(self) -> os.stat_result | None:
        with said_plainly("look at", self), suppress(FileNotFoundError, NotADirectoryError):
            return self.stat()
        return None

    @contextmanager
    def _place(self) -> Iterator[tuple[str, int | None]]:
        """What the system is told: its name, and the handle of the folder that it lies in."""
        if not self.names:
            yield self.folder, None
            return
        with self.parent._handle() as handle:
            yield os.fspath(self) if handle is None else self.names[-1], handle

    @contextmanager
    def _handle(self) -> Iterator[int | None]:
        """Of this folder, from folder to folder; none where systems have no such handles."""
        if not system.HAS_HANDLES:
            self._require_straight()
            yield None
            return
        handle = os.open(self.folder, system.FOLDER)
        try:
            for depth, name in enumerate(self.names, 1):
                folder = InnerPath(self.folder, self.names[:depth])
                about = os.stat(name, dir_fd=handle, follow_symlinks=False)
                if stat.S_ISLNK(about.st_mode):
                    require_file(about, folder, "use")
                within = os.open(name, system.FOLDER | system.NO_LINK, dir_fd=handle)
                os.close(handle)
                handle = within
            yield handle
        finally:
            os.close(handle)

    def _require_straight(self) -> None:
        real = os.path.realpath(self.folder)
        for depth, name in enumerate(self.names, 1):
            real = os.path.join(real, name)
            if os.path.normcase(os.path.realpath(real)) != os.path.normcase(real):
                folder = InnerPath(self.folder, self.names[:depth])
                raise FileError(f"can't use {folder}: {NO_FILES[stat.S_IFLNK]}")
