"""A graph as passes over the data: what is kept, what is computed where, and who waits for whom.

A step runs in phases. In a phase the threads go through the tiles of images, each tile by itself;
between two phases they meet, because something was summed over the whole batch.

Heavy ops (convolutions, pools, …) own their loops. Everything pointwise is computed where it is
read, from values that are kept; or where its input is produced, if that saves keeping more. Sums
over the batch are taken in the pass that has their values at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradbook.graph.node import Node
from gradbook.targets.c.plan.placing import Pass, Placing, kept
from gradbook.targets.c.plan.timing import FIRST, Timing
from gradbook.targets.c.rewrite.simplify import reduced


@dataclass
class Plan:
    outputs: Sequence[Node]  # per sample, wanted after the step
    passes: list[Pass]
    phases: int  # the last one's number, plus 1
    ready: dict[Node, int]  # the first phase in which a value of the step as a whole can be read
    moments: dict[Node, Node]  # Σ(x − mean)² → x, where it is taken with Σ x in one pass
    made_in: dict[Node, Pass]  # of values that are kept
    beside: dict[Node, Node]  # gradient of weights → that of the input, made in the same loop

    def argument(self, reduction: Node) -> Node:
        x = reduced(reduction)
        assert x is not None
        return x


def plan(outputs: Sequence[Node], once: Iterable[Node]) -> Plan:
    """For these values per sample and these of the step as a whole."""
    timing = Timing([*outputs, *once])
    placing = Placing(timing, kept(outputs, timing))
    placing.place_all()
    return Plan(
        outputs,
        placing.passes,
        max([FIRST, *(one.phase for one in placing.passes)]) + 1,
        {node: timing.ready_at(node) for node in timing.order if not node.each},
        timing.moments,
        placing.made_in,
        timing.beside,
    )
