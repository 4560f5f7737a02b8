"""The generated C for other systems: compiled and linked by zig, without a warning."""

import subprocess

import pytest

from gradbook.engine import native
from gradbook.net import Net
from gradbook.net.build import inference, training_step
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import source
from tests.outside.systems.emulated import by_zig

pytestmark = pytest.mark.witness("zig")
SYSTEMS = {  # and the kind of vectors that every machine there has
    "x86_64-windows-gnu": "plain",
    "x86_64-macos": "plain",
    "aarch64-macos": "neon",
    "aarch64-linux-musl": "neon",
}
TEXT = """
input 1x8x8
conv 4 3x3 pad 1
batchnorm
relu
maxpool 2
flatten
dense 3
log softmax
loss cross-entropy
"""


def linked(text, system, folder):
    (folder / "engine.c").write_text(text, encoding="utf-8")
    compiler = by_zig(system).compiler
    words = [*compiler.words("plain"), *compiler.to_link, "-O1", "-Wall", "-Wextra", "-Werror"]
    words += ["engine.c", "-o", "engine", "-lm"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert (folder / "engine").stat().st_size > 1000


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_engine_is_made_for_other_systems(system, tmp_path):
    net = Net.parse(TEXT)
    made = source(training_step(net, 16), inference(net), machine(SYSTEMS[system]))
    linked(made.text, system, tmp_path)


@pytest.mark.parametrize("system", SYSTEMS)
def test_warps_are_made_for_other_systems(system, tmp_path):
    linked(native.warp_source(), system, tmp_path)
