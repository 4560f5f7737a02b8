"""Verdicts of the core on other kinds of books: losses, clocks, memories, and no training."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from gradbook.audit.sheets.book_steps import JudgedBook, judge_book
from gradbook.cells.budget import budget_of_book
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.read import read_book
from tests.audit.material.kinds.catalogue import KINDS
from tests.audit.material.made import Table
from tests.audit.material.ordinary import write_ordinary

STEPS = 12


@pytest.mark.parametrize(
    "kind",
    [
        "Adagrad",  # a memory that takes in the slope before the weight uses it
        "RMSprop, factors typed",
        "samples by INDEX and MOD",  # by a counter
        "logistic regression",  # the targets alternate by a formula
        "Huber's loss",  # bends where the weights of the run don't reach
        "hinge loss",
        "Adadelta",  # whole by a usual loss; another number explains one weight
        "a block of nine rows a step",  # its layers go on from each other, too
        "back through time",  # its chain is the time of one step
    ],
)
def test_a_right_book_is_right(kind: str, tmp_path: Path) -> None:
    assert judgement(KINDS[kind].table, tmp_path).word == "right"


@pytest.mark.parametrize("kind", ["a loan", "exponential smoothing", "a thermostat"])
def test_what_fits_no_model_is_no_training(kind: str, tmp_path: Path) -> None:
    assert judgement(KINDS[kind].table, tmp_path).word == "no training"


@pytest.mark.parametrize("kind", ["a root, by small steps", "Elo's ratings", "an LSTM, forward"])
def test_what_moves_by_no_slope_is_not_condemned(kind: str, tmp_path: Path) -> None:
    assert judgement(KINDS[kind].table, tmp_path).word != "wrong"


@pytest.mark.parametrize("seed", [156, 210, 234, 291, 328])  # loans, remainders, averages
def test_ordinary_sheets_are_not_condemned(seed: int, tmp_path: Path) -> None:
    write_ordinary(tmp_path / "book.xlsx", Random(seed))
    assert judged_file(tmp_path / "book.xlsx").word != "wrong"


@pytest.mark.parametrize("seed", [1, 2])
def test_each_samples_input_may_stand_in_the_update(seed: int, tmp_path: Path) -> None:
    assert judgement(line_by_samples(seed, "*A{row}"), tmp_path).word == "right"


def test_an_update_without_its_input_is_wrong(tmp_path: Path) -> None:
    assert judgement(line_by_samples(1, ""), tmp_path).word == "wrong"


def line_by_samples(seed: int, factor: str) -> Table:
    """A line that is fitted to another sample in each row."""
    draw = Random(seed)
    cells: dict[tuple[int, int], str | float] = {(0, 0): "x", (0, 8): "η", (0, 9): 0.05}
    for column, name in enumerate(("y", "w", "b", "output", "error", "loss"), 1):
        cells[0, column] = name
    for step in range(STEPS):
        row = step + 2
        cells[step + 1, 0] = round(draw.uniform(0.3, 2.0), 2)
        cells[step + 1, 1] = round(draw.uniform(-1.0, 3.0), 2)
        before = factor.format(row=row - 1)
        cells[step + 1, 2] = f"=C{row - 1}-$J$1*F{row - 1}{before}" if step else 0.4
        cells[step + 1, 3] = f"=D{row - 1}-$J$1*F{row - 1}" if step else -0.2
        cells[step + 1, 4] = f"=C{row}*A{row}+D{row}"
        cells[step + 1, 5] = f"=E{row}-B{row}"
        cells[step + 1, 6] = f"=0.5*F{row}^2"
    return Table({"Line": cells})


def judgement(table: Table, folder: Path) -> JudgedBook:
    return judged_file(table.save(folder / "book.xlsx"))


def judged_file(path: Path) -> JudgedBook:
    with budget_of_book():
        book = read_book(path)
        flow = Flow(book)
        fill_in(book, flow)
        return judge_book(book, flow)


@pytest.mark.parametrize(
    ("spoilt", "word"), [({}, "right"), ({"root": "E"}, "wrong"), ({"row 3": "F"}, "wrong")]
)
def test_a_memory_may_begin_a_row_before_the_weights(
    spoilt: dict[str, str], word: str, tmp_path: Path
) -> None:
    assert judgement(line_by_rmsprop(**spoilt), tmp_path).word == word


def line_by_rmsprop(**spoilt: str) -> Table:
    """The first new weight goes on from one at the top; the last mean has a note below it."""
    draw = Random(5)
    cells: dict[tuple[int, int], str | float] = {(0, 0): 0.5, (0, 1): -0.3, (0, 2): 0.05}
    for column, name in enumerate(("x", "y", "w", "b", "mean w", "mean b", "dw", "db")):
        cells[1, column] = name
    cells[2, 4], cells[2, 5] = 0.8, 0.6
    for row in range(4, 4 + STEPS):
        first = row == 4
        cells[row - 1, 0] = round(draw.uniform(0.3, 2.0), 2)
        cells[row - 1, 1] = round(draw.uniform(-1.0, 3.0), 2)
        weight, bias = ("$A$1", "$B$1") if first else (f"C{row - 1}", f"D{row - 1}")
        of_w = spoilt.get("row 3", "G") if row == 6 else "G"
        cells[row - 1, 8], cells[row - 1, 9] = f"={weight}", f"={bias}"
        cells[row - 1, 7] = f"=2*(I{row}*A{row}+J{row}-B{row})"
        cells[row - 1, 6] = f"=H{row}*A{row}"
        cells[row - 1, 2] = f"=I{row}-$C$1*G{row}/SQRT(E{row - 1})"
        cells[row - 1, 3] = f"=J{row}-$C$1*H{row}/SQRT({spoilt.get('root', 'F')}{row - 1})"
        cells[row - 1, 4] = f"=E{row - 1}*0.9+0.1*{of_w}{row}^2"
        cells[row - 1, 5] = f"=F{row - 1}*0.9+0.1*H{row}^2"
    cells[STEPS + 3, 4] = f"=1/E{STEPS + 3}"
    return Table({"RMSprop": cells})
