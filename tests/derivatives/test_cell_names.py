"""Which cells words mean."""

from __future__ import annotations

import pytest
import xlsxwriter

from gradbook.cells.read import read_book
from gradbook.derivatives.cell_names import find_cell, find_each
from gradbook.errors import UsageError
from tests.cases import for_each
from tests.derivatives.cell_models import STAND, TWO_SHEETS, write_model


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    return read_book(write_model(tmp_path_factory.mktemp("names") / "stand.xlsx", STAND))


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    path = tmp_path_factory.mktemp("names") / "zwei.xlsx"
    return read_book(write_model(path, **TWO_SHEETS))


@for_each("words", ["B13", "b13", "$B$13", "Model.B13", "Model!B13", "'Model!B13'", "model!$B$13",
                    "Profit", "profit", " Profit: "])  # fmt: skip
def test_one_cell_has_many_names(words, stand):
    assert stand.name_of(find_cell(stand, words)) == "Model!B13"


@for_each(
    ("words", "meant"),
    [
        ("Meine Eingaben.B1", "'Meine Eingaben'!B1"),
        ("'Meine Eingaben'!B1", "'Meine Eingaben'!B1"),
        ("'Meine Eingaben!B1'", "'Meine Eingaben'!B1"),
        ("Größe", "'Meine Eingaben'!B1"),
        ("B1", "'Meine Eingaben'!B1"),
        ("Ergebnis.B1", "Ergebnis!B1"),
        ("Höhe über Null", "'Meine Eingaben'!B2"),
    ],
)
def test_sheets_with_spaces_and_labels_of_any_language(words, meant, german):
    assert german.name_of(find_cell(german, words)) == meant


def test_a_cell_without_its_sheet_is_on_the_result_s_sheet_if_something_is_there(german):
    on_result = german.sheet_number("Ergebnis")
    assert german.name_of(find_cell(german, "B2", on_result)) == "Ergebnis!B2"
    assert german.name_of(find_cell(german, "B2")) == "'Meine Eingaben'!B2"


def test_a_list_has_ranges_names_and_labels_each_cell_once(stand, german):
    cells = find_each(stand, "B3:B4, Days,Model.B3")
    assert list(map(stand.name_of, cells)) == ["Model!B3", "Model!B4", "Model!B8"]
    assert len(find_each(german, "'Meine Eingaben'!B1:B2")) == 2


@for_each(
    ("words", "complaint"),
    [
        ("Prifot", "no cell is called 'Prifot': did you mean 'Profit'?"),
        ("B99", "B99 is empty: name a cell with a formula or a number"),
        ("Modell.B3", "there is no sheet 'Modell': did you mean 'Model'?"),
        ("A1:XFD1048576", "is more than 20,000 cells: name fewer"),
        ("B3:B4", "'B3:B4' means 2 cells (Model!B3, Model!B4): name one of them"),
        ("?", "no cell is called '?'"),
    ],
)
def test_what_is_not_there_is_said_with_what_may_be_meant(words, complaint, stand):
    with pytest.raises(UsageError) as refusal:
        find_cell(stand, words)
    assert complaint in str(refusal.value)


def test_a_defined_name_is_a_cell_or_a_range(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(str(tmp_path / "names.xlsx")) as book:
        sheet = book.add_worksheet("S")
        for row in range(4):
            sheet.write(row, 1, row + 1)
        sheet.write("D1", "=SUM(B1:B4)*B2")
        book.define_name("rate", "=S!$B$2")
        book.define_name("all", "=S!$B$1:$B$4")
    read = read_book(tmp_path / "names.xlsx")
    assert read.name_of(find_cell(read, "Rate")) == "S!B2"
    assert len(find_each(read, "all")) == 4


def test_a_label_of_several_cells_asks_for_one(tmp_path):
    cells = {"A1": "x", "B1": 1, "A2": "x", "B2": 2, "A3": "y", "B3": "=B1*B2"}
    book = read_book(write_model(tmp_path / "twice.xlsx", cells))
    with pytest.raises(UsageError, match=r"'x' means 2 cells \(Model!B1, Model!B2\): name one"):
        find_cell(book, "x")


def test_a_cell_without_its_sheet_is_where_it_has_a_number(tmp_path):
    path = tmp_path / "plan.xlsx"
    with xlsxwriter.Workbook(path) as written:
        written.add_worksheet("Notes").write("B6", "Beans")
        written.add_worksheet("Plan").write_formula("B6", "=2*3", None, 6)
    read = read_book(path)
    assert read.name_of(find_cell(read, "B6")) == "Plan!B6"
