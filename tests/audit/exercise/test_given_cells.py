"""What an exercise gave is an axiom: what was changed is named, and nothing is blamed for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score
from gradbook.audit.findings import BookReport
from gradbook.cli.main import main
from gradbook.net import parse
from gradbook.targets.excel.plan.column_order import KINDS, Exercise
from tests.audit.exercise.test_exercise import NETS, filled, written
from tests.audit.material.exercises import Variation, exercise, hand_in, mistakes
from tests.cases import for_each

WORKED = Variation.of(0)
SOFTMAX = parse("""
input 2; dense 3; sigmoid; dense 2; softmax; loss cross-entropy; seed 3
sample 0.1 0.9 -> 1 0; sample 0.4 0.2 -> 0 1; sample 0.7 0.3 -> 1 0
""")


def changed(folder: Path, change, letter: str = "h") -> BookReport:
    mistake = next(m for m in mistakes(WORKED) if m.letter == letter)
    return check(hand_in(exercise(WORKED, folder), mistake.entries, change=change))


def marks(report: BookReport) -> dict[str, float]:
    return {part.mark.name: part.share for part in score(report).parts}


# Given cells --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "now", "quantity", "given"),
    [
        ("X5", "=V5-W5", "E_total", "=V5+W5"),
        ("K6", "=TANH(J6)", "a_h1", "=1/(1+EXP(-J6))"),
        ("F7", "=F6+eta*Y6", "w1", "=F6-eta*Y6"),
        ("H6", 0.25, "w3", "=H5-eta*AA5"),
        ("D5", "=0.3", "i1", "=i1_given"),
        ("J8", None, "h1", "=F8*D8+G8*E8"),
    ],
)
def test_a_given_cell_that_was_changed_is_named_and_costs_one_column(
    cell, now, quantity, given, tmp_path
):
    def change(book: Workbook) -> None:
        book["Training"][cell] = now

    report = changed(tmp_path, change)
    (finding,) = report.findings
    assert (finding.kind, finding.quantity, finding.cells) == ("changed cell", quantity, cell)
    assert finding.why.startswith(f"{cell} was changed: the exercise gave {given}")
    assert finding.expected.startswith(given)
    assert report.verdict == "wrong"
    assert set(marks(report).values()) == {1.0}
    assert (score(report).points, score(report).taken_off) == (7, ("1 for changed cell",))
    assert score(report, Rubric(deductions={"changed cell": 0.25})).points == 7.75


def test_given_numbers_that_are_others_now_are_a_note(tmp_path):
    def change(book: Workbook) -> None:
        names = {name: where.attr_text for name, where in book.defined_names.items()}
        for name, value in (("eta", 7), ("w1_start", 0.125)):
            sheet, _, cell = names[name].partition("!")
            book[sheet][cell.replace("$", "")] = value

    report = changed(tmp_path, change)
    assert report.verdict == "right"
    rate, weight = report.sheets[0].notes
    assert "(η) was changed: it is 7, not 0.5" in rate
    assert "(w1) was changed: it is 0.125" in weight


def test_a_wrong_forward_pass_doesn_t_make_right_gradients_wrong(tmp_path):
    def change(book: Workbook) -> None:
        for row in range(5, 9):
            book["Training"][f"L{row}"] = f"=H{row}*D{row}"

    report = changed(tmp_path, change)
    assert [finding.quantity for finding in report.findings] == ["h2"]
    assert set(marks(report).values()) == {1.0}


# By itself ----------------------------------------------------------------------------


def test_what_the_check_measures_is_no_derivation(tmp_path):
    def change(book: Workbook) -> None:
        book["Training"]["Y5"] = "=Check!G8"

    report = changed(tmp_path, change)
    assert [(f.quantity, f.cells) for f in report.findings] == [("∂E/∂w1", "Y5")]


@for_each("formula", ["=Y5", "=Z5", "=Y5*1+0"])
def test_a_gradient_that_is_made_of_itself_is_none(formula, tmp_path):
    def change(book: Workbook) -> None:
        book["Training"]["Y5"] = formula
        book["Training"]["Z5"] = "=Y5/D5*E5"

    report = changed(tmp_path, change)
    assert {"circular reference", "wrong formula", "wrong reference"}.intersection(
        finding.kind for finding in report.findings
    )
    assert marks(report)["∂E/∂w1"] == 0.75


def test_what_can_t_be_read_earns_nothing_and_is_left_to_the_teacher(tmp_path):
    def change(book: Workbook) -> None:
        for row in range(5, 9):
            book["Training"][f"Y{row}"] = f"=MYADDIN(B{row})"

    report = changed(tmp_path, change)
    assert report.verdict == "unfinished"
    (finding,) = report.findings
    assert finding.why == "∂E/∂w1 can't be judged: the function MYADDIN"
    found = marks(report)
    assert found.pop("∂E/∂w1") == 0
    assert list(found.values()) == [1.0] * 7


def test_a_row_that_departs_leaves_the_others_theirs(tmp_path):
    def change(book: Workbook) -> None:
        book["Training"]["AC7"] = 0.5

    report = changed(tmp_path, change)
    assert marks(report)["∂E/∂w5"] == 0.75
    assert [finding.cells for finding in report.findings] == ["AC7"]


# Other kinds --------------------------------------------------------------------------


def judged(folder: Path, net: str, kinds: tuple[str, ...], change) -> BookReport:
    path = written(folder, NETS.get(net) or SOFTMAX, Exercise("Ada", kinds))
    return check(filled(path, change))


@for_each(
    ("kinds", "column", "old", "new", "kind"),
    [
        (("forward",), "h2", "E", "D", "wrong reference"),
        (("loss",), "E1", "0.5*", "", "one factor or term too many"),
        (("update",), "w3", "-", "+", "adds the gradient"),
        (("update",), "w1", "Y", "Z", "another weight's gradient"),
        (("forward", "gradients"), "∂E/∂w5", "*K", "*J", "pre-activation"),
        (KINDS, "a_o1", "-", "+", "wrong operator"),
    ],
)
def test_any_column_is_judged_by_itself(kinds, column, old, new, kind, tmp_path):
    def change(name: str, formula: str) -> str:
        return formula.replace(old, new) if name == column else formula

    report = judged(tmp_path, "worked", kinds, change)
    assert [finding.quantity for finding in report.findings] == [column]
    if column != "a_o1":
        assert report.findings[0].kind == kind
    found = marks(report)
    assert found.pop(column) == 0
    assert set(found.values()) <= {1.0}
    assert score(report).right == len(found)


def test_a_column_on_the_way_is_charged_once_to_what_is_made_of_it(tmp_path):
    def change(name: str, formula: str) -> str:
        return formula.partition("*(1-")[0] if name == "∂E/∂h1" else formula

    report = judged(tmp_path, "samples", ("forward", "gradients"), change)
    (finding,) = report.findings
    assert (finding.quantity, finding.kind) == ("∂E/∂h1", "missing factor")
    assert finding.spoils == ("w1", "w2", "b1")
    whole = score(report).out_of
    assert score(report).points == whole - 1
    assert score(report).right == whole - 1


def test_a_mean_taken_in_the_end_is_another_way_and_not_wrong(tmp_path):
    def change(name: str, formula: str) -> str:
        if name.startswith("∂E/∂o"):
            return formula.replace("1/3*", "")
        return f"{formula}/3" if name.startswith(("∂E/∂w", "∂E/∂b")) else formula

    report = judged(tmp_path, "softmax", ("forward", "gradients"), change)
    assert (report.verdict, report.findings) == ("right", ())


@for_each("kinds", [("gradients",), KINDS], ids=["gradients", "all"])
@for_each(
    "text",
    [
        "input 2; dense 2; tanh; dense 1; loss mean squared error; update adam; {}",
        "input 2; dense 2; tanh; dense 1; loss half squared error; update momentum nesterov; {}",
        "input 2; dense 2; batchnorm; relu; dense 1; sigmoid; loss binary cross-entropy; {}",
        "input 2; dense 2; softplus; dense 1; loss mean absolute error; {}",
    ],
)
def test_whatever_the_network_the_solution_is_right(text, kinds, tmp_path):
    samples = "seed 3; sample 0.1 0.9 -> 1; sample 0.4 0.2 -> 0; sample 0.6 0.3 -> 1"
    path = written(tmp_path, parse(text.format(samples)), Exercise("Ada", kinds))
    book, solved = load_workbook(path), load_workbook(path.with_name("solution.xlsx"))
    for title in ("Training", "Samples"):
        for line in solved[title].iter_rows(min_row=5):
            for cell in line:
                book[title][cell.coordinate].value = cell.value
    book.save(path)
    report = check(path)
    assert (report.verdict, report.findings) == ("right", ())
    assert all(column.state for column in report.sheets[0].asked)


# The command --------------------------------------------------------------------------


def test_the_command_marks_and_corrects(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mistake = next(m for m in mistakes(WORKED) if m.letter == "b")
    book = hand_in(exercise(WORKED, tmp_path), mistake.entries)
    assert main(["check", str(book), "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["books"]
    assert (told["points"], told["out_of"]) == (7, 8)
    assert main(["check", str(book), "--fix", "fixed"]) == 1
    assert check(tmp_path / "fixed" / book.name).verdict == "right"
