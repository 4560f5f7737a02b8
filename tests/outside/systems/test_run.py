"""Engines for other systems, run: under Wine and QEMU they train to the bits they train to here.

Sums, products, quotients and roots are the same everywhere, so a network of these alone has the
same bits. What else its ops ask for (exp, log, tanh) is each system's own C library's.
"""

import re
import subprocess

import numpy as np
import pytest

from gradbook.engine.native import NativeEngine
from gradbook.net import Net
from gradbook.net.build import inference
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import source
from tests.engine.levels import levels
from tests.outside.systems.emulated import (
    BATCH,
    EPOCHS,
    ZIG,
    by_mingw,
    by_zig,
    carried,
    samples,
    trained,
)

ALIKE = """
input 2x10x9
conv 6 3x3 pad 1
batchnorm
relu
dropout 0.2
conv 8 3x3 pad 1
batchnorm
relu
maxpool 2
depthwise 3x3 pad 1
leaky relu 0.1
flatten
dense 5
loss mean squared error
update adam
"""
OWN_FUNCTIONS = ALIKE.replace("leaky relu 0.1", "tanh").replace(
    "loss mean squared error", "log softmax\nloss cross-entropy"
)


COMPILERS = {"zig": " ".join(ZIG), "gcc": "gcc"}


def started(text, level="plain", compiler="zig"):
    """An engine on this system that has not trained, and its C for a kind of vectors."""
    engine = NativeEngine(Net.parse(text), BATCH, 2, level="plain", compiler=COMPILERS[compiler])
    return engine, source(engine.step_graph, inference(engine.net), machine(level))


def trained_here(engine):
    engine.normalise(1, 1, 128)
    images, labels = samples(engine)
    for epoch in range(EPOCHS):
        engine.epoch(images, labels, 0.0625, epoch=epoch)
    return carried(engine)


def differing(one, other):
    """How many numbers have other bits."""
    assert len(one) == len(other)
    return int(np.sum(np.frombuffer(one, np.uint32) != np.frombuffer(other, np.uint32)))


@pytest.mark.witness("zig", "wine")
def test_windows_trains_to_the_same_bits(tmp_path):
    engine, made = started(ALIKE)
    there = trained(by_zig("x86_64-windows-gnu", "wine"), made, engine, tmp_path)
    assert differing(there, trained_here(engine)) == 0


@pytest.mark.witness("mingw", "gcc", "wine")
def test_windows_trains_to_the_same_bits_in_wide_vectors(tmp_path):
    """As wide as they are here, by MinGW's gcc. Nothing is moved that would have to lie at a
    multiple of its size, and the library needs none but the system's.
    """
    level = next(level for level in levels() if level != "native")
    engine, made = started(ALIKE, level, "gcc")
    here = NativeEngine(engine.net, BATCH, 2, level=level, compiler="gcc")
    there = trained(by_mingw(), made, engine, tmp_path, here.compiler.flags(level))
    assert differing(there, trained_here(here)) == 0
    code = listed("--disassemble", tmp_path / "engine.dll")
    assert re.search(r"\bv?movup[sd]\b", code)
    assert not re.search(r"\bv?mov(ap[sd]|dqa\w*)\b", code)
    needed = set(
        re.findall(r"DLL Name: (\S+)", listed("--private-headers", tmp_path / "engine.dll"))
    )
    assert needed == {"KERNEL32.dll", "msvcrt.dll"}


def listed(what, file):
    words = ["x86_64-w64-mingw32-objdump", what, file]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.witness("zig", "qemu-aarch64")
@pytest.mark.parametrize("text", [ALIKE, OWN_FUNCTIONS], ids=["sums", "own functions"])
def test_arm_trains_to_the_bits_of_four_fused_lanes_here(text, tmp_path):
    """NEON has four lanes and fuses products with sums, as x86-64 does where it is asked to."""
    engine, made = started(text, "neon")
    there = trained(by_zig("aarch64-linux-musl", "qemu-aarch64"), made, engine, tmp_path)
    fused = ("-march=x86_64_v2+fma",)
    here = trained(by_zig("x86_64-linux-musl"), made, engine, tmp_path, fused)
    assert differing(there, here) == 0
    assert np.isfinite(np.frombuffer(there, np.float32)).all()
