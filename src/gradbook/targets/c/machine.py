"""What a processor offers to the generated C: how wide its vectors are, and how many it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """`lanes` images side by side; `registers` vectors of that many numbers."""

    lanes: int = 16
    registers: int = 32
    double: bool = False

    @property
    def vector_bytes(self) -> int:
        return self.lanes * (8 if self.double else 4)

    @property
    def real(self) -> str:
        return "double" if self.double else "float"


LEVELS = {  # lanes and registers for float32
    "avx512": (16, 32),
    "avx2": (8, 16),
    "neon": (4, 32),
    "plain": (4, 16),
}


def machine(level: str, double: bool = False) -> Machine:
    lanes, registers = LEVELS[level]
    return Machine(lanes, registers // 2 if double else registers, double)
