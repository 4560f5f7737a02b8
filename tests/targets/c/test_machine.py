"""Blocks of sums fit into the registers that a machine has."""

from __future__ import annotations

from gradbook.targets.c.machine import LEVELS, best_block, machine, registers_needed
from tests.cases import for_each


@for_each("level", LEVELS)
@for_each("per_row", [1, 3, 5])
def test_a_block_fits_into_the_registers(level, per_row):
    registers = machine(level).registers
    for rows in (1, 3, 8, 20, 64):
        for columns in (1, 7, 26):
            a, b = best_block(rows, columns, registers, per_row)
            assert (a, b) == (1, 1) or registers_needed(a * per_row, b) <= registers
            assert a <= rows
            assert b <= columns


def test_double_precision_has_half_the_registers():
    assert machine("avx2", double=True).registers == machine("avx2").registers // 2
