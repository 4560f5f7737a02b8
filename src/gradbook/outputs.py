"""What a command may put its output in the place of: neither what it reads nor anybody's own work.

A file that the command reads is known by what it is, not by its name: links lead to the same one.
A file that gradbook wrote is known by its content, of which a hash is kept for this user. So no
file is marked, it may be moved, and whoever changes one makes it their own. What isn't known is
replaced only by force.
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
MOST_KEPT = 2 * 2**20  # bytes of hashes, then a new list is begun: of 63,000 files


class CommandOutputs:
    """The guard of one command (see `files.guarded`)."""

    def __init__(self, force: bool = False) -> None:
        self.force = force
        self.read: dict[object, str] = {}  # what each was called
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
            self.read.pop(identity, None)  # it was another file's that is gone
            self.record.add(_hash(path))

    def require_replaceable(self, path: FileName, content: Path | None = None) -> None:
        try:
            about = os.stat(path)
        except (OSError, ValueError):  # nothing is there, or writing will say what is wrong
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
    """The hashes of what gradbook wrote for this user, those of long ago left out.

    Where nothing can be kept, nothing is known.
    """

    def knows(self, found: str) -> bool:
        return found in self._known

    def add(self, found: str) -> None:
        if found in self._known or not self._folder:
            return
        self._known.add(found)
        with suppress(OSError):
            path = self._folder / HASHES
            if path.exists() and path.stat().st_size > MOST_KEPT:
                os.replace(path, self._folder / OLDER)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | NOT_WAITING
            with open(os.open(path, flags, 0o600), "ab", buffering=0) as file:
                file.write(f"{found}\n".encode())  # in one go, whoever else writes

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
    """The same of one file, whatever leads to it; some disks number none."""
    return (about.st_dev, about.st_ino) if about.st_ino else os.path.realpath(path)


def _hash(path: FileName) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.blake2b(digest_size=HASH_BYTES)
        ).hexdigest()
