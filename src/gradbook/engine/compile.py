"""C to a shared library, kept in a cache by its content."""

from __future__ import annotations

import atexit
import ctypes
import errno
import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gradbook.engine.compilers import Compiler, macros
from gradbook.engine.processes import CompilerError, compile_in, side_by_side
from gradbook.files import kept_in


def library(
    text: str, compiler: Compiler, level: str = "native", extra: Sequence[str] = (), parts: int = 1
) -> Path:
    """The compiled text, from the cache where it was compiled before. Text that knows what PART
    is may be compiled in so many `parts` side by side.
    """
    words = [*compiler.words(level), *extra]
    known = [text, compiler.version, " ".join(words[len(compiler.command) :])]
    known += [f"{name} {value}" for name, value in macros(compiler, level).items()]
    digest = hashlib.sha256("\0".join(known).encode()).hexdigest()[:32]
    folder = cache_folder()
    name = f"{digest}-{{size}}{compiler.ending}"
    if found := _kept(folder, name):
        return found
    if not os.access(folder, os.W_OK):
        folder = _own_folder()
    return _kept(folder, name) or _keep(
        folder, name, lambda own: built(own, text, compiler, words, parts)
    )


def cache_folder() -> Path:
    folder = kept_in("engines")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS):
            raise CompilerError(
                f"can't keep engines in {folder}: {error.strerror}; set GRADBOOK_CACHE to a folder"
            ) from error
        return _own_folder()
    return folder


@cache
def _own_folder() -> Path:
    """Where nothing can be kept: for as long as this process lasts."""
    folder = TemporaryDirectory(prefix="gradbook-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _kept(folder: Path, name: str) -> Path | None:
    """An engine's name tells its size, so that one cut short is none."""
    for path in folder.glob(name.format(size="*")):
        if path.name == name.format(size=path.stat().st_size):
            return path
    return None


def built(
    folder: Path, text: str, compiler: Compiler, words: Sequence[str], parts: int = 1
) -> Path:
    """The library of a text, made in this folder."""
    source, made = folder / "engine.c", folder / f"engine{compiler.ending}"
    source.write_text(text, encoding="utf-8")
    inputs = [source.name] if parts == 1 else _objects(source, words, parts)
    compile_in(folder, [*words, *compiler.to_link, *inputs, "-o", made.name, "-lm"])
    return made


def _objects(source: Path, words: Sequence[str], parts: int) -> list[str]:
    objects = [f"{part}.o" for part in range(parts)]
    compiling = (
        partial(
            compile_in, source.parent, [*words, f"-DPART={part}", "-c", source.name, "-o", made]
        )
        for part, made in enumerate(objects)
    )
    side_by_side(*compiling)
    return objects


def _keep(folder: Path, name: str, make: Callable[[Path], Path]) -> Path:
    """Whole or not at all, also while others make the same."""
    try:
        with TemporaryDirectory(prefix=".", dir=folder, ignore_cleanup_errors=True) as own:
            made = make(Path(own))
            return _put(made, folder / name.format(size=made.stat().st_size))
    except OSError as error:
        raise CompilerError(f"can't write to {folder}: {error.strerror}") from error


def _put(made: Path, target: Path) -> Path:
    """Where others made the same, theirs may be in use, and then no system may replace it."""
    try:
        os.replace(made, target)
    except PermissionError:
        if not target.exists():
            raise
    return target


def loaded(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise CompilerError(f"the engine in {path} can't be loaded: remove it") from error
