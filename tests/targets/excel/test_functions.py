"""Which functions a workbook may use: those that the docs list, as Google Sheets has them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import gradbook
from gradbook.data.sources import load
from gradbook.layers import ACTIVATIONS, LOSSES
from gradbook.net import Net, builtin, parse
from gradbook.report.other_workbooks import write_reader
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import Exercise
from tests.outside.books.test_reader import model_of
from tests.targets.excel.grids.test_windows import NETS as PICTURES

PACKAGE = Path(gradbook.__file__).parent
DOCS = PACKAGE.parents[1] / "docs" / "guides" / "sheet.md"
CALL = re.compile(r"\b([A-Z][A-Z0-9.]+)\(")
WRITERS = [*(PACKAGE / "targets" / "excel").rglob("*.py")]


def listed() -> set[str]:
    """Those of the table under the title Google Sheets."""
    section = DOCS.read_text("utf-8").partition("## Google Sheets")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return set(re.findall(r"`([A-Z0-9.]+)`", "\n".join(table)))


def used(book: Path) -> set[str]:
    found: set[str] = set()
    with zipfile.ZipFile(book) as parts:
        for name in parts.namelist():
            if name.startswith("xl/") and name.endswith(".xml"):
                text = parts.read(name).decode()
                for formula in re.findall(
                    r"<(?:f|formula|formula1|definedName)(?: [^>]*)?>([^<]*)<", text
                ):
                    found.update(CALL.findall(re.sub(r'"[^"]*"', "", unescape(formula))))
    return found


def test_every_function_that_is_written_anywhere_is_listed():
    """In the source: also what no workbook of the tests happens to say."""
    said: set[str] = set()
    for path in WRITERS:
        said.update(CALL.findall(path.read_text("utf-8")))
    assert said - listed() == set()
    assert len(said) > 15


def test_every_function_of_any_workbook_is_listed(tmp_path):
    """Those of layers and losses come from their ops, which need not be written anywhere."""
    found: set[str] = set()
    for number, net in enumerate(nets()):
        path = tmp_path / f"{number}.xlsx"
        found |= used(write_workbook(net, path, epochs=3, rates=(0.5,) * (number % 5 == 0)).path)
    asked = Exercise(student="1", seed=1)
    path = tmp_path / "exercise.xlsx"
    found |= used(write_workbook(builtin("worked"), path, epochs=3, exercise=asked).path)
    write_reader(model_of("smooth"), load("digits"), tmp_path / "reader.xlsx")
    found |= used(tmp_path / "reader.xlsx")
    assert found == listed()


def nets() -> Iterator[Net]:
    for word in ACTIVATIONS:
        yield parse(f"input 1; dense 2; {word}; dense 1; sample 0.5 -> 1; seed 1")
    for loss in LOSSES.values():
        end = f"; {loss.ending}" if loss.ending else ""
        yield parse(f"input 1; dense 2{end}; loss {loss}; sample 0.5 -> 1 0; seed 1")
    yield from PICTURES.values()
    yield from (builtin(name) for name in ("worked", "xor", "echo"))
