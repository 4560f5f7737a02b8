"""Which values of a step are kept in memory; all others are computed where they are read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from gradbook.errors import TargetError
from gradbook.graph.node import Node, needed
from gradbook.targets.c.kernels.slides import Places, places
from gradbook.targets.c.plan.timing import (
    COSTLY,
    ELSEWHERE,
    HEAVY,
    POINTWISE,
    WEIGHTS,
    Timing,
    is_reduction,
    summed,
)
from gradbook.targets.c.rewrite.linear import channelwise

KNOWN = HEAVY | POINTWISE | {"leaf", "constant", "total"}


def kept(outputs: Collection[Node], timing: Timing) -> set[Node]:
    found = set(outputs)
    for node in timing.order:
        if node.op.name not in KNOWN and node.each:
            raise TargetError(f"the engine has no word for {node.op.name}")
        if not node.each or is_reduction(node):
            continue
        if node.op.name == "leaf":
            found.add(node)
        elif node.op.name in HEAVY - WEIGHTS:
            found.add(_end_of_chain(node, outputs, timing))
        elif node.op.name == "unpooled" or (node.op.name == "spread" and channelwise(node) is None):
            found.add(node.inputs[0])
        elif node.op.name in COSTLY or _divides(node):
            found.add(node)
    return found


def _divides(node: Node) -> bool:
    return node.op.name == "divide" and node.inputs[1].each


def _end_of_chain(node: Node, outputs: Collection[Node], timing: Timing) -> Node:
    """The furthest value that alone is read of what follows a heavy op, without a wait."""
    current = node
    while current not in outputs and len(timing.consumers[current]) == 1:
        (after,) = timing.consumers[current]
        if not _goes_along(after, node, timing):
            break
        current = after
    return current


def _goes_along(after: Node, node: Node, timing: Timing) -> bool:
    """Whether it is computed place by place, and waits for nothing that comes after the node."""
    phase = timing.phase_of(node)
    return (
        after.op.name in POINTWISE - ELSEWHERE
        and not is_reduction(after)
        and after.shape == node.shape
        and timing.phase_of(after) == phase
        and not any(
            other.op.name in HEAVY and other.index > node.index and timing.phase_of(other) == phase
            for other in needed([after])
            if other.each
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
    kept: list[Node] = field(default_factory=list)  # written to memory
    sums: list[Node] = field(default_factory=list)  # over the batch, see `Plan.argument`
    read_sums: list[Node] = field(default_factory=list)  # the same, of what the pass reads
    shared: list[Node] = field(default_factory=list)  # read, and kept for the next reader
    winners: Node | None = None  # noted beside a maximum: where it stood

    @property
    def makes(self) -> Node | None:
        """The heavy op whose values the pass gives on."""
        if self.beside is not None:
            return self.beside
        return None if self.reads is not None else self.heavy

    @property
    def reads(self) -> Node | None:
        """The slopes that a gradient of weights reads, each value once."""
        weights = self.heavy if self.heavy and self.heavy.op.name in WEIGHTS else None
        return weights and weights.inputs[0]


class Placing:
    """The passes of a step, made one after the other. What turns out to be worth keeping on the
    way joins what is `kept`.
    """

    def __init__(self, timing: Timing, kept: set[Node]) -> None:
        self.timing = timing
        self.kept = kept
        self.partner = {back: weights for weights, back in timing.beside.items()}
        self.passes: list[Pass] = []
        self.made_in: dict[Node, Pass] = {}

    def place_all(self) -> None:
        timing = self.timing
        items = [
            node
            for node in timing.order
            if is_reduction(node)
            or (node in self.kept and node.op.name != "leaf")
            or (node.op.name in HEAVY and node.each)
        ]
        for node in sorted(items, key=lambda node: (timing.due(node), timing.turn(node))):
            self._place(node)

    def _place(self, node: Node) -> None:
        if is_reduction(node):
            self._place_sum(node)
        elif node.op.name in HEAVY and node.each:
            self._place_heavy(node)
        else:
            self._keep(node, self._pass_for(node, self.timing.due(node)))

    def _place_heavy(self, node: Node) -> None:
        if node.op.name in WEIGHTS and not all(map(is_reduction, self.timing.consumers[node])):
            raise TargetError(f"the engine sums {node.op.name} over the batch at once")
        if node.op.name == "winners":
            self._note(node)
            return
        made = self._heavy_pass(node)
        if node in self.kept:
            self._keep(node, made)
        if node.op.name in WEIGHTS and not made.beside:
            self._share(node.inputs[0], made)

    def _note(self, winners: Node) -> None:
        """The loop that finds each window's maximum notes where it stood."""
        made = next(
            made
            for made in self.passes
            if made.heavy is not None
            and made.heavy.op.name == "maxpool"
            and made.heavy.inputs == winners.inputs
        )
        made.winners = winners
        self.made_in[winners] = made

    def _place_sum(self, node: Node) -> None:
        x = summed(node)
        assert x is not None
        if x.op.name in WEIGHTS:
            return
        if node.op.name == "total" and len(x.shape) > 1:
            raise TargetError("the engine sums over the batch channel by channel only")
        x = self.timing.moments.get(node, x)
        found = self._pass_for(x, self.timing.due(node))
        (found.read_sums if found.reads is x else found.sums).append(node)

    def _heavy_pass(self, node: Node) -> Pass:
        """A loop of its own, or the one that makes both gradients of a convolution."""
        if node in self.partner:
            return next(made for made in self.passes if made.beside is node)
        back = self.timing.beside.get(node)
        made = self._new_pass(self.timing.phase_of(node), places(back or node), node)
        made.beside = back
        return made

    def _share(self, source: Node, made: Pass) -> None:
        """What several heavy ops of a phase read, and is made of several values, is kept by the
        gradient of weights, which reads each row once.
        """
        readers = [
            after
            for after in self.timing.consumers[source]
            if after.op.name in HEAVY and self.timing.phase_of(after) == made.phase
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
        found = found or self._after([made for _, made, _ in before], x, phase)
        found = found or self._new_pass(phase, places(x))
        for leaf, made, _ in before:
            if made is not found and leaf not in self.made_in:
                self.kept.add(leaf)
                self._keep(leaf, made)
        return found

    def _reading(self, x: Node, phase: int) -> Pass | None:
        """The pass that computes x while it reads it, each value once."""
        if x in self.timing.moments.values():
            return None
        for made in self.passes:
            once = made.reads is x and (x not in self.made_in or x in made.shared)
            if once and made.phase == phase:
                return made
        return None

    def _last(self, before: list[tuple[Node, Pass, bool]], x: Node) -> Pass | None:
        """The last of these passes, where x can be computed place by place as it goes."""
        last = max((made for _, made, _ in before), key=lambda made: made.number)
        alike = all(same for _, made, same in before if made is last)
        makes = last.heavy is None or last.makes is not None
        return last if alike and makes and last.places == places(x) else None

    def _after(self, before: list[Pass], x: Node, phase: int) -> Pass | None:
        """A pass without a heavy op that comes after all of these."""
        last = max((made.number for made in before), default=len(self.passes))
        for made in self.passes[last + 1 :]:
            if made.phase == phase and made.heavy is None and made.places == places(x):
                return made
        return None

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
                walk(source, same and node.op.name not in ELSEWHERE, False)

        own = x in self.kept and x.op.name not in HEAVY and x not in self.made_in
        walk(x, True, own)
        return list(found)
