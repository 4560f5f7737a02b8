"""The workbook that the page makes by itself: LibreOffice trains the network by its formulas."""

from __future__ import annotations

import base64
import json
import re

import pytest

from gradbook.audit.check_book import check
from gradbook.net import builtin, parse
from gradbook.report.play_drawing import columns
from gradbook.report.play_page import formula_table
from gradbook.targets.page.page_content import content
from tests.cases import for_each
from tests.outside.witness import read_formulas, read_values, recalculate_all
from tests.targets.page.machine import asked

pytestmark = pytest.mark.witness("node", "libreoffice")
EPOCHS = 70
POINTS = "sample 0 0.5 -> 1 0; sample 1 -1 -> 0 1; sample 0.3 2 -> 1 0"
NETS = {
    "worked": builtin("worked"),
    "xor": builtin("xor"),
    "strokes": builtin("strokes"),
    "momentum": parse(f"input 2; dense 3; relu; dense 2; update momentum 0.9; rate 0.1; {POINTS}"),
    "adam": parse(f"input 2; dense 2; gelu; dense 2; softmax; update adam; rate 0.01; {POINTS}"),
    "normalised": parse(
        "input 2; dense 2 no bias; batchnorm; silu; dense 2; loss huber loss; "
        f"update adamw; decay 0.01; rate 0.1; {POINTS}"
    ),
    "overflowing": parse(
        "input 1; dense 1; sigmoid; weights 900; biases 0; sample -1 -> 1; rate 1000"
    ),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    paths = []
    for name, net in NETS.items():
        known = content(net)
        table = {**known.table(), **formula_table(known), "columns": columns(known)}
        made = asked("workbook", table=json.loads(json.dumps(table)), rate=net.learning_rate)
        paths.append(folder / f"{name}.xlsx")
        paths[-1].write_bytes(base64.b64decode(made))
    return folder, recalculate_all(paths, folder / "again")


def column(values, title):
    """A column of the sheet Training, below its title."""
    (letters,) = [re.sub(r"\d", "", place) for place, it in values.items() if it == title]
    return [values[f"{letters}{row}"] for row in range(2, EPOCHS + 2)]


@for_each("name", NETS)
def test_libreoffice_trains_as_the_page_does(books, name):
    folder, _ = books
    net = NETS[name]
    known = content(net)
    table = json.loads(json.dumps(known.table()))
    wanted = asked("train", table=table, epochs=EPOCHS, rate=net.learning_rate)
    again = read_values(folder / "again" / f"{name}.xlsx")["Training"]
    losses = column(again, "E_total")
    assert losses == pytest.approx([it["loss"] for it in wanted], rel=1e-11, abs=1e-13)
    weight = known.step.weights[0]
    place = [leaf for leaf, *_ in table["state"]].index(known.lines.places[weight])
    assert column(again, str(weight.name)) == pytest.approx(
        [it["state"][place] for it in wanted], rel=1e-11, abs=1e-13
    )


@for_each("name", NETS)
def test_the_numbers_that_it_brings_along_are_those_of_its_formulas(books, name):
    folder, _ = books
    mine = read_values(folder / f"{name}.xlsx")["Training"]
    again = read_values(folder / "again" / f"{name}.xlsx")["Training"]
    assert mine.keys() == again.keys()
    for place, value in mine.items():
        wanted = value if isinstance(value, str) else pytest.approx(value, rel=1e-9, abs=1e-11)
        assert again[place] == wanted, place


@for_each("name", ["worked", "xor"])
def test_check_reads_it_and_finds_it_right(books, name):
    folder, _ = books
    assert check(folder / f"{name}.xlsx").verdict == "right"


def test_another_rate_on_its_first_sheet_trains_otherwise(books, tmp_path):
    from openpyxl import load_workbook

    folder, _ = books
    book = load_workbook(folder / "worked.xlsx")
    start = {row[0].value: row[1] for row in book["Start"].iter_rows()}
    start["η"].value = 5
    book.save(tmp_path / "faster.xlsx")
    (again,) = recalculate_all([tmp_path / "faster.xlsx"], tmp_path / "again")
    table = json.loads(json.dumps(content(NETS["worked"]).table()))
    wanted = asked("train", table=table, epochs=EPOCHS, rate=5)
    losses = column(read_values(again)["Training"], "E_total")
    assert losses == pytest.approx([it["loss"] for it in wanted], rel=1e-11)


def test_every_value_of_an_epoch_is_a_formula_that_reads_as_the_algebra(books):
    folder, _ = books
    formulas = read_formulas(folder / "worked.xlsx")["Training"]
    said = {}
    for place, title in formulas.items():
        if re.fullmatch(r"[A-Z]+1", place):
            said[title] = formulas[place[:-1] + "3"]
    assert said["a_h1"].startswith("=1/(1+EXP(")
    assert said["w5"].startswith("=")
    assert said["epoch"] == 2
    assert all(str(text).startswith("=") for title, text in said.items() if title != "epoch")
