"""The instructions that a training step executes at each machine level, and those it needs.

    python bench/instructions.py                     the digit networks at all levels
    python bench/instructions.py flat --level neon   one network at one level
    python bench/instructions.py flat --loops 12     and where they are: the largest loops

The generated C is compiled to assembly, in which each basic block counts how often it is executed,
and then run: natively, or under QEMU for NEON. The difference between two steps and one is a step.
Only the engine's own instructions are counted, not those of the C library that it calls. The counts
are exact and the same each time. The share is the number of vector multiply-adds that the plain
algorithm needs, over all instructions executed: with Winograd's algorithm it can be above 1. Plain
x86-64 has no multiply-adds, so it multiplies and adds.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.counting.blocks import FUSED, KINDS, STACK
from bench.counting.steps import Executed, executed, level
from bench.race.race import BATCHES
from gradbook.net import builtin
from gradbook.net.measure import measure
from gradbook.targets.c.machine import LEVELS

NAMES = ("avx512", "avx2", "neon", "plain")


def main(words: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("networks", metavar="NET", nargs="*", help=", ".join(BATCHES))
    parser.add_argument("--level", action="append", choices=NAMES, help="(default: all)")
    parser.add_argument("--compiler", help="compiler for this machine's levels")
    parser.add_argument("--loops", type=int, default=0, metavar="N", help="show the N largest")
    options = parser.parse_args(words)
    networks = options.networks or list(BATCHES)
    if unknown := set(networks) - BATCHES.keys():
        parser.error(f"the networks are {', '.join(BATCHES)}, not {', '.join(sorted(unknown))}")
    heads = "".join(f"  {kind}" for kind in KINDS)
    print(f"{'network':<11}{'level':<8}{'needed':>10}{'executed':>11}{'share':>7}{heads}")
    for name in networks:
        for kind in options.level or NAMES:
            found = executed(builtin(name), BATCHES[name], level(kind, options.compiler))
            print(row(name, kind, found), flush=True)
            print(loops(found, options.loops), end="")


def row(name: str, kind: str, found: Executed) -> str:
    needed = measure(builtin(name)).training_macs * BATCHES[name] / LEVELS[kind][0]
    all_of_them = found.instructions
    parts = "".join(f"{found.kinds[kind] / all_of_them:>{len(kind) + 2}.1%}" for kind in KINDS)
    return (
        f"{name:<11}{kind:<8}{needed / 1e6:>8.2f} M{all_of_them / 1e6:>9.2f} M"
        f"{needed / all_of_them:>7.2f}{parts}"
    )


def loops(found: Executed, count: int) -> str:
    """The blocks that execute most instructions."""
    largest = sorted(found, key=lambda pair: pair[0].size * pair[1], reverse=True)[:count]
    return "".join(
        f"    {often * run.size / found.instructions:>6.1%}  {run.size:>4} instructions"
        f" ({run.kinds[FUSED]} multiply-adds, {run.kinds[STACK]} moves to the stack and back)"
        f" {often:>9,} times in {run.function}\n"
        for run, often in largest
    )


if __name__ == "__main__":
    main()
