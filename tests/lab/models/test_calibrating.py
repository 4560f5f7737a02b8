"""Whole numbers are calibrated on the arrays of a training, or on those that are given."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import gradbook as gb
from gradbook.cli.main import main
from gradbook.errors import GradbookError
from gradbook.lab.models.exporting import in_places
from gradbook.targets.portable.sensor_numbers import sensor_numbers
from tests.cases import for_each
from tests.targets.portable.compiled import called

pytestmark = pytest.mark.witness("cc")
RANDOM = np.random.default_rng(5)
LABELS = np.arange(120) % 3
ROWS = RANDOM.normal(size=(120, 5)) * [1, 30, 0.2, 4, 9] + LABELS[:, None] * [1, 30, 0.2, 0, 0]
BYTES = RANDOM.integers(0, 90, (120, 6, 6)).astype(np.uint8)
BYTES[np.arange(120), 2 * LABELS] = 240
STEPS = RANDOM.normal(size=(120, 7, 2)) + LABELS[:, None, None]
NAMES = np.array(["low", "middle", "high"])[LABELS]
PICTURES = "input 1x6x6; conv 4 3x3; relu; flatten; dense 3; softmax"
CASES = {
    "rows": ("input 5; dense 8; tanh; dense 3; softmax", ROWS, NAMES),
    "pictures": (PICTURES, BYTES, NAMES),
    "pictures from 0 to 1": (PICTURES, BYTES / 255, LABELS),
    "sequences": ("input 7x2; conv1d 4 3; relu; flatten; dense 3; softmax", STEPS, LABELS),
    "a frame": (
        None,
        {"width": ROWS[:, 0], "depth": ROWS[:, 1], "town": np.where(LABELS > 1, "north", "south")},
        NAMES,
    ),
}


@for_each("name", CASES)
def test_after_a_training_its_arrays_calibrate_later_given_ones_do(name, tmp_path):
    net, inputs, targets = CASES[name]
    model = gb.train(net, inputs, targets, epochs=15, seed=1, show=False).model
    expected = model.evaluate(inputs, targets).score
    assert expected > 0.6
    model.save(tmp_path / "kept.safetensors")
    (file,) = model.export(tmp_path / "now.c", int8=True).files
    for later in (gb.load(tmp_path / "kept.safetensors"), pickle.loads(pickle.dumps(model))):
        with pytest.raises(GradbookError, match=r"file doesn't contain the samples .*data=\("):
            later.export(tmp_path / "later.c", int8=True)
        remarks = later.export(tmp_path / "given.c", int8=True, data=(inputs, targets)).remarks
        assert "120 given" in remarks[-1]
        right = float(remarks[-1].partition(" %")[0]) / 100
        assert right == pytest.approx(expected, abs=0.05)
    if name in ("rows", "sequences"):
        rows = np.asarray(inputs).reshape(120, -1)
        wide = np.shape(inputs)[-1]
        assert "whole numbers (int16_t)" in file.read_text("utf-8")
        _runs_alike(file.read_text("utf-8"), rows, wide, model)


def _runs_alike(text: str, rows: Any, wide: int, model: gb.Model) -> None:
    """The C, compiled, says the class that the model says of nearly all rows."""
    whole = sensor_numbers(in_places(model.trained_on().fitting), wide).of(rows)
    said, _ = called(text, "now", whole, 3, np.int32)
    assert np.mean(said == model.classify(rows)) > 0.93


def test_a_table_is_named_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [
        "a,b,kind",
        *(f"{row[0]:.3f},{row[1]:.3f},{name}" for row, name in zip(ROWS, NAMES, strict=True)),
    ]
    (tmp_path / "kinds.csv").write_text("\n".join(lines))
    gb.train("kinds.csv", epochs=5, seed=1, show=False).model.save("kinds.safetensors")
    assert main(["export", "kinds.safetensors", "-o", "no.c", "--int8"]) == 2
    assert "--data FILE.csv" in capsys.readouterr().err
    assert not (tmp_path / "no.c").exists()
    assert (
        main(["export", "kinds.safetensors", "-o", "yes.c", "--int8", "--data", "kinds.csv"]) == 0
    )
    assert "120 given rows" in capsys.readouterr().out


@for_each(
    ("data", "said"),
    [
        (ROWS, "samples: \\(inputs, targets\\)"),
        ((ROWS, LABELS[:3]), "3 labels for 120"),
        ((ROWS[:, :2], LABELS), "but this model takes"),
        ((ROWS * np.nan, LABELS), "isn't a finite number"),
    ],
)
def test_what_cannot_calibrate_is_refused_in_a_line(data, said, tmp_path):
    model = gb.train(None, ROWS, LABELS, epochs=1, show=False).model
    with pytest.raises(GradbookError, match=said):
        model.export(tmp_path / "kinds.c", int8=True, data=data)
    assert not (tmp_path / "kinds.c").exists()


def test_numbers_and_pictures_that_were_no_bytes_have_no_such_c(tmp_path):
    numbers = gb.train(None, ROWS, ROWS[:, 0], epochs=1, show=False).model
    pictures = gb.train(PICTURES, BYTES / 251 + 0.001, LABELS, epochs=1, show=False).model
    for model, said in ((numbers, "networks that classify"), (pictures, "pictures as bytes")):
        with pytest.raises(GradbookError, match=said):
            model.export(tmp_path / "no.c", int8=True)
