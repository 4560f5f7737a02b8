"""C to a shared library: which compiler, with what flags, and a cache by content."""

from __future__ import annotations

import atexit
import ctypes
import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gradbook import interruption
from gradbook.errors import GradbookError

FLAGS = ("-O2", "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-pthread")
LEVELS = {"native": "native", "avx512": "x86-64-v4", "avx2": "x86-64-v3", "plain": ""}
LONGEST = 300  # seconds that a compiler may take

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class CompilerError(GradbookError):
    """There is no compiler, or it can't compile what we wrote."""


@dataclass(frozen=True)
class Compiler:
    """The words that start it, and what it calls itself."""

    command: tuple[str, ...]
    version: str

    @property
    def name(self) -> str:
        return self.version.split("\n", 1)[0]

    def flags(self, level: str) -> list[str]:
        """What makes it compile for machines of that level."""
        machine = LEVELS[level]
        if "ziglang" in self.command:  # to which nothing said is native
            machine = machine.replace("-", "_") or "baseline"
        return [f"-march={machine}"] if machine else []


def find(wanted: str | None = None) -> Compiler | None:
    """The compiler asked for by GRADBOOK_CC or by name, or the first there is."""
    wish = wanted or os.environ.get("GRADBOOK_CC")
    for command in [tuple(wish.split())] if wish else _candidates():
        version = _version(command)
        if version is not None:
            return Compiler(command, version)
    return None


def needed(wanted: str | None = None) -> Compiler:
    """The same, or one line that says how to get one."""
    found = find(wanted)
    if found is None:
        raise CompilerError(
            "no C compiler here: install gcc or clang, or pip install 'gradbook[zig]'"
            if wanted is None
            else f"no C compiler {wanted!r} here: install it or leave out the choice"
        )
    return found


def _candidates() -> Iterator[tuple[str, ...]]:
    for name in ("gcc", "cc", "clang"):
        if shutil.which(name):
            yield (name,)
    if find_spec("ziglang"):
        yield (sys.executable, "-m", "ziglang", "cc")


@cache
def _version(command: tuple[str, ...]) -> str | None:
    try:
        found = _asked([*command, "--version"])
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout if found.returncode == 0 else None


@cache
def macros(compiler: Compiler, level: str = "native") -> str:
    """What the compiler says it compiles for."""
    words = [*compiler.command, *compiler.flags(level), "-dM", "-E", "-x", "c", os.devnull]
    return _run(words, _asked)


def vectors(compiler: Compiler, level: str = "native") -> str:
    """The kind of vectors at that level: avx512, avx2, neon or plain."""
    defined = macros(compiler, level)
    for kind, macro in (("avx512", "__AVX512F__"), ("avx2", "__AVX2__"), ("neon", "__ARM_NEON")):
        if f"#define {macro} " in defined:
            return kind
    return "plain"


def library(
    text: str, compiler: Compiler, level: str = "native", extra: Sequence[str] = (), parts: int = 1
) -> Path:
    """The compiled text, from the cache where it was compiled before. Text that knows what PART
    is may be compiled in so many `parts` side by side.
    """
    command = [*compiler.command, *FLAGS, *compiler.flags(level), *extra]
    known = [text, compiler.version, " ".join(command[len(compiler.command) :])]
    known.append(macros(compiler, level))
    digest = hashlib.sha256("\0".join(known).encode()).hexdigest()[:32]
    folder = cache_folder()
    if found := _kept(folder, digest):
        return found
    if not os.access(folder, os.W_OK):
        folder = _own_folder()
    return _kept(folder, digest) or _compile(text, command, folder, digest, parts)


def cache_folder() -> Path:
    from platformdirs import user_cache_dir

    folder = Path(os.environ.get("GRADBOOK_CACHE") or user_cache_dir("gradbook", False), "engines")
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
    folder = TemporaryDirectory(prefix="gradbook-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _kept(folder: Path, digest: str) -> Path | None:
    """An engine's name tells its size, so that one cut short is none."""
    for path in folder.glob(f"{digest}-*.so"):
        if path.stem.endswith(f"-{path.stat().st_size}"):
            return path
    return None


def _compile(text: str, command: Sequence[str], folder: Path, digest: str, parts: int) -> Path:
    """Whole or not at all, also while others compile the same."""
    try:
        with TemporaryDirectory(prefix=".", dir=folder) as own:
            source, made = Path(own, "engine.c"), Path(own, "engine.so")
            source.write_text(text, encoding="utf-8")
            inputs = [source] if parts == 1 else _objects(source, command, parts)
            _run([*command, "-shared", *map(str, inputs), "-o", str(made), "-lm"])
            target = folder / f"{digest}-{made.stat().st_size}.so"
            os.replace(made, target)
            return target
    except OSError as error:
        raise CompilerError(f"can't write to {folder}: {error.strerror}") from error


def _objects(source: Path, command: Sequence[str], parts: int) -> list[Path]:
    objects = [source.with_name(f"{part}.o") for part in range(parts)]
    side_by_side(
        *(
            partial(_run, [*command, f"-DPART={part}", "-c", str(source), "-o", str(made)])
            for part, made in enumerate(objects)
        )
    )
    return objects


def loaded(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise CompilerError(f"the engine in {path} can't be loaded: remove it") from error


# Compilers at work: processes that end when who waits for them is interrupted.

_running: set[subprocess.Popen[str]] = set()


def are_running() -> bool:
    """Whether anything is being compiled, in any thread, at this moment."""
    return bool(_running)


def side_by_side(*works: Callable[[], Any]) -> list[Any]:
    """What each came to. Interrupted, the compilers end, and so do the works."""
    return interruption.side_by_side(*works, stop=_end_all)


def _end_all() -> None:
    for process in tuple(_running):
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Asked to, it removes what it wrote. Its helpers are asked as well."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.terminate()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def _compiled(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What it printed and its exit code."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us, not for the compiler
    ) as process:
        _running.add(process)
        try:
            out, err = process.communicate(timeout=LONGEST)
        finally:
            _end(process)
            _running.remove(process)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _asked(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What a compiler tells at once."""
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, start_new_session=True
    )


def _run(command: Sequence[str], run: Run = _compiled) -> str:
    try:
        done = run(command)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompilerError(f"{command[0]} doesn't run: {error}") from error
    if done.returncode:
        wrong = [line for line in done.stderr.splitlines() if "error" in line]
        said = (wrong or done.stderr.splitlines() or ["no reason given"])[0]
        raise CompilerError(f"{command[0]} can't compile the engine: {said}")
    return done.stdout
