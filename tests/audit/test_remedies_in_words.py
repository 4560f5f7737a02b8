"""What a student is told to do with a formula gives the formula that is told, and looks like one
that a person would write."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xlsxwriter

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import correct
from gradbook.audit.findings import record_of
from gradbook.cells.formula.changes import change_between, flat
from gradbook.cells.formula.syntax import read
from gradbook.report.audit import audit_text
from tests.audit.material.mutants import mutant
from tests.audit.material.small import saved
from tests.cases import for_each
from tests.cells.formula.test_changes import done_by_hand

CELL = r"\$?[A-Z]{1,3}\$?[0-9]+"
UGLY = [
    r"\^1(?![0-9.])",
    r"[*/]1(?![0-9.:A-Z])",
    r"(?<![0-9.A-Z$^E])1\*",
    r"\(\([^()]*\)\)",
    r"[-+*/]0(?![0-9.])",
    r"--|\+-|-\+",
    rf"(?<![A-Z0-9$!:.])({CELL})[-/]\1(?![0-9(:])",
]
PASTED = ("pasted value", "blank rate", "stale value")


@pytest.mark.filterwarnings("ignore:Unknown sheet name")
@for_each("first", range(4))
def test_a_remedy_is_written_as_a_person_would_and_its_change_gives_it(first, tmp_path):
    made = [mutant(number, (1, 1, 2)) for number in range(40_000 + first, 40_012 + first, 4)]
    for kind, _, table in filter(None, made):
        for finding in check(table.save(tmp_path / "book.xlsx")).findings:
            found, right = finding.formula, finding.expected
            for form in UGLY if finding.kind not in PASTED else ():
                assert re.search(form, found) or not re.search(form, right), (kind, right)
            if finding.change and "…" not in finding.change:
                change = change_between(found, right)
                assert flat(read(done_by_hand(change.tokens, finding.change))) == flat(read(right))


# A line y = w·x + b by matrices, a block of five rows for each step ------------------------------

POINTS, TARGETS = np.array([[0.1, 1], [0.4, 1], [0.7, 1], [0.9, 1]]), np.array([0.3, 0.5, 0.4, 0.8])
RATE = 0.1


def line_by_arrays(path, update="A{0}:A{1}-$E$1*G{0}:G{1}", sign=-1.0, steps=6):
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write("D1", "rate")
        sheet.write("E1", RATE)
        for row, (point, target) in enumerate(zip(POINTS, TARGETS, strict=True)):
            sheet.write_row(row + 1, 0, [*point, target])
        for column, name in {0: "W", 2: "out", 3: "error", 5: "loss", 6: "dW"}.items():
            sheet.write(6, column, name)
        weights = np.array([0.2, -0.1])
        for k in range(steps):
            top = 8 + 5 * k
            sheet.write(top - 2, 0, f"step {k}") if k else None
            out = POINTS @ weights
            slope = POINTS.T @ (out - TARGETS)

            def fill(area, formula, values, top=top):
                area = area.format(top, top + 1, top + 3)
                text = formula.format(top, top + 1, top + 3)
                sheet.write_array_formula(area, f"{{={text}}}", None, values[0])
                column, row = ord(area[0]) - 65, int(re.findall("[0-9]+", area)[0]) - 1
                for more, value in enumerate(values[1:], 1):
                    sheet.write_number(row + more, column, value)

            if k == 0:
                sheet.write_column(top - 1, 0, weights)
            else:
                above = update.format(top - 5, top - 4)
                fill("A{0}:A{1}", above, weights)
            fill("C{0}:C{2}", "MMULT($A$2:$B$5,A{0}:A{1})", out)
            fill("D{0}:D{2}", "C{0}:C{2}-$C$2:$C$5", out - TARGETS)
            loss = float(np.sum((out - TARGETS) ** 2) / 2)
            sheet.write_formula(f"F{top}", f"=SUMSQ(D{top}:D{top + 3})/2", None, loss)
            fill("G{0}:G{1}", "MMULT(TRANSPOSE($A$2:$B$5),D{0}:D{2})", slope)
            weights = weights + sign * RATE * slope
    return path


def test_a_right_book_of_arrays_is_right(tmp_path):
    report = check(line_by_arrays(tmp_path / "book.xlsx"))
    assert (report.verdict, report.findings) == ("right", ())


def test_of_an_array_the_whole_formula_is_corrected_at_once(tmp_path):
    path = line_by_arrays(tmp_path / "book.xlsx", "A{0}:A{1}+$E$1*G{0}:G{1}", 1.0)
    report = check(path)
    (finding,) = report.findings
    assert finding.cells == "A13:A14,A18:A19,A23:A24,A28:A29,A33:A34"
    assert finding.formula == "{=A8:A9+$E$1*G8:G9}"
    assert finding.change == "replace + by -"
    assert finding.expected == "{=A8:A9-$E$1*G8:G9}"
    assert "step" not in finding.quantity
    assert "so the loss grows: subtract it" in finding.why
    path.write_bytes(correct(path, report).content)
    assert check(path).verdict == "right"


# Words ----------------------------------------------------------------------------------------


SLOPE = {  # y = x² − 3x + z², with a legend of what is computed and not a name above it
    "A1": "rate",
    "B1": 0.1,
    "A3": "y",
    "B3": "x",
    "C3": "z",
    "D3": "y.x",
    "E3": "y.z",
    "A4": "(B5^2)-3*B5+(C5^2)",
    "B4": "B5-$B$1*D5",
    "C4": "C5-$B$1*E5",
    "D4": "(2*B5)-3",
    "E4": "2*C5",
    "A5:A16": "=B5^2-3*B5+C5^2",
    "B5": 4,
    "C5": 3,
    "B6:B16": "=B5-$B$1*D5",
    "C6:C16": "=C5-$B$1*E5",
    "D5:D16": "=2*B5-3",
    "E5:E16": "=C5",
}


def test_a_formula_in_a_heading_is_no_name_and_a_missing_2_is_what_is_said(tmp_path):
    report = check(saved(tmp_path / "book.xlsx", SLOPE))
    (finding,) = report.findings
    assert (finding.quantity, finding.change) == ("∂E/∂z", "add 2* at the beginning")
    assert "$" not in finding.why
    assert "no small change" not in audit_text(report)


def test_json_names_the_sheet_the_cells_the_kind_and_the_change(tmp_path):
    report = check(saved(tmp_path / "book.xlsx", SLOPE))
    (told,) = record_of(report)["sheets"][0]["findings"]
    named = {name: told[name] for name in ("sheet", "cells", "kind", "change")}
    assert named == {
        "sheet": "Sheet1",
        "cells": "E5:E16",
        "kind": "missing factor",
        "change": "add 2* at the beginning",
    }


SUMS = {
    "A1": "x",
    "B1": "y",
    "D1": "rate",
    "E1": 0.05,
    "A2:A6": 0.5,
    "A2": 0.1,
    "A3": 0.9,
    "B2": 0.3,
    "B3": 0.2,
    "B4:B6": 0.7,
    "G1": "w",
    "H1": "b",
    "I1": "loss",
    "J1": "dw",
    "K1": "db",
    "G2": 0.4,
    "H2": 0.1,
    "G3:G14": "=G2-$E$1*J2",
    "H3:H14": "=H2-$E$1*K2",
    "I2:I14": "=SUMPRODUCT((G2*$A$2:$A$6+H2-$B$2:$B$6)^2)/5",
    "J2:J14": "=2*SUMPRODUCT((G2*$A$2:$A$6+H2-$B$2:$B$6)*$A$2:$A$6)/5",
}


@for_each(
    "wrong, change",
    [
        ("=2*SUMPRODUCT(G2*$A$2:$A$6+H2-$B$2:$B$6)*$A$6/5", "delete *$A$6"),
        ("=2*SUMPRODUCT(G2*$A$2:$A$6+H2-$B$2:$B$6)/4", "replace 4 by 5"),
        ("=2*SUMPRODUCT(G3*$A$2:$A$6+H2-$B$2:$B$6)/5", "replace G3 by G2"),
        ("=2*SUMPRODUCT(G2*$A$2:$A$6-H2-$B$2:$B$6)/5", "replace $A$2:$A$6-H2 by $A$2:$A$6+H2"),
    ],
)
def test_a_slip_in_or_beside_a_sumproduct_is_one_change_of_it(wrong, change, tmp_path):
    cells = {**SUMS, "K2:K13": wrong, "K14": "=2*SUMPRODUCT(G14*$A$2:$A$6+H14-$B$2:$B$6)/5"}
    report = check(saved(tmp_path / "book.xlsx", cells))
    (finding,) = report.findings
    assert finding.change == change
    assert finding.expected == "=2*SUMPRODUCT(G2*$A$2:$A$6+H2-$B$2:$B$6)/5"
