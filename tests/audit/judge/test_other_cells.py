"""Columns in which nothing stands are told before anything that counts on them is called right."""

from __future__ import annotations

import zipfile

from xlsxwriter import Workbook

from gradbook.audit.check_book import check
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import column_of, name_of, row_of
from gradbook.cells.read import read_book
from tests.audit.material.lookalikes import D1, D2, ROWS, TOP, book, cells, findings, letter
from tests.audit.material.small import saved
from tests.cases import for_each


def told(path, *blank, special=None):
    report = check(book(path, dict.fromkeys(blank, ""), special=special or {}))
    return report.verdict, [(f.cells, f.kind) for f in report.findings]


@for_each("blank", [["h1"], ["a_h1"], ["h1", "h2"], ["a_h1", "a_h2"], ["o1"], ["a_o1"], ["E1"]])
def test_a_blank_column_that_formulas_take_for_0_is_still_to_be_filled_in(blank, path):
    assert told(path, *blank) == ("unfinished", [(cells(name), "to fill in") for name in blank])


def test_what_counts_on_it_is_named(path):
    (finding,) = check(book(path, {"a_h2": ""})).findings
    row = TOP + 2
    assert finding.why == f"{letter('a_h2')}{row} is blank: {letter('o1')}{row} uses it as 0"


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


@for_each("blank", [["E_total"], ["E1", "E2", "E_total"]])
def test_a_blank_loss_is_told_and_the_gradients_are_judged(blank, path):
    assert told(path, *blank) == ("unfinished", [(cells("E_total"), "to fill in")])
    wrong = {"∂E/∂w5": "=({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{a_h2}"}
    found = check(book(path, {**dict.fromkeys(blank, ""), **wrong})).findings
    assert [f.cells for f in found] == [cells("∂E/∂w5"), cells("E_total")]


@for_each("name", ["h2", "a_h1", "E1"])
def test_a_single_blank_cell_lacks_the_formula_of_its_column(name, path):
    (finding,) = check(book(path, special={(name, 2): ""})).findings
    whole = check(book(path)).sheets[0]
    here = f"{letter(name)}{TOP + 4}"
    assert (finding.cells, finding.kind) == (here, "blank cell")
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


# A layer that nothing trains -----------------------------------------------------------


SUMS = {
    "M2": "=A2*C2+B2*G2",
    "N2": "=(A2*D2)+(B2*H2)",
    "O2": "=(A2*E2)+(B2*I2)",
    "P2": "=(A2*F2)+(B2*J2)",
}
WEIGHTS = (0.2, 0.5, 0.4, 0.8, 0.6, 0.7, 0.9, 0.3)


def told_of_neurons(path, **sums):
    """What is said of a hidden layer of four, whose weights C2:J2 stay, below an output whose four,
    V:Y, are trained; the sums in M2:P2 may be others."""
    sheet = {
        "A2": 0.5,
        "B2": 1.0,
        "K2": 0.1,
        "L2": 0.7,
        **{f"{letter}2": value for letter, value in zip("CDEFGHIJ", WEIGHTS, strict=True)},
        **SUMS,
        **sums,
        "Q2:T2": "=1/(1+EXP(-M2))",
        "V1": "v1",
        "W1": "v2",
        "X1": "v3",
        "Y1": "v4",
        **dict.fromkeys(("V2", "W2", "X2", "Y2"), 0.3),
        "V3:V8": "=V2-$K$2*AC2",
        "W3:W8": "=W2-$K$2*AD2",
        "X3:X8": "=X2-$K$2*AE2",
        "Y3:Y8": "=Y2-$K$2*AF2",
        "Z2:Z8": "=$Q$2*V2+$R$2*W2+$S$2*X2+$T$2*Y2",
        "AA1": "E",
        "AA2:AA8": "=0.5*(Z2-$L$2)^2",
        "AB2:AB8": "=Z2-$L$2",
        "AC2:AC8": "=AB2*$Q$2",
        "AD2:AD8": "=AB2*$R$2",
        "AE2:AE8": "=AB2*$S$2",
        "AF2:AF8": "=AB2*$T$2",
    }
    report = check(saved(path, sheet))
    return report.verdict, [(f.cells, f.formula, f.expected) for f in report.findings]


def test_a_neuron_that_takes_anothers_weight_is_told(path):
    wrong = "=(A2*I2)+(B2*J2)"
    assert told_of_neurons(path, P2=wrong) == ("wrong", [("P2", wrong, "=(A2*F2)+(B2*J2)")])
    wrong = "=(A2*E2)+(B2*H2)"
    assert told_of_neurons(path, O2=wrong) == ("wrong", [("O2", wrong, SUMS["O2"])])


@for_each(
    "sums",
    [
        {},
        {"P2": "=(A2*F2)+(A2*J2)"},  # an input twice: that may be meant
        {"P2": "=(A2*F2)+(B2*J2)+1"},
        {"P2": "=F2+J2"},
        {"M2": "=A2*I2+B2*J2", "P2": "=A2*C2+B2*G2"},  # in another order
    ],
)
def test_neurons_that_take_every_weight_once_are_right(sums, path):
    assert told_of_neurons(path, **sums) == ("right", [])


# Values that the file's own formulas don't give ----------------------------------------


def test_values_that_nobody_recalculated_are_found(path):
    made = read_book(book(path))
    fill_in(made, Flow(made))
    with Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet("Sheet1")
        for cell in made.values:
            place, value = (row_of(cell), column_of(cell)), made.values[cell]
            if cell in made.patterns:
                old = 0.5 * value if name_of(cell) == "T8" else value
                sheet.write_formula(*place, made.formula(cell), None, old)
            else:
                sheet.write(*place, value)
    assert findings(path) == []  # its writer asks for a recalculation
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b' fullCalcOnLoad="1"', b"")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    found = findings(path)
    assert {f.kind for f in found} == {"stale value"}
    assert "T8" in [f.cells for f in found]


TWO_FORMS = {
    "A1": "x",
    "B1": -1.2,
    "A2": "t",
    "B2": 1.0,
    "A3": "eta",
    "B3": 0.5,
    **{
        f"{word}5": text
        for word, text in zip(
            "ABCDEFGHI", ["w", "b", "z", "p", "J", "J2", "ok", "gb", "gw"], strict=True
        )
    },
    "A6": 0.3,
    "B6": 0.0,
    "A7:A16": "=A6-$B$3*I6",
    "B7:B16": "=B6-$B$3*H6",
    "C6:C16": "=A6*$B$1+B6",
    "D6:D16": "=1/(1+EXP(-C6))",
    "E6:E16": "=-($B$2*LN(D6)+(1-$B$2)*LN(1-D6))",
    "F6:F16": "=LN(1+EXP(-C6))+(1-$B$2)*C6",
    "G6:G16": "=ABS(E6-F6)<0.00001",
    "H6:H16": "=D6-$B$2",
    "I6:I16": "=H6*$B$1",
}
WRONG_FORMS = {
    "E6:E16": "=-((1-$B$2)*LN(D6)+$B$2*LN(1-D6))",
    "F6:F16": "=LN(1+EXP(-C6))-(1-$B$2)*C6",
}


@for_each("cells", WRONG_FORMS)
def test_the_form_of_a_loss_that_its_gradients_are_not_of_is_wrong(cells, path):
    assert check(saved(path, TWO_FORMS)).verdict == "right"
    wrong = {**TWO_FORMS, cells: WRONG_FORMS[cells]}
    (finding,) = check(saved(path, wrong)).findings
    assert (finding.cells, finding.expected) == (cells, TWO_FORMS[cells])
    unequal = {**wrong, "G6:G16": "=E6<F6"}
    assert check(saved(path, unequal)).verdict == "right"
