"""Decides what a command may replace: neither files that it reads nor the user's own work.

A file that the command reads is recognised by its identity, not by its name: several links may lead
to it. A file that gradbook wrote is recognised by its content, whose hash is stored for this user.
So no file needs a mark, it may be moved, and whoever changes one makes it their own. Any other file
is only replaced with --force.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import stat
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from gradbook import limits
from gradbook.errors import FileError, KeptFileError
from gradbook.files import FileName, open_file
from gradbook.folders import kept_in
from gradbook.system import NOT_WAITING

HASH_BYTES = 16
HASHES, OLDER = "hashes", "older-hashes"
MOST_KEPT = 2 * 2**20  # bytes of hashes, for 63,000 files; then a new list begins


class CommandOutputs:
    """The guard of one command (see `files.guarded`)."""

    def __init__(self, force: bool = False) -> None:
        self.force = force
        self.read: dict[object, str] = {}  # the name of each
        self.written: set[object] = set()
        self.own_folders: list[Path] = []
        self.record = WrittenFiles()

    def renew(self, *folders: FileName) -> None:
        self.own_folders += [Path(os.path.realpath(folder)) for folder in folders]

    def note_read(self, about: os.stat_result, path: FileName) -> None:
        self.read.setdefault(_identity(about, path), os.fspath(path))

    def note_written(self, path: FileName) -> None:
        if self._is_own(path):
            return
        with suppress(OSError):
            identity = _identity(os.stat(path), path)
            self.written.add(identity)
            self.read.pop(identity, None)  # it belonged to a deleted file
            self.record.add(_hash(path))

    def require_replaceable(self, path: FileName, content: Path | None = None) -> None:
        try:
            about = os.stat(path)
        except (OSError, ValueError):  # nothing is there, or writing reports the error
            return
        if not stat.S_ISREG(about.st_mode) or self._is_own(path):
            return
        identity, name = _identity(about, path), os.fspath(path)
        if identity in self.read:
            known = self.read[identity]
            what = "this command reads it" if known == name else f"it is {known}, which is read"
            raise FileError(f"can't write {name}: {what}: name another file")
        if identity in self.written:
            raise FileError(f"can't write {name} twice: name another file for one of them")
        if about.st_size and not (self.force or self._is_ours(path, content)):
            raise KeptFileError(
                f"{name} already exists, and gradbook didn't write it as it is now: name another "
                "file, or replace it with --force"
            )

    def _is_ours(self, path: FileName, content: Path | None) -> bool:
        try:
            return (content and filecmp.cmp(path, content, False)) or self.record.knows(_hash(path))
        except OSError:
            return False

    def _is_own(self, path: FileName) -> bool:
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(folder) for folder in self.own_folders)


class WrittenFiles:
    """The hashes of files that gradbook wrote for this user, except very old ones.

    If nothing can be stored, no file is recognised.
    """

    def knows(self, digest: str) -> bool:
        return digest in self._known

    def add(self, digest: str) -> None:
        if digest in self._known or not self._folder:
            return
        self._known.add(digest)
        with suppress(OSError):
            path = self._folder / HASHES
            if path.exists() and path.stat().st_size > MOST_KEPT:
                os.replace(path, self._folder / OLDER)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | NOT_WAITING
            with open(os.open(path, flags, 0o600), "ab", buffering=0) as file:
                file.write(f"{digest}\n".encode())  # in one piece, even if others write

    @cached_property
    def _folder(self) -> Path | None:
        with suppress(FileError):
            return kept_in("written")
        return None

    @cached_property
    def _known(self) -> set[str]:
        known: set[str] = set()
        for name in (HASHES, OLDER) if self._folder else ():
            with suppress(FileError, OSError):
                assert self._folder
                with open_file(self._folder / name, limits.TEXT) as file:
                    known.update(file.read().decode("ascii", "replace").split())
        return known


def _identity(about: os.stat_result, path: FileName) -> object:
    """A file's identity, whatever path leads to it; some disks don't number files."""
    return (about.st_dev, about.st_ino) if about.st_ino else os.path.realpath(path)


def _hash(path: FileName) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=HASH_BYTES)
        ).hexdigest()
