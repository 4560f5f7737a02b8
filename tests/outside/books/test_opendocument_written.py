"""LibreOffice finds in our .ods what it finds in our .xlsx: values, formulas, looks, charts."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from gradbook.data.sources import load
from gradbook.net import builtin
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_reader, write_workbook
from gradbook.targets.excel.plan.columns import Exercise
from tests.outside.books.test_reader import model_of
from tests.outside.witness import read_formulas, read_values, recalculate_all
from tests.targets.excel.grids.test_windows import NETS

pytestmark = pytest.mark.witness("libreoffice")

EPOCHS = 12
BLACK = "FF000000"
NOISE = 1e-13  # what is left of two numbers that agree, of which .xlsx keeps 16 digits of 17
BOOKS = ("worked", "strokes", "exercise", "reader")


def write(name: str, path: Path) -> None:
    if name == "reader":
        write_reader(model_of("pictures"), load("digits"), path)
    elif name == "exercise":
        asked = Exercise(student="Zoë  O'Neil", kinds=("forward",), seed="Zoë")
        write_workbook(builtin("worked"), path, epochs=EPOCHS, exercise=asked)
    else:
        net = NETS[name] if name in NETS else builtin(name)
        write_workbook(net, path, epochs=EPOCHS, rates=(0.5, 50) if name == "worked" else ())


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    """Each book as LibreOffice has it after it recalculated our .xlsx, and our .ods."""
    done = []
    for end in ("xlsx", "ods"):
        written, again = (tmp_path_factory.mktemp(f"{word}-{end}") for word in ("made", "again"))
        for name in BOOKS:
            write(name, written / f"{name}.{end}")
        done.append(recalculate_all([written / f"{name}.{end}" for name in BOOKS], again))
    return {name: (one, other) for name, one, other in zip(BOOKS, *done, strict=True)}


def is_like(one: object, other: object) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return bool(np.isclose(one, other, rtol=1e-12, atol=NOISE))
    return one == other


@pytest.mark.parametrize("name", BOOKS)
def test_every_value_is_the_same(both, name):
    one, other = map(read_values, both[name])
    assert list(one) == list(other)
    for sheet, cells in one.items():
        assert cells.keys() == other[sheet].keys(), sheet
        apart = {
            c: (v, other[sheet][c]) for c, v in cells.items() if not is_like(v, other[sheet][c])
        }
        assert apart == {}, sheet


@pytest.mark.parametrize("name", BOOKS)
def test_every_formula_is_the_same(both, name):
    one, other = map(read_formulas, both[name])
    count = 0
    for sheet, cells in one.items():
        for cell, said in cells.items():
            if isinstance(said, str) and said.startswith("="):
                count += 1
                assert rounded(other[sheet][cell]) == rounded(said), (sheet, cell)
    assert count > 100


def rounded(formula: object) -> str:
    return re.sub(r"\d+\.\d{9,}", lambda found: f"{float(found[0]):.9g}", str(formula))


@pytest.mark.parametrize("name", BOOKS)
def test_every_cell_looks_the_same(both, name):
    one, other = (load_workbook(path) for path in both[name])
    for sheet in one.worksheets:
        there = other[sheet.title]
        assert sheet.sheet_state == there.sheet_state
        assert sheet.freeze_panes == there.freeze_panes, sheet.title
        assert set(map(str, sheet.merged_cells.ranges)) == set(map(str, there.merged_cells.ranges))
        assert {str(r.sqref): r.formula1 for r in sheet.data_validations.dataValidation} == {
            str(r.sqref): r.formula1 for r in there.data_validations.dataValidation
        }
        for row in sheet.iter_rows():
            for cell in row:
                same = there[cell.coordinate]
                assert look(cell) == look(same), (sheet.title, cell.coordinate)
                # LibreOffice shows what is General as the cells that it is made of, or as TRUE.
                if "General" not in (cell.number_format, same.number_format):
                    assert cell.number_format == same.number_format, cell.coordinate


def look(cell: object) -> tuple[object, ...]:
    font, side = cell.font, cell.border
    sides = [getattr(side, way).style for way in ("top", "bottom", "left", "right")]
    return (
        cell.fill.fgColor.rgb,
        font.name,
        font.sz,
        font.b,
        font.i,
        font.color.rgb if font.color else BLACK,
        sides,
        cell.alignment.horizontal,
        cell.alignment.vertical,
        cell.alignment.wrap_text or False,
        cell.comment and cell.comment.text,
    )


@pytest.mark.parametrize("name", BOOKS)
def test_columns_are_as_wide(both, name):
    one, other = (load_workbook(path) for path in both[name])
    for sheet in one.worksheets:
        for letter, column in sheet.column_dimensions.items():
            there = other[sheet.title].column_dimensions[letter]
            assert there.width == pytest.approx(column.width, rel=0.03, abs=0.1), (
                sheet.title,
                letter,
            )


@pytest.mark.parametrize("name", BOOKS)
def test_charts_draw_the_same_cells(both, name):
    drawn = [charts(path) for path in both[name]]
    assert drawn[0] == drawn[1]
    assert drawn[0]


def charts(path: Path) -> list[list[tuple[str, str]]]:
    """The cells of each, and its logarithmic axes."""
    with zipfile.ZipFile(path) as book:
        parts = sorted(
            part for part in book.namelist() if re.fullmatch(r"xl/charts/chart\d+\.xml", part)
        )
        texts = [book.read(part).decode() for part in parts]
    return sorted(
        re.findall(r"<c:f>([^<&]*(?:&apos;[^<]*)?)</c:f>|(<c:logBase)", text) for text in texts
    )


def test_the_loss_and_its_chart_follow_the_rate(tmp_path):
    """Another η typed into its cell: what the chart draws is what the reference has."""
    made = write_workbook(builtin("worked"), tmp_path / "worked.ods", epochs=EPOCHS, rate=1).path
    typed = tmp_path / "typed.ods"
    with zipfile.ZipFile(made) as book, zipfile.ZipFile(typed, "w") as other:
        for part in book.infolist():
            content = book.read(part)
            if part.filename == "content.xml":
                before = content
                content = re.sub(
                    rb"(learning rate</text:p></table:table-cell><table:table-cell[^>]*"
                    rb'office:value=")1\.0"',
                    rb'\g<1>7.5"',
                    before,
                    count=1,
                )
                assert content != before
            other.writestr(part, content)
    (again,) = recalculate_all([typed], tmp_path / "again")
    (cells,) = [own for own in charts(again) if own[0][0].startswith("Training!")]
    drawn = re.fullmatch(r"Training!\$([A-Z]+)\$(\d+):\$[A-Z]+\$(\d+)", cells[1][0])
    letter, rows = drawn[1], range(int(drawn[2]), int(drawn[3]) + 1)
    found = read_values(again)["Training"]
    step = scalar_step(builtin("worked"))
    expected = [float(values[step.loss]) for values in run(step, EPOCHS, 7.5)]
    np.testing.assert_allclose([found[f"{letter}{row}"] for row in rows], expected, rtol=1e-12)
