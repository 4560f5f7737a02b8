"""Verdicts of the core on workbooks: our own networks as plain cells, right and spoilt."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gradbook.audit.sheets.book_steps import JudgedBook, judge_book
from gradbook.cells.budget import budget_of_book
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import column_of, letters, row_of
from gradbook.cells.read import read_book
from tests.audit.material.made import Content, Table, known_table, random_network
from tests.audit.material.tables import Columns

EPOCHS = 6
NETWORKS = [random_network(random.Random(seed)) for seed in range(4)]


@pytest.mark.parametrize("text", NETWORKS)
def test_a_networks_workbook_is_right(text: str, tmp_path: Path) -> None:
    judged = judgement(known_table(text, EPOCHS), tmp_path)
    assert judged.word == "right"
    assert judged.verdict
    assert judged.verdict.reading
    assert judged.verdict.reading.objective.is_end  # by the loss that it states


@pytest.mark.parametrize("text", NETWORKS)
def test_an_update_with_another_weights_gradient_is_wrong(text: str, tmp_path: Path) -> None:
    table = known_table(text, EPOCHS).copy()
    columns = Columns(table)
    first, second, *_ = columns.gradients
    weight = columns.weights[0]
    for row in columns.rows(weight)[1:]:
        formula = columns.formula(row, weight)
        mistaken = formula.replace(f"{letters(first)}{row}", f"{letters(second)}{row}")
        assert mistaken != formula
        columns.cells[row, weight] = mistaken
    assert judgement(table, tmp_path).word == "wrong"


def test_one_row_that_departs_is_found(tmp_path: Path) -> None:
    table = known_table(NETWORKS[0], EPOCHS).copy()
    columns = Columns(table)
    weight = columns.weights[0]
    row = columns.rows(weight)[3]
    columns.cells[row, weight] = f"{columns.formula(row, weight)}+0.001"
    judged = judgement(table, tmp_path)
    assert judged.word == "wrong"
    assert [(row_of(cell), column_of(cell)) for cell in judged.departing] == [(row, weight)]


def test_a_table_that_only_counts_is_no_training(tmp_path: Path) -> None:
    cells: dict[tuple[int, int], Content] = {(0, 0): 1.0, (0, 1): 100.0}
    for row in range(1, 12):
        cells[row, 0] = f"=A{row}+1"
        cells[row, 1] = f"=B{row}*1.03"
    assert judgement(Table({"Savings": cells}), tmp_path).word == "no training"


def judgement(table: Table, folder: Path) -> JudgedBook:
    with budget_of_book():
        book = read_book(table.save(folder / "book.xlsx"))
        flow = Flow(book)
        fill_in(book, flow)
        return judge_book(book, flow)


def test_samples_that_each_block_repeats_may_be_typed_in_the_first(tmp_path: Path) -> None:
    cells: dict[tuple[int, int], Content] = {(0, 5): 0.1, (0, 3): 0.4}
    for block in range(7):
        top = 4 * block
        for row, (x, t) in enumerate(((0.5, 1.0), (-0.8, 0.2)), start=top + 1):
            for column, number in enumerate((x, t)):
                before = f"={letters(column)}{row - 3}"
                cells[row, column] = before if block else number
            cells[row, 2] = f"=$D${top + 1}*A{row + 1}-B{row + 1}"
        if block:
            first, last = top - 2, top - 1
            cells[top, 3] = f"=D{top - 3}-$F$1*SUMPRODUCT(A{first}:A{last},C{first}:C{last})"
        cells[top + 1, 4] = f"=SUMSQ(C{top + 2}:C{top + 3})/2"
    judged = judgement(Table({"Blocks": cells}), tmp_path)
    assert (judged.word, judged.departing) == ("right", ())
