"""Exercises with blanks in any place: what they ask for is read back, and what is there judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import score
from gradbook.audit.findings import BookReport
from gradbook.lab.classroom import personalise
from gradbook.net import Net, builtin, parse
from gradbook.net.formulas import Formulas, parse_formulas
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import GRADIENTS, KINDS, Exercise
from tests.cases import for_each
from tests.outside.witness import recalculate

SAMPLES = """
input 2; dense 2; tanh; dense 1; sigmoid; loss half squared error; seed 3
sample 0.1 0.9 -> 0.3; sample 0.4 0.2 -> 0.8
"""
NEURON = "h = w*x + b; a = tanh(h); E = (a - t)^2 / 2; w = 0.5; b = 0.1; x = 2; t = 1; sample x t"
LOGARITHMS = """
y = A*ln(x) + B + C*x; S = (y - t)^2; A = 2; B = -1; C = 0.1; x = 3, 5, 40; t = 1, 2, 3
"""
NETS = {
    "worked": builtin("worked"),
    "samples": parse(SAMPLES),
    "formulas": parse_formulas(NEURON),
    "logarithms": parse_formulas(LOGARITHMS),
}
Change = Callable[[str, str], str | None]  # of a heading and its formula


def written(folder: Path, net: Net | Formulas, exercise: Exercise) -> Path:
    own = personalise(net, "Ada")
    write_workbook(own, folder / "solution.xlsx", epochs=4, rates=())
    return write_workbook(own, folder / "book.xlsx", epochs=4, exercise=exercise).path


def asked(path: Path) -> dict[str, tuple[str, str]]:
    """What is asked for: heading → sheet and cells."""
    book = load_workbook(path)
    found = {}
    for name, defined in book.defined_names.items():
        if name.startswith("fill_in"):
            ((sheet, cells),) = defined.destinations
            column = cells.replace("$", "").partition(":")[0].rstrip("0123456789")
            found[book[sheet][f"{column}4"].value] = sheet, cells.replace("$", "")
    return found


def filled(path: Path, change: Change = lambda name, formula: formula, rows: int = 99) -> Path:
    """The exercise with the solution's formulas, changed; None leaves a column blank."""
    book, solved = load_workbook(path), load_workbook(path.with_name("solution.xlsx"))
    for name, (sheet, cells) in asked(path).items():
        for (cell,) in book[sheet][cells][:rows]:
            cell.value = change(name, solved[sheet][cell.coordinate].value)
    book.save(path.with_name("filled.xlsx"))
    return path.with_name("filled.xlsx")


def shares(report: BookReport) -> dict[str, float]:
    return {part.mark.name: part.share for part in score(report).parts}


@for_each("net", NETS)
@for_each(
    "exercise",
    [
        *(Exercise("Ada", (kind,)) for kind in KINDS if kind != GRADIENTS),
        Exercise("Ada", ("forward", GRADIENTS)),
        Exercise("Ada", KINDS),
        *(Exercise("Ada", (GRADIENTS,), places=3, seed=seed) for seed in range(3)),
    ],
    ids=lambda exercise: f"{exercise.kinds} {exercise.places} {exercise.seed}",
)
def test_whatever_is_left_blank_waits_and_is_right_once_it_is_filled_in(net, exercise, tmp_path):
    path = written(tmp_path, NETS[net], exercise)
    report = check(path)
    assert report.verdict == "unfinished"
    assert {finding.kind for finding in report.findings} == {"to fill in"}
    assert set(shares(report).values()) == {0.0}
    done = check(filled(path))
    assert (done.verdict, done.findings) == ("right", ())
    assert set(shares(done).values()) == {1.0}
    assert shares(done).keys() == shares(report).keys()


@for_each("kind", ["forward", "loss", "update"])
@for_each("net", ["worked", "samples"])
def test_one_blank_column_waits_alone(net, kind, tmp_path):
    path = written(tmp_path, NETS[net], Exercise("Ada", (kind,)))
    missing = next(reversed(asked(path)))
    report = check(filled(path, lambda name, formula: None if name == missing else formula))
    assert [finding.quantity for finding in report.findings] == [missing]
    assert report.verdict == "unfinished"
    found = shares(report)
    assert found.pop(missing) == 0
    assert set(found.values()) == {1.0}


def test_a_wrong_sum_is_judged_beside_a_blank_one(tmp_path):
    path = written(tmp_path, NETS["worked"], Exercise("Ada", ("forward",)))

    def change(name, formula):
        wrong = formula.replace("E", "D") if name == "h1" else formula
        return None if name == "h2" else wrong

    report = check(filled(path, change))
    assert report.verdict == "wrong"
    assert {finding.quantity for finding in report.findings} == {"h1", "h2"}
    found = shares(report)
    assert (found.pop("h1"), found.pop("h2")) == (0, 0)
    assert set(found.values()) == {1.0}


def test_a_wrong_update_costs_its_own_column(tmp_path):
    path = written(tmp_path, NETS["worked"], Exercise("Ada", ("update",)))
    report = check(filled(path, lambda n, f: f.replace("-", "+") if n == "w3" else f))
    assert report.verdict == "wrong"
    assert shares(report) == {f"w{k}": float(k != 3) for k in range(1, 9)}


def test_a_column_is_as_right_as_its_rows(tmp_path):
    path = written(tmp_path, NETS["worked"], Exercise("Ada", ("forward",)))
    report = check(filled(path, rows=3))
    assert report.verdict == "unfinished"
    assert set(shares(report).values()) == {0.75}
    why = str(score(report).parts[0].why)
    assert why.startswith("right in 3 of 4 rows, to fill in: ")
    assert why.endswith("8")


def test_different_students_are_asked_in_different_places_and_always_in_the_same(tmp_path):
    net = NETS["worked"]
    found = []
    for name in ("Ada", "Alan", "Zoë", "Ada"):
        folder = tmp_path / f"{len(found)}"
        folder.mkdir()
        exercise = Exercise(name, KINDS, places=4, seed=name)
        found.append(set(asked(written(folder, net, exercise))))
    assert all(len(places) == 4 for places in found)
    assert found[0] == found[3]
    assert len(set(map(frozenset, found))) == 3


def test_a_book_that_no_longer_says_its_network_is_told_blank_and_not_judged(tmp_path):
    path = written(tmp_path, NETS["worked"], Exercise("Ada", ("forward",)))
    book = load_workbook(path)
    del book["Exercise"]
    book.properties.description = ""
    book.save(path)
    report = check(path)
    assert report.verdict == "unfinished"
    assert {finding.kind for finding in report.findings} == {"to fill in"}
    assert score(report).points is None


@for_each("text", ["x" * 30_000, "no network", "input 900; dense 900", ""])
def test_what_a_book_says_of_its_network_is_not_believed_blindly(text, tmp_path):
    path = written(tmp_path, NETS["worked"], Exercise("Ada", ("forward",)))
    book = load_workbook(path)
    sheet = book["Exercise"]
    first = next(row for row in range(1, 99) if sheet.cell(row, 1).value == "network")
    sheet.cell(first + 1, 1).value, sheet.cell(first + 2, 1).value = text, None
    book.properties.description = text
    book.save(path)
    assert check(path).verdict == "unfinished"


@pytest.mark.witness("libreoffice")
def test_a_book_saved_by_libreoffice_still_says_whose_it_is_and_what_it_asks(tmp_path):
    path = written(tmp_path, NETS["worked"], Exercise("Ada Lovelace", ("forward", "update")))
    again = check(recalculate(path, tmp_path / "again"))
    assert again.origin.student == "Ada Lovelace"
    assert again.verdict == "unfinished"
    assert shares(again) == shares(check(path))


@for_each(
    "right, wrong, said",
    [
        (r"\*\(1-.*\)", "", "left out a"),
        (r"^=", "=2*", "is twice what the chain rule gives"),
        (r"^=", "=-", "sign"),
    ],
)
def test_a_wrong_gradient_of_formulas_is_explained(right, wrong, said, tmp_path):
    path = written(tmp_path, NETS["formulas"], Exercise("Ada", (GRADIENTS,), places=3))

    def change(name: str, formula: str) -> str:
        return re.sub(right, wrong, formula, count=1) if name == "∂E/∂h" else formula

    report = check(filled(path, change))
    assert report.verdict == "wrong"
    assert any(said in str(finding) for finding in report.findings), report.findings
