"""A way or a slope that is left out of the chain rule is named as such, and put back."""

from __future__ import annotations

import random
import re

from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from tests.audit.material.made import Content, known_table, random_network
from tests.audit.material.mutants import (
    EPOCHS,
    blamed,
    drawn_style,
    is_right_once_corrected,
)
from tests.audit.material.omissions import omitted
from tests.audit.material.small import saved
from tests.audit.material.styles import STYLES
from tests.audit.material.tables import TRAINING, Columns
from tests.cases import for_each
from tests.report.workbooks import FIRST_ROW

WEIGHTS = {f"w{k}": letter for k, letter in enumerate("EFGHIJKL", 1)}
SUMS = {"h1": "M", "a_h1": "N", "h2": "O", "a_h2": "P", "o1": "Q", "a_o1": "R"} | {
    "o2": "S",
    "a_o2": "T",
    "E1": "U",
    "E2": "V",
    "E_total": "W",
}
GRADIENTS = dict(zip(WEIGHTS, ["X", "Y", "Z", *"ABCDE"], strict=True)) | {
    "w4": "AA",
    "w5": "AB",
    "w6": "AC",
    "w7": "AD",
    "w8": "AE",
}
NUMBERS = 0.05, 0.1, 0.2, 0.9
FIRST, SECOND = "(R2-C2)*R2*(1-R2)", "(T2-D2)*T2*(1-T2)"
SLOPES = {"N": "N2*(1-N2)", "P": "P2*(1-P2)"}
HIDDEN = {"w1": ("I", "K", "N", "A"), "w2": ("I", "K", "N", "B")} | {
    "w3": ("J", "L", "P", "A"),
    "w4": ("J", "L", "P", "B"),
}
OUTPUT = {"w5": (FIRST, "N"), "w6": (FIRST, "P"), "w7": (SECOND, "N"), "w8": (SECOND, "P")}


def hidden(weight: str, ways: str = "({one}+{two})", slope: str = "*{slope}") -> str:
    """A hidden gradient as people type it: both outputs' ways, the slope, the input."""
    one, two, a, i = HIDDEN[weight]
    both = ways.format(one=f"{FIRST}*{one}2", two=f"{SECOND}*{two}2")
    return f"={both}{slope.format(slope=SLOPES[a])}*{i}2"


def book(gradients: dict[str, str]) -> dict[str, Content]:
    """The 2-2-2 exercise over eight rows, with other formulas for some gradients."""
    formulas = {w: hidden(w) for w in HIDDEN} | {w: f"={d}*{a}2" for w, (d, a) in OUTPUT.items()}
    cells: dict[str, Content] = {"AG1": "eta", "AG2": 0.5}
    for name, letter, value in zip(("i1", "i2", "t1", "t2"), "ABCD", NUMBERS, strict=True):
        cells |= {f"{letter}1": name, f"{letter}2:{letter}9": value}
    for k, (weight, letter) in enumerate(WEIGHTS.items()):
        slope = GRADIENTS[weight]
        cells |= {f"{letter}1": weight, f"{letter}2": 0.15 + 0.05 * k}
        cells[f"{letter}3:{letter}9"] = f"={letter}2-$AG$2*{slope}2"
        cells |= {f"{slope}1": f"dE/d{weight}"}
        cells[f"{slope}2:{slope}9"] = {**formulas, **gradients}[weight]
    forward = [
        "=E2*A2+F2*B2",
        "=1/(1+EXP(-M2))",
        "=G2*A2+H2*B2",
        "=1/(1+EXP(-O2))",
        "=I2*N2+J2*P2",
        "=1/(1+EXP(-Q2))",
        "=K2*N2+L2*P2",
        "=1/(1+EXP(-S2))",
        "=0.5*(C2-R2)^2",
        "=0.5*(D2-T2)^2",
        "=U2+V2",
    ]
    for (name, letter), formula in zip(SUMS.items(), forward, strict=True):
        cells |= {f"{letter}1": name, f"{letter}2:{letter}9": formula}
    return cells


def said(path, gradients):
    (sheet,) = check(saved(path, book(gradients))).sheets
    assert sheet.loss == "W2"
    return {f.weight: f for f in sheet.findings}


def test_the_book_is_right_as_it_is(path):
    assert check(saved(path, book({}))).verdict == "right"


@for_each("some", [("w1",), ("w1", "w2"), ("w1", "w2", "w3", "w4")])
def test_the_way_through_an_output_s_error_is_missed(path, some):
    found = said(path, {w: hidden(w, "{one}") for w in some})
    assert set(found) == set(some)
    assert {f.kind for f in found.values()} == {"missing term"}
    assert found["w1"].why == (
        "it lacks the path through E2: add (T2-D2)*T2*(1-T2)*K2 to (R2-C2)*R2*(1-R2)*I2"
    )
    assert {w: f.expected for w, f in found.items()} == {w: hidden(w) for w in some}


def test_the_other_output_s_way_is_missed_though_it_was_alone_the_majority(path):
    found = said(path, {w: hidden(w, "{two}") for w in HIDDEN})
    assert set(found) == set(HIDDEN)
    assert all("lacks the path through E1: add" in f.why for f in found.values())


@for_each("some", [("w3",), ("w1", "w2", "w3", "w4")])
def test_a_hidden_slope_is_missed(path, some):
    found = said(path, {w: hidden(w, slope="") for w in some})
    assert set(found) == set(some)
    assert {f.kind for f in found.values()} == {"missing factor"}
    assert found["w3"].why == "it lacks the slope a_h2·(1−a_h2): multiply by P2*(1-P2)"
    assert found["w3"].expected == hidden("w3", slope="") + "*P2*(1-P2)"


def test_slopes_of_both_outputs_are_missed_in_every_gradient(path):
    some = {w: f"={d.split('*')[0]}*{a}2" for w, (d, a) in OUTPUT.items()}
    some |= {w: hidden(w).replace("*R2*(1-R2)", "").replace("*T2*(1-T2)", "") for w in HIDDEN}
    found = said(path, some)
    assert set(found) == set(WEIGHTS)
    assert found["w8"].why == "it lacks the slope a_o2·(1−a_o2): multiply by T2*(1-T2)"
    assert found["w1"].why == (
        "it lacks the slope a_o2·(1−a_o2): multiply (T2-D2)*K2 by T2*(1-T2); "
        "it lacks the slope a_o1·(1−a_o1): multiply (R2-C2)*I2 by R2*(1-R2)"
    )


def test_a_way_and_a_slope_are_missed_together(path):
    found = said(path, {"w2": hidden("w2", "{one}", "")})
    assert found["w2"].kind == "missing term"
    assert "lacks the slope a_h1·(1−a_h1)" in found["w2"].why
    assert "lacks the path through E2" in found["w2"].why


@for_each("block", range(3))
def test_what_is_left_out_of_random_networks_is_named_and_put_back(path, block):
    """One column's or all columns' way or slope: layers, biases, samples, styles at random."""
    for number in range(5 * block, 5 * block + 5):
        draw, shape = random.Random(number), random.Random(number)
        table = known_table(random_network(shape, shape.choice((1, 1, 2))), EPOCHS)
        sheet = "Samples" if "Samples" in table.sheets else TRAINING
        planted = omitted(Columns(table, sheet), draw)
        if planted is None:
            continue
        spoilt = STYLES[drawn_style(draw)](planted.table)
        report = check(spoilt.save(path))
        assert blamed(report) == spoilt.marked, number
        kinds = {f.kind for s in report.sheets for f in s.findings}
        assert kinds <= {"missing term", "missing factor"}, number
        assert is_right_once_corrected(path, report), number


def test_a_way_through_a_later_step_is_named_where_later_ones_are_right(tmp_path):
    """No gradient of a weight lacks all that comes through that step."""
    written = write_workbook(builtin("echo"), tmp_path / "echo.xlsx", epochs=3, rates=()).path
    book = load_workbook(written)
    heads = {
        cell.value: cell.column_letter for cell in book["Samples"][FIRST_ROW - 1] if cell.value
    }
    way = re.compile(rf"\+\$?{heads['∂E/∂h2(3)']}\d+\*[^+)]*")
    own = heads["∂E/∂h1(2)"]
    changed = 0
    for (cell,) in book["Samples"][f"{own}{FIRST_ROW}:{own}{book['Samples'].max_row}"]:
        cell.value, count = way.subn("", cell.value)
        changed += count
    book.save(written)
    (finding,) = check(written).findings
    assert changed == 3 * len(builtin("echo").samples)
    assert (finding.sheet, finding.quantity) == ("Samples", "∂E/∂h1(2)")
    assert finding.kind == "missing term"
    assert "it lacks the path through a_h2(3)" in str(finding.why)
