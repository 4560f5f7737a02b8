"""A formula that computes from its own place which cell it means is read as naming that cell."""

from __future__ import annotations

from gradbook.cells.computed_places import close_ranges, with_each_sheet, with_places
from gradbook.cells.formula.syntax import read, write
from gradbook.cells.read import read_book
from tests.audit.material.small import at, saved
from tests.cases import for_each


@for_each(
    ("formula", "home", "plain"),
    [
        ("INDEX(A:A,14+INT((ROW()-18)/8)*8)-$C$9*INDEX(AN:AN,ROW()-4)", "A30", "A22-$C$9*AN26"),
        ("INDEX($A$2:$B$5,MOD(ROW()-2,4)+1,2)", "C9", "$B$5"),
        ("INDEX(A1:D1,COLUMN()-4)", "F7", "B1"),
        ("INDEX(Net!$A:$B,ROW(),2)", "F7", "Net!$B7"),
        ("OFFSET($A$2,MOD(ROW()-3,4),0)*2", "C9", "$A$4*2"),
        ("OFFSET(A1,-1+ROW(B3),)", "C9", "A3"),
        ('INDIRECT("B"&ROW()-1)+1', "C9", "B8+1"),
        ("OFFSET(C9,-1,0)-$B$1*OFFSET(Net!$F$9,-1,0)", "C9", "C8-$B$1*Net!$F$8"),
        ("INDEX($A$2:B5,3,2)", "C9", "$B$4"),
    ],
)
def test_the_cell_is_named(formula, home, plain):
    assert with_places(formula, at(home)) == plain


@for_each(
    "formula",
    [
        "INDEX(A:A,B1)",  # what stands in B1 isn't known here
        "INDEX(A:A,B1+ROW())",
        "INDEX(A1:A3,ROW())",  # beyond the range
        "INDEX(A:A,ROW()/0)",
        "OFFSET(A1,-ROW(),0)",
        'INDIRECT("no cell"&ROW())',
        "INDEX(A:A,ROW()",
    ],
)
def test_what_cannot_be_known_stays(formula):
    assert with_places(formula, at("C9")) == formula


def test_it_is_shown_as_it_was_typed(tmp_path):
    cells = {"A1": 1.0, "A2": "=INDEX(A:A,ROW()-1)*2"}
    book = read_book(saved(tmp_path / "book.xlsx", cells))
    assert book.formula(at("A2")) == "=INDEX(A:A,ROW()-1)*2"
    assert book.patterns[at("A2")].text == "A1*2"


@for_each(
    ("formula", "plain"),
    [
        ("SUM(B:B)/COUNT($B:C)", "SUM(B$1:B$40)/COUNT($B$1:C$40)"),
        ("AVERAGE(S!B1:B1048576)", "AVERAGE(S!B$1:B$40)"),
        ("SUM(2:$3)+MAX(S!5:5)", "SUM($A2:$F$3)+MAX(S!$A5:$F5)"),
        ("SUM(B1:B20)+B2", "SUM(B1:B20)+B2"),
        ("INDEX(B:B,C2)", "INDEX(B:B,C2)"),  # a single cell of them
    ],
)
def test_what_is_gathered_of_whole_columns_and_rows_ends_with_the_sheet(formula, plain):
    assert write(close_ranges(read(formula), lambda sheet: (40, 6))) == plain


def test_a_whole_column_is_shown_as_it_was_typed(tmp_path):
    cells = {"A1": 1.0, "A3": 2.0, "B1": "=SUM(A:A)"}
    book = read_book(saved(tmp_path / "book.xlsx", cells))
    assert book.formula(at("B1")) == "=SUM(A:A)"
    assert book.patterns[at("B1")].text == "SUM(A$1:A$3)"


@for_each(
    ("formula", "plain"),
    [
        ("SUM(Jan:Mar!B2)", "SUM('Jan'!B2,'Feb'!B2,'Mar'!B2)"),
        ("MAX('Mar:Jan'!B$2:C3)+A1", "MAX('Jan'!B$2:C3,'Feb'!B$2:C3,'Mar'!B$2:C3)+A1"),
        ('"Jan:Mar!B2"&A1', '"Jan:Mar!B2"&A1'),
        ("SUM(Jan:May!B2)", "SUM(Jan:May!B2)"),  # no such sheet
    ],
)
def test_a_reference_across_sheets_means_each(formula, plain):
    assert with_each_sheet(formula, ["Jan", "Feb", "Mar", "Sum"]) == plain
