"""Compares the rules by which weights go on: velocities, running means, means of squares.

Each weight is tested in turn, with numbers of its own that are the same each time, so weights with
the same rule change by the same amounts, wherever its parts are. If one weight changes differently,
the cause is searched for from its update backwards. A separate rate is a choice, and so are a
weight without decay, since biases seldom have it, and another decay for each kind of parameter. If
two rules are equally frequent, the wrong one is the one that lacks what all laws have in common, or
has unusual memories. A row continues like those before and after it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain

import numpy as np

from gradbook.audit.findings import (
    DEPARTING_ROW,
    OTHER_GRADIENT,
    Finding,
    departing_from_column,
    finding_in,
)
from gradbook.audit.formulas.points import agree
from gradbook.audit.judge.lawful import Mender, RuleTrial
from gradbook.audit.judge.weight_rules import OTHERS, WEIGHTS, OddCell, Role, WeightRules
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep
from gradbook.audit.training.weight_columns import stem_of
from gradbook.cells.formula.address import Address, by_sheet, name_of
from gradbook.cells.formula.expression import EditKind, references
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern
from gradbook.graph.node import Node
from gradbook.language.message import Message


def optimiser_findings(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]], told: Sequence[Finding] = ()
) -> tuple[list[Finding], list[Message]]:
    """Findings for rules of single weights; or notes that weights have different rules, if it is
    unknown which one is wrong. A gradient that is told to have the wrong sign explains why its
    weight moves with it."""
    lines: defaultdict[object, dict[Address, OddCell]] = defaultdict(dict)
    every = sorted(laws_of(training, groups), key=lambda laws: laws.step.number)
    distinct: list[Laws] = []
    models: list[Laws] = []  # of each step, the one with the same formulas
    for laws in every:
        if not distinct or not distinct[-1].is_repeated(laws):
            distinct.append(laws)
        models.append(distinct[-1])
    distinct.sort(key=lambda laws: -laws.extent)
    blamed = {name for finding in told for name in (finding.weight, *finding.spoils)}
    weights = frozenset(j for j, name in enumerate(training.names) if name in blamed)
    mender = Mender(distinct, weights)
    odd = {laws.step.number: laws.odd_cells(mender) for laws in distinct}
    unlike = {tuple(some) for laws in distinct for some in laws.unexplained}
    for laws, model in zip(every, models, strict=True):
        for first, strange in odd[model.step.number].items():
            stride = training.weights[strange.weight].stride
            cell = first + (laws.step.number - model.step.number) * stride
            lines[strange.weight, strange.kind, cell % stride].setdefault(cell, strange)
    findings = [finding for line in lines.values() for finding in _findings(training, line)]
    notes = [
        Message(
            "not accounted for: {weights} is updated by a different rule from the other weights",
            weights=", ".join(training.names[j] for j in some),
        )
        for some in sorted(unlike)
    ] or [*mender.left]
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
        opposite: set[int] = set()
        for j, options in enumerate(tested.step.claims):
            with suppress(NotUnderstood):
                verdict, claim = tested.best(j, options)
                sure = claim is not None and claim.whole and claim.owner in training.varying
                if claim is not None and sure and verdict <= ClaimVerdict.OPPOSITE:
                    places[j] = options.index(claim)
                    is_opposite = verdict is ClaimVerdict.OPPOSITE
                    signs[j] = -claim.sign if is_opposite else claim.sign
                    opposite.update([j] if is_opposite else [])
        for step in group:
            claims = {j: step.claims[j][k : k + 1] for j, k in places.items()}
            gradients = {j: claim.owner for j, few in claims.items() for claim in few}
            yield Laws(training, step, gradients, signs, opposite)


def _findings(training: SheetTraining, line: Mapping[Address, OddCell]) -> Iterator[Finding]:
    """Findings for the odd cells of a line, sheet by sheet; including those before the first one,
    where memory begins, and those after the last update, which nothing uses."""
    book, told = training.book, next(iter(line.values()))
    stride = training.weights[told.weight].stride
    right = {c: book.reader.read_typed(odd.right.text_at(c), c) for c, odd in line.items()}
    for last, away in ((min(line), -stride), (max(line), stride)):
        cell = last + away
        while cell not in training.weight_cells and training.repeats(cell, last):
            there = training.on_sheet_of(cell, right[last])
            if training.would_use_blank(cell, there):
                break  # where it begins, it is right
            right[cell] = there
            cell += away
    for cells in by_sheet(right):
        first, name = cells[0], training.names[told.weight]
        quantity = training.name_of(first)
        found = finding_in(book, cells, told.kind, quantity, told.why, name, right[first])
        yield replace(found, fixes={name_of(c): f"={right[c].text_at(c)}" for c in cells})


@dataclass(frozen=True)
class Laws(WeightRules):
    """The rules of one step, compared with each other."""

    def odd_cells(self, mender: Mender) -> dict[Address, OddCell]:
        """The odd cells of this step, each once."""
        found: dict[Address, OddCell] = {}
        with suppress(NotUnderstood):
            unlike = list(self._unlike_others())
            departing = {odd.weight for odd in unlike}
            suspected = (some for some in self.alike if mender.broken(self, some[0]))
            explained = mender.blamed.intersection(self.opposite)
            unexplained = (j for j in chain(*suspected) if j not in explained)
            for j in filter(partial(mender.broken, self), unexplained):
                is_wanted = self._is_like_others if j in departing else bool
                mends = mender.likeliest(self, j, is_wanted)
                found |= {odd.cell: odd for odd in mends}
                departing -= {odd.weight for odd in mends}
            found |= {odd.cell: odd for odd in unlike if odd.weight in departing}
        return found

    def _is_like_others(self, mends: Collection[OddCell]) -> bool:
        """Whether edits make a weight change as the most frequent rule does."""
        model = RuleTrial(self, self.alike[0][0])
        (weight,) = {odd.weight for odd in mends}
        mended = RuleTrial(self, weight, {odd.cell: odd.right for odd in mends})
        return agree(model.change(model.known), mended.change(mended.known))

    @property
    def extent(self) -> int:
        """How many cells its rules have, with their memories."""
        return sum(len(way) + len(self.memories[j]) for j, way in self.ways.items())

    @property
    def unexplained(self) -> list[list[int]]:
        """The weights with a rule that certainly differs from the usual one."""
        return [some for some in self.alike[1:] if self.is_unlike(some[0])]

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
                same = next((some for some in alike if self._belongs(j, some)), None)
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
        if not RuleTrial(self, weight).is_closed:
            return False  # each may be scaled by its own second slope
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

    def _belongs(self, weight: int, others: Sequence[int]) -> bool:
        """Whether a weight has the rule of others, in particular of those of its kind."""
        alike = (j for j in others if self._kinds[j] == self._kinds[weight])
        return self._is_choice(weight, next(alike, others[0]))

    @cached_property
    def _kinds(self) -> list[str]:
        """The kind of each weight by its heading, such as w and b; "" without one."""
        return [stem_of(self.training.book, weight) for weight in self.training.weights]

    def _is_choice(self, weight: int, other: int) -> bool:
        """Whether two weights have one rule, apart from separate rates, decay in one of them, or a
        decay of each kind."""
        a, b = self.changes[weight], self.changes[other]
        if agree(a, b):
            return True
        decays_in_one = not (self._unused(weight) ^ self._unused(other)).isdisjoint(WEIGHTS)
        if decays_in_one or self._have_own_decay(weight, other):
            a, b = (
                self.change(j, self.turn(j, dict.fromkeys(WEIGHTS, 0.0))) for j in (weight, other)
            )
            if agree(a, b):
                return True
        own, theirs = (self._settings(j) for j in (weight, other))
        leaf = self.tested.random.leaf
        return any(agree(a * leaf(c), b * leaf(d)) for d in own - theirs for c in theirs - own)

    def _have_own_decay(self, weight: int, other: int) -> bool:
        """Whether weights of two kinds shrink by formulas that differ only in numbers, or in fixed
        settings of their own."""
        both, training = (weight, other), self.training
        patterns = training.book.patterns
        each = [Counter(patterns[cell].kindred for cell in self.ways[j]) for j in both]
        if self._kinds[weight] == self._kinds[other] or each[0] != each[1]:
            return False
        used = [set(chain.from_iterable(map(training.flow.sources, self.ways[j]))) for j in both]
        fixed = [some & training.fixed_references.keys() for some in used]
        is_own = len(fixed[0] - fixed[1]) == len(fixed[1] - fixed[0])
        return is_own and all(np.all(RuleTrial(self, j).decay < 0) for j in both)

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
        trial = RuleTrial(self, weight)
        own = len(self._unused(weight)) + trial.unusual + len(trial.broken) + no_rate
        return departing, strangers + own

    # Which cells are odd ----------------------------------------------------------------

    def _culprits(self, weight: int, model: int) -> Iterator[OddCell]:
        """The cells of a weight's rule whose formulas differ from the usual rule's, searched for
        from both updates backwards: if two formulas differ only in their cells, these are
        compared."""
        patterns = self.training.book.patterns
        others = set(chain.from_iterable(way for j, way in self.ways.items() if j != weight))
        apart = others.union(self.owned, self.training.weight_cells)
        waiting = [(self.updates[weight], self.updates[model])]
        strides = self._stride(weight), self._stride(model)
        known: set[Address] = set()
        while waiting:
            cell, like = waiting.pop()
            known.add(cell)
            here, there = list(self._mentions(cell)), list(self._mentions(like))
            is_alike = patterns[cell].shape == patterns[like].shape and len(here) == len(there)
            numbers, usual = self.turn(weight), self.turn(model)
            differing = [
                (a, b)
                for (a, node), (b, other) in zip(here, there, strict=False)
                if is_alike and (cell - a, like - b) != strides
                if not agree(numbers.of(node), usual.of(other))
            ]
            further = [
                (a, b)
                for a, b in differing
                if a != b and {a, b} <= patterns.keys() and a not in apart and b not in self.owned
            ]
            waiting += [both for both in further if both[0] not in known]
            if not further or len(further) < len(differing):
                right = self._rewritten(like, model, cell, weight)
                if right is not None and not right.is_copy_of(patterns[cell]):
                    yield self._odd_cell(weight, cell, right, like, model)

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
        own, usual, past = self.turns[weight], self.turns[model], self.training.past
        places = {role: at for at, (j, role) in self.owned.items() if j == weight}
        roles = ((at, role) for at, (j, role) in self.owned.items() if j == model)
        found = {at: places[role] for at, role in roles if role in places}
        for at in self.ways[model]:
            same = next((c for c in self.ways[weight] if agree(own[c], usual[at])), None)
            there = self._counterpart(at, weight) if same is None and at != like else same
            if there is not None:
                found.setdefault(at, there)
                found.setdefault(past(at, self._stride(model)), past(there, self._stride(weight)))
        found[past(like, self._stride(model))] = past(cell, self._stride(weight))
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
        if len(found) > 1:  # such as a corrected mean beside a corrected square
            found = [other for other in found if other not in self.ways[weight]]
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
                other=book.name_of(like, cell),
                weight=names[model],
            )
            return OddCell(weight, cell, EditKind.FORMULA.value, right, why)
        gradients = set(self.gradients.values())
        kind = OTHER_GRADIENT if {taken[0], meant[0]} <= gradients else EditKind.REFERENCE.value
        owner = self.owned.get(taken[0], (weight,))[0]
        if owner == weight:
            owner = next((j for j, way in self.ways.items() if taken[0] in way), weight)
        needed = book.name_of(meant[0], cell)
        said = {"cell": book.name_of(taken[0], cell), "weight": names[weight], "right": needed}
        why = Message("{cell} isn't what the other weights use: {weight} needs {right}", **said)
        if owner != weight:
            other = names[owner]
            why = Message("{cell} belongs to {other}; {weight} needs {right}", other=other, **said)
        return OddCell(weight, cell, kind, right, why)
