"""Whole workbooks of all kinds, small ones, to be mangled."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from gradbook.net import parse
from gradbook.report.workbook import write_workbook
from tests.audit.material import opendocument
from tests.audit.material.copies import WRONG, rich
from tests.audit.material.hostile import formula, package
from tests.audit.material.layouts.places import LAYOUTS, laid
from tests.audit.material.layouts.planted import drawn
from tests.audit.material.long_tables import table
from tests.audit.material.lookalikes import book
from tests.audit.material.made import Content, Table, known_table
from tests.audit.material.network import NETWORK, two_samples
from tests.audit.material.perceptrons.books import perceptron_book
from tests.audit.material.small import filled
from tests.audit.material.styles import STYLES
from tests.audit.material.worked_once.list import listed
from tests.audit.material.worked_once.matrices import matrix_book
from tests.audit.material.worked_once.plane import plane_book

Make = Callable[[Path], object]
Parts = dict[str, bytes]
TIME = re.compile(rb"20\d\d-\d\d-\d\dT\d\d(:\d\d)*Z?")

SAMPLES = "sample 0.1 0.9 -> 0.3 0.7; sample 0.8 0.2 -> 0.6 0.1"
OURS = {
    "ours": f"input 2; dense 2; sigmoid; dense 2; sigmoid; loss half squared error; {SAMPLES}",
    "ours by Adam": f"input 2; dense 2; tanh; dense 2; update adam; {SAMPLES}",
    "ours with momentum": f"input 2; dense 2; update momentum 0.9; decay 0.01; {SAMPLES}",
    "ours by softmax": (
        "input 2; dense 2; softmax; loss cross-entropy; "
        "sample 0.1 0.9 -> 1 0; sample 0.8 0.2 -> 0 1"
    ),
}


def _ours(path: Path, text: str, exercise: bool = False) -> None:
    write_workbook(parse(text), path, epochs=5, rates=(0.5,), exercise=exercise)


def _styled(path: Path, style: tuple[str, str]) -> None:
    STYLES[style](known_table(OURS["ours"])).save(path)


def _laid_out(path: Path, layout: str) -> None:
    laid(drawn(len(layout), layout)[0], layout).save(path)


def _cells(path: Path, *sheets: Mapping[str, Content]) -> None:
    titles = (f"Sheet{k}" for k in range(1, len(sheets) + 1))
    Table(dict(zip(titles, map(filled, sheets), strict=True))).save(path)


ONE_WEIGHT: dict[str, Content] = {
    "A1": "w",
    "B1": "slope",
    "C1": "E",
    "D1": "η",
    "E1": 0.1,
    "A2": 0.5,
    "A3:A6": "=A2-$E$1*B2",
    "B2:B6": "=2*(A2-0.3)",
    "C2:C6": "=(A2-0.3)^2",
}
WRONG_WEIGHT: dict[str, Content] = {**ONE_WEIGHT, "B2:B6": "=2*(A2+0.3)"}
TINY: dict[str, Make] = {
    "a few cells": lambda path: package(path, sheet=formula("SUM(B1:B9)*2^-1+IF(C1>0,1,2)")),
    "one weight": lambda path: _cells(path, ONE_WEIGHT),
    "one weight, wrong": lambda path: _cells(path, WRONG_WEIGHT),
    "two weights": lambda path: _cells(path, NETWORK),
    "two sheets of samples": lambda path: _cells(path, *two_samples()),
    "a list": lambda path: _cells(path, listed()),
}
"""Books that are judged in an instant, so that many can be mangled."""

BASES: dict[str, Make] = {
    **TINY,
    "right": book,
    "wrong": lambda path: book(path, WRONG),
    "two sheets": lambda path: book(path, WRONG, sheets=("Sheet1", "It's two")),
    "with all that people add": rich,
    "forty steps": lambda path: table(path, 40),
    "an exercise": partial(_ours, text=OURS["ours"], exercise=True),
    "a perceptron": lambda path: perceptron_book(3).table().save(path),
    "another perceptron": lambda path: perceptron_book(8).table().save(path),
    "matrices": lambda path: matrix_book(2, "").save(path),
    "matrices, wrong": lambda path: matrix_book(5, "factor").save(path),
    "in the plane": lambda path: plane_book(1, "").save(path),
    **{name: partial(_ours, text=text) for name, text in OURS.items()},
    **{f"laid out {name}": partial(_laid_out, layout=name) for name in LAYOUTS},
    **{" ".join(style): partial(_styled, style=style) for style in STYLES},
}


# The same as OpenDocument spreadsheets ------------------------------------------------------

OPENED: dict[str, Make] = {
    "ods, one weight": lambda path: opendocument.opened(path, ONE_WEIGHT),
    "ods, one weight, wrong": lambda path: opendocument.opened(path, WRONG_WEIGHT),
    "ods, two weights": lambda path: opendocument.opened(path, NETWORK),
    "ods, two sheets": lambda path: opendocument.opened(path, ONE_WEIGHT, WRONG_WEIGHT),
    "ods, a list": lambda path: opendocument.opened(path, listed()),
}


def parts_of(path: Path) -> Parts:
    """What a workbook's package holds, but for the time at which it was made."""
    with zipfile.ZipFile(path) as archive:
        return {name: TIME.sub(b"2020-01-01T00", archive.read(name)) for name in archive.namelist()}
