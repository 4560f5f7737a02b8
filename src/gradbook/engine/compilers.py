"""C compilers: the ones installed, their flags, and running them.

They are processes, which end when their caller is interrupted.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePath
from subprocess import PIPE
from threading import Timer
from typing import IO, Any

import numpy as np

from gradbook import __version__, interruption, system
from gradbook.amounts import counted
from gradbook.errors import GradbookError, one_line
from gradbook.system import LIBRARY

# At work --------------------------------------------------------------------------

LONGEST, AT_ONCE = 300, 60  # seconds that compiling may take, and that an answer may
MOST_SAID = 2**22  # bytes that it may print; no compiler prints as much about an engine
ANOTHER = "; GRADBOOK_CC can name another compiler"

Process = subprocess.Popen[bytes]
_running: set[Process] = set()


class CompilerError(GradbookError):
    """There is no compiler, or it can't compile the engine."""


def are_running() -> bool:
    """Whether anything is being compiled, in any thread, at this moment."""
    return bool(_running)


def side_by_side(*works: Callable[[], Any]) -> list[Any]:
    """Do all works and return their results. An interruption ends the compilers and the works."""
    return interruption.side_by_side(*works, stop=_end_all)


def _end_all() -> None:
    """Ask the compilers and their helpers to end; each then removes what it wrote."""
    for process in tuple(_running):
        if process.poll() is None:
            system.end(process)


def answer(command: Sequence[str], typed: str = "") -> str | None:
    """What a compiler prints; None if there is none, or if it fails."""
    try:
        with subprocess.Popen(
            command, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL, **system.apart()
        ) as process:
            text = _read_all(process, process.stdout, AT_ONCE, typed)
    except (OSError, ValueError, RuntimeError, CompilerError):  # RuntimeError: no more threads
        return None
    return text if process.returncode == 0 else None


def compile_in(folder: Path, command: Sequence[str]) -> None:
    """Run a compiler in a folder where its files have plain names, since not every compiler can
    handle every folder's name.
    """
    try:
        code, complaints = _worked(folder, command)
    except (OSError, CompilerError) as error:
        raise CompilerError(f"{command[0]} doesn't run: {error}{ANOTHER}") from error
    if code:
        wrong = [line for line in complaints.splitlines() if "error" in line]
        first = (wrong or complaints.splitlines() or ["no reason given"])[0]
        raise CompilerError(f"{command[0]} can't compile the engine: {first}{ANOTHER}")


def _worked(folder: Path, command: Sequence[str]) -> tuple[int, str]:
    """Run a compiler; its exit code, and its complaints."""
    with system.bound_to_us(command) as (words, stdin), _started(folder, words, stdin) as process:
        _running.add(process)
        try:
            complaints = _read_all(process, process.stderr, LONGEST)
        finally:
            _running.remove(process)
        return process.returncode, complaints


def _read_all(process: Process, stream: IO[bytes] | None, patience: float, text: str = "") -> str:
    """All that a process prints; one that takes too long or prints too much is ended."""
    assert stream is not None
    late = Timer(patience, system.kill, [process])
    late.daemon = True
    try:
        late.start()
        if process.stdin:
            with suppress(BrokenPipeError):  # it doesn't read its input
                process.stdin.write(text.encode())
                process.stdin.close()
        content = stream.read(MOST_SAID + 1)
        is_late = late.finished.is_set()
        if len(content) <= MOST_SAID:
            process.wait()
    finally:
        late.cancel()
        system.kill(process)
    if is_late:
        raise CompilerError(f"it takes more than {patience:g} s")
    if len(content) > MOST_SAID:
        raise CompilerError(f"it prints more than {MOST_SAID:,} bytes")
    return content.decode("utf-8", "replace")


def _started(folder: Path, words: Sequence[str], stdin: int) -> Process:
    return subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "TMPDIR": "."},  # so that leftovers are removed with the folder
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=PIPE,
        **system.apart(),
    )


# Which there are ------------------------------------------------------------------

FLAGS = ("-O2", "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno")
THREADS = "-pthread"
LEVELS = {"avx512": "x86-64-v4", "avx2": "x86-64-v3", "plain": ""}
NATIVE = ("-march=native", "-mcpu=native")  # some compilers for ARM know only the second
LONGEST_NAME = 120  # characters
WORD = re.compile(r'"([^"]+)"|(\S+)')
USED = "#include <math.h>\n#include <pthread.h>\n#include <stdint.h>\n"  # what engines include

# GCC for Windows keeps wide vectors on the stack as if that were aligned to their size, which it
# needn't be (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=54412): so its assembler must move
# unaligned vectors.
ANYWHERE = "-Wa,-muse-unaligned-vector-move"

# Browsers: a module that waits to be called, with vectors and without imports.
FOR_BROWSERS = ("-target", "wasm32-wasi")


@dataclass(frozen=True)
class Compiler:
    """The words of its command, and its version."""

    command: tuple[str, ...]
    version: str

    @property
    def name(self) -> str:
        return one_line(self.version.split("\n", 1)[0][:LONGEST_NAME])

    @property
    def is_zig(self) -> bool:
        return any(PurePath(word).stem in ("zig", "ziglang") for word in self.command)

    @property
    def is_for_windows(self) -> bool:
        return "_WIN32" in _defined(self)

    @property
    def is_for_browsers(self) -> bool:
        return "__wasm__" in _defined(self)

    @property
    def ending(self) -> str:
        """The ending of its libraries."""
        return ".wasm" if self.is_for_browsers else LIBRARY

    @property
    def misplaces_vectors(self) -> bool:
        """Whether it is GCC for Windows on processors that require aligned vectors."""
        defined = _defined(self)
        return self.is_for_windows and "__clang__" not in defined and "__x86_64__" in defined

    def flags(self, level: str) -> list[str]:
        """The flags to compile for machines of that level."""
        if self.is_for_browsers:  # browsers all have the same vectors
            return ["-msimd128"]
        if level == "native":
            return next(([flag] for flag in NATIVE if _macro_text(self, flag) is not None), [])
        machine = LEVELS[level]
        if self.is_zig:  # zig's default is native
            machine = machine.replace("-", "_") or "baseline"
        return [f"-march={machine}"] if machine else []

    def words(self, level: str) -> list[str]:
        """The words of a command that compiles for machines of that level."""
        return [*self.command, *FLAGS, *self._own_flags(), *self.flags(level)]

    def _own_flags(self) -> list[str]:
        if self.is_for_browsers:  # a page has one thread
            return []
        if self.misplaces_vectors:
            return [THREADS, ANYWHERE]
        return [THREADS] if self.is_for_windows else [THREADS, "-fPIC"]

    @property
    def to_link(self) -> list[str]:
        """The flags that make a library of objects; it depends only on what every machine has."""
        if self.is_for_browsers:
            return ["-mexec-model=reactor", "-Wl,--strip-all"]
        alone = ["-static"] if self.is_for_windows and not self.is_zig else []
        return ["-shared", *alone]


def find_compiler(name: str | None = None) -> Compiler | None:
    """The compiler asked for by GRADBOOK_CC or by name, or the first that can be used."""
    wish = name or os.environ.get("GRADBOOK_CC")
    commands = _candidates()
    if wish:  # a path with spaces is alone or in double quotes
        words = [wish] if shutil.which(wish) else [a or b for a, b in WORD.findall(wish)]
        path = shutil.which(words[0]) if words else None
        commands = iter([(os.path.abspath(path), *words[1:]) if path else (wish,)])
    for command in commands:
        version = _version(command)
        if version is not None and _makes_what_we_load(Compiler(command, version)):
            return Compiler(command, version)
    return None


def require_compiler(name: str | None = None) -> Compiler:
    """The compiler that `find_compiler` finds, or one line that says how to get one."""
    compiler = find_compiler(name)
    if compiler is None:
        raise CompilerError(
            f"no C compiler found: {how_to_get_one()}"
            if name is None
            else f"the C compiler {name!r} isn't installed: install it or leave out the choice"
        )
    return compiler


def for_browsers() -> Compiler:
    """Zig, which compiles for browsers from anywhere, or one line that says how to get it."""
    for command in _zigs():
        version = _version(command)
        if version is not None:
            return Compiler((*command, *FOR_BROWSERS), f"{version} for browsers")
    what = "the engine for this network's page isn't among those included ready-made"
    raise CompilerError(f"{what}, and there is no zig to compile it: {_zigs_wheel()}")


def why_numpy() -> str:
    """Why NumPy trains, for the user."""
    why, remedy = "no C compiler found", how_to_get_one()
    if wish := os.environ.get("GRADBOOK_CC"):
        why, remedy = f"GRADBOOK_CC names {wish!r}, which can't compile anything", "name another"
    return f"{why}, so training runs in NumPy, far slower for images: {remedy}"


def how_to_get_one() -> str:
    """How to get a compiler, as the end of a sentence."""
    wheel = _zigs_wheel()
    if sys.platform == "darwin":
        return f"xcode-select --install, or {wheel}"
    if sys.platform == "win32":
        if shutil.which("cl"):
            return f"Visual Studio's can't compile an engine; {wheel} brings one that can"
        return f"{wheel} brings one, or install MinGW-w64's gcc"
    return f"install gcc or clang, or {wheel}"


def _zigs_wheel() -> str:
    """How to install zig; shells differ in their quotes."""
    extra = "gradbook[zig]"
    return f"pip install {extra}" if sys.platform == "win32" else f"pip install '{extra}'"


def _candidates() -> Iterator[tuple[str, ...]]:
    for name in ("gcc", "cc", "clang"):
        path = shutil.which(name)
        if not path:
            continue
        # Without Xcode's tools, macOS's own commands only open a window that offers them.
        is_apples = sys.platform == "darwin" and os.path.dirname(path) == "/usr/bin"
        if not is_apples or answer(["xcode-select", "--print-path"]) is not None:
            yield (path,)
    yield from _zigs()


def _zigs() -> Iterator[tuple[str, ...]]:
    if find_spec("ziglang"):  # installed for this Python, in a version of its own
        yield (sys.executable, "-m", "ziglang", "cc")
    if path := shutil.which("zig"):
        yield (path, "cc")


def _makes_what_we_load(compiler: Compiler) -> bool:
    """Whether it has the headers that engines include, and its programs match this Python."""
    size = _defined(compiler).get("__SIZEOF_POINTER__")
    if size != str(ctypes.sizeof(ctypes.c_void_p)):
        return False
    to_nothing = [*compiler.command, ANYWHERE, "-c", "-x", "c", "-", "-o", os.devnull]
    return not compiler.misplaces_vectors or answer(to_nothing) is not None


@cache
def _version(command: tuple[str, ...]) -> str | None:
    return answer([*command, "--version"])


@cache
def _macro_text(compiler: Compiler, *flags: str) -> str | None:
    """The definitions of all macros for an engine; None if it can't compile one."""
    return answer([*compiler.command, *flags, "-dM", "-E", "-x", "c", "-"], USED)


@cache
def _defined(compiler: Compiler, *flags: str) -> dict[str, str]:
    lines = (_macro_text(compiler, *flags) or "").splitlines()
    defined = (line.removeprefix("#define ").partition(" ") for line in lines)
    return {name: value for name, _, value in defined}


def macros(compiler: Compiler, level: str = "native") -> dict[str, str]:
    """The macros that say what the compiler compiles for."""
    definitions = _defined(compiler, *compiler.flags(level))
    if not definitions:
        raise CompilerError(f"{compiler.command[0]} can't compile for the level {level}")
    return definitions


def vectors(compiler: Compiler, level: str = "native") -> str:
    """The kind of vectors at that level: avx512, avx2, neon, simd128 or plain."""
    defined = macros(compiler, level)
    kinds = (
        ("avx512", "__AVX512F__"),
        ("avx2", "__AVX2__"),
        ("neon", "__ARM_NEON"),
        ("simd128", "__wasm_simd128__"),
    )
    return next((kind for kind, macro in kinds if macro in defined), "plain")


# Where something was computed -----------------------------------------------------

PROCESSORS = Path("/proc/cpuinfo")
MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


def surroundings(threads: int) -> dict[str, str]:
    """Versions, processor and compiler, in words, so that a result can be repeated."""
    compiler = find_compiler()
    return {
        "gradbook": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{_processor()}, {counted(os.cpu_count() or 1, 'core')}",
        "threads": str(threads),
        "vectors": vectors(compiler) if compiler else "none",
        "compiler": compiler.name if compiler else "none: NumPy",
    }


def _processor() -> str:
    try:
        model = MODEL.search(PROCESSORS.read_text("utf-8", "replace"))
    except OSError:
        model = None
    return model[1].strip() if model else platform.processor() or platform.machine()
