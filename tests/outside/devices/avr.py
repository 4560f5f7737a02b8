"""AVRs under emulation by simavr, which counts cycles: a network's C asked as on an Arduino."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.outside.devices.boards import Asked, Question, run

HERE = Path(__file__).parent
ANSWER = re.compile(r"(\d+) (\d+) (\d+) (\d+)\.")  # simavr shows the end of a line as a dot


@dataclass(frozen=True)
class Avr:
    """A processor and the bytes that it has."""

    name: str
    flash: int
    memory: int

    def ask(self, question: Question) -> Asked:
        """Compile the network's C for it, and ask it there as on an Arduino."""
        compile_c = ["avr-gcc", f"-mmcu={self.name}", question.level]
        checks = question.compiled("-pedantic", "-Wconversion", "-fno-common")
        start = ["-std=gnu99", *question.defined, str(HERE / "start_avr.c"), "images.s", "net.o"]
        with TemporaryDirectory() as name:
            folder = Path(name)
            question.write(folder, '.text.images, "ax", @progbits')
            run([*compile_c, *checks], folder)
            run([*compile_c, *start, "-lm", "-o", "avr.elf"], folder)
            sizes = run(["avr-size", "net.o"], folder).splitlines()[1].split()
            parts = [line.split() for line in run(["avr-size", "-A", "net.o"], folder).splitlines()]
            said = run(["simavr", "-m", self.name, "-f", "16000000", "avr.elf"], folder)
        answers = [list(map(int, line)) for line in ANSWER.findall(said)]
        assert len(answers) == len(question.images), said
        classes, checksums, cycles, stack = np.array(answers, np.int64).T
        code, data, zeroed = map(int, sizes[:3])
        effort, deepest = float(cycles.mean()), int(stack.max())
        copied = sum(int(part[1]) for part in parts if part and part[0].startswith(".rodata"))
        memory = data + zeroed + copied  # what isn't told to stay in flash is copied at the start
        return Asked(classes, checksums, effort, code + data, memory, deepest)


UNO = Avr("atmega328p", 32 * 1024, 2 * 1024)
MEGA = Avr("atmega2560", 256 * 1024, 8 * 1024)
LARGE = Avr("atmega1284p", 128 * 1024, 16 * 1024)


@dataclass(frozen=True)
class Heard:
    """What a sketch printed, and bytes: of the whole program without the recording, of memory that
    it takes, stack included."""

    said: list[str]
    flash: int
    memory: int


def heard(avr: Avr, folder: Path, sketch: str, rows: np.ndarray, *further: Path) -> Heard:
    """What a sketch in this folder prints when a recording is played to it as text."""
    core = HERE / "arduino"
    told = "\n".join(" ".join(map(str, row)) for row in rows.tolist()) + "\n"
    (folder / "played.txt").write_text(told)
    (folder / "played.s").write_text(
        '.section .text.played, "ax", @progbits\n.global played, played_end\n'
        'played: .incbin "played.txt"\nplayed_end: .balign 2\n'
    )
    (folder / "sketch.cpp").write_text(f'#include "Arduino.h"\n#include "{sketch}"\n')
    compiled = [f"-mmcu={avr.name}", "-Os", "-Wall", "-Wextra", "-Werror", f"-I{core}", "-I."]
    joined = ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
    cpp = ["avr-g++", *compiled, *joined, "-std=gnu++11"]
    c = [f"{file.stem}.o" for file in further]
    for file, made in zip(further, c, strict=True):
        run(["avr-gcc", *compiled, *joined, "-std=gnu11", "-c", str(file), "-o", made], folder)
    run([*cpp, "sketch.cpp", str(core / "core.cpp"), *c, "played.s", "-lm", "-o", "a.elf"], folder)
    code, data, *_ = run(["avr-size", "a.elf"], folder).splitlines()[1].split()
    printed = run(["simavr", "-m", avr.name, "-f", "16000000", "a.elf"], folder)
    *said, spared = re.findall(r"^(.*)\.$", re.sub(r"\x1b\[[0-9;]*m", "", printed), re.MULTILINE)
    flash = int(code) + int(data) - len(told)
    return Heard([word.strip() for word in said], flash, avr.memory - int(spared))
