"""The bench counts instructions exactly, and what it counts does what it did."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from bench.counting.blocks import FUSED, X86, counting
from bench.counting.steps import OWN, executed, level
from gradbook.net import Net
from tests.cases import for_each
from tests.engine.levels import levels

PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#define APART __attribute__((noinline, noclone))
static unsigned total;
APART void every_third(unsigned k) { total = total * 31 + k; }
APART void others(unsigned k) { for (; k % 4; k--) __asm__ volatile("" : "+r"(total)); }
int main(int count, char **words) {
    const unsigned times = (unsigned)atoi(words[1]);
    for (unsigned k = 0; k < times; k++)
        if (k % 3 == 0) every_third(k);
        else others(k);
    printf("%u %d\\n", total, count);
    return 0;
}
"""
SMALL = """
input 1x8x8
conv 4 3x3 pad 1
relu
flatten
dense 3
log softmax
loss cross-entropy
"""
SYSTEMS = [
    pytest.param("plain", marks=pytest.mark.witness("gcc")),
    pytest.param("neon", marks=pytest.mark.witness("zig", "qemu-aarch64")),
]


def said(words, folder):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout


@for_each("name", SYSTEMS)
def test_each_run_counts_how_often_it_is_gone_through(name, tmp_path):
    at = level(name)
    words = [*at.compiler.words("plain"), *at.flags]
    emulator = [at.emulator] if at.emulator else []
    (tmp_path / "plain.c").write_text(PROGRAM, encoding="utf-8")
    said([*words, "-S", "plain.c", "-o", "plain.s"], tmp_path)
    text, runs = counting((tmp_path / "plain.s").read_text("utf-8"), at.language)
    (tmp_path / "counting.s").write_text(text, encoding="utf-8")
    said([*words, "plain.s", "-o", "without"], tmp_path)
    own = [f"-DRUNS={len(runs)}", str(OWN)]
    said([*words, *own, "counting.s", "-o", "with"], tmp_path)
    expected = said([*emulator, "./without", "3000"], tmp_path)
    assert said([*emulator, "./with", "3000"], tmp_path) == expected
    times = np.fromfile(tmp_path / "counts", np.uint64).tolist()
    entered: dict[str, int] = {}
    for run, often in zip(runs, times, strict=True):
        entered.setdefault(run.function, often)
    assert entered == {"every_third": 1000, "others": 2000, "main": 1}
    assert max(times) > 2000


@pytest.mark.witness("gcc")
def test_what_stands_in_a_run():
    text, runs = counting(
        "\t.type\tf, @function\nf:\n\tvfmadd231ps\t(%rax), %ymm1, %ymm2\n\tjne\tf\n\tret\n", X86
    )
    assert [(run.function, run.size, run.kinds[FUSED]) for run in runs] == [
        ("f", 2, 1),
        ("f", 1, 0),
    ]
    assert text.count("leaq\t1(%rax)") == 2


@pytest.mark.witness("gcc")
@pytest.mark.skipif("avx2" not in levels(), reason="this machine has no AVX2")
def test_wider_vectors_need_fewer_instructions():
    net = Net.parse(SMALL)
    wide, narrow = (executed(net, 16, level(name)) for name in ("avx2", "plain"))
    assert wide.kinds[FUSED] > 0 == narrow.kinds[FUSED]
    assert wide.instructions < narrow.instructions
    assert executed(net, 16, level("avx2")).times == wide.times
