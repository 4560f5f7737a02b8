"""Exercises that other programs saved: without properties, without names, with sheets renamed."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import Workbook, load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import score
from gradbook.audit.exercise.places import find_places
from gradbook.net import parse
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import Exercise
from gradbook.targets.excel.plan.record import KNOWN_BY
from gradbook.targets.excel.plan.workbook_plan import WorkbookContents
from tests.audit.material.exercises import (
    EPOCHS,
    Mistake,
    Variation,
    as_saved_elsewhere,
    exercise,
    hand_in,
    mistakes,
    without_names,
)
from tests.audit.material.small import small
from tests.cases import for_each
from tests.outside.witness import recalculate_all

WORKED = Variation.of(0)
APP = b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"/>'


def as_google_saves(path: Path) -> Path:
    """A package without the part that says what it is about."""
    copy = path.with_name("google.xlsx")
    with ZipFile(path) as old, ZipFile(copy, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            if part.endswith("core.xml"):
                continue
            if part in ("[Content_Types].xml", "_rels/.rels"):
                marks = [m for m in content.split(b"<") if b"core.xml" in m]
                for mark in marks:
                    content = content.replace(b"<" + mark.rstrip(), b"")
            new.writestr(part, APP if part.endswith("app.xml") else content)
    return copy


def forgotten(letter: str = "a"):
    return next(mistake for mistake in mistakes(WORKED) if mistake.letter == letter)


def wrong(path: Path) -> set[str]:
    report = check(path)
    assert report.sheets[0].asked
    return {part.mark.name for part in score(report).parts if part.mark.state != "right"}


def test_google_keeps_no_properties_and_the_book_still_says_its_network(tmp_path):
    mistake = forgotten()
    path = hand_in(exercise(WORKED, tmp_path), mistake.entries, change=as_saved_elsewhere)
    assert wrong(as_google_saves(path)) == mistake.wrong


@for_each("in_formulas", [True, False], ids=["became cells", "mean nothing"])
def test_names_that_were_dropped_aren_t_needed(in_formulas, tmp_path):
    def change(book: Workbook) -> None:
        as_saved_elsewhere(book)
        without_names(book, in_formulas)

    mistake = forgotten()
    path = hand_in(exercise(WORKED, tmp_path), mistake.entries, change=change)
    report = check(path)
    assert wrong(path) == mistake.wrong
    assert {finding.kind for finding in report.findings} == {"missing term"}
    assert report.sheets[0].notes == ()


def test_a_table_is_known_by_half_of_its_headings_and_not_by_fewer():
    net = parse("input 1; dense 1; sigmoid; loss half squared error; sample 1 -> 0")
    solution = WorkbookContents(net, KNOWN_BY)
    names = [str(node.name) for node in solution.columns(each=False)]
    for count in range(len(names) + 1):
        headings = {f"{chr(65 + k)}1": name for k, name in enumerate(names[:count], 1)}
        book, _ = small({"A1": "epoch", "A2": 1.0, "A3": 2.0, **headings})
        places = find_places(book, solution)
        assert (places is not None) == (2 * count >= len(names))
        assert places is None or len(places.cells) == 2 * len(names)


def test_a_column_put_in_between_moves_the_others(tmp_path):
    def change(book: Workbook) -> None:
        sheet = book["Training"]
        for row in range(4, 5 + EPOCHS):  # as what stands there moves along, seen from outside
            for column in range(sheet.max_column, 24, -1):
                cell = sheet.cell(row, column)
                value = cell.value
                sheet.cell(row, column + 1).value = value
            sheet.cell(row, 25).value = "my δ" if row == 4 else 0.5
        for row in range(6, 5 + EPOCHS):  # updates follow what they mention
            for k, name in enumerate("FGHINOPQ"):
                moved = ("Z", "AA", "AB", "AC", "AD", "AE", "AF", "AG")[k]
                sheet[f"{name}{row}"] = f"={name}{row - 1}-eta*{moved}{row - 1}"

    mistake = forgotten()
    path = hand_in(exercise(WORKED, tmp_path), mistake.entries, change=change)
    assert wrong(path) == mistake.wrong
    assert check(path).findings[0].cells == "Z5:Z8"


def test_books_from_before_there_was_a_sheet_are_known_by_their_properties(tmp_path):
    def change(book: Workbook) -> None:
        del book["Exercise"]

    mistake = forgotten()
    path = hand_in(exercise(WORKED, tmp_path), mistake.entries, change=change)
    assert wrong(path) == mistake.wrong


def test_a_book_that_says_nothing_of_itself_is_judged_as_a_stranger_s(tmp_path):
    def change(book: Workbook) -> None:
        del book["Exercise"]
        as_saved_elsewhere(book)

    path = hand_in(exercise(WORKED, tmp_path), forgotten("h").entries, change=change)
    report = check(path)
    assert (report.verdict, report.sheets[0].asked) == ("right", ())


SAVED = {0: "abcdefhi", 3: "ae", 6: "ae"}  # variations, and mistakes in them


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> dict[tuple[int, str], list[tuple[Mistake, Path, Path]]]:
    """Each mistake, the book with it, and that as LibreOffice saves it; one start of it for all."""
    given, done = (tmp_path_factory.mktemp(name) for name in ("given", "saved"))
    made = []
    for seed, letters in SAVED.items():
        variation = Variation.of(seed)
        for number, mistake in enumerate(mistakes(variation)):
            if mistake.letter in letters:
                name = f"{seed}-{number}"
                path = hand_in(exercise(variation, given), mistake.entries, variation, name=name)
                made.append((seed, mistake, path))
    found = defaultdict(list)
    again = recalculate_all([path for *_, path in made], done)
    for (seed, mistake, path), copy in zip(made, again, strict=True):
        found[seed, mistake.letter].append((mistake, path, copy))
    return found


@pytest.mark.witness("libreoffice")
@for_each("seed", SAVED)
@for_each("letter", "ae")
def test_libreoffice_saves_what_an_exercise_is_known_by(saved, seed, letter):
    ((mistake, _, again),) = saved[seed, letter]
    assert wrong(again) == mistake.wrong


@pytest.mark.witness("libreoffice")
@for_each("letter", SAVED[WORKED.seed])
def test_the_book_s_own_check_says_the_same(saved, letter):
    """Its sheet Check measures each slope with a nudge, and LibreOffice computes it."""
    for mistake, path, copy in saved[WORKED.seed, letter]:
        again = load_workbook(copy, data_only=True)
        verdicts = {
            f"∂E/∂{row[1].value}": row[9].value
            for row in again["Check"].iter_rows(min_row=8, max_row=15)
        }
        said = {name for name, verdict in verdicts.items() if "agree" not in str(verdict)}
        assert said == wrong(path) == mistake.wrong


def test_the_sheet_that_tells_it_is_hidden_and_tells_no_answer(tmp_path):
    path = write_workbook(
        WORKED.net, tmp_path / "book.xlsx", epochs=3, exercise=Exercise("Ada")
    ).path
    sheet = load_workbook(path)["Exercise"]
    assert sheet.sheet_state == "hidden"
    lines = [str(row[0].value) for row in sheet.iter_rows() if row[0].value]
    assert "blank gradients ∂E/∂w1" in lines
    assert not any(line.startswith("=") for line in lines)
