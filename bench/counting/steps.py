"""What one training step of a network executes at a level of machine."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.counting.blocks import ARM, X86, Language, Run, counting
from gradbook.engine import compilers
from gradbook.engine.compilers import Compiler
from gradbook.net import Net
from gradbook.net.build import inference, training_step
from gradbook.net.step import Step
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import source
from tests.outside.systems.emulated import DRIVER, ONLY_DECLARED, by_zig
from tests.outside.witness import program

OWN = Path(__file__).with_name("counts.c")


@dataclass(frozen=True)
class Level:
    """A level of machine, what compiles for it and what its assembly is."""

    name: str
    compiler: Compiler
    flags: Sequence[str]
    language: Language
    emulator: str = ""


def level(name: str, compiler: str | None = None) -> Level:
    if name == "neon":
        system = by_zig("aarch64-linux-musl", "qemu-aarch64")
        return Level(name, system.compiler, ["-g0"], ARM, program("qemu-aarch64"))
    own = compilers.require_compiler(compiler)
    return Level(name, own, own.flags(name), X86)


@dataclass(frozen=True)
class Executed:
    """How often a step goes through each run of instructions."""

    runs: Sequence[Run]
    times: Sequence[int]

    @property
    def instructions(self) -> int:
        return sum(run.size * often for run, often in self)

    @property
    def kinds(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for run, often in self:
            for kind, count in run.kinds.items():
                found[kind] += count * often
        return found

    def __iter__(self) -> Iterator[tuple[Run, int]]:
        return zip(self.runs, self.times, strict=True)


def executed(net: Net, batch: int, at: Level) -> Executed:
    """In one step: what two steps execute more than one."""
    step = training_step(net, batch)
    text = source(step, inference(net), machine(at.name)).text
    with TemporaryDirectory(prefix="gradbook-bench-") as made:
        folder = Path(made)
        runs = _build(text, at, folder)
        pixels = _lay_down(step, net, batch, folder)
        numbers = sum(values.size for values in step.start.values())
        once, twice = (
            _counted(at, (1, batch, pixels, batch, steps, numbers), folder) for steps in (1, 2)
        )
    return Executed(runs, (twice - once).tolist())


def _build(text: str, at: Level, folder: Path) -> Sequence[Run]:
    (folder / "engine.c").write_text(text, encoding="utf-8")
    (folder / "driver.c").write_text(text + DRIVER, encoding="utf-8")
    words = [*at.compiler.words("plain"), *at.flags]
    _run([*words, "-S", "engine.c", "-o", "engine.s"], folder)
    counted, runs = counting((folder / "engine.s").read_text("utf-8"), at.language)
    (folder / "engine.s").write_text(counted, encoding="utf-8")
    _run([*words, "-c", "engine.s", "-o", "engine.o"], folder)
    _run([*words, "-c", f"-DRUNS={len(runs)}", str(OWN), "-o", "counts.o"], folder)
    objects = ["driver.c", "engine.o", "counts.o"]
    _run([*words, ONLY_DECLARED, *objects, "-o", "driver", "-lm"], folder)
    return runs


def _lay_down(step: Step, net: Net, batch: int, folder: Path) -> int:
    """A batch of made-up images, of so many bytes each, and the weights to start from."""
    random = np.random.default_rng(0)
    start = b"".join(np.float32(values).tobytes() for values in step.start.values())
    pixels = random.integers(0, 256, (batch, *net.input), dtype=np.uint8)
    (folder / "start").write_bytes(start)
    (folder / "pixels").write_bytes(pixels.tobytes())
    labels = random.integers(0, net.outputs, batch).astype(np.int32)
    (folder / "labels").write_bytes(labels.tobytes())
    return int(pixels[0].size)


def _counted(at: Level, asked: Sequence[int], folder: Path) -> np.ndarray:
    emulator = [at.emulator] if at.emulator else []
    _run([*emulator, "./driver", *map(str, asked)], folder)
    return np.fromfile(folder / "counts", np.uint64).astype(np.int64)


def _run(words: Sequence[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]} ended with {done.returncode}: {done.stderr[:2000]}")
