"""Gradbook's own folders: caches, folders locked by one process, and temporary ones.

Cached files are trusted when they are read, so nobody else may write to their folder. Leftovers of
killed processes are recognised by locks that the system has released, without any clock.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from gradbook import system
from gradbook.errors import FileError
from gradbook.files import said_plainly

TEMPORARY = "gradbook-temporary-"  # the prefix of folders that last for a block


def kept_in(kind: str) -> Path:
    """The cache folder for files of this kind, which only this user can write to."""
    from platformdirs import user_cache_dir

    folder = Path(os.environ.get("GRADBOOK_CACHE") or user_cache_dir("gradbook", False), kind)
    try:
        _make_private(folder)
        why = system.shared_with_others(folder)
    except FileError as error:
        why = error.message
    if why:
        raise FileError(f"can't cache in {folder}: {why}; set GRADBOOK_CACHE to another one")
    return folder


def _make_private(folder: Path) -> None:
    """Create it and its missing parents with access for this user only, whatever the umask."""
    if folder.is_dir():
        return
    _make_private(folder.parent)
    with said_plainly("make the folder", folder):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def alone_in(folder: str | os.PathLike[str]) -> Iterator[bool]:
    """Whether this process could lock the folder, which it then holds until the block ends.

    However a process ends, the system releases its lock. If the system has no locks for
    folders (Windows, some network drives), the answer is always true.
    """
    with said_plainly("open", folder):
        lock = system.FolderLock(folder)
    try:
        yield lock.is_ours
    finally:
        lock.let_go()


# Temporary folders


@contextmanager
def temporary_folder(within: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """An empty folder that only this user can access, removed after the block.

    Temporary folders of killed processes are removed first.
    """
    from shutil import rmtree
    from tempfile import gettempdir

    place = Path(within or gettempdir())
    _take_away_leftovers(place)
    with said_plainly("make a folder in", place):
        folder, lock = _held(place)
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
        lock.let_go()


@cache
def of_this_process() -> Path:
    """A temporary folder that lasts as long as the process."""
    stack = ExitStack()
    folder = stack.enter_context(temporary_folder())
    atexit.register(stack.close)
    return folder


def _held(place: Path) -> tuple[Path, system.FolderLock]:
    """A new folder, locked before it could be taken for a leftover."""
    from tempfile import mkdtemp

    while True:
        folder = Path(mkdtemp(prefix=TEMPORARY, dir=place))
        try:
            lock = system.FolderLock(folder, share=False)
        except FileNotFoundError:
            continue
        if lock.is_ours and folder.exists():
            return folder, lock
        lock.let_go()


def _take_away_leftovers(place: Path) -> None:
    from shutil import rmtree

    for folder in place.glob(f"{TEMPORARY}*"):
        if folder.is_symlink() or not folder.is_dir() or not system.is_mine(folder):
            continue
        try:
            lock = system.FolderLock(folder)
        except OSError:  # gone by now
            continue
        if lock.is_sure and lock.is_ours:
            rmtree(folder, ignore_errors=True)
        lock.let_go()
