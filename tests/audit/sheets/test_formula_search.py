"""Mistakes planted in formulas: which cell is named, and what should stand there.

The books are two layouts of small networks, right by finite differences of their own loss.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gradbook.audit.sheets.book_steps import JudgedBook, judge_book
from gradbook.cells.budget import budget_of_book
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import column_of, letters, row_of
from gradbook.cells.read import read_book
from tests.audit.material.made import Content, Table

STEPS = 8

# A step a row: two samples of a tanh unit that a second weight carries past it (a skip).
CHAIN = {
    "A": "=A{b}-$L$1*J{b}",  # u
    "B": "=B{b}-$L$1*K{b}",  # v
    "C": "=TANH(A{r}*$M$1)",
    "D": "=TANH(A{r}*$M$2)",
    "E": "=B{r}*C{r}+C{r}*$M$1-$N$1",
    "F": "=B{r}*D{r}+D{r}*$M$2-$N$2",
    "G": "=(E{r}^2+F{r}^2)/2",
    "H": "=E{r}*(B{r}+$M$1)",
    "I": "=F{r}*(B{r}+$M$2)",
    "J": "=H{r}*(1-C{r}^2)*$M$1+I{r}*(1-D{r}^2)*$M$2",
    "K": "=E{r}*C{r}+F{r}*D{r}",
}

# A step a row: a line through two points; each weight has a velocity and a memory of squares.
LINE = {
    "A": "=A{b}-$L$1*G{r}/(SQRT(I{r})+0.01)",
    "B": "=B{b}-$L$1*H{r}/(SQRT(J{r})+0.01)",
    "C": "=A{b}*$M$1+B{b}-$N$1",
    "D": "=A{b}*$M$2+B{b}-$N$2",
    "E": "=C{r}*$M$1+D{r}*$M$2",
    "F": "=C{r}+D{r}",
    "G": "=0.9*G{b}+0.1*E{r}",
    "H": "=0.9*H{b}+0.1*F{r}",
    "I": "=0.99*I{b}+0.01*E{r}^2",
    "J": "=0.99*J{b}+0.01*F{r}^2",
    "K": "=(C{r}^2+D{r}^2)/2",
}

MISTAKES = [
    (CHAIN, "J", "=H{r}*(1-D{r}^2)*$M$1+I{r}*(1-D{r}^2)*$M$2", "another reference"),
    (CHAIN, "J", "=H{r}*(1-C{r}^2)*$M$1", "a path left out"),
    (CHAIN, "H", "=E{r}*B{r}", "the skip's path left out"),
    (CHAIN, "K", "=E{r}*C{r}-F{r}*D{r}", "a sign"),
    (CHAIN, "B", "=B{b}-$L$1*J{b}", "the other weight's gradient"),
    (CHAIN, "I", "=F{r}*(B{b}+$M$2)", "the weight of the step before"),
    (LINE, "F", "=C{r}+C{r}", "the other sample forgotten"),
    (LINE, "H", "=0.9*H{b}+0.1*E{r}", "a memory of the other gradient"),
    (LINE, "J", "=0.99*J{b}+0.01*F{r}", "no square"),
    (LINE, "B", "=B{b}-$L$1*H{r}/(J{r}+0.01)", "no root"),
    (LINE, "H", "=0.9*H{b}+0.01*F{r}", "another share"),
]


@pytest.mark.parametrize("formulas", [CHAIN, LINE])
def test_a_book_without_a_mistake_is_right(formulas: dict[str, str], tmp_path: Path) -> None:
    judged = judgement(formulas, tmp_path)
    assert judged.word == "right"
    assert not judged.blamed


@pytest.mark.parametrize(("formulas", "column", "mistake", "_"), MISTAKES)
def test_the_cell_with_the_mistake_is_named_and_corrected(
    formulas: dict[str, str], column: str, mistake: str, _: str, tmp_path: Path
) -> None:
    judged = judgement({**formulas, column: mistake}, tmp_path)
    assert judged.word == "wrong"
    assert {letters(column_of(cell)) for cell in judged.blamed} == {column}
    (edit,) = judged.edits
    text = next(iter(edit.patterns.values())).text
    corrected = {**formulas, column: f"={_as_template(text, edit.cells[0])}"}
    assert judgement(corrected, tmp_path).word == "right"


def _as_template(text: str, cell: int) -> str:
    """A formula of one row as one of any row."""
    row = row_of(cell) + 1
    for name, number in (("{r}", row), ("{b}", row - 1)):
        for letter in "ABCDEFGHIJK":
            text = text.replace(f"{letter}{number}", f"{letter}{name}")
    return text


def judgement(formulas: dict[str, str], folder: Path) -> JudgedBook:
    cells: dict[tuple[int, int], Content] = {
        (0, 11): 0.2,
        (0, 12): 0.7,
        (1, 12): -1.3,
        (0, 13): 0.4,
        (1, 13): 0.9,
    }
    typed = {"A": 0.3, "B": -0.6}
    if formulas["G"].startswith("=0.9"):
        typed |= {"G": 0.02, "H": 0.03, "I": 0.05, "J": 0.04}
    for row in range(3, 3 + STEPS):
        for column, formula in formulas.items():
            place = row - 1, ord(column) - ord("A")
            if row > 3:
                cells[place] = formula.format(r=row, b=row - 1)
            elif column in typed:
                cells[place] = typed[column]
            elif not any(f"{letter}{{b}}" in formula for letter in formulas):
                cells[place] = formula.format(r=row)
    with budget_of_book():
        book = read_book(Table({"Net": cells}).save(folder / "book.xlsx"))
        flow = Flow(book)
        fill_in(book, flow)
        return judge_book(book, flow)
