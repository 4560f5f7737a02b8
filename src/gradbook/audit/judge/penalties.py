"""Compares weight decay in updates with the penalty for large weights that a cost adds to the loss.

A cost is a cell that adds such a penalty to the loss, and that no gradient is computed from. Decay
in the updates alone or a penalty in the cost alone is a choice. If both are there, the updates must
subtract the slope of the penalty: a penalty of λ·w² has the slope 2·λ·w.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isclose, nan

import numpy as np

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.formulas.points import CLOSE, Numbers, agree
from gradbook.audit.judge.update_judgement import KIND, update_like, usual_form
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.weight_columns import said_in
from gradbook.cells.formula.address import Address, by_sheet, name_of
from gradbook.cells.formula.expression import EditKind, terms, total
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.syntax import Expression, Infix, Number, write
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.language.message import Message, WrittenNumber

OFTEN = {2.0, 0.5}  # how far both are apart where a ½ or a 2 is forgotten


@dataclass(frozen=True)
class Decay:
    """What an update subtracts: a multiple of the slope of the loss, and a share of the weight."""

    number: int  # of the weight
    times: float
    share: float
    rates: Sequence[Address]  # the settings that it uses


@dataclass(frozen=True)
class PenalisedCost:
    """A cell that adds a penalty for large weights to a loss, or is the loss itself."""

    tested: StepUnderTest
    cell: Address
    penalty: Sequence[Expression]  # the terms that depend on weights alone
    slopes: Mapping[int, Node]  # of the penalty, by the weight

    def findings(self, decays: Sequence[Decay], numbers: Numbers) -> Iterator[Finding]:
        """Findings for a penalty that has another slope than what most updates subtract, and for
        updates without the decay that the others have, or with another."""
        factors: dict[int, float] = {}
        for decay in decays:
            factor = self._factor(decay, numbers)
            if factor is not None:
                factors[decay.number] = factor
        decaying = [d for d in decays if factors.get(d.number, inf) != inf]
        shares = Counter(factors[decay.number] for decay in decaying)
        usual, count = next(iter(shares.most_common(1)), (nan, 0))
        if usual == 1 and 2 * count > shares.total():
            models = {number for number, factor in factors.items() if factor == 1}
            for number, factor in factors.items():
                if number not in models:
                    yield from self._of_the_update(number, factor, models)
        elif len(shares) == 1 and usual in OFTEN:
            leaf = self.tested.random.leaf  # the multiple of the slope is a setting and no more
            if all(any(isclose(d.times, leaf(c)[0]) for c in d.rates) for d in decaying):
                yield from self._of_the_cost(usual)

    def _factor(self, decay: Decay, numbers: Numbers) -> float | None:
        """The slope of the penalty divided by what an update subtracts besides the slope of the
        rest; None if the penalty doesn't have that weight, infinite if the update lacks it."""
        base, node = self.tested.step.weights[decay.number], self.slopes.get(decay.number)
        if node is None or base is None or not np.any(numbers.of(node)):
            return None
        with np.errstate(all="ignore"):
            slope, weight = numbers.of(node), numbers.of(self.tested.graph.node(base))
            taken = decay.share / decay.times * weight
            if self.cell in self.tested.step.loss.cells:
                taken = taken + slope
            ratio = slope / taken
        if np.all(np.abs(taken) <= CLOSE * np.abs(slope)):
            return inf
        known = ratio[np.isfinite(ratio)]
        if not known.size or not agree(known, np.full_like(known, np.median(known))):
            return nan
        return float(f"{np.median(known):.9g}")

    def _of_the_cost(self, factor: float) -> Iterator[Finding]:
        training, book = self.tested.training, self.tested.training.book
        said = said_in(book, self.cell)
        if said is None:
            return
        by = Number(max(factor, 1 / factor))
        mended = [
            (sign, Infix("/" if factor > 1 else "*", part, by) if part in self.penalty else part)
            for sign, part in terms(said)
        ]
        right = book.reader.pattern(write(total(mended)), self.cell)
        why = Message(
            "the slope of its penalty is {factor} times what the updates subtract: λ·w² has the "
            "slope 2·λ·w, and λ/2·w² has λ·w",
            factor=WrittenNumber(write(Number(factor))),
        )
        for cells in by_sheet(c for c in training.computed_cells if training.repeats(c, self.cell)):
            there = training.on_sheet_of(cells[0], right)
            name = training.name_of(cells[0])
            yield finding_in(book, cells, EditKind.NUMBER.value, name, why, "", there)

    def _of_the_update(self, number: int, factor: float, models: set[int]) -> Iterator[Finding]:
        training = self.tested.training
        cells, name = training.weights[number].updates, training.names[number]
        right = usual_form(self.tested, number, models)
        _, claim = self.tested.best(number, self.tested.step.claims[number])
        if right is None and claim is not None:
            base, home = training.weights[number].steps[0]
            right = update_like(self.tested, [claim.owner], base, home, models)
        said = {"cell": name_of(cells[0]), "weight": name}
        why = Message(
            "{cell} lets {weight} decay by something else than the slope of its penalty in the "
            "cost, unlike the other updates",
            **said,
        )
        if factor == inf:
            why = Message(
                "{cell} doesn't let {weight} decay, unlike the other updates, though the cost has "
                "a penalty for it",
                **said,
            )
        for own in by_sheet(cells):
            there = right and training.on_sheet_of(own[0], right)
            yield finding_in(training.book, own, KIND, name, why, name, there)


def penalised_cost(tested: StepUnderTest) -> PenalisedCost | None:
    """The cost of a step: its loss, or the only cell that uses the loss, if some terms depend on
    weights alone."""
    training, step, flow = tested.training, tested.step, tested.training.flow
    if len(step.loss.cells) != 1 or step.loss.assumption:
        return None
    (loss,) = step.loss.cells
    found = _with_penalty(tested, loss)
    users = training.computed_cells.intersection(flow.users.get(loss, ()))
    while found is None and len(users) == 1:
        found = _with_penalty(tested, min(users), loss)
        place = training.book.patterns[min(users)].repeated_reference
        if place is None or place.at(min(users)) != loss:
            break
        loss = users.pop()
        users = training.computed_cells.intersection(flow.users.get(loss, ()))
    return found


def has_penalty(training: SheetTraining, cell: Address) -> bool:
    """Whether some terms of a cell, though not all, depend on weights alone."""
    said = said_in(training.book, cell)
    added = terms(said) if said is not None else ()
    alone = [_depends_on_weights_alone(training, part, cell) for _, part in added]
    return any(alone) and not all(alone)


def _depends_on_weights_alone(training: SheetTraining, part: Expression, home: Address) -> bool:
    cells = set(training.cells_in(part, home)) & training.varying
    return bool(cells) and all(training.plain(cell) in training.weight_cells for cell in cells)


def _with_penalty(
    tested: StepUnderTest, cell: Address, loss: Address | None = None
) -> PenalisedCost | None:
    """A cell, if some terms of it depend on weights alone, and the rest, if it is known, is the
    loss."""
    training, graph = tested.training, tested.graph
    said = said_in(training.book, cell)
    added = terms(said) if said is not None else ()
    penalty = [term for term in added if _depends_on_weights_alone(training, term[1], cell)]
    rest = [training.cell_of(part, cell) for sign, part in added if (sign, part) not in penalty]
    if not penalty or not rest or (loss is not None and rest != [loss]):
        return None
    weights = {j: base for j, base in enumerate(tested.step.weights) if base is not None}
    with suppress(NotUnderstood):
        nodes = {j: graph.node(base) for j, base in weights.items()}
        whole = sum(
            (sign * graph.expression(part, cell) for sign, part in penalty),
            graph.graph.constant(0.0),
        )
        slopes = gradients(whole, list(nodes.values()))
        return PenalisedCost(
            tested, cell, [part for _, part in penalty], {j: slopes[n] for j, n in nodes.items()}
        )
    return None
