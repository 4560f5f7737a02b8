"""LibreOffice computes workbooks of sequences as the reference does, few enough cells to be quick.

With 150,000 formulas it opens, computes and saves a workbook in some 5 s of a processor's time.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.grids.scene import GridScene
from gradbook.targets.excel.plan.workbook_plan import GRIDS, WorkbookPlan
from tests.outside.books.test_workbook import assert_agree, reference
from tests.outside.witness import recalculate_all
from tests.report.workbooks import change, tables, verdicts

EPOCHS = 50
MOST_FORMULAS = 150_000
NEW_RATE = 0.07
TRANSFORMER = parse(
    """name transformer
    input 4x4; conv1d 4 1 no bias; positions
    rmsnorm; attention heads 2 causal no bias; add back 2
    rmsnorm; conv1d 6 1; relu; conv1d 4 1; add back 4
    conv1d 4 1 no bias; softmax; loss cross-entropy; rate 0.3; seed 3
    sample 1 0 0 0  0 1 0 0  0 0 1 0  0 0 0 1 -> 0 1 0 0  0 0 1 0  0 0 0 1  1 0 0 0"""
)
BOOKS = {
    "echo": builtin("echo"),
    "attention-by-hand": builtin("attention-by-hand"),
    "transformer": TRANSFORMER,
}

pytestmark = pytest.mark.witness("libreoffice")


@pytest.fixture(scope="session")
def recalculated(tmp_path_factory) -> Path:
    """A folder of workbooks, computed anew: as they are written, and with another rate typed."""
    written, done = (tmp_path_factory.mktemp(name) for name in ("sequences", "recalculated"))
    paths = []
    for name, net in BOOKS.items():
        paths.append(write_workbook(net, written / f"{name}.xlsx", epochs=EPOCHS).path)
        changed = {"eta": NEW_RATE, "checked_epoch": 2, "grids_epoch": 2}
        paths.append(change(paths[-1], written / f"{name} changed.xlsx", changed))
    recalculate_all(paths, done)
    return done


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("rate", [None, NEW_RATE])
def test_every_value_of_50_epochs_is_the_references(recalculated, name, rate):
    net = replace(BOOKS[name], rate=rate) if rate else BOOKS[name]
    sheets = tables(recalculated / f"{name}{' changed' if rate else ''}.xlsx")
    assert_agree(sheets, reference(net, EPOCHS), exact=False)


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("changed", ["", " changed"])
def test_every_gradient_agrees_with_the_slope_that_a_nudge_measures(recalculated, name, changed):
    found = verdicts(recalculated / f"{name}{changed}.xlsx")
    assert len(found.of) == len(scalar_step(BOOKS[name]).trained)
    assert set(found.of.values()) == set(found.of_epoch.values()) == {"agrees"}
    assert len(found.of_epoch) > EPOCHS / 2


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("epoch", [1, 2])
def test_every_matrix_shows_the_epoch_that_is_typed(recalculated, name, epoch):
    found = GridScene(WorkbookPlan(scalar_step(BOOKS[name]), EPOCHS, 1.0, ()))
    path = recalculated / f"{name}{' changed' if epoch == 2 else ''}.xlsx"
    rate = NEW_RATE if epoch == 2 else BOOKS[name].learning_rate
    sheet = load_workbook(path, data_only=True)[GRIDS]
    *_, values = run(found.step, epoch, rate, watch=list(found.cells))
    for block in (block for stage in found.stages for block in stage.blocks):
        for place in block.grids.places():
            shown, node = sheet[block.grids.cell(*place)].value, block.nodes[place]
            if place in block.missing:
                assert shown is None
            else:
                wanted = 0.0 if node is None else float(np.ravel(values[node])[0])
                assert shown == pytest.approx(wanted, rel=1e-9, abs=1e-13), block.title


def test_what_the_matrices_show_is_attention_as_numpy_has_it(recalculated):
    """From the weights and the input on the sheet alone."""
    path = recalculated / "attention-by-hand.xlsx"
    sheet = load_workbook(path, data_only=True)[GRIDS]
    found = GridScene(WorkbookPlan(scalar_step(BOOKS["attention-by-hand"]), EPOCHS, 1.0, ()))

    def matrix(begins: str) -> np.ndarray:
        (own,) = (b for s in found.stages for b in s.blocks if b.title.startswith(f"{begins}:"))
        cells = [sheet[own.grids.cell(*place)].value or 0.0 for place in own.grids.places()]
        return np.array(cells, float).reshape(own.grids.shape[1:])

    x = matrix("i")
    query, key, value = (matrix(own) @ x for own in ("w1 … w4", "w5 … w8", "w9 … w12"))
    scores = np.where(np.tri(3) > 0, query.T @ key / np.sqrt(2), -np.inf)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert matrix("h_query") == pytest.approx(query, rel=1e-12)
    assert matrix("h_score") == pytest.approx(np.where(np.tri(3) > 0, scores, 0), rel=1e-12)
    assert matrix("a_share") == pytest.approx(shares, rel=1e-12)
    assert matrix("h") == pytest.approx(matrix("w13 … w16") @ value @ shares.T, rel=1e-12)


@pytest.mark.parametrize("name", BOOKS)
def test_it_has_few_enough_formulas_to_open_at_once(recalculated, name):
    book = load_workbook(recalculated / f"{name}.xlsx", read_only=True)
    cells = (c.value for sheet in book for row in sheet.iter_rows() for c in row)
    assert sum(isinstance(value, str) and value.startswith("=") for value in cells) < MOST_FORMULAS


def test_the_transformer_is_one_of_at_most_300_parameters():
    assert sum(parameter.size for parameter in TRANSFORMER.parameters) <= 300
