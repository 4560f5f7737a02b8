"""Files are written completely or not at all, and errors are reported in one line.

A command may have a guard, which is notified of every file that is read, and decides whether a file
may be replaced. Every verb imports this module; what only writing needs is imported in functions.
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
from time import monotonic, sleep, time
from typing import IO, Any, Protocol, TypeVar

from gradbook import limits, system
from gradbook.errors import FileError, LimitError
from gradbook.limits import ReadLimit
from gradbook.system import NOT_WAITING, FolderLock

PART = ".gradbook-"  # the prefix of files that aren't complete yet
PART_NAME = re.compile(re.escape(PART) + r"[0-9a-f]{16}(\..*)?")
OUR_STREAM = re.compile(r"/dev/(stdout|stderr|fd/[0-9]+)|/proc/self/fd/[0-9]+")
A_DAY = 86_400  # seconds
PATIENCE = 2.0  # seconds, with a pipe that nobody reads
NO_NAME = "no file can have that name: choose another"
LEADS_NOWHERE = "it is a link to a file that doesn't exist: name that file, or remove the link"
NO_FILES = {  # other things in place of a file, by their kind, with a remedy
    stat.S_IFIFO: "it is a pipe, not a file: write its output to a file",
    stat.S_IFCHR: "it is a device, not a file: name a file",
    stat.S_IFBLK: "it is a device, not a file: name a file",
    stat.S_IFSOCK: "it is a socket, not a file: name a file",
    stat.S_IFDIR: "it is a folder: name a file in it",
    stat.S_IFLNK: "it is a link, which isn't followed there: replace it with what it refers to",
}


FileName = str | os.PathLike[str]
AnyName = TypeVar("AnyName", str, Path, FileName)
Content = bytes | str | Iterable[str]


class OutputGuard(Protocol):
    """Records what a command reads, and knows which files it may replace."""

    def note_read(self, about: os.stat_result, path: FileName) -> None: ...

    def require_replaceable(self, path: FileName, content: Path | None = None) -> None:
        """Refuse to write the content, or any, in place of a file that must be kept."""

    def note_written(self, path: FileName) -> None: ...

    def renew(self, *folders: FileName) -> None: ...


_guards: list[OutputGuard | None] = [None]  # the last one is active


@contextmanager
def guarded(guard: OutputGuard | None) -> Iterator[None]:
    """Make this guard, or none, the active one for all threads until the block ends."""
    _guards.append(guard)
    try:
        yield
    finally:
        _guards.pop()


def note_read(*paths: FileName) -> None:
    """Notify the guard of files that other processes or libraries will read."""
    for path in paths if _guards[-1] else ():
        with suppress(OSError, ValueError):  # the reader will report these
            note_open(os.stat(path), path)


def note_open(about: os.stat_result, path: FileName) -> None:
    if (guard := _guards[-1]) and stat.S_ISREG(about.st_mode):
        guard.note_read(about, path)


def renew(*folders: FileName) -> None:
    """Declare folders as gradbook's own, in which it may replace its files at any time."""
    if guard := _guards[-1]:
        guard.renew(*folders)


def require_replaceable(*paths: FileName | None) -> None:
    """Refuse before long work, rather than after it, to replace files that must be kept."""
    for path in paths:
        if path:
            _require_replaceable(path)


def _require_replaceable(path: FileName, content: Path | None = None) -> None:
    if (guard := _guards[-1]) and not _is_device(_target(path)):
        guard.require_replaceable(path, content)


@contextmanager
def whole_file(path: FileName) -> Iterator[Path]:
    """A temporary path to write to, which replaces `path` if the block succeeds.

    If the block fails or is interrupted, nothing remains of it and a file that
    was at `path` before is still there.
    """
    require_replaceable(path)
    with _part_of(path) as (part, target):
        yield Path(part)
        require_replaceable(path)
        with said_plainly("write", path):
            _settle(part, target)


def write_whole(path: FileName, content: Content, moment: float | None = None) -> None:
    """Write all of the content to `path`, or change nothing; its time becomes now, or `moment`."""
    write_all({path: content}, moment)


def write_all(files: Mapping[AnyName, Content], moment: float | None = None) -> None:
    """Write every file's content; the first is replaced only if all of them may be."""
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
    """A class's name may not be valid text, such as a folder's name in an old encoding."""
    return content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content


def made_folder(path: FileName) -> Path:
    """The folder, created with its parents if it doesn't exist."""
    with said_plainly("make the folder", path):
        if isinstance(path, InnerPath):
            path.mkdir()
        else:
            Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def clear_parts(folder: FileName) -> None:
    """Remove what killed processes left of files that they were writing in this folder.

    A process that writes such a file locks it, and the system releases locks when a process ends.
    """
    for part in inside(folder).iterdir():
        if not PART_NAME.fullmatch(part.name):
            continue
        with (
            said_plainly("remove", part),
            suppress(PermissionError, FileNotFoundError),  # locked, or already removed
        ):
            about = part.stat()
            if not stat.S_ISREG(about.st_mode):
                continue
            lock = FolderLock(part, opened=part.opened)
            if lock.is_ours and (lock.is_sure or time() - about.st_mtime > A_DAY):
                part.unlink()
            lock.let_go()


def read_text(path: FileName, *, limit: ReadLimit = limits.TEXT) -> str:
    """A text file's content, which must be UTF-8 and within the limit."""
    return decode(read_bytes(path, limit), source=str(path), limit=limit)


def read_bytes(path: FileName, limit: ReadLimit) -> bytes:
    """A file's content, which must be a regular file within the limit."""
    with open_file(path, limit) as file, said_plainly("read", path):
        content = file.read(limit.most + 1)
    require_size(len(content), os.fspath(path), limit)
    return content


@contextmanager
def open_file(path: FileName, limit: ReadLimit) -> Iterator[BufferedReader]:
    """The bytes of a file that may be untrusted, as a stream; a regular file within the limit.

    Nothing else is even opened: reading a pipe or a device might wait forever.
    """
    inner = path if isinstance(path, InnerPath) else None
    with said_plainly("read", path):
        require_file(inner.stat() if inner else os.stat(path), path)
        opener = inner.opened if inner else _without_waiting
        file = open(path, "rb", opener=opener)  # noqa: SIM115 - closed below
    with file:
        about = os.fstat(file.fileno())
        require_file(about, path)  # now that nobody can replace it
        note_open(about, path)
        require_size(about.st_size, os.fspath(path), limit)
        with said_plainly("read", path):
            file.peek(1)  # unreadable files fail here
        yield file


def _with_a_reader(path: str, flags: int) -> int:
    """Opens a pipe once a program reads from it, which may have to start first."""
    until = monotonic() + PATIENCE
    while True:
        try:
            return _without_waiting(path, flags)
        except OSError as error:
            if error.errno != errno.ENXIO or monotonic() > until:
                raise
        sleep(0.01)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | NOT_WAITING)


def require_file(about: os.stat_result, path: FileName, verb: str = "read") -> None:
    if not stat.S_ISREG(about.st_mode):
        why = NO_FILES.get(stat.S_IFMT(about.st_mode), "it isn't a file: name a file")
        raise FileError(f"can't {verb} {os.fspath(path)}: {why}")


def require_size(size: int, source: str, limit: ReadLimit) -> None:
    if size > limit.most:
        raise LimitError(f"{source} is larger than {limit}: use a smaller file")


def decode(content: bytes, *, source: str, limit: ReadLimit = limits.TEXT) -> str:
    """Bytes from outside, as text."""
    require_size(len(content), source, limit)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{source} isn't UTF-8 text (byte {error.start + 1}): save it as UTF-8"
        ) from error


def _target(path: FileName) -> Path | InnerPath:
    """The path that a file's name resolves to."""
    if isinstance(path, InnerPath):
        return path
    is_ours = OUR_STREAM.fullmatch(os.path.abspath(path))
    return Path(path if is_ours else os.path.realpath(path))


@contextmanager
def _part_of(path: FileName) -> Iterator[tuple[Path | InnerPath, Path | InnerPath]]:
    """An empty file, locked by this process and removed after the block; and its target."""
    with said_plainly("write", path):
        target = _target(path)
        if not isinstance(target, InnerPath) and os.path.islink(path) and not target.exists():
            raise FileError(f"can't write {os.fspath(path)}: {LEADS_NOWHERE}")
        if target.is_file() or target.is_dir():
            # replacing a file needs only its folder's permission; require the file's, too
            target.open("ab").close()
    parts: list[Path | InnerPath] = []  # noted before they exist: it may be interrupted at any time
    lock: FolderLock | None = None
    try:
        with said_plainly("write", path):
            lock = _new_part(target, parts)
        yield parts[-1], target
    finally:
        for part in parts:
            with suppress(OSError):  # of one that couldn't be made
                part.unlink(missing_ok=True)
        if lock is not None:
            lock.let_go()


def _new_part(target: Path | InnerPath, parts: list[Path | InnerPath]) -> FolderLock:
    """The lock of an empty file beside the target, the last of the `parts`, with a unique name and
    the usual permissions."""
    place = target
    if _is_device(target):
        from tempfile import gettempdir

        place = Path(gettempdir(), target.name)
    _clear_once(inside(place.parent))
    while True:
        part = place.with_name(f"{PART}{os.urandom(8).hex()}{target.suffix[:16]}")
        parts.append(part)
        part.open("xb").close()
        try:
            opened = part.opened if isinstance(part, InnerPath) else os.open
            lock = FolderLock(part, share=False, opened=opened)
        except FileNotFoundError:  # removed as a leftover before it was locked
            continue
        if lock.is_ours and part.is_file():
            return lock
        lock.let_go()


@lru_cache(maxsize=1000)
def _clear_once(folder: InnerPath) -> None:
    with suppress(FileError):
        clear_parts(folder)


def _settle(part: Path | InnerPath, target: Path | InnerPath) -> None:
    if _is_device(target):
        import shutil

        with part.open("rb") as source, open(target, "ab", opener=_with_a_reader) as sink:
            if NOT_WAITING:  # for a reader, but for its pace
                os.set_blocking(sink.fileno(), True)
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
    """Whether it is a terminal, a pipe or the like, which is written to rather than replaced; or
    the output stream that the command was given.
    """
    if isinstance(target, InnerPath) or not target.exists():
        return False
    return not (target.is_file() or target.is_dir()) or bool(OUR_STREAM.fullmatch(str(target)))


@contextmanager
def said_plainly(verb: str, path: FileName) -> Iterator[None]:
    """Report the system's errors about the file in one line with a remedy."""
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
        return "the current folder no longer exists: change to another one"
    folder = Path(path).parent
    missing = "it doesn't exist" if os.path.isdir(folder) else f"there is no folder {folder}"
    remedies = {
        errno.ENOENT: missing if os.fspath(path) else "its name is empty",
        errno.EINVAL: NO_NAME,
        errno.EISDIR: "it is a folder: name a file in it",
        errno.ENOTDIR: f"{_no_folder(Path(path))} isn't a folder: choose another place",
        errno.EEXIST: "a file of that name is in the way: choose another name",
        errno.EACCES: "no permission: choose another place, or close what holds it open",
        errno.EPERM: "no permission: choose another place, or close what holds it open",
        errno.ENXIO: "no program reads from it: start one first, or name a file",
        errno.EROFS: "nothing can be written there: choose another place",
        errno.ENOSPC: "the disk is full: make room or choose another place",
        errno.EDQUOT: "your quota on that disk is used up: free some space",
        errno.EFBIG: "files may not become that large there: choose another place",
        errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
    }
    return remedies.get(error.errno or 0, error.strerror or str(error))


def _no_folder(path: Path) -> Path:
    """The first part of the path that isn't a folder."""
    way = (path, *path.parents)
    return next((at for at in way if os.path.exists(at) and not os.path.isdir(at)), path)


def _is_here_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def in_order(path: str) -> str:
    """A key for sorting paths, so that exercise-2 comes before exercise-10."""
    return re.sub(r"\d+", lambda digits: f"\0{int(digits[0][:18]):018}\0", path.casefold())


# Untrusted folders --------------------------------------------------------------------


def inside(path: FileName) -> InnerPath:
    """A folder that a user named, whose contents aren't trusted."""
    return path if isinstance(path, InnerPath) else InnerPath(str(PurePath(path)))


@dataclass(frozen=True)
class InnerPath(os.PathLike[str]):
    """A file or a folder in a folder that may be untrusted. That folder is used as the user named
    it, but below it no link is followed, to read or to write: a link in the path is refused.

    Each is opened relative to a handle of its folder, so that nobody can insert a link in the
    meantime. If a system has no such handles, a path that resolves to another place is
    refused.
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

    # Queries.

    def stat(self) -> os.stat_result:
        """The file's own status; a link isn't followed."""
        with self._place() as (name, handle):
            return os.stat(name, dir_fd=handle, follow_symlinks=not self.names)

    def exists(self) -> bool:
        """Whether anything is there, even a link that leads nowhere."""
        return self._look() is not None

    def is_file(self) -> bool:
        """Whether there is a file. Anything else in its place is refused."""
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
        """The folder's contents, sorted; empty if it doesn't exist."""
        with said_plainly("look into", self), suppress(FileNotFoundError), self._handle() as handle:
            names = os.listdir(self if handle is None else handle)
            return [self / name for name in sorted(names)]
        return []

    def files(self) -> Iterator[InnerPath]:
        """Its files and those of its folders; links aren't followed."""
        for path in self.iterdir():
            about = path._look()
            if about and not stat.S_ISDIR(about.st_mode):
                yield path
            elif about:
                yield from path.files()

    # Changes.

    def open(self, mode: str) -> IO[Any]:
        return open(self, mode, opener=self.opened)

    def opened(self, path: str, flags: int) -> int:
        """The opener for `open`: returns the file's descriptor."""
        self.is_file()
        with self._place() as (name, handle):
            flags |= NOT_WAITING | (system.NO_LINK if self.names else 0)
            return os.open(name, flags, 0o666, dir_fd=handle)

    def mkdir(self) -> None:
        """Create the folder, with all missing parents."""
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

    # Resolving the path.

    def _look(self) -> os.stat_result | None:
        with said_plainly("look at", self), suppress(FileNotFoundError, NotADirectoryError):
            return self.stat()
        return None

    @contextmanager
    def _place(self) -> Iterator[tuple[str, int | None]]:
        """The arguments for system calls: its name, and a handle of its folder."""
        if not self.names:
            yield self.folder, None
            return
        with self.parent._handle() as handle:
            yield os.fspath(self) if handle is None else self.names[-1], handle

    @contextmanager
    def _handle(self) -> Iterator[int | None]:
        """A handle of this folder, opened folder by folder; None if the system has no handles."""
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
