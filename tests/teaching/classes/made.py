"""A small class: made, solved as students do, with their mistakes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import load_workbook

from gradbook.lab.classroom import personalise
from gradbook.language import tr
from gradbook.report.workbook import write_workbook
from gradbook.teaching.classes.folder import ClassFolder, ClassPlan, begin_class, open_class
from gradbook.teaching.classes.making import make_class

NAMES = "First name,Last name,Email address\nAda,Lovelace,ada@x.org\nAlan,Turing,alan@x.org\n"
NAMES += "Emmy,Noether,emmy@x.org\n"
NETWORK = """name rain
input 2
dense 2
tanh
dense 1
sigmoid
loss half squared error
rate 0.5
sample 0.2 0.9 -> 1
"""
HEADINGS = 4  # the row with them
MADE = TemporaryDirectory()  # of classes, until the tests end
Change = Callable[[str, str], str | None]  # of a heading and its formula


def begun(place: Path, names: str = NAMES, **plan: object) -> ClassFolder:
    """A class whose exercises are made, without paper unless that is asked for."""
    (place / "names.csv").write_text(names, encoding="utf-8")
    settings = {"epochs": 4, "paper": "", **plan}
    shutil.copytree(
        _made_once(names, ClassPlan(NETWORK, **settings), tr("student")), place / "class"
    )
    return open_class(place / "class")


@cache
def _made_once(names: str, plan: ClassPlan, language: str) -> Path:
    """The same class, which takes a second to make: copied for each test."""
    place = Path(MADE.name) / str(len(os.listdir(MADE.name)))
    place.mkdir()
    (place / "names.csv").write_text(names, encoding="utf-8")
    make_class(begin_class(place / "class", plan, str(place / "names.csv")), 1)
    return place / "class"


def solved(
    folder: ClassFolder,
    student: str,
    target: Path,
    change: Change = lambda name, formula: formula,
) -> Path:
    """A student's exercise with the right formulas, changed; None leaves a column blank."""
    book = load_workbook(Path(folder.path) / "exercises" / f"{folder.stems[student]}.xlsx")
    sheet = book["Training"]
    for place, (heading, formula) in _solution(folder.plan, student).items():
        if sheet[place].value is None:
            sheet[place].value = change(heading, formula)
    book.save(target)
    return target


@cache
def _solution(plan: ClassPlan, student: str) -> dict[str, tuple[str, str]]:
    """The heading and the formula of each cell that has one."""
    key = Path(MADE.name) / "solution.xlsx"
    write_workbook(personalise(plan.net(), student), key, epochs=plan.epochs, rates=())
    right = load_workbook(key)["Training"]
    key.unlink()
    return {
        cell.coordinate: (right.cell(HEADINGS, cell.column).value, cell.value)
        for row in right.iter_rows(min_row=HEADINGS + 1)
        for cell in row
        if cell.data_type == "f"
    }


def without(*names: str) -> Change:
    return lambda name, formula: None if name in names else formula


def negated(*names: str) -> Change:
    return lambda name, formula: f"=-({formula[1:]})" if name in names else formula
