"""LibreOffice answers an input that is typed into a workbook as the reference does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from gradbook.data.tables import read_table
from gradbook.net import Net, Sample, builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from tests.cases import for_each
from tests.outside.witness import recalculate_all
from tests.report.workbooks import change, edited

EPOCHS, ASKED = 30, 12
NETS = {
    "worked": builtin("worked"),
    "xor": builtin("xor"),
    "normalised": parse(
        """input 2; dense 2; batchnorm; tanh; dense 1; sigmoid; loss binary cross-entropy; seed 3
        sample 1 2 -> 1; sample 3 1 -> 0; sample 2 4 -> 1"""
    ),
}
TYPED = (0.3, -0.7)
NAMES = ("rose", "tulip", "iris")
FLOWERS = "length,width,species\n" + "".join(
    f"{4 + k % 5 * 0.1 + 2 * (k % 3)},{1 + k % 4 * 0.1 - (k % 3)},{NAMES[k % 3]}\n"
    for k in range(24)
)

pytestmark = pytest.mark.witness("libreoffice")


@pytest.fixture(scope="module")
def recalculated(tmp_path_factory) -> Path:
    written, done = (tmp_path_factory.mktemp(name) for name in ("written", "recalculated"))
    paths = []
    for name, net in NETS.items():
        book = write_workbook(net, written / f"{name} 0.xlsx", epochs=EPOCHS, rates=()).path
        typed = type_input(book, written / f"{name} 1.xlsx")
        paths.append(change(typed, written / f"{name}.xlsx", {"answers_epoch": ASKED}))
    (written / "flowers.csv").write_text(FLOWERS)
    net = read_table(
        written / "flowers.csv", parse("input 2; dense 3; softmax; loss cross-entropy")
    )
    paths.append(write_workbook(net, written / "flowers.xlsx", epochs=100, rates=()).path)
    recalculate_all(paths, done)
    return done


def type_input(source: Path, target: Path) -> Path:
    """The workbook with an input of one's own typed in."""
    number = load_workbook(source, read_only=True).sheetnames.index("Answers") + 1

    def edit(part: str, text: str) -> str:
        if part == f"xl/worksheets/sheet{number}.xml":
            for cell, value in zip(("C9", "D9"), TYPED, strict=True):
                text, found = re.subn(rf'(<c r="{cell}"[^>]*><v>)[^<]*', rf"\g<1>{value}", text)
                assert found == 1
        return text

    return edited(source, target, edit)


def answers(net: Net) -> list[float]:
    """What the weights of that epoch, as the reference has them, make of the typed input."""
    step = scalar_step(net)
    *_, values = run(step, ASKED)
    sample = Sample(TYPED, net.examples()[0].targets)
    alone = scalar_step(replace(net, samples=(sample,)))
    start = {own: values[node] for own, node in zip(alone.weights, step.weights, strict=True)}
    found = next(run(alone, 1, start=start))
    return [float(found[node]) for node in alone.outputs]


def normalised_answer(net: Net) -> float:
    """By hand, with the mean and the deviation that the samples have in that epoch."""
    *_, values = run(scalar_step(net), ASKED)
    v = {str(node.name): float(value) for node, value in values.items() if np.ndim(value) == 0}
    inside = []
    for k in (1, 2):
        h = v[f"w{2 * k - 1}"] * TYPED[0] + v[f"w{2 * k}"] * TYPED[1] + v[f"b{k}"]
        n = (h - v[f"μ{k}"]) / v[f"s{k}"]
        inside.append(np.tanh(v[f"γ{k}"] * n + v[f"β{k}"]))
    o = v["w5"] * inside[0] + v["w6"] * inside[1] + v["b3"]
    return 1 / (1 + np.exp(-o))


def rows(path: Path) -> list[tuple[object, ...]]:
    return list(load_workbook(path, data_only=True)["Answers"].iter_rows(values_only=True))


@pytest.mark.parametrize("name", ["worked", "xor"])
def test_an_input_of_ones_own_is_answered_by_the_weights_of_the_chosen_epoch(recalculated, name):
    own, net = rows(recalculated / f"{name}.xlsx")[8], NETS[name]
    assert own[1:4] == ("your own", *TYPED)
    expected = answers(net)
    assert own[4 : 4 + len(expected)] == pytest.approx(expected, rel=1e-12)


def test_normalisation_answers_with_the_means_of_the_training(recalculated):
    own = rows(recalculated / "normalised.xlsx")[8]
    assert own[4] == pytest.approx(normalised_answer(NETS["normalised"]), rel=1e-12)


@for_each("name", NETS)
def test_outputs_stand_beside_targets_sample_by_sample(recalculated, name):
    net = NETS[name]
    step = scalar_step(net)
    *_, values = run(step, ASKED)
    outputs = np.array([np.ravel(values[node]) for node in step.outputs]).T
    found = rows(recalculated / f"{name}.xlsx")[10:]
    assert len(found) == len(net.examples())
    for row, sample, output in zip(found, net.examples(), outputs, strict=True):
        wanted = (*sample.inputs, *output, *sample.targets)
        assert row[2 : 2 + len(wanted)] == pytest.approx(wanted, rel=1e-12)


def test_classes_are_named_read_and_counted(recalculated):
    found = rows(recalculated / "flowers.xlsx")
    assert found[6][2:7] == ("length", "width", "iris", "rose", "tulip")
    samples = found[10:]
    assert {row[10] for row in samples} == {"iris", "rose", "tulip"}
    right = [row[10] == row[11] for row in samples]
    assert [row[12] for row in samples] == ["right" if ok else "wrong" for ok in right]
    assert found[4][2] == pytest.approx(sum(right) / len(right))
    assert found[4][3] == f"{sum(right)} of 24 samples are read correctly"
    assert sum(right) >= 20  # at the rate that the workbook begins with
    read = [("iris", "rose", "tulip")[int(np.argmax(row[4:7]))] for row in samples]
    assert [row[11] for row in samples] == read
