"""Checks update rules with memories: velocities, running means of gradients and of their squares.

Each weight is tested in turn. Its own numbers (its value, its gradient, its memories) are the same
each time, and those of other weights are different. So weights with the same rule change by the
same amounts, wherever its parts are. If one weight changes differently, the cause is searched for
from its update backwards. A separate rate is a choice, and so is a weight without decay: biases
seldom have it. If two rules are equally frequent, the wrong one is the one that breaks general
properties of rules: it has no rate, a memory that is neither a mean nor a sum, or lacks a root or a
square.

Some mistakes don't depend on the other weights. A mean under a root is one of squares, so it
doesn't depend on the sign of the gradient. The correction of a mean for its start contains the same
coefficient as the mean. A row continues like those before and after it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain

import numpy as np

from gradbook.audit.findings import (
    DEPARTING_ROW,
    OTHER_GRADIENT,
    Finding,
    departing_from_column,
    finding_in,
)
from gradbook.audit.step.points import POINTS, Numbers, agree
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep
from gradbook.cells.formula.address import Address, by_sheet, name_of
from gradbook.cells.formula.expression import EditKind, parts, references
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern, anchor, rename_cells_in
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language.message import Message
from gradbook.targets.excel.language import Infix, Number, write

Role = tuple[str, object]  # what a cell is to its weight, the same for all weights
Times = Mapping[Role | Address, float]
AS_DRAWN: Times = {}
WEIGHT, GRADIENT, MEMORY = "weight", "gradient", "memory"
WEIGHTS = ((WEIGHT, -1), (WEIGHT, 0))  # the weight in the previous step, and in this one
GRADIENTS = ((GRADIENT, -1), (GRADIENT, 0))
OWN, OTHERS = 1, 2  # seeds for random numbers
HALF = 0.5  # the exponent of a root; also the least coefficient of a mean's past
ROUGHLY = 1e-4  # relative: more than is added under a root to avoid 0


def optimiser_findings(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]]
) -> tuple[list[Finding], list[Message]]:
    """Findings for rules of single weights; or notes that weights have different rules, if it is
    unknown which one is wrong."""
    lines: defaultdict[object, dict[Address, OddCell]] = defaultdict(dict)
    laws: Laws | None = None
    odd: Mapping[Address, OddCell] = {}
    unlike: set[tuple[int, ...]] = set()
    for later in sorted(laws_of(training, groups), key=lambda laws: laws.step.number):
        if laws is None or not laws.is_repeated(later):
            laws, odd = later, later.odd_cells()
            unlike.update(tuple(some) for some in laws.alike[1:] if laws.is_unlike(some[0]))
        for first, told in odd.items():
            stride = training.weights[told.weight].stride
            cell = first + (later.step.number - laws.step.number) * stride
            lines[told.weight, told.kind, cell % stride].setdefault(cell, told)
    findings = [finding for line in lines.values() for finding in _findings(training, line)]
    notes = [
        Message(
            "not accounted for: {weights} is updated by a different rule from the other weights",
            weights=", ".join(training.names[j] for j in some),
        )
        for some in sorted(unlike)
    ]
    return findings, [] if findings else notes


def have_laws(training: SheetTraining, steps: Sequence[SheetStep]) -> bool:
    """Whether there are memories, or cells between updates and gradients."""
    claims = (claim for step in steps[:2] for options in step.claims for claim in options)
    return bool(training.remembering) or any(len(claim.via) > 1 for claim in claims)


def laws_of(training: SheetTraining, groups: Sequence[Sequence[SheetStep]]) -> Iterator[Laws]:
    """Each step with the cells of its right gradients, including those with the opposite sign."""
    for group in groups:
        tested = StepUnderTest.of(training, group)
        places: dict[int, int] = {}
        signs: dict[int, int] = {}
        for j, options in enumerate(tested.step.claims):
            with suppress(NotUnderstood):
                verdict, claim = tested.best(j, options)
                sure = claim is not None and claim.whole and claim.owner in training.varying
                if claim is not None and sure and verdict <= ClaimVerdict.OPPOSITE:
                    places[j] = options.index(claim)
                    signs[j] = -claim.sign if verdict is ClaimVerdict.OPPOSITE else claim.sign
        for step in group:
            claims = {j: step.claims[j][k : k + 1] for j, k in places.items()}
            gradients = {j: claim.owner for j, few in claims.items() for claim in few}
            yield Laws(training, step, gradients, signs)


def _findings(training: SheetTraining, line: Mapping[Address, OddCell]) -> Iterator[Finding]:
    """Findings for the odd cells of a line, sheet by sheet; including those before the first one,
    where memory begins, and those after the last update, which nothing uses."""
    book, told = training.book, next(iter(line.values()))
    stride = training.weights[told.weight].stride
    right = {c: book.reader.read_typed(odd.right.text_at(c), c) for c, odd in line.items()}
    for last, away in ((min(line), -stride), (max(line), stride)):
        cell = last + away
        while cell not in training.weight_cells and training.repeats(cell, last):
            right[cell] = training.on_sheet_of(cell, right[last])
            cell += away
    for cells in by_sheet(right):
        first, name = cells[0], training.names[told.weight]
        quantity = training.name_of(first)
        found = finding_in(book, cells, told.kind, quantity, told.why, name, right[first])
        yield replace(found, fixes={name_of(c): f"={right[c].text_at(c)}" for c in cells})


@lru_cache(maxsize=4096)
def _drawn_for(role: str, seed: int) -> Array:
    """Random numbers for a role, always the same: a test of one weight draws those of all."""
    return np.random.default_rng([seed, *role.encode()]).uniform(0.3, 0.9, POINTS)


@dataclass(frozen=True)
class OddCell:
    """A cell in the rule of one weight that should have another formula."""

    weight: int
    cell: Address
    kind: str
    right: Pattern
    why: str


@dataclass(frozen=True)
class Laws:
    """The updates of one step and all that they are computed from, up to the gradients."""

    training: SheetTraining
    step: SheetStep
    gradients: Mapping[int, Address]  # only the right ones, by weight
    signs: Mapping[int, int]  # -1 where a cell contains the negative gradient
    counted: dict[tuple[int, object], Address] = field(default_factory=dict, compare=False)

    @cached_property
    def tested(self) -> StepUnderTest:
        return StepUnderTest.of(self.training, [self.step])

    def odd_cells(self) -> dict[Address, OddCell]:
        """The odd cells of this step, each once."""
        found: dict[Address, OddCell] = {}
        with suppress(NotUnderstood):
            unlike = {odd.cell: odd for odd in self._unlike_others()}
            for odd in chain(
                self._without_square(), self._corrected(unlike.keys()), unlike.values()
            ):
                found.setdefault(odd.cell, odd)
        return found

    def is_repeated(self, later: Laws) -> bool:
        """Whether a later step has the same formulas for the same weights; its gradients may be
        computed from other samples."""
        patterns, away = self.training.book.patterns, later.step.number - self.step.number
        judged = [(laws.gradients.keys(), laws.updates.keys()) for laws in (self, later)]

        def shape(cell: Address) -> str | None:
            return patterns[cell].shape if cell in patterns else None

        return judged[0] == judged[1] and all(
            patterns.get(cell + away * self._stride(j)) is patterns.get(cell)
            if cell != self.gradients[j]
            else shape(later.gradients[j]) == shape(cell)
            for j, update in self.updates.items()
            for cell in (update, self.gradients[j], *self.ways[j], *self._remembered_by(j))
        )

    def _remembered_by(self, weight: int) -> Iterator[Address]:
        """The memories that an update uses."""
        back, stride = self.training.looking_back, self._stride(weight)
        sources = self.training.flow.sources(self.updates[weight])
        return (cell for cell in sources if cell in back or cell + stride in back)

    def _stride(self, weight: int) -> int:
        return self.training.weights[weight].stride

    # The parts of each rule -----------------------------------------------------------

    @cached_property
    def updates(self) -> dict[int, Address]:
        patterns, k = self.training.book.patterns, self.step.number
        each = ((j, self.training.weights[j].steps[k : k + 1]) for j in self.gradients)
        updates = ((j, update) for j, steps in each for _, update in steps)
        return {j: at for j, at in updates if at in patterns and patterns[at].expression}

    @cached_property
    def _gradient_owner(self) -> dict[Address, int]:
        """The weight of each gradient, in this step and in the previous one."""
        both = (
            (j, g - away * self._stride(j)) for j, g in self.gradients.items() for away in (1, 0)
        )
        return {cell: j for j, cell in both}

    @cached_property
    def ways(self) -> dict[int, list[Address]]:
        """The cells of each weight's rule, the update last, up to gradients and weights; a memory
        is represented by this step's cell, or by the previous step's."""
        training, patterns = self.training, self.training.book.patterns
        backward = training.flow.behind(self._gradient_owner, training.weight_cells)
        stop = backward.union(self._gradient_owner)
        found = {}
        for j, update in self.updates.items():
            way = [update]
            for cell in way:
                for source in training.flow.sources(cell):
                    if source in way or source + self._stride(j) in way[1:] or source in stop:
                        continue
                    if source in training.computed_cells and source in patterns:
                        way.append(source)
            found[j] = way[::-1]
        return found

    def _made_of(self, cell: Address) -> set[int]:
        """The weights whose gradients a cell is computed from."""
        owner, flow = self._gradient_owner, self.training.flow
        direct = {owner[source] for source in flow.sources(cell) if source in owner}
        behind = flow.behind([cell], {*self.training.weight_cells, *owner})
        return direct or {owner[source] for source in behind if source in owner}

    @cached_property
    def memories(self) -> dict[int, list[Address]]:
        """The cells that refer to their predecessors and use the weight's own gradient, or that use
        none themselves and are in no other weight's rule: those of each rule, and those that the
        next step uses if this one uses the previous step's."""
        back, sources = self.training.looking_back, self.training.flow.sources
        gradients = self._gradient_owner.keys()
        found = {}
        for j, way in self.ways.items():
            last = (cell for cell in sources(self.updates[j]) if cell not in way)
            cells = back.intersection([*way[:-1], *(cell + self._stride(j) for cell in last)])
            others = set().union(*(other for i, other in self.ways.items() if i != j))
            indirect = {c for c in cells - others if gradients.isdisjoint(sources(c))}
            found[j] = sorted(c for c in cells if c in indirect or self._made_of(c) == {j})
        return found

    @cached_property
    def owned(self) -> dict[Address, tuple[int, Role]]:
        """Weights, gradients and memories, with their owners and roles."""
        found: dict[Address, tuple[int, Role]] = {}
        for j, gradient in self.gradients.items():
            cells, k, stride = self.training.weights[j].cells, self.step.number, self._stride(j)
            if k:
                found[cells[k - 1]] = j, WEIGHTS[0]
            if k < len(cells):
                found[cells[k]] = j, WEIGHTS[1]
            found[gradient - stride], found[gradient] = ((j, role) for role in GRADIENTS)
        patterns = self.training.book.patterns
        made = {j: tuple(patterns[c].makeup for c in cells) for j, cells in self.memories.items()}
        usual = Counter(made.values()).most_common(1)[0][0] if made else ()
        for j, own in self.memories.items():
            for cell, place in zip(own, _places(made[j], usual), strict=True):
                last = cell - self._stride(j)
                found[self.training.plain(last)] = found[last] = j, (MEMORY, place)
        return found

    def node(self, cell: Address) -> Node:
        """The node of a cell; for an update, that of its formula, not of the next weight."""
        pattern = self.training.book.patterns[cell]
        if cell not in self.training.weight_cells or pattern.expression is None:
            return self.tested.graph.node(cell)
        return self.tested.graph.expression(pattern.expression, cell, pattern)

    # Testing a weight -----------------------------------------------------------------

    def turn(
        self,
        weight: int,
        times: Times = AS_DRAWN,
        others: int = OTHERS,
        settings: Numbers | None = None,
    ) -> Numbers:
        """Numbers for testing one weight; perhaps with some roles or settings multiplied, or with
        other than random settings."""
        graph, owned = self.tested.graph, self.owned
        leaf = (settings or self.tested.random).leaf

        def drawn(cell: Address) -> Array:
            if cell not in owned:
                return leaf(self._counted_alike(cell)) * times.get(cell, 1)
            owner, role = owned[cell]
            sign = self.signs[owner] if role[0] == GRADIENT else 1
            draw = _drawn_for(str(role), OWN if owner == weight else others)
            return draw * sign * (times.get(role, 1) if owner == weight else 1)

        numbers = Numbers(drawn, graph.leaf_cells)
        for cell in self._given:  # leaves, and computed cells
            node = graph.known.get(cell)
            if isinstance(node, Node):
                numbers.values[node] = drawn(cell)
        return numbers

    def _counted_alike(self, cell: Address) -> Address:
        """The first setting of this row, or column, with the same number: weights may count their
        steps separately."""
        key = self.training.axis.along(cell), self.training.book.values.get(cell)
        return self.counted.setdefault(key, cell)

    @cached_property
    def _given(self) -> list[Address]:
        for cell in chain(self.gradients.values(), *self.ways.values()):
            self.node(cell)
        given = (GRADIENT, MEMORY)  # a memory may use what the previous step computed from another
        return [cell for cell, (_, role) in self.owned.items() if role[0] in given]

    @cached_property
    def turns(self) -> dict[int, dict[Address, Array]]:
        """The values of all cells in a weight's rule when it is tested."""
        found = {}
        for j, way in self.ways.items():
            numbers = self.turn(j)
            found[j] = {cell: numbers.of(self.node(cell)) for cell in way}
        return found

    def change(self, weight: int, numbers: Numbers | None = None) -> Array:
        """What an update adds to its weight when it is tested."""
        numbers = numbers or self.turn(weight)
        after, before = numbers.of(self.node(self.updates[weight])), self.step.weights[weight]
        return after if before is None else after - numbers.of(self.tested.graph.node(before))

    def _is_unmoved(self, weight: int, numbers: Numbers, factor: float = 1.0) -> bool:
        """Whether an update's change is multiplied by `factor` with other numbers."""
        return agree(factor * self.changes[weight], self.change(weight, numbers))

    @cached_property
    def changes(self) -> dict[int, Array]:
        return {j: self.change(j) for j in self.updates}

    # Squares under roots -----------------------------------------------------------------

    def _without_square(self) -> Iterator[OddCell]:
        """Means under a root that use a gradient without squaring it."""
        training = self.training
        for j, update in self.updates.items():
            stride = self._stride(j)
            both = {self.gradients[j], self.gradients[j] - stride}
            roots = list(self._roots(self.node(update)))
            under = set(ancestors(roots))
            for cell in self.ways[j][:-1]:
                is_mean = not training.looking_back.isdisjoint({cell, cell + stride})
                gradient = next(iter(both.intersection(training.flow.sources(cell))), None)
                if not is_mean or gradient is None or self.node(cell) not in under:
                    continue
                right = self._squared(cell, gradient)
                if not self._is_even(j, cell, right) or self._is_even(j, cell):
                    continue
                if not self._are_even(j, roots, self.owned.get(cell - stride)):
                    why = Message(
                        "the mean under a root must be a mean of squares: square {cell}",
                        cell=name_of(gradient),
                    )
                    yield OddCell(j, cell, EditKind.FACTOR.value, right, why)

    def _roots(self, node: Node) -> Iterator[Node]:
        """The roots in the expression of a node; that of a square is a size, not a deviation."""
        power = self.tested.random.of
        for part in ancestors([node]):
            match part.op.name, part.inputs:
                case "sqrt", [Node(op=op, inputs=inputs)]:
                    if op.name != "power" or not inputs[1].is_constant(2):
                        yield part
                case "power", [_, exponent] if np.all(np.abs(power(exponent)) == HALF):
                    yield part

    def _squared(self, cell: Address, gradient: Address) -> Pattern:
        reader, pattern = self.training.book.reader, self.training.book.patterns[cell]

        def square(reference: str) -> str:
            return f"{reference}^2" if reader.cell(reference, cell) == gradient else reference

        return reader.read_typed(rename_cells_in(pattern.text_at(cell), square), cell)

    def _is_even(self, weight: int, cell: Address, right: Pattern | None = None) -> bool:
        """Whether a formula doesn't depend on the signs of a weight and its gradient."""
        formula = right or self.training.book.patterns[cell]
        assert formula.expression is not None
        return self._are_even(
            weight, [self.tested.graph.expression(formula.expression, cell, formula)]
        )

    def _are_even(
        self, weight: int, nodes: Sequence[Node], memory: tuple[int, Role] | None = None
    ) -> bool:
        """Whether values don't depend on the signs of a weight, its gradient and a memory, as that
        of a mean's square."""
        roles = (*WEIGHTS, *GRADIENTS, *([memory[1]] if memory else []))
        turned = self.turn(weight, dict.fromkeys(roles, -1.0))
        return all(agree(self.turn(weight).of(node), turned.of(node)) for node in nodes)

    # Corrections and rows ------------------------------------------------------------------

    def _corrected(self, spoilt: Collection[Address]) -> Iterator[OddCell]:
        """Means divided by 1 − β^t, with another β than the mean's own, which is right."""
        training, book = self.training, self.training.book
        for j, way in self.ways.items():
            for cell in way:
                expression = book.patterns[cell].expression
                for part in parts(expression) if expression else ():
                    match part:
                        case Infix("/", mean, Infix("-", Number(1.0), Infix("^", share, _))):
                            at, taken = (training.cell_of(one, cell) for one in (mean, share))
                        case _:
                            continue
                    kept = None if at is None else self._share_kept(j, at)
                    if at is None or kept is None or taken is None or at in spoilt:
                        continue
                    if training.plain(taken) == kept:
                        continue
                    name = book.name_of(kept, cell)
                    name = anchor(name) if "$" in write(share) else name
                    why = Message(
                        "{mean} multiplies its past by {right}: its correction must use that, "
                        "too, not {cell}",
                        mean=name_of(at),
                        right=name_of(kept),
                        cell=name_of(taken),
                    )
                    right = book.with_another_cell(cell, taken, name)
                    yield OddCell(j, cell, EditKind.REFERENCE.value, right, why)

    def _share_kept(self, weight: int, mean: Address) -> Address | None:
        """The cell with the coefficient of a mean's past."""
        if mean not in self.training.looking_back:
            return None
        kept = self._kept_and_new(weight, mean)[0]
        settings = map(self.training.plain, self.training.flow.sources(mean))
        leaf = self.tested.random.leaf
        some = (at for at in settings if at not in self.training.varying)
        return next((at for at in some if agree(kept, leaf(at))), None)

    def _kept_and_new(
        self, weight: int, memory: Address, settings: Numbers | None = None
    ) -> tuple[Array, Array, Numbers]:
        """The coefficient of a memory's past, and what is added to it."""
        past = self.tested.graph.leaves.get(memory - self._stride(weight))
        at_rest, moved = (self.turn(weight, settings=settings) for _ in range(2))
        node = self.node(memory)
        if past is not None:
            at_rest.values[past], moved.values[past] = np.zeros(POINTS), np.ones(POINTS)
        new = at_rest.of(node)
        return moved.of(node) - new, new, at_rest

    def _around(self, weight: int, cell: Address) -> Pattern | None:
        """The formula of the rows before and after, if both have the same and the cell doesn't."""
        patterns, stride = self.training.book.patterns, self._stride(weight)
        before, after = patterns.get(cell - stride), patterns.get(cell + stride)
        return after if before is after and after is not patterns.get(cell) else None

    # Differing rules ------------------------------------------------------------------

    @cached_property
    def alike(self) -> list[list[int]]:
        """The weights grouped by rule, the most frequent rule first."""
        alike: list[list[int]] = []
        with suppress(NotUnderstood):
            for j in self.updates:
                same = next((some for some in alike if self._is_choice(j, some[0])), None)
                if same is None:
                    alike.append([j])
                else:
                    same.append(j)
        return sorted(alike, key=len, reverse=True)

    def _unlike_others(self) -> Iterator[OddCell]:
        """The odd cells in less frequent rules."""
        if len(self.alike) < 2:
            return
        strangeness = {some[0]: self._strangeness(some[0]) for some in self.alike}
        usual, *rest = sorted(self.alike, key=lambda some: (-len(some), strangeness[some[0]]))
        for some in rest:
            if len(some) < len(usual) or strangeness[some[0]] > strangeness[usual[0]]:
                for j in some:
                    yield from self._culprits(j, usual[0])

    def is_unlike(self, weight: int) -> bool:
        """Whether a rule certainly differs from the usual one: its formulas have another structure,
        or it has memories of another weight, or of none."""
        usual = self.alike[0][0]
        alone = set(self.ways[weight]) - set(self.ways[usual])
        strange = (alone & self.training.looking_back).difference(self.memories[weight])
        return self._makeup(weight) != self._makeup(usual) or bool(strange)

    def have_one_rule(self, weight: int, others: Collection[int]) -> bool:
        """Whether a weight changes by the rule, and the formulas, of one of some others."""
        like = next((some for some in self.alike if weight in some), [])
        return any(self._makeup(j) == self._makeup(weight) for j in like if j in others)

    def _makeup(self, weight: int) -> Counter[str]:
        """The structures of the formulas of a weight's rule."""
        return Counter(self.training.book.patterns[cell].makeup for cell in self.ways[weight])

    def _is_choice(self, weight: int, other: int) -> bool:
        """Whether two weights have one rule, apart from separate rates, or decay in one of them."""
        a, b = self.changes[weight], self.changes[other]
        if agree(a, b):
            return True
        if not (self._unused(weight) ^ self._unused(other)).isdisjoint(WEIGHTS):
            a, b = (
                self.change(j, self.turn(j, dict.fromkeys(WEIGHTS, 0.0))) for j in (weight, other)
            )
            if agree(a, b):
                return True
        own, theirs = (self._settings(j) for j in (weight, other))
        leaf = self.tested.random.leaf
        return any(agree(a * leaf(c), b * leaf(d)) for d in own - theirs for c in theirs - own)

    def _settings(self, weight: int) -> set[Address]:
        """The cells that an update refers to and that don't depend on weights."""
        training = self.training
        sources = training.flow.sources(self.updates[weight])
        return {training.plain(cell) for cell in sources if cell not in training.varying}

    def _unused(self, weight: int) -> set[Role]:
        """The roles that a weight's rule doesn't use, although some other rule does."""
        roles = {role for j, role in self.owned.values() if j in self.updates}
        return {role for role in roles if self._is_unmoved(weight, self.turn(weight, {role: 0.5}))}

    def _strangeness(self, weight: int) -> tuple[int, int]:
        """The reasons against a rule: first rows unlike those around them; then its use of other
        weights' numbers, own numbers that it doesn't use, and unusual properties."""
        departing = sum(self._around(weight, cell) is not None for cell in self.ways[weight])
        no_rate = not any(
            self._is_unmoved(weight, self.turn(weight, {cell: 2.0}), 2)
            for cell in self._settings(weight)
        )
        strangers = not self._is_unmoved(weight, self.turn(weight, others=OTHERS + 1))
        unusual = sum(self._power(weight, memory) is None for memory in self.memories[weight])
        own = len(self._unused(weight)) + unusual + no_rate + self._is_out_of_scale(weight)
        return departing, strangers + own

    def _power(self, weight: int, memory: Address) -> int | None:
        """1 if a memory is a mean or a sum of gradients, perhaps times a rate; 2 if it is a mean or
        a sum of their squares; otherwise None."""
        known, settings = self.tested.graph.known, self.tested.constants
        kept, new, numbers = self._kept_and_new(weight, memory, settings)
        own = (c for c, (j, role) in self.owned.items() if j == weight and role in GRADIENTS)
        rest = 1 - kept if np.all(kept >= HALF) else np.full(POINTS, np.nan)
        rates = [np.ones(POINTS), *map(settings.leaf, self._settings(weight))]
        sums = np.where(kept == 1, 1, np.nan)
        for node in (node for cell in own if isinstance(node := known.get(cell), Node)):
            gradient = numbers.of(node)
            if any(agree(np.abs(new / gradient), share) for share in (np.abs(rest), *rates)):
                return 1
            if any(agree(new / gradient**2, share) for share in (rest, sums)):
                return 2
        return None

    def _is_out_of_scale(self, weight: int) -> bool:
        """Whether an update, with all its gradients doubled, neither doubles nor stays the same:
        then a root or a square is missing."""
        times: dict[Role | Address, float] = dict.fromkeys(GRADIENTS, 2.0)
        for memory in self.memories[weight]:
            power = self._power(weight, memory)
            if power is None:
                return False
            times[self.owned[memory - self._stride(weight)][1]] = 2.0**power
        still: Times = dict.fromkeys(WEIGHTS, 0.0)  # without decay
        before, after = (
            self.change(
                weight, self.turn(weight, {**some, **still}, settings=self.tested.constants)
            )
            for some in ({}, times)
        )
        with np.errstate(all="ignore"):
            ratio = after / before
        return not any(np.allclose(ratio, factor, ROUGHLY) for factor in (1, 2))

    # Which cells are odd ----------------------------------------------------------------

    def _culprits(self, weight: int, model: int) -> Iterator[OddCell]:
        """The cells of a weight's rule whose formulas differ from the usual rule's, searched for
        from both updates backwards: if two formulas differ only in their cells, these are
        compared."""
        patterns = self.training.book.patterns
        others = set(chain.from_iterable(way for j, way in self.ways.items() if j != weight))
        apart = others.union(self.owned, self.training.weight_cells)
        waiting = [(self.updates[weight], self.updates[model])]
        known: set[Address] = set()
        while waiting:
            cell, like = waiting.pop()
            known.add(cell)
            differing = self._differing(weight, cell, model, like)
            further = [
                (a, b)
                for a, b in differing or ()
                if a != b and {a, b} <= patterns.keys() and a not in apart and b not in self.owned
            ]
            waiting += [both for both in further if both[0] not in known]
            if not further or len(further) < len(differing or ()):
                right = self._rewritten(like, model, cell, weight)
                if right is not None and not right.is_copy_of(patterns[cell]):
                    yield self._odd_cell(weight, cell, right, like, model)

    def _differing(
        self, weight: int, cell: Address, model: int, like: Address
    ) -> list[tuple[Address, Address]] | None:
        """The pairs of cells by which two formulas differ when their weights are tested; None if
        they differ in other ways."""
        patterns = self.training.book.patterns
        own, usual = list(self._mentions(cell)), list(self._mentions(like))
        if patterns[cell].shape != patterns[like].shape or len(own) != len(usual):
            return None
        numbers, others = self.turn(weight), self.turn(model)
        strides = self._stride(weight), self._stride(model)
        return [
            (a, b)
            for (a, node), (b, other) in zip(own, usual, strict=True)
            if (cell - a, like - b) != strides and not agree(numbers.of(node), others.of(other))
        ]

    def _mentions(self, cell: Address) -> Iterator[tuple[Address, Node]]:
        """The cells that a formula refers to, with their nodes there."""
        expression = self.training.book.patterns[cell].expression
        for part in references(expression) if expression else ():
            at = self.training.cell_of(part, cell)
            if at is not None:
                yield at, self.tested.graph.expression(part, cell)

    def _rewritten(self, like: Address, model: int, cell: Address, weight: int) -> Pattern | None:
        """The usual rule's formula, adapted to another weight, if it has the same values there."""
        graph, wanted = self.tested.graph, self.turns[model].get(like)
        corresponding = self._corresponding(like, model, cell, weight)
        mentioned = (at for at, _ in self._mentions(like))
        instead = {at: corresponding[at] for at in mentioned if at in corresponding}
        right = self.training.book.renamed(like, cell, instead)
        if wanted is None or right is None or right.expression is None:
            return None
        with suppress(NotUnderstood):
            node = graph.expression(right.expression, cell, right)
            numbers, usual = self.turn(weight), self.turn(model)
            for at, there in corresponding.items():
                for nodes in (graph.leaves, graph.known):
                    a, b = nodes.get(at), nodes.get(there)
                    if isinstance(a, Node) and isinstance(b, Node):
                        numbers.values[b] = usual.of(a)
            if agree(numbers.of(node), wanted):
                return right
        return None

    def _corresponding(
        self, like: Address, model: int, cell: Address, weight: int
    ) -> dict[Address, Address]:
        """One weight's counterparts to another's cells, for a formula of the other's rule."""
        own, usual = self.turns[weight], self.turns[model]
        places = {role: at for at, (j, role) in self.owned.items() if j == weight}
        roles = ((at, role) for at, (j, role) in self.owned.items() if j == model)
        found = {at: places[role] for at, role in roles if role in places}
        for at in self.ways[model]:
            same = next((c for c in self.ways[weight] if agree(own[c], usual[at])), None)
            there = self._counterpart(at, weight) if same is None and at != like else same
            if there is not None:
                found.setdefault(at, there)
                found.setdefault(at - self._stride(model), there - self._stride(weight))
        found[like - self._stride(model)] = cell - self._stride(weight)
        before, step = self.training.weights, self.step.number
        if like in self.updates.values():
            found[before[model].cells[step]] = before[weight].cells[step]
        return found

    def _counterpart(self, cell: Address, weight: int) -> Address | None:
        """A weight's own counterpart to a cell, even if nothing uses it."""
        training, patterns = self.training, self.training.book.patterns
        along, gradient = training.axis.along, self.gradients[weight]
        below = training.flow.below(
            [gradient, gradient - self._stride(weight)], training.weight_cells
        )
        found = [
            other
            for other in below & patterns.keys()
            if along(other) == along(cell)
            and patterns[other].makeup == patterns[cell].makeup
            and self._made_of(other) == {weight}
        ]
        return found[0] if len(found) == 1 and found[0] != cell else None

    def _odd_cell(
        self, weight: int, cell: Address, right: Pattern, like: Address, model: int
    ) -> OddCell:
        """An odd cell with its reason: it uses a wrong cell, or has another formula."""
        book, names = self.training.book, self.training.names
        if self._around(weight, cell) is not None:
            return OddCell(weight, cell, DEPARTING_ROW, right, departing_from_column(cell))
        before, after = (
            Counter(self.training.flow.mentioned_cells(pattern.places, cell))
            for pattern in (book.patterns[cell], right)
        )
        taken, meant = list((before - after).elements()), list((after - before).elements())
        if len(taken) != 1 or len(meant) != 1:
            why = Message(
                "{cell} differs from {other}, its counterpart for {weight}",
                cell=name_of(cell),
                other=name_of(like),
                weight=names[model],
            )
            return OddCell(weight, cell, EditKind.FORMULA.value, right, why)
        gradients = set(self.gradients.values())
        kind = OTHER_GRADIENT if {taken[0], meant[0]} <= gradients else EditKind.REFERENCE.value
        owner = self.owned.get(taken[0], (weight,))[0]
        if owner == weight:
            owner = next((j for j, way in self.ways.items() if taken[0] in way), weight)
        named, needed = name_of(taken[0]), book.name_of(meant[0], cell)
        why = Message(
            "{cell} isn't what the other weights use: {weight} needs {right}",
            cell=named,
            weight=names[weight],
            right=needed,
        )
        if owner != weight:
            why = Message(
                "{cell} belongs to {other}; {weight} needs {right}",
                cell=named,
                other=names[owner],
                weight=names[weight],
                right=needed,
            )
        return OddCell(weight, cell, kind, right, why)


def _places(made: Sequence[str], usual: Sequence[str]) -> list[int]:
    """The positions of memories among the usual ones: its own if that has the same structure,
    another with that structure, otherwise in order, since weight decay changes the structure."""
    free = list(range(max(len(made), len(usual))))
    places: dict[int, int] = {}
    for k, makeup in enumerate(made):
        if list(usual[k : k + 1]) == [makeup]:
            places[k] = k
            free.remove(k)
    for k, makeup in enumerate(made):
        like = [place for place in free if place < len(usual) and usual[place] == makeup]
        if like and k not in places:
            places[k] = like[0]
            free.remove(like[0])
    return [places[k] if k in places else free.pop(0) for k in range(len(made))]
