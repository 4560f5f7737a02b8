"""OpenDocument's formulas say the same in Excel's grammar."""

from __future__ import annotations

from time import process_time

from gradbook.cells.openformula import translate, translate_place
from tests.cases import for_each


@for_each(
    ("formula", "excels"),
    [
        ("of:=[.A1]*[.$B$2]", "A1*$B$2"),
        ("of:=SUM([.A1:.B3];[$Net.C2];2)", "SUM(A1:B3,Net!C2,2)"),
        ("of:=[$'My Net'.A1]+['It''s'.$B$2:.$C$3]", "'My Net'!A1+'It''s'!$B$2:$C$3"),
        ("of:=[Net.A1:Net.B3]", "Net!A1:B3"),
        ("of:=[$Übung.A1]", "Übung!A1"),
        ("of:=SUM([.A:.A])+SUM([.1:.1])", "SUM(A:A)+SUM(1:1)"),
        ("of:=COM.MICROSOFT.NORM.S.DIST([.A1];1)", "NORM.S.DIST(A1,1)"),
        ("of:=LEGACY.NORMSDIST([.A1])", "NORMSDIST(A1)"),
        ("of:=$$eta*[.B2]^-2%", "eta*B2^-2%"),
        ('of:=IF([.A1]="a;[.B1]";1;2)', 'IF(A1="a;[.B1]",1,2)'),
        ("of:=SUM({1;2|3;4};[.A1])", "SUM({1,2;3,4},A1)"),
        ("of:=[.#REF!]+[$Net.#REF!]", "#REF!+#REF!"),
        ("oooc:=[.A1]+1", "A1+1"),
        ("msoxl:=SUM(A1,B1)", "SUM(A1,B1)"),
        ("=[.A1]", "A1"),
    ],
)
def test_a_formula_is_translated(formula, excels):
    assert translate(formula) == excels


def test_what_excel_has_no_word_for_stays_and_is_not_understood():
    assert translate("of:=SUM([.A1]~[.B1])") == "SUM(A1~B1)"
    assert translate("of:=['file:///other.ods'#$Net.A1]") == "'''file:///other.ods''#$Net'!A1"
    assert translate("of:=[$Net.A1:$Other.B2]") == "'Net:Other'!A1:B2"


def test_a_name_means_a_place():
    assert translate_place("$Net.$A$1:.$B$3") == "Net!$A$1:$B$3"
    assert translate_place("$'My Net'.$A$1:$'My Net'.$A$2") == "'My Net'!$A$1:$A$2"
    assert translate_place("nowhere") == ""


@for_each("part", ["[", "['''", "[a", "A.", "LEGACY.A", '["', "[$", "[.A1:", "['a'#"])
def test_no_formula_takes_long(part):
    start = process_time()
    translate("of:=" + part * 20_000)
    assert process_time() - start < 2
