"""Exercises in another language are judged like English ones: blank, right, and with a slip."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

import gradbook as gb
from gradbook.language import LANGUAGES, in_language
from gradbook.targets.excel.plan.column_order import KINDS, Exercise
from tests.pseudo import plain_words, pseudo_language

EPOCHS = 4
SLIP = "2*"


def exercise(net: gb.Net, path: Path, kinds: tuple[str, ...], filled: str) -> Path:
    """Blank, or with what the workbook itself has where it asks, one column times two."""
    gb.write_workbook(net, path, epochs=EPOCHS, exercise=Exercise("7", kinds))
    if filled == "blank":
        return path
    gb.write_workbook(net, path.with_name("whole.xlsx"), epochs=EPOCHS, rates=())
    whole, book = load_workbook(path.with_name("whole.xlsx")), load_workbook(path)
    for name in {"Training", "Samples"} & set(book.sheetnames):
        slipped = ""
        for row in whole[name].iter_rows(min_row=5):
            for cell in row:
                if cell.value is not None and book[name][cell.coordinate].value is None:
                    book[name][cell.coordinate] = cell.value
                    slipped = slipped or cell.column_letter
        for cell in book[name][slipped][4:] if slipped and filled == "slip" else ():
            cell.value = f"={SLIP}({cell.value.removeprefix('=')})"
    book.save(path)
    return path


def judged(path: Path) -> tuple[str, str]:
    """The verdict, and all that is said."""
    report = gb.check(path)
    return report.verdict, str(report)


@pytest.mark.parametrize("filled", ["blank", "right", "slip"])
@pytest.mark.parametrize("kinds", [("gradients",), KINDS[:3]], ids=["usual", "unusual"])
@pytest.mark.parametrize("named", ["worked", "xor"])
def test_a_translated_exercise_is_judged_as_in_english(tmp_path, named, kinds, filled):
    net = gb.builtin(named)
    english = judged(exercise(net, tmp_path / "exercise.xlsx", kinds, filled))
    with pseudo_language():
        path = exercise(net, tmp_path / "exercise.xlsx", kinds, filled)
    assert judged(path) == english
    assert english[0] == {"blank": "unfinished", "right": "right", "slip": "wrong"}[filled]
    heading = load_workbook(path)["Training"]["A1"].value
    assert plain_words(heading) == []


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_student_s_key_is_read_in_each_language(tmp_path, code):
    exercise = Exercise("Ada", key="ffe85ec3d11e751632d8ff91")
    path = tmp_path / "exercise.xlsx"
    with in_language(code):
        gb.write_workbook(gb.builtin("worked"), path, epochs=EPOCHS, exercise=exercise)
    assert gb.check(path).origin.key == exercise.key


@pytest.mark.parametrize("code", sorted(set(LANGUAGES) - {"en"}))
def test_each_language_s_exercise_is_judged_alike(tmp_path, code):
    net = gb.builtin("worked")
    english = judged(exercise(net, tmp_path / "exercise.xlsx", KINDS[:3], "slip"))
    with in_language(code):
        path = exercise(net, tmp_path / "exercise.xlsx", KINDS[:3], "slip")
        verdict, words = judged(path)
    assert judged(path) == english
    assert verdict == "wrong"
    assert words != english[1]
