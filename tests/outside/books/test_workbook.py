"""LibreOffice, the formulas package and PyTorch find in our workbooks what the reference finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import load_workbook

from gradbook.lab.classroom import personalise
from gradbook.layers.spectra import LOUDER, MelBands
from gradbook.net import Net, Role, builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from tests.agree.runs import Epoch, distance
from tests.cases import for_each
from tests.conftest import THOROUGH
from tests.outside.engine.test_pytorch import KINDS as TRAINED_KINDS
from tests.outside.witness import recalculate_all
from tests.report.workbooks import (
    FIRST_ROW,
    Tables,
    change,
    column,
    fill_in,
    retype,
    tables,
    verdicts,
)

EPOCHS = 70
KINDS = {
    **TRAINED_KINDS,
    "inputs normalised": parse(
        """input 2; batchnorm; dense 2; tanh; dense 1; sigmoid; loss binary cross-entropy; seed 3
        sample 1 2 -> 1; sample 3 1 -> 0; sample 2 4 -> 1"""
    ),
}
if not THOROUGH:
    KINDS = {kind: KINDS[kind] for kind in ("worked", "mazur", "xor with relu", "side by side")}
EXACT = ("worked", "mazur")  # to 1e-12 of every single value; else of a column's largest
FEWER = 24  # epochs of the others: all that a rule carries over has come into play by then
LOUDEST = LOUDER**0.5  # the steepest that ln(1 + LOUDER·h²) is: what a sum h rounds, times that
NOISE = 1e-3  # a column below this may be nothing but rounding, as of a bias before batchnorm
STUDENT = personalise(builtin("worked"), 7)
SPOILT = (("worked", "w3"), ("xor with relu", "w8"), ("xor with relu", "b4"))
DELICATE = {  # a network, its rate and the epoch that is checked weight by weight
    "nearly there": (builtin("worked"), 10.0, 70),
    "all zero": (
        parse(str(builtin("worked")).replace("0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55", " 0" * 8)),
        1.0,
        1,
    ),
    "saturated": (builtin("worked"), 1000.0, 70),
    "large": (
        parse("input 2; dense 1; loss half squared error; seed 2; sample 300 5 -> 2e5"),
        1e-7,
        3,
    ),
    "breaks": (parse("input 1; dense 1 no bias; weights 3; sample 5 -> 1"), 1e9, 70),
    "beyond": (builtin("worked"), 1.0, 71),
}
LATE_FAULTS = {  # the epoch, what is spoilt there, and how
    20: ("∂E/∂w3", "1.01*({})"),
    35: ("a_h1", "0.5"),
    50: ("E_total", "1.01*({})"),
    70: ("∂E/∂w8", "-({})"),
}
NEW_EPOCH = 23  # that the derivation tells
NEW_RATE, NEW_WEIGHT = 0.02, 0.123  # a rate at which no run goes its own way

pytestmark = pytest.mark.witness("libreoffice")


@pytest.fixture(scope="session")
def recalculated(tmp_path_factory) -> Path:
    """A folder of workbooks of every sort, computed anew; one start of LibreOffice for all."""
    written, done = (tmp_path_factory.mktemp(name) for name in ("written", "recalculated"))
    paths = [*write_kinds(written), *write_spoilt(written), *write_exercises(written)]
    paths += write_delicate(written)
    recalculate_all(paths, done)
    return done


def has_few_bits(net: Net) -> bool:
    """Whether a nudge shows nothing of some of its weights."""
    return any(layer.bits or layer.has_few_values for layer in net.layers)


def epochs_of(kind: str) -> int:
    return EPOCHS if kind in EXACT else FEWER


def write_kinds(folder: Path) -> Iterator[Path]:
    for kind, net in KINDS.items():
        rates = (0.5, 1000.0) if kind == "worked" else ()
        path = folder / f"{kind}.xlsx"
        yield write_workbook(net, path, epochs=epochs_of(kind), rates=rates).path
        changed = {"eta": NEW_RATE, "w2_start": NEW_WEIGHT, "derivation_epoch": NEW_EPOCH}
        yield change(folder / f"{kind}.xlsx", folder / f"{kind} changed.xlsx", changed)


def write_spoilt(folder: Path) -> Iterator[Path]:
    """A gradient 0.03 % off, as when a_h1 stands for a_h2, which no loss curve shows."""
    for kind, weight in SPOILT:
        book = folder / f"{kind}.xlsx"
        cell = tables(book).cell(f"∂E/∂{weight}")
        target = folder / f"{kind} {weight} spoilt.xlsx"
        yield retype(book, target, "Training", cell, "1.0003*({})")


def write_delicate(folder: Path) -> Iterator[Path]:
    """Where a check could cry wolf, and where it must not be deaf."""
    for name, (net, rate, epoch) in DELICATE.items():
        path = write_workbook(net, folder / f"{name} 1.xlsx", rate=rate, rates=()).path
        yield change(path, folder / f"{name}.xlsx", {"checked_epoch": epoch})
    book = write_workbook(builtin("worked"), folder / "plain.xlsx", rates=()).path
    for row, (quantity, formula) in LATE_FAULTS.items():
        cell = tables(book).cell(quantity, FIRST_ROW + row - 1)
        target = folder / f"row {row} spoilt.xlsx"
        yield retype(book, target, "Training", cell, formula)


def write_exercises(folder: Path) -> Iterator[Path]:
    for name, exercise in (("exercise", True), ("solution", False)):
        yield write_workbook(STUDENT, folder / f"{name}.xlsx", rates=(0.5,), exercise=exercise).path
    yield fill_in(folder / "exercise.xlsx", folder / "solution.xlsx", folder / "filled.xlsx")


def reference(net: Net, epochs: int = EPOCHS) -> list[dict[str, np.ndarray]]:
    """Every named value of every epoch."""
    return [
        {str(node.name): value for node, value in values.items() if node.name is not None}
        for values in run(scalar_step(net), epochs)
    ]


def changed(net: Net) -> Net:
    """As the changed workbooks have it."""
    weights = net.start_values()[Role.WEIGHT]
    start = {**net.start_values(), Role.WEIGHT: (weights[0], NEW_WEIGHT, *weights[2:])}
    return replace(net, start=start, rate=NEW_RATE)


def assert_agree(
    found: Tables,
    expected: list[dict[str, np.ndarray]],
    *,
    exact: bool,
    within: float = 1e-12,
) -> None:
    assert len(found.columns) >= 20 or exact
    for name, values in found.columns.items():
        wanted = np.array([epoch[name] for epoch in expected])
        scale = np.abs(wanted) if exact else max(np.abs(wanted).max(), NOISE)
        assert values.shape == wanted.shape, name
        assert np.all(np.abs(values - wanted) <= within * scale), name


def how_near(kind: str) -> dict[str, Any]:
    hears = any(isinstance(layer, MelBands) for layer in KINDS[kind].layers)
    return {"exact": kind in EXACT, "within": 1e-12 * (LOUDEST if hears else 1)}


@pytest.mark.parametrize("kind", KINDS)
def test_libreoffice_computes_every_cell_of_the_training_as_the_reference_does(recalculated, kind):
    sheets = tables(recalculated / f"{kind}.xlsx")
    assert_agree(sheets, reference(KINDS[kind], epochs_of(kind)), **how_near(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_another_rate_and_weight_typed_into_the_file_train_as_the_reference_does(
    recalculated, kind
):
    sheets = tables(recalculated / f"{kind} changed.xlsx")
    expected = reference(changed(KINDS[kind]), epochs_of(kind))
    assert_agree(sheets, expected, **how_near(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change_made", [False, True])
def test_pytorch_trains_as_the_recalculated_workbook_does(recalculated, twin, kind, change_made):
    net = changed(KINDS[kind]) if change_made else KINDS[kind]
    found = tables(recalculated / f"{kind}{' changed' if change_made else ''}.xlsx").columns
    names = {name for parameter in net.parameters for name in parameter.names}
    for epoch, theirs in enumerate(twin.history(net, epochs_of(kind))):
        ours = {name: float(found[name][epoch]) for name in names}
        mine = Epoch(float(found["E_total"][epoch]), ours)
        assert distance(mine, theirs) <= how_near(kind)["within"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change_made", ["", " changed"])
def test_the_check_is_all_green(recalculated, kind, change_made):
    found = verdicts(recalculated / f"{kind}{change_made}.xlsx")
    assert set(found.of.values()) == {"agrees"}
    checked = "" if not has_few_bits(KINDS[kind]) else "checked "
    assert found.summary == f"all {len(found.of)} {checked}gradients agree in epoch 1"
    assert found.epochs == f"the gradients agree in all {epochs_of(kind)} epochs"
    assert set(found.of_epoch) == set(range(1, epochs_of(kind) + 1))


@for_each(("kind", "weight"), SPOILT)
def test_the_check_turns_red_where_a_gradient_is_a_little_off(recalculated, kind, weight):
    found = verdicts(recalculated / f"{kind} {weight} spoilt.xlsx")
    assert [name for name, verdict in found.of.items() if verdict == "differs"] == [weight]
    assert found.summary == f"1 of {len(found.of)} gradients differ in epoch 1"
    assert found.epochs == f"1 of {epochs_of(kind)} epochs differs, the first is epoch 1"


@for_each("kind", KINDS)
@for_each("change_made", ["", " changed"])
def test_every_chain_of_the_derivation_comes_to_its_gradient(recalculated, kind, change_made):
    found = column(recalculated / f"{kind}{change_made}.xlsx", "Derivation", 5)
    assert found == ["agrees"] * len(scalar_step(KINDS[kind]).gradients)


@for_each("kind", ["worked", "xor with relu"])
def test_the_derivation_tells_the_epoch_that_is_typed(recalculated, kind):
    sheet = load_workbook(recalculated / f"{kind} changed.xlsx", data_only=True)["Derivation"]
    found = {row[1].value: row[3].value for row in sheet.iter_rows() if row[5].value == "agrees"}
    expected = reference(changed(KINDS[kind]))[NEW_EPOCH - 1]
    gradients = scalar_step(KINDS[kind]).gradients
    assert found == pytest.approx(
        {f"∂E_total/∂{weight.name}": float(expected[f"∂E/∂{weight.name}"]) for weight in gradients},
        rel=1e-9,
    )


def test_the_learning_rates_are_computed_like_the_training(recalculated):
    sheet = load_workbook(recalculated / "worked.xlsx", data_only=True)["Learning rates"]
    ends = {sheet.cell(row, 2).value: sheet.cell(row, 4).value for row in (5, 6)}
    assert ends == pytest.approx({0.5: 0.0016711927, 1000: 0.24999687}, rel=1e-7)
    gone = [sheet["E5"].value, sheet["E6"].value]
    assert gone == pytest.approx([1 - 0.0016711927 / 0.0141813779, 0], rel=1e-7)


@for_each("name", ["nearly there", "all zero", "saturated", "large"])
def test_the_check_never_cries_wolf(recalculated, name):
    epoch, found = DELICATE[name][2], verdicts(recalculated / f"{name}.xlsx")
    assert found.summary == f"all {len(found.of)} gradients agree in epoch {epoch}"
    assert found.epochs == f"the gradients agree in all {EPOCHS} epochs"


def test_numbers_that_break_are_not_called_wrong(recalculated):
    found = verdicts(recalculated / "breaks.xlsx")
    assert found.summary == "no numbers in epoch 70"
    assert re.fullmatch(
        r"the gradients agree in \d+ epochs; the others have no numbers", found.epochs
    )


def test_an_epoch_beyond_the_table_is_said(recalculated):
    found = verdicts(recalculated / "beyond.xlsx")
    assert found.summary == "there is no epoch 71: type a number from 1 to 70"


@pytest.mark.parametrize("row", LATE_FAULTS)
def test_a_spoilt_row_turns_the_check_of_all_epochs_red(recalculated, row):
    found = verdicts(recalculated / f"row {row} spoilt.xlsx")
    assert found.summary == "all 8 gradients agree in epoch 1"
    assert found.epochs == f"1 of 70 epochs differs, the first is epoch {row}"
    network = load_workbook(recalculated / f"row {row} spoilt.xlsx", data_only=True)["Network"]
    assert found.epochs in {row[0].value for row in network.iter_rows(min_col=2, max_col=2)}


def test_an_exercise_rests_until_it_is_filled_in(recalculated):
    found = tables(recalculated / "exercise.xlsx").columns
    assert np.ptp(found["E_total"]) == 0
    assert found["E_total"][0] > 0
    assert np.ptp(found["w1"]) == 0
    assert verdicts(recalculated / "exercise.xlsx").summary == "8 of 8 gradients to fill in"
    assert verdicts(recalculated / "exercise.xlsx").epochs == "70 of 70 epochs to fill in"


def test_a_filled_in_exercise_is_right(recalculated):
    assert verdicts(recalculated / "filled.xlsx").summary == "all 8 gradients agree in epoch 1"
    assert verdicts(recalculated / "filled.xlsx").epochs == "the gradients agree in all 70 epochs"
    expected = reference(STUDENT)
    assert_agree(tables(recalculated / "filled.xlsx"), expected, exact=True)
    assert_agree(tables(recalculated / "solution.xlsx"), expected, exact=True)
