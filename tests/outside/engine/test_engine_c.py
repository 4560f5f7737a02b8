"""The C of an engine as compilers and sanitizers see it."""

from __future__ import annotations

import os
import subprocess
from math import prod
from pathlib import Path

import pytest

from gradbook.engine.compilers import vectors
from gradbook.graph.build import inference, training_step
from gradbook.net import Net, builtin, parse
from gradbook.targets.c.emit.source import source
from gradbook.targets.c.kernels.machine import machine
from tests.engine.levels import COMPILERS, compiler_called
from tests.engine.test_native import MIXED

pytestmark = pytest.mark.witness("cc")

MAIN = Path(__file__).with_name("engine_main.c")
FLAGS = ["-std=gnu11", "-ffp-contract=fast", "-pthread"]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Werror"]
LEVELS = ("avx512", "avx2", "plain")
NETWORKS = {
    "mixed": MIXED,
    "windows": """\
input 3x7x10
depthwise 3x3 pad 1
identity
dropout 0.2
conv 4 5x1 stride 2 pad 0
softplus
maxpool 2 stride 1
conv 6 2x2 pad 1 groups 2 fixed bias
sigmoid
avgpool 2 stride 1
conv 6 3x3 pad 2 shared bias
batchnorm
maxpool 2 stride 3
flatten
dense 4
softmax
loss mean squared error
""",
    "flat values": """\
input 7
dense 40
batchnorm
tanh
dropout 0.3
dense 33 no bias
leaky relu 0.1
dense 3
sigmoid
loss binary cross-entropy
update adam
""",
    "winograd": """\
input 5x14x13
conv 7 3x3 pad 1
relu
batchnorm
conv 9 3x3
maxpool 2
batchnorm
relu
conv 11 3x3 pad 1
avgpool all
flatten
log softmax
loss cross-entropy
update momentum 0.9 nesterov
""",
}


def text(net: Net, level: str, *, double: bool = False) -> str:
    step = training_step(net, batch=20)
    return source(step, inference(net), machine(level, double)).text


def compiled(words: list[str], content: str, folder: Path) -> Path:
    (folder / "engine.c").write_text(content, encoding="utf-8")
    target = folder / "engine"
    done = subprocess.run(
        [*words, str(folder / "engine.c"), "-o", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:4000]
    assert "warning" not in done.stderr, done.stderr[:4000]
    return target


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("level", LEVELS)
def test_it_compiles_without_a_warning(name, level, tmp_path):
    compiler = compiler_called(name)
    words = [*compiler.command, *compiler.flags(level), "-O1", "-c", *FLAGS, *WARNINGS]
    compiled(words, text(parse(NETWORKS["mixed"]), level), tmp_path)


@pytest.mark.parametrize("name", COMPILERS)
def test_its_parts_compile_without_a_warning(name, tmp_path):
    """Each by itself, as they are compiled side by side."""
    compiler, net = compiler_called(name), builtin("reference")
    made = source(training_step(net, batch=20), inference(net), machine("avx2"))
    assert made.parts > 1
    words = [*compiler.command, *compiler.flags("avx2"), "-O0", "-c", *FLAGS, *WARNINGS]
    (tmp_path / "engine.c").write_text(made.text, encoding="utf-8")
    for part in range(made.parts):
        files = [str(tmp_path / name) for name in ("engine.c", f"{part}.o")]
        command = [*words, f"-DPART={part}", files[0], "-o", files[1]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def run(program: Path, net: Net, threads: int) -> None:
    settings = {"UBSAN_OPTIONS": "print_stacktrace=1", "TSAN_OPTIONS": "halt_on_error=1"}
    done = subprocess.run(
        [program, str(prod(net.input)), str(net.outputs), str(threads)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings},
    )
    assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr[:4000]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])
def test_no_address_and_nothing_undefined_is_touched(name, double, tmp_path):
    """Numbers of single precision in this machine's own vectors, double ones in plain ones."""
    net, level = parse(NETWORKS[name]), "plain" if double else vectors(compiler_called("gcc"))
    words = ["-O1", "-g", "-march=native", "-fsanitize=address,undefined"]
    content = text(net, level, double=double) + MAIN.read_text()
    program = compiled(
        ["gcc", *words, "-fno-sanitize-recover=all", *FLAGS, "-lm"], content, tmp_path
    )
    run(program, net, threads=3)


def test_threads_do_not_race(tmp_path):
    net = parse(NETWORKS["mixed"])
    words = ["gcc", "-O1", "-g", "-fsanitize=thread", *FLAGS, "-lm"]
    program = compiled(words, text(net, "plain") + MAIN.read_text(), tmp_path)
    run(program, net, threads=3)
