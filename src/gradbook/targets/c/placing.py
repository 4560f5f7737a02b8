"""In which phase each value can be computed, which values are kept, and in which pass.

Between two phases the threads meet, because something was summed over the whole batch. Each heavy
op has a pass, which computes other values, too. What isn't kept is computed where it is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache

from gradbook.errors import TargetError
from gradbook.graph.node import Node, ancestors
from gradbook.targets.c.c_ops import MOVED, WEIGHT_GRADIENTS, is_costly, is_loop, is_pointwise
from gradbook.targets.c.convolutions import Places, go_together, places
from gradbook.targets.c.rewrite import channelwise, deviation_input, sum_input

# When -----------------------------------------------------------------------------

FIRST = 1  # phase 0 fetches the images


def batch_sum_input(node: Node) -> Node | None:
    """Return x if the node is the sum of x over the batch."""
    x = sum_input(node)
    return x if x is not None and x.each else None


def sources(node: Node) -> tuple[Node, ...]:
    """What a node is computed from; for a sum over the batch, what is summed."""
    x = batch_sum_input(node)
    return node.inputs if x is None else (x,)


class Timing:
    """All nodes that some are computed from: the readers of each, and its phase."""

    def __init__(self, roots: Collection[Node]) -> None:
        self.order = ancestors(roots, sources=sources)
        self.consumers: defaultdict[Node, list[Node]] = defaultdict(list)
        for node in self.order:
            for source in sources(node):
                self.consumers[source].append(node)
        self.moments = self._moments()
        self.beside = self._pairs()
        self.ready_at = cache(self._ready)
        self.phase_of = cache(self._phase)
        for node in self.order:  # sources first: a long sequence recurses too deeply otherwise
            (self.phase_of if node.each else self.ready_at)(node)

    # Pairs.

    def _moments(self) -> dict[Node, Node]:
        """Each Σ(x − mean of x)² with its x: it is computed together with Σ x."""
        moments = {}
        for node in self.order:
            square = batch_sum_input(node)
            if square and square.op.name == "power" and square.inputs[1].is_constant(2):
                x = deviation_input(square.inputs[0])
                if x is not None:
                    moments[node] = x
        return moments

    def _pairs(self) -> dict[Node, Node]:
        """Gradients of weights, and those of the input that are computed in the same loop."""
        return {
            weights: back
            for weights in self.order
            if weights.op.name == "conv_weights"
            for back in self.consumers[weights.inputs[0]]
            if go_together(weights, back)
        }

    def sum_beside(self, squares: Node) -> Node:
        """The Σ x that is computed with a Σ(x − mean)²."""
        x = self.moments[squares]
        return next(n for n in self.order if n not in self.moments and batch_sum_input(n) is x)

    # When.

    def _ready(self, node: Node) -> int:
        if node in self.moments:
            return self.phase_of(self.moments[node]) + 1
        x = batch_sum_input(node)
        if x is not None:
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

    def due(self, node: Node) -> int:
        """The phase in which a node is computed."""
        return self.ready_at(node) - 1 if batch_sum_input(node) else self.phase_of(node)

    def turn(self, node: Node) -> float:
        """The order of nodes: as made, but a gradient of weights before sums of its input."""
        x = batch_sum_input(node)
        if x is not None:
            readers = [after for after in self.consumers[x] if after.op.name in WEIGHT_GRADIENTS]
            if readers and readers[0].inputs[0] is x:
                return max(self.turn(readers[0]) + 0.5, node.index)
        return self.beside.get(node, node).index


# Where ----------------------------------------------------------------------------

MOST_ROWS = 5  # to read for a value that is computed several times instead of kept


def values_to_keep(outputs: Collection[Node], timing: Timing) -> set[Node]:
    kept = set(outputs)
    rows: dict[Node, set[Node]] = {}  # of what a value is computed from
    for node in timing.order:
        if not node.each or batch_sum_input(node):
            continue
        rows[node] = set().union(*(rows.get(source, ()) for source in node.inputs))
        if len(rows[node]) > MOST_ROWS and len(timing.consumers[node]) > 1:
            kept.add(node)
        if node.op.name == "leaf" or is_costly(node):
            kept.add(node)
        elif is_loop(node) and node.op.name not in WEIGHT_GRADIENTS:
            kept.add(_end_of_chain(node, outputs, timing))
        elif node.op.name in MOVED and channelwise(node) is None:
            kept.add(node.inputs[0])
        if node in kept or is_loop(node):
            rows[node] = {node}
    return kept


def _end_of_chain(node: Node, outputs: Collection[Node], timing: Timing) -> Node:
    """The last value that can be computed with a heavy op's, and be read in its place."""
    current = node
    while current not in outputs and len(timing.consumers[current]) == 1:
        (after,) = timing.consumers[current]
        if not _goes_along(after, node, timing):
            break
        current = after
    return current


def _goes_along(after: Node, node: Node, timing: Timing) -> bool:
    """Whether a value is computed place by place, from nothing that is made after the node."""
    phase = timing.phase_of(node)
    return (
        is_pointwise(after)
        and after.op.name not in MOVED
        and not batch_sum_input(after)
        and after.shape == node.shape
        and timing.phase_of(after) == phase
        and not any(
            is_loop(other) and other.index > node.index and timing.phase_of(other) == phase
            for other in ancestors([after])
        )
    )


@dataclass(eq=False)
class Pass:
    """One walk over a tile's places: a heavy op, or none, and what is done with each value."""

    phase: int
    number: int
    places: Places
    heavy: Node | None = None
    beside: Node | None = None  # a second heavy op in the same loop, which then makes the values
    stores: list[Node] = field(default_factory=list)  # written to memory
    sums: list[Node] = field(default_factory=list)  # over the batch
    read_sums: list[Node] = field(default_factory=list)  # the same, of what the pass reads
    shared: list[Node] = field(default_factory=list)  # read, and kept for the next reader
    winners: Node | None = None  # recorded with a maximum: its place

    @property
    def makes(self) -> Node | None:
        """The heavy op whose values the pass outputs."""
        if self.beside is not None:
            return self.beside
        return None if self.reads is not None else self.heavy

    @property
    def reads(self) -> Node | None:
        """The values that a gradient of weights reads, each of them once."""
        weights = self.heavy if self.heavy and self.heavy.op.name in WEIGHT_GRADIENTS else None
        return weights and weights.inputs[0]


class Placing:
    """The passes of a step, made one after the other. Values that turn out to be worth keeping are
    added to `to_keep`.
    """

    def __init__(self, timing: Timing, to_keep: set[Node]) -> None:
        self.timing = timing
        self.to_keep = to_keep
        self.passes: list[Pass] = []
        self.made_in: dict[Node, Pass] = {}  # of values that are kept
        items = [
            node
            for node in timing.order
            if batch_sum_input(node)
            or is_loop(node)
            or (node in to_keep and node.op.name != "leaf")
        ]
        for node in sorted(items, key=lambda node: (timing.due(node), timing.turn(node))):
            if batch_sum_input(node):
                self._place_sum(node)
            elif is_loop(node):
                self._place_heavy(node)
            else:
                self._keep(node, self._pass_for(node, timing.due(node)))

    def _place_heavy(self, node: Node) -> None:
        weights = node.op.name in WEIGHT_GRADIENTS
        if weights and not all(map(batch_sum_input, self.timing.consumers[node])):
            raise TargetError(f"C sums {node.op.name} over the batch at once")
        if node.op.name == "winners":
            self._note(node)
            return
        walk = self._heavy_pass(node)
        if node in self.to_keep:
            self._keep(node, walk)
        if weights and not walk.beside:
            self._share(node.inputs[0], walk)

    def _note(self, winners: Node) -> None:
        """Let the loop that finds each window's maximum also record its place."""
        walk = next(
            walk
            for walk in self.passes
            if walk.heavy is not None
            and walk.heavy.op.name == "maxpool"
            and walk.heavy.inputs == winners.inputs
        )
        walk.winners = winners
        self.made_in[winners] = walk

    def _place_sum(self, node: Node) -> None:
        x = batch_sum_input(node)
        assert x is not None
        if x.op.name in WEIGHT_GRADIENTS:
            return
        if node.op.name == "total" and len(x.shape) > 1:
            raise TargetError("C sums over the batch channel by channel only")
        x = self.timing.moments.get(node, x)
        walk = self._pass_for(x, self.timing.due(node))
        (walk.read_sums if walk.reads is x else walk.sums).append(node)

    def _heavy_pass(self, node: Node) -> Pass:
        """Make a heavy op's pass, or find the one that makes both gradients of a convolution."""
        if node in self.timing.beside.values():
            return next(walk for walk in self.passes if walk.beside is node)
        back = self.timing.beside.get(node)
        walk = self._new_pass(self.timing.phase_of(node), places(back or node), node)
        walk.beside = back
        return walk

    def _share(self, source: Node, walk: Pass) -> None:
        """Keep a value that several heavy ops of a phase read, and that has several sources.

        The gradient of weights, which reads each row once, stores it unless another op, such as a
        transposed convolution, has read it by then.
        """
        readers = [
            after
            for after in self.timing.consumers[source]
            if is_loop(after) and self.timing.phase_of(after) == walk.phase
        ]
        if (
            len(readers) > 1
            and readers[0] is walk.heavy
            and source.each
            and source not in self.to_keep
            and is_pointwise(source)
            and len(self.leaves(source)) > 1
        ):
            self.to_keep.add(source)
            walk.shared.append(source)
            self.made_in[source] = walk

    def _keep(self, node: Node, walk: Pass) -> None:
        walk.stores.append(node)
        self.made_in[node] = walk

    def _new_pass(self, phase: int, domain: Places, heavy: Node | None = None) -> Pass:
        self.passes.append(Pass(phase, len(self.passes), domain, heavy))
        return self.passes[-1]

    # The pass that computes a pointwise value.

    def _pass_for(self, x: Node, phase: int) -> Pass:
        """Find the last pass of the phase that makes what x is computed from, or make one for x."""
        reading = self._reading(x, phase)
        if reading:
            return reading
        makers = {walk.makes: walk for walk in self.passes if walk.makes}
        before: list[tuple[Node, Pass, bool]] = []
        for leaf, same in self.leaves(x):
            maker = self.made_in.get(leaf) or makers.get(leaf)
            if maker is not None and maker.phase == phase:
                before.append((leaf, maker, same))
        walk = self._last(before, x) if before else self._alone(x, phase)
        walk = walk or self._after([maker for _, maker, _ in before], x, phase)
        walk = walk or self._new_pass(phase, places(x))
        for leaf, maker, _ in before:
            if maker is not walk and leaf not in self.made_in:
                self.to_keep.add(leaf)
                self._keep(leaf, maker)
        return walk

    def _reading(self, x: Node, phase: int) -> Pass | None:
        """Find the pass that computes each value of x once, as it reads it."""
        if x in self.timing.moments.values():
            return None
        for walk in self.passes:
            once = walk.reads is x and (x not in self.made_in or x in walk.shared)
            if once and walk.phase == phase:
                return walk
        return None

    def _last(self, before: list[tuple[Node, Pass, bool]], x: Node) -> Pass | None:
        """The last of these passes, if x can be computed place by place in it."""
        last = max((maker for _, maker, _ in before), key=lambda walk: walk.number)
        alike = all(same for _, maker, same in before if maker is last)
        makes = last.heavy is None or last.makes is not None
        return last if alike and makes and last.places == places(x) else None

    def _after(self, before: list[Pass], x: Node, phase: int) -> Pass | None:
        """A pass without a heavy op that comes after all of these."""
        last = max((walk.number for walk in before), default=len(self.passes))
        return next((walk for walk in self._light(x, phase) if walk.number > last), None)

    def _alone(self, x: Node, phase: int) -> Pass | None:
        """A pass without a heavy op that needs nothing from its phase."""
        return next(
            (
                walk
                for walk in self._light(x, phase)
                if not any(self._waits(kept, phase) for kept in walk.stores)
            ),
            None,
        )

    def _light(self, x: Node, phase: int) -> list[Pass]:
        """The passes of the phase without a heavy op that go over the places of x."""
        return [
            walk
            for walk in self.passes
            if walk.phase == phase and walk.heavy is None and walk.places == places(x)
        ]

    def _waits(self, kept: Node, phase: int) -> bool:
        return any(
            leaf in self.made_in and self.made_in[leaf].phase == phase
            for leaf, _ in self.leaves(kept)
        )

    def leaves(self, x: Node) -> list[tuple[Node, bool]]:
        """The kept or heavy values that x is computed from, and whether place by place.

        For a value that is kept itself, what it is computed from.
        """
        leaves: dict[tuple[Node, bool], None] = {}
        seen: set[tuple[Node, bool]] = set()

        def visit(node: Node, same: bool, top: bool) -> None:
            if not node.each or (node, same) in seen:
                return
            seen.add((node, same))
            if not top and (node in self.to_keep or is_loop(node)):
                leaves[node, same] = None
                return
            for source in node.inputs:
                visit(source, same and node.op.name not in MOVED, False)

        visit(x, True, x in self.to_keep and not is_loop(x) and x not in self.made_in)
        return list(leaves)
