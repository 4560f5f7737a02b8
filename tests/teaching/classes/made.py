"""A small class: made, solved as students do, with their mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openpyxl import load_workbook

from gradbook.lab.classroom import personalise
from gradbook.report.workbook import write_workbook
from gradbook.teaching.classes.folder import ClassFolder, ClassPlan, begin_class
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
Change = Callable[[str, str], str | None]  # of a heading and its formula


def begun(place: Path, names: str = NAMES, **plan: object) -> ClassFolder:
    """A class whose exercises are made, without paper unless that is asked for."""
    (place / "names.csv").write_text(names, encoding="utf-8")
    settings = {"epochs": 4, "paper": "", **plan}
    folder = begin_class(place / "class", ClassPlan(NETWORK, **settings), str(place / "names.csv"))
    make_class(folder, 1)
    return folder


def solved(
    folder: ClassFolder,
    student: str,
    target: Path,
    change: Change = lambda name, formula: formula,
) -> Path:
    """A student's exercise with the right formulas, changed; None leaves a column blank."""
    book = load_workbook(Path(folder.path) / "exercises" / f"{folder.stems[student]}.xlsx")
    key = target.with_name("solution-of-all.xlsx")
    net = personalise(folder.plan.net(), student)
    write_workbook(net, key, epochs=folder.plan.epochs, rates=())
    right = load_workbook(key)["Training"]
    key.unlink()
    sheet = book["Training"]
    blank = [
        cell
        for row in right.iter_rows(min_row=HEADINGS + 1)
        for cell in row
        if cell.data_type == "f" and sheet[cell.coordinate].value is None
    ]
    for cell in blank:
        heading = right.cell(HEADINGS, cell.column).value
        sheet[cell.coordinate].value = change(heading, cell.value)
    book.save(target)
    return target


def without(*names: str) -> Change:
    return lambda name, formula: None if name in names else formula


def negated(*names: str) -> Change:
    return lambda name, formula: f"=-({formula[1:]})" if name in names else formula
