"""Books like those people make, each with the verdict that is true of it."""

from __future__ import annotations

import re

from openpyxl import load_workbook
from xlsxwriter import Workbook

from gradbook.audit.check_book import check
from gradbook.net import builtin, parse
from gradbook.report.workbook import write_workbook
from tests.audit.material.lookalikes import D1, D2, FORMULAS, TOP, book, cells, findings, letter
from tests.cases import for_each
from tests.report.workbooks import edited, tables


def by_cells(path):
    return {finding.cells: finding for finding in findings(path)}


def test_a_right_book_is_right(path):
    report = check(book(path))
    (sheet,) = report.sheets
    assert (report.verdict, sheet.findings) == ("right", ())
    assert sheet.loss == f"{letter('E_total')}{TOP + 2}"
    assert sheet.rate == "C2"
    assert sheet.weights == tuple(f"w{k}" for k in range(1, 9))
    assert sheet.rows == (TOP + 2, TOP + 7)


@for_each("name", ["worked", "xor", "strokes"])
def test_what_works_behind_our_own_books_leaves_them_right(name, path):
    write_workbook(builtin(name), path, epochs=20)
    report = check(path)
    assert report.verdict == "right"
    assert [sheet.sheet for sheet in report.sheets if sheet.weights] == ["Training"]
    assert report.notes == ()


@for_each(
    "layers",
    ["input 2; dense 2; dense 2", "input 1x1x2; conv 2 1x2; flatten"],
)
def test_a_bias_before_batch_normalisation_has_the_gradient_0_but_for_rounding(layers, path):
    samples = "sample 1 0 -> 1; sample 0.3 1 -> 0; sample 0.2 -1 -> 0.4"
    write_workbook(parse(f"{layers}; batchnorm; sigmoid; dense 1; {samples}"), path, epochs=4)
    assert check(path).verdict == "right"


@for_each(("hidden", "verdict"), [(False, "wrong"), (True, "right")])
def test_of_a_hidden_sheet_only_the_values_are_taken(hidden, verdict, path):
    def spoil_the_second(workbook):
        sheet = workbook.get_worksheet_by_name("Behind")
        for row in range(TOP + 2, TOP + 8):
            sheet.write(f"{letter('∂E/∂w5')}{row}", f"={letter('a_o1')}{row}")
        if hidden:
            sheet.hide()

    report = check(book(path, sheets=("Seen", "Behind"), dressed=spoil_the_second))
    assert report.verdict == verdict
    assert any("hidden sheet Behind" in note for note in report.notes) is hidden


@for_each("rows", [6, 200])  # of the latter only the first few are kept
def test_a_training_on_a_hidden_sheet_is_told_and_not_denied(rows, path):
    def hide(workbook):
        front = workbook.add_worksheet("Front")
        front.write("A1", f"=MIN(Sheet1!{letter('E_total')}{TOP + 2}:{letter('E_total')}{TOP + 6})")
        front.activate()
        workbook.get_worksheet_by_name("Sheet1").hide()

    report = check(book(path, rows=rows, dressed=hide))
    assert report.verdict == "unfinished"
    assert report.notes[0].startswith("weights are trained on the hidden sheet Sheet1")


@for_each("style", [{"∂E/∂w1": "dw1"}, {"∂E/∂w1": "Etotaldw1"}, {"w1": "x"}])
def test_headings_are_only_names(path, style):
    assert check(book(path, headings=style)).verdict == "right"


def test_another_order_of_factors_is_right(path):
    other = f"={{i1}}*(1-{{a_h1}})*{{a_h1}}*({D1}*{{w5}}+{D2}*{{w7}})"
    assert check(book(path, {"∂E/∂w1": other})).verdict == "right"


def test_missing_parentheses_are_put_back(path):
    formula = FORMULAS["∂E/∂w1"].replace("=((", "=(").replace("{w7})*", "{w7}*")
    (finding,) = findings(book(path, {"∂E/∂w1": formula}))
    assert finding.cells == cells("∂E/∂w1")
    assert finding.kind == "parentheses"
    assert "a_h1·(1−a_h1)·i1" in finding.why


def test_parentheses_and_a_stray_blank_are_both_mended(path):
    formula = (
        FORMULAS["∂E/∂w3"]
        .replace("=((", "=(")
        .replace("{w8})*", "{w8}*")
        .replace("(1-{a_h2})", "(AZ500-{a_h2})")
    )
    (finding,) = findings(book(path, {"∂E/∂w3": formula}))
    assert finding.kind == "blank reference"
    assert "AZ500 is blank" in finding.why
    assert "parentheses" in finding.why


def test_a_few_operators_and_cells_are_named_one_by_one(path):
    """Products where differences belong, one of them with the other output's target."""
    formula = FORMULAS["∂E/∂w1"]
    for error, product in (("({a_o1}-{t1})", "({a_o1}*{t1})"), ("({a_o2}-{t2})", "({a_o2}*{t1})")):
        formula = formula.replace(error, product)
    (finding,) = findings(book(path, {"∂E/∂w1": formula}))
    assert finding.kind == "wrong operator"
    assert finding.why.count("a difference, not a product") == 2


def test_swapped_weights_are_named(path):
    changed = {
        f"∂E/∂w{k}": FORMULAS[f"∂E/∂w{k}"].replace(*swap)
        for k, swap in {
            1: ("{w7}", "{w6}"),
            2: ("{w7}", "{w6}"),
            3: ("{w6}", "{w7}"),
            4: ("{w6}", "{w7}"),
        }.items()
    }
    found = by_cells(book(path, changed))
    assert set(found) == {cells(f"∂E/∂w{k}") for k in (1, 2, 3, 4)}
    wrong, right = (f"{letter(name)}{TOP + 2}" for name in ("w6", "w7"))
    assert f"{wrong} is w6; the chain to w1 needs w7, so {right}" in found[cells("∂E/∂w1")].why


def test_a_gradient_off_by_a_thousandth_is_found(path):
    formula = FORMULAS["∂E/∂w3"].replace("a_h2", "a_h1")
    (finding,) = findings(book(path, {"∂E/∂w3": formula}))
    assert finding.cells == cells("∂E/∂w3")
    assert finding.relative_error < 1e-3
    assert "is a_h1; the chain to w3 goes through a_h2" in finding.why
    assert finding.expected.count(f"{letter('a_h2')}{TOP + 2}") == 2


def test_one_target_for_both_outputs_is_found_though_they_are_equal(path):
    formula = FORMULAS["∂E/∂w8"].replace("{t2}", "{t1}")
    (finding,) = findings(book(path, {"∂E/∂w8": formula}))
    assert finding.cells == cells("∂E/∂w8")


@for_each(
    ("name", "old", "new", "kind"),
    [
        ("∂E/∂w5", "{a_h1}", "{h1}", "pre-activation"),
        ("∂E/∂w5", "({a_o1}-{t1})", "({a_o1}*{t1})", "wrong operator"),
        ("∂E/∂w6", "(1-{a_o1})*", "", "missing factor"),
        ("∂E/∂w6", "=", "=-", "wrong sign"),
        ("∂E/∂w7", "{a_h1}", "B$5", "text reference"),
        ("∂E/∂w7", "=", "=2*", "one factor or term too many"),
    ],
)
def test_a_small_mistake_has_a_small_repair(path, name, old, new, kind):
    (finding,) = findings(book(path, {name: FORMULAS[name].replace(old, new)}))
    assert (finding.cells, finding.kind) == (cells(name), kind)


def test_a_row_that_differs_is_blamed_alone(path):
    special = {("h1", 3): "=D9*F9+D9*G9"}
    (finding,) = findings(book(path, special=special))
    assert finding.kind == "departing row"
    assert finding.cells == f"{letter('h1')}{TOP + 5}"


@for_each("name", ["∂E/∂w2", "w6", "a_h1"])
def test_a_pasted_value_is_found(path, name):
    (finding,) = findings(book(path, special={(name, 3): 0.25}))
    assert (finding.kind, finding.cells) == ("pasted value", f"{letter(name)}{TOP + 5}")
    assert finding.expected.startswith("=")


def test_new_values_in_an_old_row_are_found(path):
    formula = FORMULAS["∂E/∂w1"].replace("{w5}", "{w5'}")
    found = findings(book(path, {"∂E/∂w1": formula}))
    assert found
    assert {f.quantity for f in found} == {"∂E/∂w1"}


def test_a_wrong_sum_is_blamed_and_not_the_gradients(path):
    (finding,) = findings(book(path, {"o1": "={h1}*{w5}+{a_h2}*{w6}"}))
    assert finding.cells == cells("o1")
    assert finding.kind == "pre-activation"


@for_each("sum_of", ["={a_h1}*2", "={a_h1}+{i1}*{w1}", "={h1}*{w1}"])
def test_a_cell_that_is_computed_from_itself_is_found(path, sum_of):
    (finding,) = findings(book(path, {"h1": sum_of}))
    assert finding.kind == "circular reference"
    assert finding.cells in (cells("h1"), cells("a_h1"))


def test_two_mistakes_are_two_findings(path):
    changed = {
        "∂E/∂w5": FORMULAS["∂E/∂w5"].replace("{a_h1}", "{a_h2}"),
        "∂E/∂w8": "=-" + FORMULAS["∂E/∂w8"][1:],
    }
    assert set(by_cells(book(path, changed))) == {cells("∂E/∂w5"), cells("∂E/∂w8")}


def test_a_saturated_book_hides_nothing(path):
    formula = FORMULAS["∂E/∂w3"].replace("a_h2", "a_h1")
    (finding,) = findings(book(path, {"∂E/∂w3": formula}, rate=1000))
    assert finding.cells == cells("∂E/∂w3")


def test_every_sheet_is_judged_by_itself(path):
    report = check(book(path, sheets=("One", "Two and three")))
    assert [(s.sheet, s.verdict) for s in report.sheets] == [
        ("One", "right"),
        ("Two and three", "right"),
    ]


def test_a_first_row_alone_is_unfinished(path):
    assert check(book(path, rows=1)).verdict == "unfinished"


def test_formulas_pasted_as_values_are_frozen(path):
    with Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row("A1", ["i1", "w1", "w2", "E_total", "∂E/∂w1", "∂E/∂w2"])
        for k in range(1, 9):
            sheet.write_row(k, 0, [0.05, 0.1 * k, 0.2 * k, 1 / k, 0.01 * k, 0.02 * k])
    assert check(path).verdict == "frozen"


def test_other_arithmetic_is_no_network(path):
    with Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row("A1", ["balance", "interest"])
        for k in range(2, 40):
            sheet.write(f"A{k}", f"=A{k - 1}+B{k - 1}" if k > 2 else 100)
            sheet.write(f"B{k}", f"=A{k}*0.01")
    assert check(path).verdict == "no network"


APPLIED_AGAIN = (
    "input 2; dense 2; tanh; dense 2; sigmoid; again 2; dense 1; seed 19; sample 0.1 0.9 -> 0"
)


def test_a_weight_that_is_used_twice_has_the_gradient_of_both_uses(path):
    write_workbook(parse(APPLIED_AGAIN), path, epochs=6, rates=())
    assert check(path).verdict == "right"


def test_a_use_that_is_left_out_of_a_gradient_is_missed(path, tmp_path):
    write_workbook(parse(APPLIED_AGAIN), path, epochs=6, rates=())
    column = re.match("[A-Z]+", tables(path).cell("∂E/∂w5"))[0]
    both = re.compile(rf'(<c r="{column}\d+"[^>]*><f>)([^<+]+)\+[^<+]+(</f>)')
    edited(path, tmp_path / "one.xlsx", lambda part, text: both.sub(r"\1\2\3", text))
    (found,) = findings(tmp_path / "one.xlsx")
    assert found.cells == f"{column}5:{column}10"
    assert (found.quantity, found.formula.count("*")) == ("∂E/∂w5", 1)
    whole = load_workbook(path)["Training"][f"{column}5"].value
    assert found.expected == whole
