"""Columns in which nothing stands are told before anything that counts on them is called right."""

from __future__ import annotations

import pytest

from gradbook.audit.check import check
from tests.audit.material.lookalikes import D1, D2, ROWS, TOP, book, cells, letter


def told(path, *blank, special=None):
    report = check(book(path, dict.fromkeys(blank, ""), special=special or {}))
    return report.verdict, [(f.cells, f.kind) for f in report.findings]


@pytest.mark.parametrize(
    "blank", [["h1"], ["a_h1"], ["h1", "h2"], ["a_h1", "a_h2"], ["o1"], ["a_o1"], ["E1"]]
)
def test_a_blank_column_that_formulas_take_for_0_is_still_to_be_filled_in(blank, path):
    assert told(path, *blank) == ("unfinished", [(cells(name), "to fill in") for name in blank])


def test_what_counts_on_it_is_named(path):
    (finding,) = check(book(path, {"a_h2": ""})).findings
    row = TOP + 2
    assert finding.why == f"{letter('a_h2')}{row} is blank: {letter('o1')}{row} takes it for 0"


def test_a_weight_whose_updates_were_cleared_is_told(path):
    cleared = {("w1", k): "" for k in range(1, ROWS)}
    below = f"{letter('w1')}{TOP + 3}:{letter('w1')}{TOP + 1 + ROWS}"
    assert told(path, special=cleared) == ("unfinished", [(below, "to fill in")])


def test_a_weight_without_a_value_to_begin_with_is_told(path):
    start = f"{letter('w1')}{TOP + 2}"
    assert told(path, special={("w1", 0): ""}) == ("unfinished", [(start, "to fill in")])


def test_a_blank_gradient_leaves_the_others_to_judge(path):
    report = check(book(path, {"∂E/∂w5": ""}))
    assert [f.weight for f in report.findings] == ["w5"]
    assert report.sheets[0].notes == ()


@pytest.mark.parametrize("blank", [["E_total"], ["E1", "E2", "E_total"]])
def test_a_blank_loss_is_told_and_the_gradients_are_judged(blank, path):
    assert told(path, *blank) == ("unfinished", [(cells("E_total"), "to fill in")])
    wrong = {"∂E/∂w5": "=({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{a_h2}"}
    found = check(book(path, {**dict.fromkeys(blank, ""), **wrong})).findings
    assert [f.cells for f in found] == [cells("∂E/∂w5"), cells("E_total")]


@pytest.mark.parametrize("name", ["h2", "a_h1", "E1"])
def test_a_single_blank_cell_lacks_the_formula_of_its_column(name, path):
    (finding,) = check(book(path, special={(name, 2): ""})).findings
    whole = check(book(path)).sheets[0]
    here = f"{letter(name)}{TOP + 4}"
    assert (finding.cells, finding.kind) == (here, "pasted value")
    assert finding.expected.startswith("=")
    assert whole.findings == ()


def test_a_heading_over_nothing_that_nobody_counts_on_is_no_mistake(path):
    def dressed(workbook):
        workbook.worksheets()[0].write(TOP, 0, "remarks")

    assert check(book(path, dressed=dressed)).verdict == "right"


def test_a_total_that_counts_one_error_twice_leaves_out_the_other(path):
    (finding,) = check(book(path, {"E_total": "={E1}+{E1}"})).findings
    assert (finding.cells, finding.kind) == (cells("E_total"), "loss without a term")
    first, second = (f"{letter(name)}{TOP + 2}" for name in ("E1", "E2"))
    assert finding.expected in (f"={first}+{second}", f"={second}+{first}")


DEAD = {  # a unit that is 0 behind a ReLU, which every gradient agrees with
    "a_h1": "=MAX(0,{h1})",
    "∂E/∂w1": f"=({D1}*{{w5}}+{D2}*{{w7}})*({{h1}}>0)*{{i1}}",
    "∂E/∂w2": f"=({D1}*{{w5}}+{D2}*{{w7}})*({{h1}}>0)*{{i2}}",
}


def test_a_product_with_a_cell_that_was_never_filled_in_is_told(path):
    verdict, found = told_with(path, {**DEAD, "h1": "={w1}*$ZZ$99"})
    assert verdict == "wrong"
    assert (cells("h1"), "blank reference") in found


def test_a_blank_term_beside_others_may_be_a_weight_that_is_0(path):
    right = {"a_h1": "=MAX(0,{h1})", "h1": "={i1}*{w1}+{i2}*{w2}+$ZZ$99*{w1}"}
    verdict, found = told_with(path, {**DEAD, **right})
    assert (cells("h1"), "blank reference") not in found
    assert verdict == "right"


def told_with(path, changed):
    report = check(book(path, changed))
    return report.verdict, [(f.cells, f.kind) for f in report.findings]
