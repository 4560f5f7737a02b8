"""Which C compilers there are here, as people have them, and with what flags each compiles."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import PurePath

from gradbook.engine.processes import CompilerError, answer
from gradbook.errors import one_line
from gradbook.system import LIBRARY

FLAGS = ("-O2", "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno")
THREADS = "-pthread"
LEVELS = {"avx512": "x86-64-v4", "avx2": "x86-64-v3", "plain": ""}
NATIVE = ("-march=native", "-mcpu=native")  # some compilers for ARM know only the second
LONGEST_NAME = 120  # characters
WORD = re.compile(r'"([^"]+)"|(\S+)')
USED = "#include <math.h>\n#include <pthread.h>\n#include <stdint.h>\n"  # what engines include

# GCC for Windows keeps wide vectors on the stack as if that began at multiples of their size, and
# there it needn't (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=54412): its assembler is told to
# move them as what may lie anywhere.
ANYWHERE = "-Wa,-muse-unaligned-vector-move"

# Browsers: a module that waits to be called, with vectors, that asks for nothing but itself.
FOR_BROWSERS = ("-target", "wasm32-wasi")


@dataclass(frozen=True)
class Compiler:
    """The words that start it, and what it calls itself."""

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
        """Of the libraries that it makes."""
        return ".wasm" if self.is_for_browsers else LIBRARY

    @property
    def misplaces_vectors(self) -> bool:
        """Whether it is GCC for Windows on processors that care where a vector lies."""
        defined = _defined(self)
        return self.is_for_windows and "__clang__" not in defined and "__x86_64__" in defined

    def flags(self, level: str) -> list[str]:
        """What makes it compile for machines of that level."""
        if self.is_for_browsers:  # which all have the same vectors
            return ["-msimd128"]
        if level == "native":
            return next(([flag] for flag in NATIVE if _told(self, flag) is not None), [])
        machine = LEVELS[level]
        if self.is_zig:  # to which nothing said is native
            machine = machine.replace("-", "_") or "baseline"
        return [f"-march={machine}"] if machine else []

    def words(self, level: str) -> list[str]:
        """What starts it to compile for machines of that level."""
        return [*self.command, *FLAGS, *self._own_flags(), *self.flags(level)]

    def _own_flags(self) -> list[str]:
        if self.is_for_browsers:  # where a page has one thread
            return []
        if self.misplaces_vectors:
            return [THREADS, ANYWHERE]
        return [THREADS] if self.is_for_windows else [THREADS, "-fPIC"]

    @property
    def to_link(self) -> list[str]:
        """What makes a library of objects, one that needs no other that isn't on every machine."""
        if self.is_for_browsers:
            return ["-mexec-model=reactor", "-Wl,--strip-all"]
        alone = ["-static"] if self.is_for_windows and not self.is_zig else []
        return ["-shared", *alone]


def find(wanted: str | None = None) -> Compiler | None:
    """The compiler asked for by GRADBOOK_CC or by name, or the first that can be used."""
    wish = wanted or os.environ.get("GRADBOOK_CC")
    for command in [_command(wish)] if wish else _candidates():
        version = _version(command)
        if version is not None and _makes_what_we_load(Compiler(command, version)):
            return Compiler(command, version)
    return None


def needed(wanted: str | None = None) -> Compiler:
    """The same, or one line that says how to get one."""
    found = find(wanted)
    if found is None:
        raise CompilerError(
            f"no C compiler here: {how_to_get_one()}"
            if wanted is None
            else f"no C compiler {wanted!r} here: install it or leave out the choice"
        )
    return found


def for_browsers() -> Compiler:
    """Zig, which compiles for them from anywhere, or one line that says how to get it."""
    for command in _zigs():
        version = _version(command)
        if version is not None:
            return Compiler((*command, *FOR_BROWSERS), f"{version} for browsers")
    what = "this network's page isn't among those that come along compiled"
    raise CompilerError(f"{what}, and there is no zig here to compile it: {_zigs_wheel()}")


def instead_of_one() -> str:
    """What is said where NumPy trains."""
    why, remedy = "no C compiler here", how_to_get_one()
    if wish := os.environ.get("GRADBOOK_CC"):
        why, remedy = f"GRADBOOK_CC names {wish!r}, which compiles nothing here", "name another"
    return f"{why}, so this trains in NumPy, a hundred times slower: {remedy}"


def how_to_get_one() -> str:
    """In words that end a sentence."""
    wheel = _zigs_wheel()
    if sys.platform == "darwin":
        return f"xcode-select --install, or {wheel}"
    if sys.platform == "win32":
        if shutil.which("cl"):
            return f"Visual Studio's can't compile an engine; {wheel} brings one that can"
        return f"{wheel} brings one, or install MinGW-w64's gcc"
    return f"install gcc or clang, or {wheel}"


def _zigs_wheel() -> str:
    """How to install it; shells differ in their quotes."""
    extra = "gradbook[zig]"
    return f"pip install {extra}" if sys.platform == "win32" else f"pip install '{extra}'"


def _command(wish: str) -> tuple[str, ...]:
    """The words of a wish; a path with spaces stands alone or in double quotes."""
    words = [wish] if shutil.which(wish) else [a or b for a, b in WORD.findall(wish)]
    found = shutil.which(words[0]) if words else None
    return (os.path.abspath(found), *words[1:]) if found else (wish,)


def _candidates() -> Iterator[tuple[str, ...]]:
    for name in ("gcc", "cc", "clang"):
        path = shutil.which(name)
        if path and not _is_a_stub(path):
            yield (path,)
    yield from _zigs()


def _zigs() -> Iterator[tuple[str, ...]]:
    if find_spec("ziglang"):  # which this Python was given, in a version of its own
        yield (sys.executable, "-m", "ziglang", "cc")
    if path := shutil.which("zig"):
        yield (path, "cc")


def _is_a_stub(path: str) -> bool:
    """Without Xcode's tools, macOS's own commands only open a window that offers them."""
    is_apples = sys.platform == "darwin" and os.path.dirname(path) == "/usr/bin"
    return is_apples and answer(["xcode-select", "--print-path"]) is None


def _makes_what_we_load(compiler: Compiler) -> bool:
    """Whether it has the headers that engines include, and its programs are of Python's kind."""
    size = _defined(compiler).get("__SIZEOF_POINTER__")
    if size != str(ctypes.sizeof(ctypes.c_void_p)):
        return False
    to_nothing = [*compiler.command, ANYWHERE, "-c", "-x", "c", "-", "-o", os.devnull]
    return not compiler.misplaces_vectors or answer(to_nothing) is not None


@cache
def _version(command: tuple[str, ...]) -> str | None:
    return answer([*command, "--version"])


@cache
def _told(compiler: Compiler, *flags: str) -> str | None:
    """All macros there are where engines are compiled; None where they can't be."""
    return answer([*compiler.command, *flags, "-dM", "-E", "-x", "c", "-"], USED)


@cache
def _defined(compiler: Compiler, *flags: str) -> dict[str, str]:
    lines = (_told(compiler, *flags) or "").splitlines()
    defined = (line.removeprefix("#define ").partition(" ") for line in lines)
    return {name: value for name, _, value in defined}


def macros(compiler: Compiler, level: str = "native") -> dict[str, str]:
    """What the compiler says it compiles for."""
    found = _defined(compiler, *compiler.flags(level))
    if not found:
        raise CompilerError(f"{compiler.command[0]} can't compile for machines of level {level}")
    return found


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
