"""A graph as passes over the data: what is kept, what is computed where, and who waits for whom.

A step runs in phases. In a phase the threads go through the tiles of images, each tile by itself;
between two phases they meet, because something was summed over the whole batch.

Heavy ops (convolutions, pools, …) own their loops. Everything pointwise is computed where it is
read, from values that are kept; or where its input is produced, if that saves keeping more. Sums
over the batch are taken in the pass that has their values at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.targets.c.plan.memory import Memory, laid_out
from gradbook.targets.c.plan.placing import Pass, Placing, values_to_keep
from gradbook.targets.c.plan.rows import Rows, rows_of
from gradbook.targets.c.plan.timing import FIRST, Timing
from gradbook.targets.c.plan.whole import Results, Whole, whole


@dataclass(frozen=True)
class Plan:
    outputs: Sequence[Node]  # per sample, wanted after the step
    rows: Mapping[Pass, Rows]  # pass by pass, in order
    made_in: Mapping[Node, Pass]  # of values that are kept
    memory: Memory
    whole: Whole
    results: Results
    moments: Mapping[Node, Node]  # Σ(x − mean)² → Σ x, both taken in one pass

    @property
    def passes(self) -> list[Pass]:
        return list(self.rows)

    @property
    def phases(self) -> range:
        return range(FIRST, max([FIRST, *(one.phase for one in self.passes)]) + 1)


def plan(
    outputs: Sequence[Node],
    once: Iterable[Node],
    results: Results | None = None,
    masks: Collection[Node] = (),
) -> Plan:
    """For these values per sample and these of the step as a whole; `masks` are given as bits."""
    timing = Timing([*outputs, *once])
    placing = Placing(timing, values_to_keep(outputs, timing))
    rows = rows_of(placing, outputs)
    results = results or Results({}, {})
    return Plan(
        outputs,
        rows,
        placing.made_in,
        laid_out(rows, placing.made_in, outputs, masks),
        whole(rows.values(), timing, results),
        results,
        {squares: timing.sum_beside(squares) for squares in timing.moments},
    )
