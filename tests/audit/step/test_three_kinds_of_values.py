"""A cell's value is the same as a number, as numbers at many points and as a node of a graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gradbook.audit.backward.cells_at_points import POINTS, Cells, in_order
from gradbook.audit.formulas.points import Numbers
from gradbook.audit.step.step_graph import StepGraph
from gradbook.cells.book import Book
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.formula_values import LeadsBack
from tests.audit.material.small import at, small
from tests.cases import for_each

NUMBERS = {"A1": 0.7, "A2": -1.3, "A3": 2.1, "A4": "on"}
LEAVES = [at("A1"), at("A2"), at("A3")]


@dataclass(frozen=True, eq=False)
class Whole:
    """A sheet as one step whose weights are typed numbers."""

    book: Book
    flow: Flow

    @property
    def weight_cells(self):
        return LEAVES

    @property
    def varying(self):
        return self.flow.below(LEAVES)

    def plain(self, cell):
        return cell

    def before(self, cell, other):
        return False


def three_values(cells, cell, instead=None):
    """A cell's value in three ways, all by numbers as typed."""
    book, flow = small(cells)
    formulas = {c: book.reader.read_typed(text, c) for c, text in (instead or {}).items()}
    graph = StepGraph(Whole(book, flow), formulas)
    node = graph.node(cell)
    typed = {c: np.full(POINTS, v) if isinstance(v, float) else v for c, v in book.values.items()}
    many = Cells(book, flow, (), in_order(book, flow), typed.get)
    at_points = many.value_of(instead[cell], cell) if instead else many.number(cell)
    return (
        Evaluation(book, flow, formulas).value(cell),
        at_points,
        Numbers(typed.__getitem__, graph.leaf_cells).of(node),
    )


@for_each(
    ("formula", "value"),
    [
        ("=A1*A2+A3^2", 0.7 * -1.3 + 2.1**2),
        ("=SUM(A1:A3)/COUNT(A1:A4)", 0.5),
        ('=IF(A4="on",MAX(A1,A2),0)', 0.7),
        ("=SUMPRODUCT(A1:A3,A1:A3)", 0.7**2 + 1.3**2 + 2.1**2),
        ("=IF(A2>0,1,EXP(A2))", np.exp(-1.3)),
        ("=B2-B1", 0.7 * -1.3 - 1.4),
        ("=A9+A1", 0.7),
    ],
)
def test_all_three_give_what_the_formula_says(formula, value):
    cells = {**NUMBERS, "B1": "=2*A1", "B2": "=A1*A2", "C1": formula}
    for found in three_values(cells, at("C1")):
        assert found == pytest.approx(value)


def test_another_formula_counts_in_all_three():
    cells = {**NUMBERS, "B1": "=2*A1", "C1": "=B1+A2"}
    for found in three_values(cells, at("C1"), {at("C1"): "3*B1-A3"}):
        assert found == pytest.approx(3 * 1.4 - 2.1)


def test_a_circle_is_refused_or_no_number():
    book, flow = small({**NUMBERS, "B1": "=A1+C1", "C1": "=B1*2"})
    assert np.isnan(Evaluation(book, flow).value(at("C1")))
    with pytest.raises(LeadsBack, match="depends on itself"):
        StepGraph(Whole(book, flow), {}).node(at("C1"))
