"""Finds what a formula on the path to the loss leaves out: a bias, one of the terms of a sum.

If only one link is missing, what the gradients have more than the slopes is what comes through it:
the slope at the formula, times what the missing value is for a change of the weight. So the formula
and the value are found together, without a search.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gradbook.audit.edits.formula_edits import Substitute, Substitutes, missing_terms
from gradbook.audit.formulas.points import agree
from gradbook.audit.repair.backward_cells import BackwardCells, PlaceKind, backward_pass
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.repair.wrong_formula import WrongFormula, mentioning, one_edit
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import Edit, references, replace_parts, terms
from gradbook.cells.formula.syntax import Expression, Number, Reference, write
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node

ZERO = Number(0.0)


class MissingLink(NamedTuple):
    """A cell on the path to the loss, and what it should add."""

    to: Address
    is_inside: bool  # whether the sum is a part of its formula
    value: Expression = ZERO


def missing_links(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """Formulas on the path to the loss with the value that they leave out."""
    backward = backward_pass(symptoms)
    if backward is None:
        return
    links = _Links(backward)
    for same in (*links.of_idle_weights(symptoms), *links.of_wrong_cells()):
        yield from links.put_in(same)


class _Links:
    """The values on the path to the loss, and what may be missing between them."""

    def __init__(self, backward: BackwardCells) -> None:
        self.backward, self.tested = backward, backward.under_test
        held = self.tested.cells_of_values
        self.slopes: dict[Node, Array] = {}
        self.links: dict[Node, MissingLink] = {}
        self.units: defaultdict[object, list[Node]] = defaultdict(list)
        patterns = self.tested.training.book.patterns
        for place in backward.places:
            around = [held[user] for user in place.users if user in held]
            cell = held.get(place.of) or (around[0] if len(around) == 1 else None)
            is_whole = place.kind is PlaceKind.WHOLE
            if not is_whole or cell not in patterns or cell in self.tested.training.weight_cells:
                continue
            self.slopes[place.of] = place.slope
            self.links[place.of] = MissingLink(cell, place.of not in held)
            weights = frozenset(np.flatnonzero(np.any(place.effect != 0, axis=1)))
            self.units[weights, patterns[cell].shape, place.of in held].append(place.of)

    def of_idle_weights(self, symptoms: Symptoms) -> Iterator[list[MissingLink]]:
        """Weights on which the loss doesn't depend, and the sums of all samples to which the
        gradient says that they belong."""
        tested = self.tested
        for j in sorted(symptoms.wrong.keys() & self.backward.tops.keys()):
            weight = tested.step.weights[j]
            if weight is None or not tested.has_no_influence(j):
                continue
            claimed = tested.random.of(self.backward.tops[j])
            for same in self.units.values():
                if agree(claimed, np.sum([self.slopes[one] for one in same], axis=0)):
                    links, reference = [self.links[one] for one in same], tested.mentions.reference
                    yield [link._replace(value=reference(weight, link.to)) for link in links]

    def of_wrong_cells(self) -> Iterator[list[MissingLink]]:
        """What the wrong cells of the backward pass have more than the slopes."""
        known: dict[object, list[MissingLink]] = {}
        backward = self.backward
        for meant in backward.roots:
            of, whole = meant.place.of, backward.under_test.random.of(backward.nodes[meant.cell])
            more = np.atleast_1d(whole) / meant.factor - meant.place.slope
            for to, link in self.links.items():
                at_all = agree(more, more * 0) or not np.any(self.slopes[to])
                for value, slope in () if at_all else self._values(of, link):
                    if agree(more, self.slopes[to] * slope):
                        unit = next(u for u, nodes in self.units.items() if to in nodes)
                        known.setdefault(unit, []).append(link._replace(value=value))
                        break
        yield from known.values()

    def _values(self, of: Node, link: MissingLink) -> Iterator[tuple[Expression, Array]]:
        """What a formula may add of a value, each with its slope by the value: the value itself, a
        function of it in a cell, or a term like those that the formula has."""
        tested, held = self.tested, self.tested.cells_of_values
        if of not in held:
            return
        users, known = tested.training.flow.users.get(held[of], ()), tested.graph.known
        cells = [held[of], *(cell for cell in users if known.get(cell) in held)]
        for cell in cells:
            node = tested.graph.known[cell]
            if link.to != cell and link.to not in tested.made_of([cell]) and isinstance(node, Node):
                slope = gradients(node, [of])[of]
                yield tested.mentions.reference(cell, link.to), tested.random.of(slope)
        formula = tested.formula(link.to)
        if formula is None or formula.expression is None:
            return
        own = tested.mentions.reference(held[of], link.to)
        for sign, term in terms(formula.expression):
            some = {*references(term)}
            if sign > 0 and len(some) == 1 and not isinstance(term, Reference):
                instead: dict[Expression, Expression] = {some.pop(): own}
                like = replace_parts(term, instead.get)
                if link.to not in tested.made_of([held[of]]):
                    mentions = mentioning(tested, formula, like)
                    node = tested.graph.expression(like, link.to, mentions)
                    yield like, tested.random.of(gradients(node, [of])[of])

    def put_in(self, links: Sequence[MissingLink]) -> Iterator[Hypothesis]:
        """The formulas with what they leave out."""
        each = [list(self._with_term(link)) for link in links]
        for together in zip(*each, strict=False):
            cells = tuple(link.to for link in links)
            texts = tuple(text for text, _ in together)
            yield Hypothesis(Cause.COLUMN, cells, texts, (together[0][1],))

    def _with_term(self, link: MissingLink) -> Iterator[tuple[str, Edit]]:
        tested, formula = self.tested, self.tested.formula(link.to)
        if formula is None:
            return
        mentions = mentioning(tested, formula, link.value)
        added = tested.graph.expression(link.value, link.to, mentions)
        wrong = WrongFormula.at(tested, link.to, tested.graph.node(link.to) + added)
        if wrong is None:
            return
        found = None if link.is_inside else one_edit(wrong)
        if found is not None:
            yield found.formulas[0], found.edits[0]
            return
        term = [Substitute(link.value, wrong.value_of(link.value))]
        for some in missing_terms(wrong.evaluation, Substitutes((), (), list, lambda: term)):
            for k in range(len(some)):
                yield write(some[k].apply_to(wrong.expression)), some[k]
