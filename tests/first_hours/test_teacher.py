"""A teacher's first hour: an exercise for each student, handed in with mistakes, and marked."""

from __future__ import annotations

import csv
from pathlib import Path

from openpyxl import load_workbook

STUDENTS = 6


def hand_in(exercise: Path, answers: dict[str, str], wrong: bool) -> None:
    """The exercise with its blanks filled in; the first gradient with the wrong sign, if so."""
    book = load_workbook(exercise)
    first = min(answers, key=lambda place: book["Training"][place].column)
    spoilt = first.rstrip("0123456789")
    for place, formula in answers.items():
        is_first = wrong and place.rstrip("0123456789") == spoilt
        book["Training"][place] = f"=-({formula[1:]})" if is_first else formula
    book.save(exercise)


def answers_to(exercise: Path, solved: Path) -> dict[str, str]:
    """The formulas that an exercise leaves out, by their places."""
    blank, whole = (load_workbook(path)["Training"] for path in (exercise, solved))
    return {
        cell.coordinate: cell.value
        for row in whole.iter_rows(min_row=5)
        for cell in row
        if str(cell.value).startswith("=") and blank[cell.coordinate].value is None
    }


def test_a_teacher_hands_out_exercises_and_marks_them(typed, tmp_path):
    typed("gradbook sheet --exercise 7 --solution")
    answers = answers_to(*(tmp_path / f"worked-exercise-7{end}.xlsx" for end in ("", "-solution")))
    assert len({place.rstrip("0123456789") for place in answers}) == 8
    typed("gradbook sheet --exercise 1-30 -o class", students=STUDENTS)
    (tmp_path / "class").rename(tmp_path / "submissions")
    books = [tmp_path / "submissions" / f"worked-exercise-{k}.xlsx" for k in range(1, STUDENTS + 1)]
    for number, book in enumerate(books):
        hand_in(book, answers, wrong=number % 3 == 0)
    typed("gradbook check submissions --html class.html --csv grades.csv --out-of 20", code=1)
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8-sig") as file:
        grades = {row["file"]: row for row in csv.DictReader(file)}
    assert len(grades) == STUDENTS
    for number, book in enumerate(books):
        (row,) = (row for name, row in grades.items() if Path(name).name == book.name)
        wrong = number % 3 == 0
        assert row["verdict"] == ("wrong" if wrong else "right")
        assert (float(row["points"]) < 20) == wrong
        assert ("∂E/∂w1" in row["first finding"]) == wrong
