"""HyperFormula, which follows the rules of Google Sheets, finds in our workbooks what we do."""

from __future__ import annotations

import json
import re
import subprocess
from math import isclose
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.net import builtin, parse
from gradbook.report.workbook import write_workbook
from tests.outside.witness import NODE_MODULES, program

pytestmark = pytest.mark.witness("hyperformula")

SCRIPT = Path(__file__).with_name("hyperformula.mjs")
BOOKS = {
    "worked": (builtin("worked"), {"epochs": 20, "rates": (0.5, 50.0)}),
    "xor": (builtin("xor"), {"epochs": 6, "rates": (0.5,)}),
    "gelu": (
        parse(
            "input 2; dense 3; gelu; layernorm; dense 2; softmax; loss cross-entropy; seed 1\n"
            "sample 0.5 1 -> 1 0; sample 1 0.2 -> 0 1"
        ),
        {"epochs": 6, "rates": ()},
    ),
}
# A row of a table, asked for by its number alone, is what HyperFormula (3.5) hasn't got.
A_WHOLE_ROW = re.compile(r"INDEX\([^()]*,0\)")
NOISE = 2e-11  # what is left of two numbers of about 1 that agree, one of them a slope by nudging


def recalculated(book: Path) -> dict[str, list[list[object]]]:
    written = load_workbook(book)
    content = {
        "sheets": {
            sheet.title: [
                [_typed(cell) for cell in row] for row in sheet.iter_rows(min_row=1, min_col=1)
            ]
            for sheet in written.worksheets
        },
        "names": {name: f"={named.value}" for name, named in written.defined_names.items()},
    }
    file = book.with_suffix(".json")
    file.write_text(json.dumps(content), encoding="utf-8")
    command = [program("node"), str(SCRIPT), str(file), str(NODE_MODULES.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _typed(cell):
    """As a person types it: ' before words; a power of ten with the small e that it reads."""
    if cell.data_type == "s":
        return f"'{cell.value}"
    if cell.data_type == "f":
        return re.sub(r"(?<=\d)E(?=[-+]?\d)", "e", cell.value)
    return cell.value


@pytest.mark.parametrize("name", BOOKS)
def test_every_cell_comes_to_what_the_file_says(name, tmp_path):
    net, wanted = BOOKS[name]
    book = write_workbook(net, tmp_path / f"{name}.xlsx", **wanted).path
    found = recalculated(book)
    formulas, values = load_workbook(book), load_workbook(book, data_only=True)
    checked, rows, apart = 0, 0, []
    for sheet in values.worksheets:
        for cells, own in zip(
            sheet.iter_rows(min_row=1, min_col=1), found[sheet.title], strict=True
        ):
            for cell, other in zip(cells, own, strict=False):
                said = formulas[sheet.title][cell.coordinate]
                if said.data_type != "f":
                    continue
                if A_WHOLE_ROW.search(said.value):
                    rows += 1
                    continue
                checked += 1
                if not is_like(cell.value, other):
                    apart.append((sheet.title, cell.coordinate, said.value, cell.value, other))
    assert apart[:5] == []
    assert checked > 1000
    assert rows < checked / 50


def is_like(one: object, other: object) -> bool:
    numbers = isinstance(one, float | int) and isinstance(other, float | int)
    if numbers and not isinstance(one, bool):
        return isclose(one, other, rel_tol=1e-9, abs_tol=NOISE)
    return (one or "") == (other or "") if not isinstance(one, bool) else one == other
