"""The C of an engine as compilers and sanitizers see it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from math import prod
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings

from gradbook.engine import native
from gradbook.engine.compilers import vectors
from gradbook.engine.libraries import parts_flag, share_out
from gradbook.net import Net, builtin, parse
from gradbook.net.build import inference, training_step
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import source
from tests.cli.desk import RECIPE, laid_out
from tests.engine.levels import COMPILERS, compiler_called
from tests.engine.test_native import MIXED
from tests.families import networks

pytestmark = pytest.mark.witness("cc")

MAIN, FEW_THREADS = map(Path(__file__).with_name, ("engine_main.c", "few_threads.c"))
SMALL = "input 2x6x6; conv 3 3x3; batchnorm; relu; maxpool 2; flatten; dense 3; log softmax"
FLAGS = ["-std=gnu11", "-ffp-contract=fast", "-pthread"]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Werror"]
MOST_SANITIZED = int(os.environ.get("SANITIZED", "2"))  # networks, each compiled for a while
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
    assert len(made.effort) > 1
    words = [*compiler.command, *compiler.flags("avx2"), "-O0", "-c", *FLAGS, *WARNINGS]
    (tmp_path / "engine.c").write_text(made.text, encoding="utf-8")
    for share in share_out(made.effort, most=3):
        files = [str(tmp_path / name) for name in ("engine.c", "engine.o")]
        command = [*words, parts_flag(share), files[0], "-o", files[1]]
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
    words = ["-O0", "-g", "-march=native", "-fsanitize=address,undefined"]  # nothing folded away
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


FEW = """
import ctypes, sys
from threading import Thread
import numpy as np
from gradbook.engine.native import NativeEngine
from gradbook.net import parse

system = ctypes.CDLL(sys.argv[1])
images = np.random.default_rng(0).integers(0, 256, (200, 2, 6, 6), dtype=np.uint8)
found = []

def work(started):
    engine = NativeEngine(parse(sys.argv[2]), 64, 4, extra=("-O1",))
    system.let_start(started)
    losses = engine.epoch(images, np.arange(200) % 3, 0.1).losses
    outputs = engine.predict(images)
    found.append((losses.tobytes(), outputs.tobytes(), system.were_refused()))
    system.let_start(-1)

for started in (-1, 1, 0):
    thread = Thread(target=work, args=(started,))
    thread.start()
    thread.join()
assert len({one[:2] for one in found}) == 1 and len(found) == 3
print([one[2] for one in found])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are loaded first on Linux alone")
def test_where_the_system_starts_fewer_threads_those_do_the_same(tmp_path):
    """One refusal ends the asking: so there is one in each call that wants more than it has."""
    made = tmp_path / "few.so"
    words = ["cc", "-shared", "-fPIC", *WARNINGS, str(FEW_THREADS), "-o", str(made), "-ldl"]
    subprocess.run(words, check=True)
    done = subprocess.run(
        [sys.executable, "-c", FEW, str(made), SMALL],
        env={**os.environ, "LD_PRELOAD": str(made)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "[0, 2, 2]\n")


@pytest.mark.witness("gcc")
@pytest.mark.parametrize("checks", ["-fanalyzer", "-Wconversion"])
@pytest.mark.parametrize("what", ["engine", "warps"])
def test_gcc_finds_nothing_to_doubt(what, checks, tmp_path):
    """Neither on any path through it, nor where a number becomes another kind of number."""
    content = text(parse(SMALL), "plain") if what == "engine" else native.warp_source()
    words = ["gcc", "-O1", "-c", *FLAGS, *WARNINGS, checks, "-Wno-sign-conversion"]
    compiled(words, content, tmp_path)


@pytest.mark.witness("gcc")
@pytest.mark.parametrize("checks", ["address,undefined", "thread"])
def test_sanitizers_find_nothing_in_any_network(checks, tmp_path):
    @settings(max_examples=MOST_SANITIZED, phases=[Phase.generate], derandomize=True)
    @given(networks())
    def holds(net: Net) -> None:
        words = ["gcc", "-O1", "-g", f"-fsanitize={checks}", "-fno-sanitize-recover=all"]
        content = text(net, "plain") + MAIN.read_text()
        run(compiled([*words, *FLAGS, "-lm"], content, tmp_path), net, threads=3)

    holds()


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are loaded first on Linux alone")
@pytest.mark.witness("gcc")
def test_a_training_that_is_stopped_and_goes_on_touches_nothing_amiss(tmp_path):
    """The engine with its warps, as Python loads it and calls it from threads."""
    laid_out(tmp_path)
    asked = ["gcc", "-print-file-name=libasan.so"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    environment = {
        **os.environ,
        "GRADBOOK_CACHE": str(tmp_path / "cache"),
        "GRADBOOK_CC": "gcc -g -fsanitize=address,undefined -fno-sanitize-recover=all",
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps what it has until it ends
    }
    train = [sys.executable, "-m", "gradbook", "train", "--json"]
    for words in ([RECIPE, "--epochs", "4000", "-o", "run"], ["--resume", "run"]):
        with subprocess.Popen(
            [*train, *words], cwd=tmp_path, env=environment, stdout=-1, stderr=-1, text=True
        ) as process:
            while '"epoch"' not in process.stdout.readline():
                assert process.poll() is None, process.stderr.read()
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=100)
        assert (process.returncode, said) == (130, "")
