"""Formulas in OpenDocument's grammar, and our own .ods read back by the audit."""

from __future__ import annotations

import re
import zipfile
from xml.etree import ElementTree

import pytest

from gradbook.audit.check import check
from gradbook.audit.workbook.openformula import translate
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.opendocument.formulas import open_formula, open_range
from gradbook.targets.excel.opendocument.styles import number_style
from gradbook.targets.excel.plan.columns import Exercise

FORMULAS = {
    "=A1+$B$2": "of:=[.A1]+[.$B$2]",
    "=SUM(A1:B3,Net!C2)": "of:=SUM([.A1:.B3];[$Net.C2])",
    "='Learning rates'!$B$5*2": "of:=[$'Learning rates'.$B$5]*2",
    '=IF(A1="B2, not C3","",η)': 'of:=IF([.A1]="B2, not C3";"";η)',
    "=LOG10(A1)+start_w1+w1_start": "of:=LOG10([.A1])+start_w1+w1_start",
    "=1E5*MAX(AB12:AC13)": "of:=1E5*MAX([.AB12:.AC13])",
    "='it''s'!A1": "of:=[$'it''s'.A1]",
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_in_opendocuments_grammar_is_the_same_when_read(formula):
    said = open_formula(formula)
    assert said == FORMULAS[formula]
    assert translate(said) == formula.removeprefix("=")


def test_cells_outside_of_formulas_name_their_sheet():
    assert (
        open_range("='Learning rates'!$A$1:$B$2") == "$'Learning rates'.$A$1:$'Learning rates'.$B$2"
    )
    assert open_range("B7", "it's") == "$'it''s'.B7"
    with pytest.raises(ValueError, match="no cells"):
        open_range("=1+2")


def test_a_format_that_has_no_style_is_no_silent_loss():
    assert 'decimal-places="6"' in number_style("n", "0.000000")
    assert "value()&gt;=0.0001" in number_style(
        "n", "[>=0.0001]0.000000;[<=-0.0001]-0.000000;0.00E+00"
    )
    with pytest.raises(ValueError, match="no style"):
        number_style("n", "yyyy-mm-dd")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("books")
    for end in ("ods", "xlsx"):
        write_workbook(builtin("worked"), folder / f"worked.{end}", epochs=9, rates=(0.5, 20))
        exercise = Exercise(student="7", seed=7)
        write_workbook(builtin("worked"), folder / f"exercise.{end}", epochs=9, exercise=exercise)
    return folder


def test_every_part_is_xml_and_listed(written):
    with zipfile.ZipFile(written / "worked.ods") as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        listed = re.findall(r'full-path="([^"]*)"', book.read("META-INF/manifest.xml").decode())
        parts = [
            name for name in book.namelist() if name not in ("mimetype", "META-INF/manifest.xml")
        ]
        assert sorted(part for part in listed if not part.endswith("/")) == sorted(parts)
        for part in parts:
            if part.endswith(".xml"):
                ElementTree.fromstring(book.read(part))


def test_the_same_book_is_the_same_bytes(written, tmp_path):
    again = write_workbook(builtin("worked"), tmp_path / "a.ods", epochs=9, rates=(0.5, 20)).path
    assert again.read_bytes() == (written / "worked.ods").read_bytes()


@pytest.mark.parametrize("name", ["worked", "exercise"])
def test_the_audit_says_the_same_of_both(written, name):
    both = [check(written / f"{name}.{end}") for end in ("xlsx", "ods")]
    assert both[0].verdict == both[1].verdict
    assert [s.findings for s in both[0].sheets] == [s.findings for s in both[1].sheets]
    assert both[0].notes == both[1].notes
