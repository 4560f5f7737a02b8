"""Boards of small processors under emulation: compile a network's C for one and ask it there.

QEMU counts instructions and has no model of a processor's cycles: what is told are instructions.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

HERE = Path(__file__).parent
KNOWN = 2_000_000  # instructions of a loop that the clock is held against
ARM, RISCV = "arm-none-eabi", "riscv64-unknown-elf"
LAYOUT = """\
MEMORY {{ flash : ORIGIN = {flash}, LENGTH = 4M
          ram : ORIGIN = {ram}, LENGTH = 2M }}
SECTIONS {{
  .text : {{ KEEP(*(.first)) *(.text*) *(.rodata*) *(.srodata*) *(.images) }} > flash
  .data : {{ *(.data*) *(.sdata*) }} > ram
  .bss : {{ *(.bss*) *(.sbss*) *(COMMON) }} > ram
  stack_top = ORIGIN(ram) + LENGTH(ram);
}}
"""


@dataclass(frozen=True, eq=False)
class Question:
    """A network's C, whose function is net_predict, and images (images, pixels) to ask it about."""

    text: str
    images: np.ndarray
    outputs: int
    kind: str = "int32_t"  # of an output
    level: str = "-O2"
    strict: bool = True  # whether no compiler may have anything to say
    flags: tuple[str, ...] = ()  # further ones for this file

    @property
    def defined(self) -> list[str]:
        """What the program around it is told."""
        told = {"OUTPUT": self.kind, "OUTPUTS": self.outputs, "IMAGES": len(self.images)}
        told |= {"PIXELS": self.images[0].size, "SAMPLE": sample_of(self.images)}
        return [f"-D{word}={value}" for word, value in told.items()]

    def compiled(self, *checks: str) -> list[str]:
        """The end of the words by which its file is compiled."""
        strict = ["-Wall", "-Wextra", "-Werror", *checks] if self.strict else []
        return ["-std=c99", *strict, *self.flags, "-c", "net.c", "-o", "net.o"]

    def write(self, folder: Path, section: str) -> None:
        """Its file, and one that takes the images into a section."""
        (folder / "net.c").write_text(self.text)
        (folder / "images.bin").write_bytes(self.images.tobytes())
        (folder / "images.s").write_text(
            f".section {section}\n.balign 4\n.global images\n"
            'images: .incbin "images.bin"\n.balign 4\n'
        )


@dataclass(frozen=True, eq=False)
class Asked:
    """What a board answered, and what the network takes there."""

    classes: np.ndarray
    checksums: np.ndarray
    effort: float  # instructions for an image, in the mean; of an AVR cycles
    flash: int  # bytes of code and constants of the network's own file
    memory: int
    stack: int  # bytes of it that a call was seen to use


@dataclass(frozen=True)
class Board:
    """A machine of QEMU's, and how C is compiled for it."""

    name: str
    emulator: str
    machine: tuple[str, ...]
    tools: str
    flags: tuple[str, ...]
    flash: int = 0
    ram: int = 0x20000000
    libraries: tuple[str, ...] = ("-lm", "-lc", "-lgcc")
    patience: int = 1000  # images that it may be asked about: a slow machine takes long

    def ask(self, question: Question) -> Asked:
        """Compile the network's C for it, and ask it there."""
        compile_c = [f"{self.tools}-gcc", *self.flags, question.level, "-ffreestanding"]
        start = ["-std=gnu99", *question.defined, f"-DKNOWN={KNOWN}", str(HERE / "start.c")]
        linked = ["images.s", "net.o", "-nostdlib", "-T", "board.ld", *self.libraries]
        emulate = [self.emulator, *self.machine, "-display", "none", "-monitor", "none"]
        emulate += ["-chardev", "file,id=said,path=said.txt", "-icount", "shift=0"]
        emulate += ["-semihosting-config", "enable=on,chardev=said", "-kernel", "board.elf"]
        layout = LAYOUT.format(flash=hex(self.flash), ram=hex(self.ram))
        with TemporaryDirectory() as name:
            folder = Path(name)
            question.write(folder, '.images, "a"')
            (folder / "board.ld").write_text(layout)
            run([*compile_c, *question.compiled()], folder)
            run([*compile_c, *start, *linked, "-o", "board.elf"], folder)
            sizes = run([f"{self.tools}-size", "net.o"], folder).splitlines()[1].split()
            run(emulate, folder)
            lines = [line.split() for line in (folder / "said.txt").read_text().splitlines()]
        *answers, (known,) = lines
        classes, checksums, ticks, stack = np.array(answers, np.int64).T
        code, data, zeroed = map(int, sizes[:3])
        effort, deepest = float(ticks.mean()) * KNOWN / int(known), int(stack.max())
        return Asked(classes, checksums, effort, code + data, data + zeroed, deepest)


def _cortex(name: str, machine: str, *flags: str, flash: int = 0, ram: int = 0x20000000) -> Board:
    cpu = f"-mcpu={name.lower()}"
    words = ("-M", machine)
    return Board(name, "qemu-system-arm", words, ARM, (cpu, "-mthumb", *flags), flash, ram)


def _riscv(name: str, machine: str, abi: str, patience: int = 1000) -> Board:
    """A machine for which there are libraries; none of it asks for what is atomic."""
    return Board(
        name,
        "qemu-system-riscv32",
        ("-M", "virt", "-bios", "none"),
        RISCV,
        (f"-march={machine}", f"-mabi={abi}", "-mcmodel=medany"),
        flash=0x80000000,
        ram=0x80400000,
        libraries=("-lgcc",),
        patience=patience,
    )


BOARDS = (
    _cortex("Cortex-M3", "mps2-an385"),
    _cortex("Cortex-M4", "mps2-an386", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    _cortex("Cortex-M7", "mps2-an500", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    _cortex("Cortex-M33", "mps2-an505", "-mfloat-abi=soft", flash=0x10000000, ram=0x38000000),
    _riscv("RV32IMAC", "rv32imac", "ilp32"),
    _riscv("RV32EC", "rv32eac", "ilp32e", 30),  # 16 registers, nothing that multiplies
)


def sample_of(given: np.ndarray) -> str:
    """What these numbers are in C."""
    kinds = {"uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}
    return kinds[str(given.dtype)]


def checksum(outputs: np.ndarray) -> int:
    """Of one image's outputs, as the board reckons it."""
    found = 2166136261
    for byte in outputs.tobytes():
        found = (found ^ byte) * 16777619 % 2**32
    return found


def run(words: list[str], folder: Path) -> str:
    """What a program says, on whichever of its outputs."""
    done = subprocess.run(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=600,
        check=False,
    )
    assert not done.returncode, f"{' '.join(words)}\n{done.stdout}"
    return done.stdout
