"""LibreOffice saves workbooks in its own format: the audit says of both the same, cell by cell."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from tests.audit.material.by_hand import RIGHT
from tests.audit.material.copies import rich
from tests.audit.material.exercises import Variation, exercise, hand_in, mistakes
from tests.audit.material.mutants import mutant
from tests.audit.material.perceptrons.books import perceptron_book
from tests.audit.material.small import saved
from tests.audit.material.worked_once.planted import LAYOUTS
from tests.outside.witness import recalculate_all, save_as_opendocument

pytestmark = pytest.mark.witness("libreoffice")

MUTANTS, PERCEPTRONS = 8, 4


def books(folder: Path) -> list[Path]:
    """Right and wrong books of all kinds."""
    rich(folder / "rich.xlsx")
    variation = Variation.of(3)
    for k, mistake in zip(range(3), mistakes(variation), strict=False):
        hand_in(exercise(variation, folder), mistake.entries, variation, name=f"exercise-{k}")
    for k, cells in enumerate(RIGHT.values()):
        saved(folder / f"right-{k}.xlsx", cells)
    spoilt = filter(None, (mutant(number, (1, 1, 2)) for number in count(40_000, 5)))
    for k, (_, _, table) in zip(range(MUTANTS), spoilt, strict=False):
        table.save(folder / f"mutant-{k}.xlsx")
    for k in range(PERCEPTRONS):
        perceptron_book(k).table().save(folder / f"perceptron-{k}.xlsx")
    for name, (draw, faults) in LAYOUTS.items():
        draw(1, "").save(folder / f"{name} right.xlsx")
        draw(1, faults[0]).save(folder / f"{name} wrong.xlsx")
    return sorted(folder.glob("*.xlsx"))


def said(path: Path) -> list[object]:
    """What is said of a book, but for measured numbers: each format rounds them in its way."""
    report = check(path)
    sheets = [
        (
            replace(sheet, findings=(), curve=None),
            [replace(finding, relative_error=None) for finding in sheet.findings],
        )
        for sheet in report.sheets
    ]
    return [report.verdict, report.notes, sheets]


def test_the_audit_says_the_same_of_both(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    ours = recalculate_all(books(made), tmp_path / "excel")
    theirs = save_as_opendocument(ours, tmp_path / "open")
    found = {path.name: said(path) for path in ours}
    assert {"right", "wrong"} <= {verdict for verdict, *_ in found.values()}
    for one, other in zip(ours, theirs, strict=True):
        assert said(other) == found[one.name], one.name
