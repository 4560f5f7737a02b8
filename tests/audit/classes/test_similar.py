"""Similar books: a copy is told however it was renamed or saved again, and honest work isn't."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.marks import class_json
from gradbook.audit.classes.scoring import score
from gradbook.audit.classes.similar import similar_books
from gradbook.lab.classroom import personalise
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import Exercise
from tests.audit.material.lookalikes import FORMULAS, book
from tests.outside.witness import recalculate

NAMES = ("Ada", "Alan", "Emmy", "Grace", "Kurt", "Zoë", "Max", "Rosa")
ODD = {
    "o1": "={w5}*{a_h1}+{a_h2}*{w6}+0",
    "∂E/∂w5": FORMULAS["∂E/∂w5"].replace("{a_h1}", "({a_h1}*1)"),
    "∂E/∂w6": FORMULAS["∂E/∂w6"].replace("{a_h2}", "(0+{a_h2})"),
    "E1": "=0.5*({a_o1}-{t1})^2",
}


@pytest.fixture(scope="module")
def exercises(tmp_path_factory) -> list[Path]:
    """A class's exercises, all solved, and right."""
    folder = tmp_path_factory.mktemp("class")
    for name in NAMES:
        net = personalise(builtin("worked"), name)
        path = folder / f"{name}.xlsx"
        solved = folder / "solved.xlsx"
        write_workbook(net, path, epochs=3, exercise=Exercise(name))
        write_workbook(net, solved, epochs=3, rates=())
        book, solution = load_workbook(path), load_workbook(solved)
        for row in book["Training"].iter_rows(min_row=5):
            for cell in row:
                if cell.value is None:
                    cell.value = solution["Training"][cell.coordinate].value
        book.save(path)
        solved.unlink()
    return sorted(folder.glob("*.xlsx"))


def alike(paths):
    found = similar_books([check(path) for path in paths])
    return [({Path(book).stem for book in one.books}, " / ".join(one.evidence)) for one in found]


def changed(path: Path, to: Path, change) -> Path:
    given = load_workbook(path)
    change(given)
    given.save(to)
    return to


def test_a_class_that_works_alone_on_its_own_numbers_is_not_suspected(exercises):
    assert alike(exercises) == []


def test_a_class_with_one_template_and_one_solution_is_not_suspected(tmp_path):
    assert (
        alike([book(tmp_path / f"{name}.xlsx", rows=3 + k) for k, name in enumerate(NAMES)]) == []
    )
    assert alike([book(tmp_path / f"{name}.xlsx") for name in NAMES]) == []


def test_one_mistake_that_two_make_in_every_column_is_no_evidence(tmp_path):
    wrong = {
        f"∂E/∂w{k}": FORMULAS[f"∂E/∂w{k}"].replace("*(1-{a_o1})", "").replace("*(1-{a_o2})", "")
        for k in range(5, 9)
    }
    paths = [
        book(tmp_path / f"{name}.xlsx", wrong if k < 2 else {}, rows=3 + k)
        for k, name in enumerate(NAMES)
    ]
    assert check(paths[0]).verdict == check(paths[1]).verdict == "wrong"
    assert alike(paths) == []


def test_a_copy_under_another_name_inside_has_the_same_cells(exercises, tmp_path):
    def rename(given):
        given["Network"]["C4"] = "Karl"
        given["Training"]["B2"] = "my own work"

    copy = changed(exercises[0], tmp_path / "Karl.xlsx", rename)
    ((books, evidence),) = alike([*exercises, copy])
    assert books == {"Ada", "Karl"}
    assert "the same numbers and formulas in every cell, in different files" in evidence


@pytest.mark.witness("libreoffice")
def test_a_copy_saved_by_another_program_has_the_same_cells(exercises, tmp_path):
    copy = recalculate(exercises[1], tmp_path / "again").rename(tmp_path / "Karl.xlsx")
    ((books, evidence),) = alike([*exercises, copy])
    assert books == {"Alan", "Karl"}
    assert "the same numbers and formulas in every cell" in evidence
    assert "both are by Alan" in evidence


@pytest.mark.witness("libreoffice")
def test_two_who_save_by_another_program_are_not_alike_for_what_we_wrote(exercises, tmp_path):
    again = [recalculate(path, tmp_path / path.stem) for path in exercises[:2]]
    assert alike([*again, *exercises[2:]]) == []
    assert alike([*again, exercises[2]]) == []


def respelled(given):
    """As another program spells formulas, and as people do."""
    for sheet in given:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    said = cell.value.replace("1E-06", "0.000001").replace("1E-09", "1e-9")
                    cell.value = said.replace("MAX(", "max( ")


def test_solutions_of_ours_that_are_spelled_otherwise_are_not_alike(tmp_path):
    paths = []
    for number, name in enumerate(NAMES):
        path = tmp_path / f"{name}.xlsx"
        write_workbook(personalise(builtin("worked"), name), path, epochs=3, rates=())
        paths.append(changed(path, path, respelled if number < 2 else lambda given: None))
    assert alike(paths) == []


def test_a_dollar_makes_no_formula_odd(tmp_path):
    fixed = {name: re.sub(r"\{(\w+)\}", r"${\1}", formula) for name, formula in FORMULAS.items()}
    paths = [
        book(tmp_path / f"{name}.xlsx", fixed if k < 2 else {}, rows=3 + k)
        for k, name in enumerate(NAMES)
    ]
    assert alike(paths) == []


def filled_in(path, to, formulas):
    def fill(given):
        for column, entry in formulas.items():
            for row in range(5, 8):
                given["Training"][f"{column}{row}"] = entry(row) if callable(entry) else entry

    return changed(path, to, fill)


def test_one_exercise_for_all_that_is_right_in_two_books_is_no_copy(exercises, tmp_path):
    paths = [changed(exercises[0], tmp_path / "Ada.xlsx", lambda given: None)]
    paths.append(changed(exercises[0], tmp_path / "Karl.xlsx", lambda given: None))
    paths[1] = changed(paths[1], paths[1], lambda given: given["Network"].__setitem__("C4", "Karl"))
    assert alike(paths) == []


def test_the_same_numbers_typed_by_two_with_other_weights_are_told(exercises, tmp_path):
    typed = {
        "Y": lambda row: 0.0123 + row / 7,
        "Z": lambda row: 0.0456 - row / 9,
        "AA": lambda row: 0.1789 + row / 11,
    }
    copied = [filled_in(path, tmp_path / path.name, typed) for path in exercises[:2]]
    ((books, evidence),) = alike([*copied, *exercises[2:]])
    assert books == {"Ada", "Alan"}
    assert "9 entries that hardly anyone else has: Training!Y5 0.72" in evidence


def test_a_rate_that_two_changed_alike_is_nothing_of_their_own(exercises, tmp_path):
    paths = []
    for number, name in enumerate(NAMES):

        def same(given, name=name, rate=0.25 if number < 2 else 0.5):
            given["Network"]["C4"] = name
            where = given.defined_names["eta"].attr_text.rpartition("!")[2].replace("$", "")
            given["Network"][where] = rate

        paths.append(changed(exercises[0], tmp_path / f"{name}.xlsx", same))
    assert alike(paths) == []


def test_a_copy_with_a_formula_changed_still_has_another_one_s_numbers(exercises, tmp_path):
    def rewrite(given):
        given["Network"]["C4"] = "Karl"
        for row in range(5, 8):
            cell = given["Training"][f"Y{row}"]
            cell.value = f"=1*({cell.value[1:]})"

    copy = changed(exercises[2], tmp_path / "Karl.xlsx", rewrite)
    ((books, evidence),) = alike([*exercises, copy])
    assert books == {"Emmy", "Karl"}
    assert "numbers, which no other workbook has" in evidence


def test_the_same_odd_formulas_in_a_table_that_was_moved_are_told(tmp_path):
    paths = [book(tmp_path / f"{name}.xlsx", rows=3 + k) for k, name in enumerate(NAMES)]
    paths[0] = book(tmp_path / "Ada.xlsx", ODD, rows=20)
    paths[1] = book(tmp_path / "Alan.xlsx", ODD, rows=21)
    ((books, evidence),) = alike(paths)
    assert books == {"Ada", "Alan"}
    assert "4 entries that hardly anyone else has: " in evidence
    assert "+0" in evidence


def test_the_record_has_identical_files_too(exercises, tmp_path):
    copy = tmp_path / "Karl.xlsx"
    shutil.copy(exercises[0], copy)
    reports = [check(path) for path in [*exercises, copy]]
    said = "".join(class_json(reports, [score(report) for report in reports]))
    (found,) = json.loads(said)["similar"]
    assert found["books"] == [str(exercises[0]), str(copy)]
    assert found["evidence"] == ["the same file, byte for byte"]
