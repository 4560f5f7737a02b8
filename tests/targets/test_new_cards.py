"""Made-up cards, in every language that a person reads: derivation, drawing, summary, workbook."""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import TargetError
from gradbook.net import parse
from gradbook.net.measure import measure
from gradbook.report.summary import summary_table
from gradbook.report.workbook import write_workbook
from gradbook.targets.drawing import draw
from gradbook.targets.excel.reader import ReaderPlan
from tests.cases import for_each
from tests.outside.witness import read_values, recalculate_all

PIXELS = " ".join(f"{k * 7 % 5 / 5:g}" for k in range(16))
END = f"maxpool 2; flatten; dense 2; wavy; loss toy error\nsample {PIXELS} -> 0 1"
NETS = {
    "flat": """input 2; dense 4; pairnorm epsilon 0.1; wavy; dense 2; wavy; loss toy error; seed 4
    sample 0.5 -1 -> 0 1; sample -2 0.3 -> 1 0.2""",
    "planes": f"input 1x4x4; conv 4 2x2; pairnorm; wavy; {END}",
}
NEAR = 1e-9

pytestmark = pytest.mark.usefixtures("toys")


@for_each("name", NETS)
def test_a_derivation_says_their_ops_in_every_medium(name):
    explained = gb.explain(parse(NETS[name]))
    text = " ".join(str(explained).split())
    for words in ("each, bent somehow", "its pair", "the error: toy error", "groupmean"):
        assert words in text
    assert "(1 − y) ⊙ tanh(2·y)/4" in text
    assert "bent somehow" in explained.html()
    assert r"\tanh" in explained.latex()
    assert r"\tanh" in explained.markdown()


@for_each("name", NETS)
@for_each("numbers", [False, True])
def test_a_drawing_shows_them(name, numbers):
    words = draw(parse(NETS[name]), numbers=numbers).words
    for layer in ("pairnorm", "wavy", "toy error"):
        assert layer in words


@for_each("name", NETS)
def test_a_summary_has_a_row_for_each(name):
    shown = str(summary_table(measure(parse(NETS[name]))))
    assert "pairnorm" in shown
    assert "wavy" in shown


@pytest.mark.witness("libreoffice")
def test_a_workbook_computes_them(tmp_path):
    books = [
        write_workbook(parse(text), tmp_path / f"{name}.xlsx", epochs=5, rates=()).path
        for name, text in NETS.items()
    ]
    for book, again in zip(books, recalculate_all(books, tmp_path / "again"), strict=True):
        computed, written = read_values(again), read_values(book)
        assert computed.keys() == written.keys()
        for sheet, cells in written.items():
            numbers = {cell: x for cell, x in cells.items() if isinstance(x, float)}
            found = [computed[sheet][cell] for cell in numbers]
            np.testing.assert_allclose(found, list(numbers.values()), NEAR, NEAR)


def test_a_workbook_that_reads_says_which_layer_it_has_no_words_for():
    plan = ReaderPlan(parse("input 1x4x4; conv 4 3x3; pairnorm; wavy; flatten; dense 2; softmax"))
    normalised, activated = plan.stages[1:3]
    with pytest.raises(TargetError, match="layer 2: .* has no formula for pairnorm: leave it out"):
        plan.formula(normalised, 0, 0, 0)
    assert "TANH(2*" in plan.formula(activated, 0, 0, 0)


@pytest.mark.usefixtures("six_cards")
def test_nor_has_it_words_for_a_layer_that_sums_with_parameters_of_its_own():
    plan = ReaderPlan(parse("input 1x4x4; conv 2 3x3; flatten; highway; dense 2; softmax"))
    with pytest.raises(TargetError, match="layer 3: .* has no formula for highway: leave it out"):
        plan.formula(plan.stages[1], 0, 0, 0)
