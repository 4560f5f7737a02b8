"""A graph as passes over the data: what is kept, what is computed where, and who waits for whom.

A step runs in phases. In a phase the threads go through the tiles of images, each tile by itself;
between two phases they meet, because something was summed over the whole batch.

Heavy ops (convolutions, pools, …) own their loops. Everything pointwise is computed where it is
read, from values that are kept; or where its input is produced, if that saves keeping more. Sums
over the batch are taken in the pass that has their values at hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from gradbook.errors import TargetError
from gradbook.graph.node import Node, needed
from gradbook.targets.c.linear import channelwise
from gradbook.targets.c.simplify import centred, mean_of, reduced
from gradbook.targets.c.slides import Places, go_together, places

HEAVY = {
    "conv",
    "conv_back",
    "conv_weights",
    "linear",
    "linear_back",
    "outer",
    "maxpool",
    "maxpool_back",
    "avgpool",
    "avgpool_back",
    "reshape",
    "sum",
    "log_sum_exp_all",
    "cross_entropy",
}
WEIGHTS = {"conv_weights", "outer"}  # what they give is summed over the batch at once
POINTWISE = {
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "power",
    "exp",
    "log",
    "sqrt",
    "choose",
    "tanh",
    "softplus",
    "relu",
    "repeat",
    "spread",
}
COSTLY = {"exp", "log", "tanh", "softplus", "sqrt"}  # computed once and kept
FIRST = 1  # phase 0 fetches the images


@dataclass(eq=False)
class Pass:
    """One walk over a tile's places: a heavy op, or none, and what is done with each value."""

    phase: int
    number: int
    places: Places
    heavy: Node | None = None
    beside: Node | None = None  # a second heavy op in the same loop, which then makes the values
    kept: list[Node] = field(default_factory=list)  # written to memory
    sums: list[Node] = field(default_factory=list)  # over the batch, see `Plan.argument`
    read_sums: list[Node] = field(default_factory=list)  # the same, of what the pass reads
    shared: list[Node] = field(default_factory=list)  # read, and kept for the next reader

    @property
    def makes(self) -> Node | None:
        """The heavy op whose values the pass gives on."""
        if self.beside is not None:
            return self.beside
        return None if self.heavy is None or self.heavy.op.name in WEIGHTS else self.heavy


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
    return _Planner(list(outputs), list(once)).plan()


class _Planner:
    def __init__(self, outputs: list[Node], once: list[Node]) -> None:
        self.outputs = outputs
        self.roots = outputs + once
        self.order = self._reachable()
        self.consumers: defaultdict[Node, list[Node]] = defaultdict(list)
        self.reductions = [node for node in self.order if self.is_reduction(node)]
        for node in self.order:
            for source in self.sources(node):
                self.consumers[source].append(node)
        self.moments = self._moments()
        self.beside = self._pairs()
        self.partner = {back: weights for weights, back in self.beside.items()}
        self.ready_at = cache(self._ready)
        self.phase_of = cache(self._phase)
        self.kept = self._kept()
        self.passes: list[Pass] = []
        self.made_in: dict[Node, Pass] = {}

    def plan(self) -> Plan:
        items = [
            node
            for node in self.order
            if self.is_reduction(node)
            or (node in self.kept and node.op.name != "leaf")
            or (node.op.name in HEAVY and node.each)
        ]
        for node in sorted(items, key=lambda node: (self._due(node), self._turn(node))):
            self._place(node)
        ready = {node: self.ready_at(node) for node in self.order if not node.each}
        last = max([FIRST, *(p.phase for p in self.passes)])
        phases = last + 1
        return Plan(
            self.outputs, self.passes, phases, ready, self.moments, self.made_in, self.beside
        )

    # What there is.

    def _reachable(self) -> list[Node]:
        seen: set[Node] = set()
        waiting = list(self.roots)
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting.extend(self.sources(node))
        return sorted(seen, key=lambda node: node.index)

    def is_reduction(self, node: Node) -> bool:
        x = reduced(node)
        return x is not None and x.each

    def sources(self, node: Node) -> tuple[Node, ...]:
        x = reduced(node)
        return node.inputs if x is None or not x.each else (x,)

    def _moments(self) -> dict[Node, Node]:
        """Σ(x − mean of x)² is known with Σ x, if that is what the mean is made from."""
        found = {}
        for node in self.reductions:
            square = reduced(node)
            assert square is not None
            if square.op.name == "power" and square.inputs[1].is_constant(2):
                x = centred(square.inputs[0])
                if x is not None:
                    found[node] = x
        return found

    def _pairs(self) -> dict[Node, Node]:
        """Gradients of weights, and those of the input that are made in the same loop."""
        return {
            weights: back
            for weights in self.order
            if weights.op.name == "conv_weights"
            for back in self.consumers[weights.inputs[0]]
            if go_together(weights, back)
        }

    # When.

    def _ready(self, node: Node) -> int:
        if node in self.moments:
            return self.phase_of(self.moments[node]) + 1
        x = reduced(node)
        if x is not None and x.each:
            return self.phase_of(x) + 1
        return max((self.ready_at(source) for source in node.inputs), default=FIRST)

    def _phase(self, node: Node) -> int:
        return max(
            (
                self.phase_of(source) if source.each else self.ready_at(source)
                for source in node.inputs
            ),
            default=FIRST,
        )

    def _due(self, node: Node) -> int:
        return self.ready_at(node) - 1 if self.is_reduction(node) else self.phase_of(node)

    def _turn(self, node: Node) -> float:
        """In the order they were made; a sum of what a gradient of weights reads, after that."""
        if self.is_reduction(node):
            x = reduced(node)
            readers = (
                [after for after in self.consumers[x] if after.op.name in WEIGHTS] if x else []
            )
            if readers and readers[0].inputs[0] is x:
                return max(self._turn(readers[0]) + 0.5, node.index)
        return self.beside.get(node, node).index

    # What is kept.

    def _kept(self) -> set[Node]:
        kept = set(self.outputs)
        for node in self.order:
            if node.op.name not in HEAVY | POINTWISE | {"leaf", "constant", "total"} and node.each:
                raise TargetError(f"the engine has no word for {node.op.name}")
            if not node.each or self.is_reduction(node):
                continue
            if node.op.name == "leaf":
                kept.add(node)
            elif node.op.name in HEAVY - WEIGHTS:
                kept.add(self._end_of_chain(node))
            elif node.op.name == "spread" and channelwise(node) is None:
                kept.add(node.inputs[0])
            elif node.op.name in COSTLY or self._divides(node):
                kept.add(node)
        return kept

    def _divides(self, node: Node) -> bool:
        return node.op.name == "divide" and node.inputs[1].each

    def _end_of_chain(self, node: Node) -> Node:
        """The furthest value that alone is read of what follows a heavy op, without a wait."""
        current = node
        while current not in self.outputs and len(self.consumers[current]) == 1:
            (after,) = self.consumers[current]
            if (
                after.op.name not in POINTWISE - {"spread"}
                or self.is_reduction(after)
                or after.shape != node.shape
                or self.phase_of(after) != self.phase_of(node)
                or any(
                    other.op.name in HEAVY
                    and other.index > node.index
                    and self.phase_of(other) == self.phase_of(node)
                    for other in needed([after])
                    if other.each
                )
            ):
                break
            current = after
        return current

    # Where.

    def _place(self, node: Node) -> None:
        if node.op.name in HEAVY and node.each and not self.is_reduction(node):
            if node.op.name in WEIGHTS and not all(
                self.is_reduction(after) for after in self.consumers[node]
            ):
                raise TargetError(f"the engine sums {node.op.name} over the batch at once")
            made = self._heavy_pass(node)
            if node in self.kept:
                self._keep(node, made)
            if node.op.name in WEIGHTS and not made.beside:
                self._share(node.inputs[0], made)
            return
        x = reduced(node) if self.is_reduction(node) else node
        assert x is not None
        if x.op.name in WEIGHTS:
            return
        if node is not x and node.op.name == "total" and len(x.shape) > 1:
            raise TargetError("the engine sums over the batch channel by channel only")
        x = self.moments.get(node, x)
        found = self._pass_for(x, self._due(node))
        if node is x:
            self._keep(node, found)
        elif found.heavy and found.heavy.op.name in WEIGHTS and found.heavy.inputs[0] is x:
            found.read_sums.append(node)
        else:
            found.sums.append(node)

    def _heavy_pass(self, node: Node) -> Pass:
        """A loop of its own, or the one that makes both gradients of a convolution."""
        if node in self.partner:
            return next(made for made in self.passes if made.beside is node)
        back = self.beside.get(node)
        made = self._new_pass(self.phase_of(node), places(back or node), node)
        made.beside = back
        return made

    def _share(self, source: Node, made: Pass) -> None:
        """What several heavy ops of a phase read, and is made of several values, is kept by the
        gradient of weights, which reads each row once.
        """
        readers = [
            after
            for after in self.consumers[source]
            if after.op.name in HEAVY and self.phase_of(after) == made.phase
        ]
        if (
            len(readers) > 1
            and source.each
            and source not in self.kept
            and source.op.name in POINTWISE
            and len(self.leaves(source)) > 1
        ):
            self.kept.add(source)
            made.shared.append(source)
            self.made_in[source] = made

    def _keep(self, node: Node, made: Pass) -> None:
        made.kept.append(node)
        self.made_in[node] = made

    def _new_pass(self, phase: int, domain: Places, heavy: Node | None = None) -> Pass:
        self.passes.append(Pass(phase, len(self.passes), domain, heavy))
        return self.passes[-1]

    def _pass_for(self, x: Node, phase: int) -> Pass:
        """The last pass of the phase that makes what x is computed from, or one by itself."""
        reading = self._reading(x, phase)
        if reading:
            return reading
        heavy_passes = {p.makes: p for p in self.passes if p.makes}
        before: list[tuple[Node, Pass, bool]] = []
        for leaf, same in self.leaves(x):
            made = self.made_in.get(leaf) or heavy_passes.get(leaf)
            if made is not None and made.phase == phase:
                before.append((leaf, made, same))
        found = self._last(before, x) if before else self._alone(x, phase)
        found = found or self._new_pass(phase, places(x))
        for leaf, made, _ in before:
            if made is not found and leaf not in self.made_in:
                self.kept.add(leaf)
                self._keep(leaf, made)
        return found

    def _reading(self, x: Node, phase: int) -> Pass | None:
        """The pass that computes x while it reads it, each value once."""
        if x in self.moments.values():
            return None
        for made in self.passes:
            reads = made.heavy and made.heavy.op.name in WEIGHTS and x is made.heavy.inputs[0]
            if reads and made.phase == phase and (x not in self.made_in or x in made.shared):
                return made
        return None

    def _last(self, before: list[tuple[Node, Pass, bool]], x: Node) -> Pass | None:
        """The last of these passes, where x can be computed place by place as it goes."""
        last = max((made for _, made, _ in before), key=lambda made: made.number)
        alike = all(same for _, made, same in before if made is last)
        makes = last.heavy is None or last.makes is not None
        return last if alike and makes and last.places == places(x) else None

    def _alone(self, x: Node, phase: int) -> Pass | None:
        """A pass of the phase without a heavy op that waits for nothing."""
        for made in self.passes:
            alike = made.phase == phase and made.heavy is None and made.places == places(x)
            if alike and not any(self._waits(kept, phase) for kept in made.kept):
                return made
        return None

    def _waits(self, kept: Node, phase: int) -> bool:
        return any(
            leaf in self.made_in and self.made_in[leaf].phase == phase
            for leaf, _ in self.leaves(kept)
        )

    def leaves(self, x: Node) -> list[tuple[Node, bool]]:
        """The kept or heavy values that x is computed from, and whether place by place.

        Of a kept value itself, what it is made from.
        """
        found: dict[tuple[Node, bool], None] = {}

        def walk(node: Node, same: bool, top: bool) -> None:
            if not node.each:
                return
            if not top and (node in self.kept or node.op.name in HEAVY):
                found[node, same] = None
                return
            for source in node.inputs:
                walk(source, same and node.op.name != "spread", False)

        own = x in self.kept and x.op.name not in HEAVY and x not in self.made_in
        walk(x, True, own)
        return list(found)


__all__ = ["FIRST", "HEAVY", "WEIGHTS", "Pass", "Plan", "channelwise", "mean_of", "plan"]
