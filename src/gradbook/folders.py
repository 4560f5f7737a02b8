"""Folders of gradbook's own: kept for the next time, held by one process, or gone with their block.

What is kept is trusted by whoever finds it there, so nobody else may write to its folder. What a
killed process left is known by its lock, which the system has let go of: no clock is asked.
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

TEMPORARY = "gradbook-temporary-"  # how the names of those begin that last for a block


def kept_in(kind: str) -> Path:
    """The folder for things of this kind, which can be made again. Only we can write to it."""
    from platformdirs import user_cache_dir

    folder = Path(os.environ.get("GRADBOOK_CACHE") or user_cache_dir("gradbook", False), kind)
    try:
        _make_private(folder)
        why = system.shared_with_others(folder)
    except FileError as error:
        why = error.message
    if why:
        raise FileError(f"nothing is kept in {folder}: {why}; GRADBOOK_CACHE can name another")
    return folder


def _make_private(folder: Path) -> None:
    """With what is missing above it: for nobody else, whatever new files are usually open to."""
    if folder.is_dir():
        return
    _make_private(folder.parent)
    with said_plainly("make the folder", folder):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def alone_in(folder: str | os.PathLike[str]) -> Iterator[bool]:
    """Whether no other process is alone in this folder now, which then holds until the block ends.

    However a process ends, the system lets go of what it held. Where the system knows no locks
    of folders (Windows, some network drives), everybody is taken to be alone.
    """
    with said_plainly("open", folder):
        lock = system.FolderLock(folder)
    try:
        yield lock.is_ours
    finally:
        lock.let_go()


# For a while


@contextmanager
def temporary_folder(within: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """An empty folder for nobody else, gone after the block.

    What processes that were killed left of theirs is taken away first.
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
    """A temporary one that lasts as long as the process."""
    stack = ExitStack()
    folder = stack.enter_context(temporary_folder())
    atexit.register(stack.close)
    return folder


def _held(place: Path) -> tuple[Path, system.FolderLock]:
    """A new folder, held before anybody took it for a leftover."""
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
