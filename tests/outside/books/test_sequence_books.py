"""LibreOffice computes workbooks of sequences as the reference does, few enough cells to be quick.

With 150,000 formulas it opens, computes and saves a workbook in some 5 s of a processor's time.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.report.workbook import write_workbook
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
        changed = {"eta": NEW_RATE, "checked_epoch": 2}
        paths.append(change(paths[-1], written / f"{name} changed.xlsx", changed))
    recalculate_all(paths, done)
    return done


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("rate", [None, NEW_RATE])
def test_every_value_of_50_epochs_is_the_references(recalculated, name, rate):
    net = replace(BOOKS[name], rate=rate) if rate else BOOKS[name]
    found = tables(recalculated / f"{name}{' changed' if rate else ''}.xlsx")
    assert_agree(found, reference(net, EPOCHS), exact=False)


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("changed", ["", " changed"])
def test_every_gradient_agrees_with_the_slope_that_a_nudge_measures(recalculated, name, changed):
    found = verdicts(recalculated / f"{name}{changed}.xlsx")
    assert len(found.of) == len(scalar_step(BOOKS[name]).trained)
    assert set(found.of.values()) == set(found.of_epoch.values()) == {"agrees"}
    assert len(found.of_epoch) > EPOCHS / 2


@pytest.mark.parametrize("name", BOOKS)
def test_it_has_few_enough_formulas_to_open_at_once(recalculated, name):
    book = load_workbook(recalculated / f"{name}.xlsx", read_only=True)
    cells = (c.value for sheet in book for row in sheet.iter_rows() for c in row)
    assert sum(isinstance(value, str) and value.startswith("=") for value in cells) < MOST_FORMULAS


def test_the_transformer_is_one_of_at_most_300_parameters():
    assert sum(parameter.size for parameter in TRANSFORMER.parameters) <= 300
