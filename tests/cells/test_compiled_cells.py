"""Cells that are computed again and again show what the evaluator shows, and have its slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose, isfinite, isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradbook.cells.book import Book
from gradbook.cells.compiled_cells import CompiledCells
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, name_of
from gradbook.cells.formula.formula_values import LeadsBack
from gradbook.cells.slopes import slopes_of
from tests.audit.material.made import Content
from tests.audit.material.small import at, small
from tests.cases import for_each
from tests.cells.models import MODELS
from tests.cells.test_slopes import EXPRESSIONS, FORMULAS, NUMBER, NUMBERS, OTHERS


def compiled(
    cells: Mapping[str, Content], inputs: Sequence[str], results: Sequence[str]
) -> tuple[CompiledCells, Book, Flow]:
    book, flow = small(cells)
    made = CompiledCells(Evaluation(book, flow), [at(c) for c in inputs], [at(c) for c in results])
    return made, book, flow


def evaluated(
    book: Book, flow: Flow, inputs: Sequence[Address], numbers: Sequence[float]
) -> Evaluation:
    return Evaluation(book, flow, numbers=dict(zip(inputs, numbers, strict=True)))


def near(a: float, b: float, closely: float = 1e-9) -> bool:
    return (isnan(a) and isnan(b)) or isclose(a, b, rel_tol=closely, abs_tol=closely)


def assert_as_evaluated(cells: CompiledCells, book: Book, flow: Flow, result: str) -> None:
    """Compare the result at several points, and its slopes with differences."""
    start = [float(book.values[cell] or 0.0) for cell in cells.inputs]
    for share in (0.0, 0.013, -0.021):
        point = [x * (1 + share) + share for x in start]
        cells.move_to(point)
        expected = evaluated(book, flow, cells.inputs, point).value(at(result))
        assert near(cells.value(at(result)), expected)
    cells.move_to(start)
    gradient = cells.gradient({at(result): 1.0})
    for k, cell in enumerate(cells.inputs):
        slopes = [_by_difference(cells, start, k, at(result), size) for size in (1e-4, 3e-5)]
        is_smooth = isclose(*slopes, rel_tol=1e-4, abs_tol=1e-5) and isfinite(slopes[0])
        if is_smooth:
            agrees = isclose(gradient[k], slopes[1], rel_tol=1e-4, abs_tol=1e-5)
            assert agrees, f"{name_of(cell)}: {gradient[k]}, by a difference {slopes[1]}"


def _by_difference(
    cells: CompiledCells, start: Sequence[float], k: int, result: Address, size: float
) -> float:
    step, ends = size * max(1.0, abs(start[k])), []
    for sign in (1, -1):
        cells.move_to([x + sign * step * (n == k) for n, x in enumerate(start)])
        ends.append(cells.value(result))
    return (ends[0] - ends[1]) / (2 * step)


FLAT_BY_CHOICE = ("ROUND", "FACT")  # held fixed, or as straight as what is rounded


@for_each("formula", [f for f in FORMULAS if not any(word in f for word in FLAT_BY_CHOICE)])
def test_a_formula_has_its_value_and_its_slopes(formula):
    cells, book, flow = compiled(
        {**NUMBERS, **OTHERS, "C1": formula, "C2": "=C1*3"}, list(NUMBERS), ["C2"]
    )
    assert_as_evaluated(cells, book, flow, "C2")


@for_each("formula", FORMULAS)
def test_a_formula_has_the_slopes_of_its_written_derivatives(formula):
    book, _ = small({**NUMBERS, **OTHERS, "C1": formula, "C2": "=C1*3"})
    slopes = slopes_of(book, at("C2"))
    moving = [cell for cell in slopes.inputs if cell in {at(name) for name in NUMBERS}]
    cells = CompiledCells(slopes.cells, moving, [at("C2")])
    cells.move_to([float(book.values[cell] or 0.0) for cell in moving])
    written = slopes.values()
    for cell, slope in zip(moving, cells.gradient({at("C2"): 1.0}), strict=True):
        assert near(slope, written[cell], 1e-7), name_of(cell)


@for_each("model", MODELS.values(), ids=list(MODELS))
def test_a_model_has_the_slopes_of_its_written_derivatives(model):
    book, flow = small(model.cells)
    slopes = slopes_of(book, at(model.result))
    cells = CompiledCells(slopes.cells, slopes.inputs, [at(model.result)])
    cells.move_to([float(book.values[cell] or 0.0) for cell in slopes.inputs])
    written = slopes.values()
    assert near(cells.value(at(model.result)), Evaluation(book, flow).value(at(model.result)))
    for cell, slope in cells.slopes({at(model.result): 1.0}).items():
        assert near(slope, written.get(cell, 0.0), 1e-7), name_of(cell)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(NUMBER, min_size=8, max_size=8, unique=True),
    st.lists(EXPRESSIONS, min_size=2, max_size=2),
)
def test_random_books_are_computed_as_by_the_evaluator(numbers, formulas):
    names = [f"{column}{row}" for column in "AB" for row in (1, 2, 3, 4)]
    made = {
        **dict(zip(names, numbers, strict=True)),
        "C1": f"={formulas[0]}",
        "C2": f"=C1*TANH({formulas[1]})+A1",
    }
    cells, book, flow = compiled(made, names, ["C2"])
    assert_as_evaluated(cells, book, flow, "C2")


# Blocks -----------------------------------------------------------------------------------


def test_a_chain_of_copies_is_computed_as_one_block():
    made = {"A1": 0.5, "B1": "=A1", "B2:B40": "=$A$1*B1*(1-B1)+0.1", "C1": "=SUM(B1:B40)"}
    cells, book, flow = compiled(made, ["A1"], ["C1"])
    assert len(cells._blocks) == 3
    assert_as_evaluated(cells, book, flow, "C1")


def test_two_columns_that_take_each_other_are_computed_in_turn():
    made = {
        "A1": 0.9,
        "B1": 0.2,
        "C1": 0.1,
        "B2:B30": "=B1+$A$1*C1/10",
        "C2:C30": "=C1-$A$1*B1/10",
        "D1": "=B30*C30",
    }
    cells, book, flow = compiled(made, ["A1", "B1"], ["D1"])
    assert_as_evaluated(cells, book, flow, "D1")


def test_one_cell_that_fails_leaves_the_others_of_its_block():
    """It fails at one point only, and decides nothing there."""
    made = {
        "A1": 1.0,
        "B1:B5": "=ROW()*0+2",
        "B3": 0.0,
        "C1:C5": "=$A$1/(B1-$A$1+1)",
        "D1": "=IFERROR(C3,7)",
        "D2": "=SUM(C1:C2)+D1*$A$1",
    }
    cells, book, flow = compiled(made, ["A1"], ["D2"])
    assert_as_evaluated(cells, book, flow, "D2")
    cells.move_to([1.0])
    assert cells.value(at("D1")) == 7.0
    assert isnan(cells.value(at("C3")))
    assert cells.gradient({at("D2"): 1.0}) == [pytest.approx(1.5 + 7.0)]
    cells.move_to([2.5])
    assert cells.value(at("D1")) == 2.5 / -1.5


def test_a_position_that_moves_is_found_anew():
    made = {"A1": 1.0, "B1": 5.0, "B2": 3.0, "C1": "=INDEX(B1:B2,A1)*2", "C2": "=C1^2"}
    cells, _, _ = compiled(made, ["A1", "B2"], ["C2"])
    assert cells.anew == {at("C1")}
    cells.move_to([2.0, 4.0])
    assert cells.value(at("C2")) == 64.0
    assert cells.gradient({at("C2"): 1.0}) == [0.0, 32.0]
    cells.move_to([1.0, 4.0])
    assert cells.value(at("C2")) == 100.0
    assert cells.gradient({at("C2"): 1.0}) == [0.0, 0.0]


def test_a_cell_that_shows_texts_decides():
    made = {"A1": 1.0, "B1": '=IF(A1>2,"much","little")', "C1": '=IF(B1="much",A1^2,A1)'}
    cells, _, _ = compiled(made, ["A1"], ["C1"])
    for number, value, slope in ((1.0, 1.0, 1.0), (3.0, 9.0, 6.0)):
        cells.move_to([number])
        assert cells.value(at("C1")) == value
        assert cells.gradient({at("C1"): 1.0}) == [slope]


def test_slopes_of_several_results_are_mixed():
    cells, _, _ = compiled(
        {"A1": 3.0, "A2": 4.0, "B1": "=A1^2", "B2": "=A1*A2"}, ["A1", "A2"], ["B1", "B2"]
    )
    cells.move_to([3.0, 4.0])
    assert cells.gradient({at("B1"): 2.0, at("B2"): -1.0}) == [8.0, -3.0]


def test_an_input_may_be_blank_or_a_formula():
    cells, _, _ = compiled({"A2": "=1+1", "B1": "=A1*3+A2"}, ["A1", "A2"], ["B1"])
    cells.move_to([5.0, 1.0])
    assert cells.value(at("B1")) == 16.0


def test_what_is_not_understood_is_named():
    cells, _, _ = compiled({"A1": 1.0, "B1": "=NOSUCH(A1)", "C1": "=B1+A1"}, ["A1"], ["C1"])
    cells.move_to([2.0])
    assert isnan(cells.value(at("C1")))
    assert list(cells.not_understood) == [at("B1")]


def test_a_circle_is_refused():
    with pytest.raises(LeadsBack):
        compiled({"A1": 1.0, "B1": "=B2+A1", "B2": "=B1"}, ["A1"], ["B2"])


def test_a_text_of_the_book_never_gets_into_the_code():
    """A book whose texts, names and numbers look like Python is computed, not run."""
    trap = '__import__("os").abort()'
    made = {"A1": 1.0, "D1": trap, "B1": f'=IF(D1="{trap.replace(chr(34), chr(34) * 2)}",A1*2,A1)'}
    cells, _, _ = compiled(made, ["A1"], ["B1"])
    cells.move_to([4.0])
    assert cells.value(at("B1")) == 8.0
