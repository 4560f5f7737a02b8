"""Wrong gradients of a step, and what is known of them before anything is blamed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np

from gradbook.audit.formula.address import Address
from gradbook.audit.judge.step_under_test import Slopes, StepUnderTest
from gradbook.audit.repair.edits.wrong_formula import WrongFormula
from gradbook.audit.repair.hypotheses import Hypothesis
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.workbook.flow import walk
from gradbook.graph.node import Node

MOST_WRONG = 4  # weights that an edit of a column is tried with first


@dataclass
class EarlierRows:
    """What was found out about a training's rows, for mistakes that come again in others."""

    usually_wrong: set[int] = field(default_factory=set)  # weights, in most rows
    in_vain: set[object] = field(default_factory=set)  # wrong claims that no column is to blame for
    columns: list[tuple[SheetStep, Hypothesis]] = field(default_factory=list)
    claims: dict[str, Hypothesis] = field(default_factory=dict)
    mistaken: set[int] = field(default_factory=set)  # weights updated by another's gradient
    updates: list[tuple[StepUnderTest, Hypothesis]] = field(default_factory=list)  # that do so


@dataclass(frozen=True, eq=False)
class Symptoms:
    """Wrong gradients of steps that are alike, by the numbers of their weights."""

    tested: StepUnderTest
    wrong: Mapping[int, Claim]
    earlier: EarlierRows
    usual: Sequence[SheetStep] = ()  # what most steps are like, where these are others
    repaired: frozenset[Address] = frozenset()  # cells that were blamed before
    weight: int | None = None  # the one whose own formula is looked at, if it is one's
    formulas: dict[int, WrongFormula | None] = field(default_factory=dict)  # known so far

    def formula(self, weight: int) -> WrongFormula | None:
        """The formula of a wrong claim; None where it holds a value."""
        if weight not in self.formulas:
            self.formulas[weight] = wrong_formula(self.tested, weight, self.wrong[weight])
        return self.formulas[weight]

    @cached_property
    def claims(self) -> dict[int, Claim]:
        """The wrong claims, and the best reading of the others."""
        found = dict(self.wrong)
        for weight, options in enumerate(self.tested.step.claims):
            if weight not in found and options:
                best = self.tested.best(weight, options)[1]
                if best is not None:
                    found[weight] = best
        return found

    @cached_property
    def slopes(self) -> Slopes:
        """Some of the wrong gradients and a few right ones, to try edits with."""
        others = [weight for weight in sorted(self.claims) if weight not in self.wrong]
        wrong = list(self.wrong)
        spread = wrong[:: max(len(wrong) // MOST_WRONG, 1)][:MOST_WRONG]
        few = [*spread, *others[:: max(len(others) // 2, 1)][:2]]
        return Slopes(self.apart, sorted(few), self.claims)

    @cached_property
    def apart(self) -> StepUnderTest:
        """The step with those cells taken for formulas of their own that an edit may change: cells
        that say the same as others, formulas behind wrong gradients that depend on no weight and,
        where a weight has no influence, those on the way to the loss."""
        tested = self.tested
        cells = [cell for same in _by_node(tested).values() if len(same) > 1 for cell in same]
        cells += self.constant_behind
        if tested.without_influence:
            cells += [*_constant(tested, tested.forward), *self.only_repeating]
        missing = dict.fromkeys(cell for cell in cells if cell not in tested.graph.instead)
        formulas = ((cell, tested.formula(cell)) for cell in missing)
        known = {cell: pattern for cell, pattern in formulas if pattern is not None}
        return tested.with_formulas(known) if known else tested

    @cached_property
    def constant_behind(self) -> list[Address]:
        """The formulas behind wrong gradients that depend on no weight: they may have lost them."""
        owners = [claim.owner for claim in self.wrong.values()]
        return _constant(self.tested, [*owners, *self.tested.made_of(owners)])

    @cached_property
    def only_repeating(self) -> list[Address]:
        """The formulas of the step on the way to the loss that only repeat a number: they may be
        what is left of a product."""
        tested, training = self.tested, self.tested.training
        inside = (cell for cell in tested.forward if cell not in training.weight_cells)
        mentioned = {source for cell in inside for source in training.flow.sources(cell)}
        return sorted(
            cell
            for cell in mentioned & training.book.patterns.keys()
            if training.plain(cell) != cell and tested.positions.row(cell) in tested.positions.rows
        )


def wrong_formula(tested: StepUnderTest, weight: int, claim: Claim) -> WrongFormula | None:
    """The formula of a claim, and what it should be worth."""
    pattern = tested.formula(claim.owner)
    if (
        pattern is None
        or pattern.expression is None
        or claim.owner not in tested.training.book.patterns
    ):
        return None
    true = tested.gradients[weight]
    wanted = tested.random.of(true) * claim.sign
    cell = tested.step.weights[weight]
    if not claim.whole and cell is not None:  # the update, as it goes with the right gradient
        graph, values = tested.graph, tested.random.of
        with np.errstate(all="ignore"):
            start = values(graph.node(cell))
            following = values(graph.expression(pattern.expression, claim.owner, pattern))
            claimed = values(tested.claim_node(claim)) * claim.sign
            wanted = start + (following - start) * wanted / claimed
    target = true if claim.sign > 0 else -true
    return WrongFormula(tested, claim.owner, pattern, pattern.expression, wanted, target)


def _constant(tested: StepUnderTest, cells: Iterable[Address]) -> list[Address]:
    """The formulas behind some cells that depend on no weight, and don't only repeat a number."""
    training, patterns = tested.training, tested.training.book.patterns

    def is_constant(cell: Address) -> bool:
        formula = cell in patterns and cell not in training.varying
        return formula and training.plain(cell) == cell

    def onward(cell: Address) -> Iterable[Address]:
        return filter(is_constant, training.flow.sources(cell))

    behind = (onward(cell) for cell in cells if cell not in training.weight_cells)
    return list(walk(chain.from_iterable(behind), onward))


def _by_node(tested: StepUnderTest) -> dict[Node, list[Address]]:
    """The cells of formulas by what they say: a mistake may make two say the same."""
    found: defaultdict[Node, list[Address]] = defaultdict(list)
    training = tested.training
    for cell, value in tested.graph.known.items():
        if (
            isinstance(value, Node)
            and cell in training.book.patterns
            and cell in training.computed_cells
        ):
            found[value].append(cell)
    return found
