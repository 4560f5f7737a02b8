"""Which compilers there are, and which levels of machine this one can run."""

from __future__ import annotations

import platform
import sys

from gradbook.engine import compilers
from gradbook.engine.compilers import Compiler, require_compiler
from tests.conftest import require

COMPILERS = {"gcc": "gcc", "clang": "clang", "zig": f"{sys.executable} -m ziglang cc"}


def levels() -> list[str]:
    """What this machine can run: its own, and all below it."""
    compiler = compilers.find_compiler()
    order = ["avx512", "avx2", "plain"] if platform.machine() == "x86_64" else ["plain"]
    best = compilers.vectors(compiler) if compiler else "plain"
    return ["native", *order[order.index(best) + 1 if best in order else 0 :]]


def compiler_called(name: str) -> Compiler:
    require(name)
    return require_compiler(COMPILERS[name])
