"""Compiled libraries kept for the next time, and only those loaded that are as they were made.

Each is called by what it was made of and by its own hash, so that one file says all: nothing
beside it can be missing, older or another's.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gradbook import system
from gradbook.engine.processes import ANOTHER, CompilerError
from gradbook.errors import FileError
from gradbook.files import said_plainly
from gradbook.folders import kept_in, of_this_process, temporary_folder

KIND = "engines"
HASHED = 32  # letters of a hash in a name: 128 bits
ROOM = (
    2**20
)  # bytes that a folder takes where it isn't the folder that kept a compiler from working

Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Library:
    """A compiled one in its file, and what its user should know of how it is kept."""

    path: Path
    remark: str = ""


def hashed(*content: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in content:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:HASHED]


def kept(made_of: str, ending: str, make: Make) -> Library:
    """The library of what has this hash; made, in a folder that is given, where it isn't kept."""
    try:
        return _kept(kept_in(KIND), made_of, ending, make)
    except FileError as error:
        return replace(_kept(of_this_process(), made_of, ending, make), remark=str(error))


def _kept(folder: Path, made_of: str, ending: str, make: Make) -> Library:
    named = list(folder.glob(f"{made_of}-{'?' * HASHED}{ending}"))
    for path in filter(_is_as_made, named):
        return Library(path)
    for path in named:
        with suppress(OSError):  # what others still use
            path.unlink()
    said = f"{named[0]} wasn't as it was made: it was compiled anew" if named else ""
    return Library(_made(folder, made_of, ending, make), said)


def _is_as_made(path: Path) -> bool:
    try:
        return path.stem.endswith(hashed(path.read_bytes())) and not system.shared_with_others(path)
    except OSError:
        return False


def _made(folder: Path, made_of: str, ending: str, make: Make) -> Path:
    """Whole or not at all, also while others make the same."""
    with said_plainly("keep engines in", folder), temporary_folder(folder) as own:
        try:
            made = make(own)
        except CompilerError:
            (own / "room").write_bytes(bytes(ROOM))  # if it can't be, that is what went wrong
            raise
        target = folder / f"{made_of}-{hashed(made.read_bytes())}{ending}"
        made.chmod(0o700)
        return _put(made, target)


def _put(made: Path, target: Path) -> Path:
    """Where others made the same, theirs may be in use, and then no system may replace it."""
    try:
        os.replace(made, target)
    except PermissionError:
        if not _is_as_made(target):
            raise
    return target


def loaded(path: Path, *functions: str) -> ctypes.CDLL:
    """A library that has these functions; one that hasn't isn't kept."""
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        why = f"can't be loaded ({error})"
        raise _useless(path, why, ", and GRADBOOK_CACHE another folder") from error
    for name in functions:
        if not hasattr(library, name):
            raise _useless(path, f"has no {name}")
    return library


def _useless(path: Path, why: str, further: str = "") -> CompilerError:
    with suppress(OSError):
        path.unlink()
    return CompilerError(f"the engine that was compiled to {path} {why}{ANOTHER}{further}")
