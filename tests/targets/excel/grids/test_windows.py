"""Which cells light up where a place is looked at, and what is shown of it at first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import mod

import numpy as np
import pytest
from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.grids.scene import GridScene
from gradbook.targets.excel.grids.windows import LookedAt, WeightLookedAt
from gradbook.targets.excel.plan.workbook_plan import WorkbookPlan
from tests.cases import for_each

NETS = {
    "strokes": builtin("strokes"),
    "strides": parse(
        """input 2x5x6; conv 2 3x2 stride 2 pad 1; relu; conv 4 2x2 groups 2; batchnorm
        maxpool 2 stride 1; flatten; dense 1; loss half squared error; seed 4; rate 0.02"""
        f"\nsample {' '.join(str(k % 7 / 7) for k in range(60))} -> 1"
        f"\nsample {' '.join(str(k % 5 / 5) for k in range(60))} -> 0"
    ),
    "roaming": parse(
        """input 1x6x7; conv 2 2x3 stride 2x1 pad 1x0x0x1 dilation 1x2; tanh; maxpool 2 pad 0x1 ceil
        avgpool 2x1 stride 1 pad 1x0 zeros dilation 1x2; flatten; dense 1; seed 6"""
        f"\nsample {' '.join(str(k % 7 / 7) for k in range(42))} -> 0.5"
    ),
    "again": parse(
        """input 1x5x5; conv 2 2x2; conv 2 2x2; batchnorm; silu; again 2; flatten; dense 1
        seed 6"""
        f"\nsample {' '.join(str(k % 7 / 7) for k in range(25))} -> 0.5"
        f"\nsample {' '.join(str(k % 5 / 5) for k in range(25))} -> 0"
    ),
    "few bits": parse(
        """input 1x4x5; conv 2 3x3 pad 1 stride 2 bits 4; tanh; conv 2 2x2 no bias ternary; flatten
        dense 1; seed 6
        sample .1 .2 .3 .4 .5  .5 .4 .3 .2 .1  .9 .8 .7 .6 .5  0 .3 .6 .9 1 -> 0.5"""
    ),
    "mixed": parse(
        """input 3x2x2; conv 2 1x1; tanh; conv 4 1x1 groups 2; flatten; dense 1; seed 6
        sample .1 .2 .3 .4 .5  .5 .4 .3 .2 .1  .9 .8 -> 0.5"""
    ),
    "alone": parse(
        """input 1x4x5; conv 2 3x3 pad 1 stride 2; tanh; flatten; dense 1; seed 6
        sample .1 .2 .3 .4 .5  .5 .4 .3 .2 .1  .9 .8 .7 .6 .5  0 .3 .6 .9 1 -> 0.5"""
    ),
}


def scene(name: str) -> GridScene:
    return GridScene(WorkbookPlan(scalar_step(NETS[name]), 3, 0.1, ()))


def looked_at(found: GridScene) -> list[LookedAt]:
    return [LookedAt(found, stage) for stage in found.stages if stage.kind]


def lit(seen: LookedAt, place: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """The cells whose conditions hold, row and column from 0, with this place typed in."""
    asked = (seen.channel, seen.row, seen.column, *([seen.source] if len(place) > 3 else []))
    typed = dict(zip(asked, place, strict=True))
    for area, condition, _ in seen.lit():
        text = re.sub(r"\$[A-Z]+\$\d+", lambda cell: str(typed[cell[0]]), condition)
        text = re.sub(r"(?<![<>])=", "==", text)
        left, top, right, bottom = range_boundaries(area.replace("$", ""))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                words = {"AND": lambda *tests: all(tests), "INT": int}
                words |= {"ROW": lambda y=y: y, "COLUMN": lambda x=x: x, "MOD": mod}
                if eval(text, {}, words):
                    yield y - 1, x - 1


def test_gaps_of_a_window_stay_dark_and_padding_has_no_cells():
    conv, *_ = looked_at(scene("roaming"))
    image, kernel = conv.input_block.grids, conv.stage.parameters["w"]
    assert set(lit(conv, (1, 2, 2))) == {
        conv.maps.place(0, 1, 1),
        *(image.place(0, y, x) for y in (1, 2) for x in (1, 3, 5)),
        *(kernel.grids.place(0, y, x) for y in range(2) for x in range(3)),
    }
    within_the_image = {image.place(0, 0, x) for x in (0, 2, 4)}
    shown = set(lit(conv, (1, 1, 1))) & {image.place(*place) for place in image.places()}
    assert shown == within_the_image


def test_the_window_its_kernel_and_its_place_light_up():
    conv, pool = looked_at(scene("strokes"))
    (kernel,), image = conv.stage.parameters.values(), conv.input_block.grids
    assert set(lit(conv, (2, 1, 2))) == {
        conv.maps.place(1, 0, 1),
        *(image.place(0, y, x) for y in (0, 1, 2) for x in (1, 2, 3)),
        *(kernel.grids.place(1, y, x) for y in range(3) for x in range(3)),
    }
    assert set(lit(pool, (2, 1, 1))) == {
        pool.maps.place(1, 0, 0),
        *(pool.input_block.grids.place(1, y, x) for y in range(2) for x in range(2)),
    }


def test_windows_move_by_strides_reach_into_the_padding_and_keep_to_their_groups():
    strided, grouped, normal, pool = looked_at(scene("strides"))
    image = strided.input_block.grids
    corner = {image.place(k, y, x) for k in range(2) for y in (0, 1) for x in (0,)}
    found = set(lit(strided, (1, 1, 1)))
    assert {cell for cell in found if cell[0] < strided.stage.row} == corner
    found = {cell for cell in lit(grouped, (3, 1, 2)) if cell[0] < grouped.stage.row}
    assert found == {grouped.input_block.grids.place(1, y, x) for y in (0, 1) for x in (1, 2)}
    assert set(lit(normal, (4, 2, 1))) == {
        normal.maps.place(3, 1, 0),
        normal.input_block.grids.place(3, 1, 0),
    }
    assert len(list(lit(pool, (1, 1, 1)))) == 5


def test_a_weight_lights_up_among_the_kernels_and_their_gradients():
    found = scene("strides")
    stage = found.stages[1]
    weight = WeightLookedAt(found, stage)
    assert [cell.word for cell in weight.asked] == ["map", "row", "column", "from"]
    kernels, slopes = weight.kernels.grids, stage.slope_of(weight.kernels).grids
    assert set(lit(weight, (2, 3, 1, 2))) == {kernels.place(3, 2, 0), slopes.place(3, 2, 0)}


@for_each("name", NETS)
def test_at_first_the_first_place_is_worked(name):
    found = scene(name)
    for seen in looked_at(found):
        worked, made = seen.lines[-2], seen.lines[-1]
        assert worked.content.value == pytest.approx(found.numbers(seen.stage.values)[0, 0, 0])
        assert worked.content.value == made.content.value


def test_every_value_of_the_picture_layers_has_a_cell():
    found = scene("strides")
    names = {str(node.name) for node in found.cells if node.name is not None}
    for stem in ("i2_5_6", "c1_2_3_4", "a_c1_1_1_1", "c2_4_2_3", "y4_2_3", "p4(2)", "∂E/∂w1"):
        assert stem in names
    assert np.prod([stage.values.grids.shape[0] for stage in found.stages]) > 0


@for_each("name", NETS)
def test_at_first_a_weight_in_the_middle_is_worked(name):
    found = scene(name)
    for stage in found.stages:
        if stage.weight_row is not None:
            seen = WeightLookedAt(found, stage)
            weight = seen.kernels.nodes[0, seen.asked[1].first - 1, seen.asked[2].first - 1]
            values = next(run(found.step, 1, found.book.rate))
            named = {str(node.name): node for node in values}
            own = named[f"g_{weight.name}" if found.book.several else f"∂E/∂{weight.name}"]
            assert seen.lines[0].content.value == pytest.approx(float(np.ravel(values[own])[0]))


@for_each("name", NETS)
def test_what_is_worked_beside_each_other_shares_no_cell(name):
    for seen in looked_at(scene(name)):
        cells = [block.grids.cell(*at) for block in seen.blocks for at in block.grids.places()]
        assert len(set(cells)) == len(cells)


def test_the_sheet_multiplies_a_window_with_its_kernel_and_compares_the_sum_with_the_map(tmp_path):
    net = parse(
        "input 1x3x3; conv 1 2x2; flatten; dense 1; weights 2 -1 3 -2 1 1 1 1; biases 0.5 0\n"
        "sample 1 2 3 4 5 6 7 8 9 -> 1"
    )
    path = write_workbook(net, tmp_path / "grids.xlsx", epochs=2, rates=()).path
    sheet = load_workbook(path, data_only=True)["Grids"]
    rows = [[x for x in row if x not in (None, "")] for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == ["Image, kernels and maps"]
    at = rows.index(["sum of the products", 2.0])
    assert rows[at + 1] == [1, 2, "×", 2, -1, "=", 2, -2, "plus the bias", 0.5]
    assert rows[at + 2] == [4, 5, 3, -2, 12, -10, "sum with the bias", 2.5]
    assert rows[at + 3 : at + 5] == [["in the map", 2.5], ["the same"]]
