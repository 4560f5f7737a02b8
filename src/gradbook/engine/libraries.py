"""C compiled to shared libraries, which are cached; and loading them.

The name of a library contains the hash of its source and its own, so that a single file is enough:
nothing beside it can be missing, older or another's. Only unchanged libraries are loaded.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gradbook import limits, system
from gradbook.engine.compilers import (
    ANOTHER,
    Compiler,
    CompilerError,
    compile_in,
    macros,
    side_by_side,
)
from gradbook.errors import FileError, GradbookError
from gradbook.files import read_bytes, said_plainly
from gradbook.folders import kept_in, of_this_process, temporary_folder

KIND = "engines"
HASHED = 32  # letters of a hash in a name: 128 bits
ROOM = 2**20  # bytes: if a folder takes these, a full disk isn't why a compiler failed

Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Library:
    """The file of a compiled library, and a remark for the user on how it is kept."""

    path: Path
    remark: str = ""


def digest_of(*content: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in content:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:HASHED]


def keep_library(made_of: str, ending: str, make: Make) -> Library:
    """The library of a source with this hash; if none is cached, `make` makes it in a folder."""
    try:
        return _kept_in(kept_in(KIND), made_of, ending, make)
    except FileError as error:
        return replace(_kept_in(of_this_process(), made_of, ending, make), remark=str(error))


def _kept_in(folder: Path, made_of: str, ending: str, make: Make) -> Library:
    named = list(folder.glob(f"{made_of}-{'?' * HASHED}{ending}"))
    for path in filter(_is_as_made, named):
        return Library(path)
    for path in named:
        with suppress(OSError):  # if others still use it
            path.unlink()
    remark = f"{named[0]} had been changed or damaged: it was compiled again" if named else ""
    return Library(_make_in(folder, made_of, ending, make), remark)


def _is_as_made(path: Path) -> bool:
    try:
        digest = digest_of(read_bytes(path, limits.ENGINE))
        return path.stem.endswith(digest) and not system.shared_with_others(path)
    except (OSError, GradbookError):
        return False


def _make_in(folder: Path, made_of: str, ending: str, make: Make) -> Path:
    """Make a library whole or not at all, even while another process makes the same one."""
    with said_plainly("keep engines in", folder), temporary_folder(folder) as room:
        try:
            library = make(room)
        except CompilerError:
            (room / "room").write_bytes(bytes(ROOM))  # if this fails, the disk is full
            raise
        target = folder / f"{made_of}-{digest_of(library.read_bytes())}{ending}"
        library.chmod(0o700)
        return _put(library, target)


def _put(library: Path, target: Path) -> Path:
    """Move a library to its place, or keep the same one that another process uses there."""
    try:
        os.replace(library, target)
    except PermissionError:
        if not _is_as_made(target):
            raise
    return target


def load(path: Path, *functions: str) -> ctypes.CDLL:
    """Load a library and make sure that it has these functions; one without them is removed."""
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
    return CompilerError(f"the compiled engine {path} {why}{ANOTHER}{further}")


# Compiling ------------------------------------------------------------------------

MOST_AT_ONCE = 4  # compilers
WORTH_ANOTHER = 1  # effort: below this, reading the text again costs more than it saves


def compile_library(
    text: str,
    compiler: Compiler,
    level: str = "native",
    extra: Sequence[str] = (),
    effort: Sequence[float] = (1,),
) -> Library:
    """The compiled text, from the cache if it is there. Text that is divided into PARTS may be
    compiled by several compilers side by side; `effort` says how much work each part is.
    """
    words = [*compiler.words(level), *extra]
    compiles_for = [f"{name} {value}" for name, value in macros(compiler, level).items()]
    own_words = words[len(compiler.command) :]
    machine = system.kind_of_machine()
    made_of = digest_of(text, compiler.version, machine, " ".join(own_words), *compiles_for)
    make = partial(build, text=text, compiler=compiler, words=words, effort=effort)
    return keep_library(made_of, compiler.ending, make)


def build(
    folder: Path,
    text: str,
    compiler: Compiler,
    words: Sequence[str],
    effort: Sequence[float],
) -> Path:
    """Compile a text to a library in this folder."""
    source, library = folder / "engine.c", folder / f"engine{compiler.ending}"
    source.write_text(text, encoding="utf-8")
    most = system.cores()
    if compiler.is_for_browsers:  # their modules have the same bytes on every machine
        most = MOST_AT_ONCE
    shares = share_out(effort, min(most, MOST_AT_ONCE))
    inputs = [source.name] if len(shares) == 1 else _objects(source, words, shares)
    compile_in(folder, [*words, *compiler.to_link, *inputs, "-o", library.name, "-lm"])
    if not library.is_file() or library.stat().st_size > limits.ENGINE.most:
        raise CompilerError(f"{words[0]} reported success but wrote no engine{ANOTHER}")
    return library


def share_out(effort: Sequence[float], most: int) -> list[list[int]]:
    """Divide the parts among at most `most` compilers, about as much work for each; among fewer if
    there is little to do.
    """
    count = max(1, min(most, len(effort), int(sum(effort) / WORTH_ANOTHER)))
    shares: list[list[int]] = [[] for _ in range(count)]
    for part in sorted(range(len(effort)), key=lambda part: -effort[part]):
        min(shares, key=lambda share: sum(effort[k] for k in share)).append(part)
    return shares


def _objects(source: Path, words: Sequence[str], shares: Sequence[Sequence[int]]) -> list[str]:
    objects = [f"{number}.o" for number in range(len(shares))]
    compiling = (
        partial(
            compile_in, source.parent, [*words, parts_flag(share), "-c", source.name, "-o", target]
        )
        for share, target in zip(shares, objects, strict=True)
    )
    side_by_side(*compiling)
    return objects


def parts_flag(parts: Sequence[int]) -> str:
    """The flag with which a compiler compiles only these parts."""
    return f"-DPARTS={sum(1 << part for part in parts)}"
