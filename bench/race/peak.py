"""The most multiply-adds a second that this machine can do, measured."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from gradbook.engine import compilers
from gradbook.engine.libraries import compile_library, load
from gradbook.targets.c.machine import LEVELS

SOURCE = Path(__file__).with_name("peak.c")
SUMS = 12  # as in peak.c
REGISTERS = {"avx512": '"v"', "avx2": '"x"', "neon": '"w"', "plain": '"x"'}
TRIES = 7


def gflops(threads: int = 1) -> float:
    """Thousand millions of operations a second in float32, a multiply-add being two."""
    compiler = compilers.require_compiler()
    vectors = compilers.vectors(compiler)
    lanes = LEVELS[vectors][0]
    head = f"#define PEAK_LANES {lanes}\n#define REGISTER(x) {REGISTERS[vectors]}(x)\n"
    spelled = head.replace('"(x)', '" (x)')
    run = load(compile_library(spelled + SOURCE.read_text("utf-8"), compiler).path).peak
    run.argtypes, run.restype = [ctypes.c_int64], ctypes.c_float
    rounds = 2_000_000
    with ThreadPoolExecutor(threads) as pool:
        seconds = min(_seconds(pool, run, rounds, threads) for _ in range(TRIES))
    return 2 * rounds * SUMS * lanes * threads / seconds / 1e9


def _seconds(pool: ThreadPoolExecutor, run: object, rounds: int, threads: int) -> float:
    began = perf_counter()
    list(pool.map(run, [rounds] * threads))  # type: ignore[arg-type]
    return perf_counter() - began
