"""The grids of a workbook show, in LibreOffice, what the reference has in the chosen epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from gradbook.net import builtin
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.grids.scene import GridScene
from gradbook.targets.excel.grids.windows import LookedAt, WeightLookedAt
from gradbook.targets.excel.plan.workbook_plan import GRIDS, WorkbookPlan
from tests.cases import for_each
from tests.outside.witness import recalculate_all
from tests.report.workbooks import change, retype, tables
from tests.targets.excel.grids.test_windows import NETS

EPOCHS = 6
CHOICES = {  # a network, the epoch, the sample, and for each layer the map, the row, the column
    "strokes first": ("strokes", 1, 1, ((1, 1, 1), (1, 1, 1))),
    "strokes later": ("strokes", 5, 2, ((2, 2, 1), (2, 1, 1))),
    "strides first": ("strides", 2, 1, ((1, 1, 1), (1, 2, 1), (1, 1, 1), (2, 1, 1))),
    "strides later": ("strides", 6, 2, ((2, 3, 4), (4, 2, 3), (3, 2, 2), (4, 1, 2))),
    "roaming first": ("roaming", 2, 1, ((1, 1, 1), (1, 1, 1), (1, 1, 1))),
    "roaming later": ("roaming", 5, 1, ((2, 3, 4), (2, 2, 3), (2, 3, 3))),
    "again first": ("again", 1, 1, ((1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1))),
    "again later": ("again", 5, 2, ((2, 3, 4), (1, 2, 3), (2, 1, 1), (2, 2, 1), (1, 2, 2))),
    "alone later": ("alone", 4, 1, ((2, 2, 3),)),
}

pytestmark = pytest.mark.witness("libreoffice")


def scene(name: str) -> GridScene:
    return GridScene(WorkbookPlan(scalar_step(NETS[name]), EPOCHS, NETS[name].learning_rate, ()))


def looked_at(found: GridScene) -> list[LookedAt]:
    return [LookedAt(found, stage) for stage in found.stages if stage.kind]


def weights(found: GridScene) -> list[WeightLookedAt]:
    stages = [stage for stage in found.stages if stage.weight_row is not None]
    return [WeightLookedAt(found, stage) for stage in stages]


@pytest.fixture(scope="module")
def recalculated(tmp_path_factory) -> Path:
    written, done = (tmp_path_factory.mktemp(name) for name in ("written", "recalculated"))
    books = {
        name: write_workbook(
            net, written / f"{name}.xlsx", epochs=EPOCHS, rate=net.learning_rate, rates=()
        ).path
        for name, net in NETS.items()
    }
    paths = []
    for choice, (name, epoch, sample, places) in CHOICES.items():
        typed = {"grids_epoch": epoch}
        if len(NETS[name].examples()) > 1:
            typed["grids_sample"] = sample
        for seen, place in zip(looked_at(scene(name)), places, strict=True):
            words = (f"{seen.name}_{word}" for word in ("map", "row", "column"))
            typed |= dict(zip(words, place, strict=True))
        for seen in weights(scene(name)):
            for cell in seen.asked:  # the first ones, or the last
                typed[f"{seen.name}_{cell.word}"] = 1 if "first" in choice else cell.most
        paths.append(change(books[name], written / f"{choice}.xlsx", typed))
    cell = tables(books["strokes"]).cell("c1_1_1")
    spoilt = written / "spoilt.xlsx"
    paths.append(retype(books["strokes"], spoilt, "Samples", cell, "1.001*({})"))
    recalculate_all(paths, done)
    return done


def cells(path: Path) -> dict[tuple[int, int], object]:
    book = load_workbook(path, data_only=True, read_only=True)
    found = {
        (y, x): value
        for y, row in enumerate(book[GRIDS].iter_rows(values_only=True))
        for x, value in enumerate(row)
    }
    book.close()
    return found


@pytest.mark.parametrize("choice", CHOICES)
def test_every_grid_shows_the_chosen_epoch_and_sample(recalculated, choice):
    name, epoch, sample, _ = CHOICES[choice]
    found, shown = scene(name), cells(recalculated / f"{choice}.xlsx")
    rate = NETS[name].learning_rate
    *_, values = run(found.step, epoch, rate, watch=list(found.cells))
    count = 0
    for block in (block for stage in found.stages for block in stage.blocks):
        for place in block.grids.places():
            node = block.nodes[place]
            wanted = 0.0
            if node is not None:
                value = values[node]
                wanted = float(value[sample - 1] if node.each else value)
            cell = block.grids.place(*place)
            assert shown[cell] == pytest.approx(wanted, rel=1e-9, abs=1e-13), (block.title, place)
            count += 1
    assert count > 50


@for_each("choice", CHOICES)
def test_the_chosen_place_is_worked_from_its_window(recalculated, choice):
    name, epoch, sample, places = CHOICES[choice]
    found, shown = scene(name), cells(recalculated / f"{choice}.xlsx")
    *_, values = run(found.step, epoch, NETS[name].learning_rate)
    for seen, (channel, row, column) in zip(looked_at(found), places, strict=True):
        node = seen.stage.values.nodes[channel - 1, row - 1, column - 1]
        wanted = float(np.ravel(values[node])[sample - 1])
        top, left = seen.stage.place_row + 2, seen.lines_column + 4
        lines = [shown[top + k, left] for k in range(len(seen.lines) + 1)]
        assert lines[-3:-1] == pytest.approx([wanted, wanted], rel=1e-9)
        assert lines[-1] == "the same"


@for_each("choice", CHOICES)
def test_a_weights_gradient_is_worked_from_all_that_it_meets(recalculated, choice):
    name, epoch, sample, _ = CHOICES[choice]
    found, shown = scene(name), cells(recalculated / f"{choice}.xlsx")
    *_, values = run(found.step, epoch, NETS[name].learning_rate)
    shares = {str(node.name): values[node] for node in values if node.name is not None}
    looked = weights(found)
    assert len(looked) == {"strokes": 1, "strides": 2, "roaming": 1, "again": 1, "alone": 1}[name]
    for seen in looked:
        weight = seen.kernels.nodes.flat[0 if "first" in choice else -1].name
        wanted = (
            float(shares[f"g_{weight}"][sample - 1])
            if found.book.several
            else float(shares[f"∂E/∂{weight}"])
        )
        top, left = seen.top + 2, seen.lines_column + 4
        lines = [shown[top + k, left] for k in range(len(seen.lines) + 1)]
        assert lines[:2] == pytest.approx([wanted, wanted], rel=1e-9, abs=1e-15)
        assert lines[2] == "the same"


def test_a_map_that_is_spoilt_differs_from_what_its_window_comes_to(recalculated):
    shown = list(cells(recalculated / "spoilt.xlsx").values())
    assert (shown.count("differs"), shown.count("the same")) == (1, 2)


def test_only_networks_with_windows_or_normalisation_have_grids(tmp_path):
    net = builtin("xor")
    write_workbook(net, tmp_path / "xor.xlsx", epochs=2, rates=())
    assert GRIDS not in load_workbook(tmp_path / "xor.xlsx", read_only=True).sheetnames
    net = builtin("strokes")
    write_workbook(net, tmp_path / "mine.xlsx", epochs=2, rates=(), exercise=True)
    assert GRIDS not in load_workbook(tmp_path / "mine.xlsx", read_only=True).sheetnames


def test_what_the_products_show_is_window_times_kernel(recalculated):
    choice = "strides later"
    name = CHOICES[choice][0]
    shown = cells(recalculated / f"{choice}.xlsx")
    seen = looked_at(scene(name))[0]
    window, kernel, products = (
        np.array([shown[block.grids.place(*at)] for at in block.grids.places()])
        for block in seen.blocks
    )
    assert products == pytest.approx(window * kernel)
    assert np.count_nonzero(window) < window.size  # it reaches into the padding
