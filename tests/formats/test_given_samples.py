"""Exported programs take samples in the shapes in which `predict` takes them, and on its scale."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradbook.lab.models.model import Model
from tests.cases import for_each
from tests.trained import holed_model_of, model_of, sequences_model_of, table_model_of


def by_numpy(model: Model, folder: Path, given: np.ndarray) -> np.ndarray:
    program, _ = model.export(folder / "net.numpy.py").files
    return np.asarray(runpy.run_path(str(program))["predict"](given))


def by_torch(model: Model, folder: Path, given: np.ndarray) -> np.ndarray:
    program, _ = model.export(folder / "net.py").files
    space = runpy.run_path(str(program))
    answers = space["probabilities" if model.classes else "answers"]
    return np.asarray(answers(space["load"](), given))


BY = pytest.mark.parametrize(
    "by", [by_numpy, pytest.param(by_torch, marks=pytest.mark.witness("torch"))]
)
COLOURS = "input 3x6x5; conv 4 3x3; relu; flatten; dense 3; softmax"
FLAT = "input 30; dense 4; tanh; dense 3; softmax"
IN_ROWS = "input 6x5; gru 4; dense 3; softmax"


@BY
@for_each(
    ("text", "picture", "shapes"),
    [
        (COLOURS, None, [(3, 6, 5), (6, 5, 3), (90,)]),
        ("input 1x6x5; conv 4 3x3; flatten; dense 3", None, [(1, 6, 5), (6, 5), (6, 5, 1), (30,)]),
        (FLAT, (1, 6, 5), [(1, 6, 5), (6, 5), (30,)]),
        (IN_ROWS, (1, 6, 5), [(1, 6, 5), (6, 5), (30,)]),
    ],
)
def test_images_may_have_any_shape_that_predict_takes(by, text, picture, shapes, tmp_path):
    model = model_of(text, images=picture)
    for shape in shapes:
        images = np.random.default_rng(0).integers(0, 256, (4, *shape), np.uint8)
        expected = model.predict(images)
        np.testing.assert_allclose(by(model, tmp_path, images), expected, atol=1e-5)


@BY
def test_rows_and_sequences_may_have_any_shape_that_predict_takes(by, tmp_path):
    for text in (
        "input 8x3; gru 3; dense 3; softmax",
        "input 8x1; lstm 2; dense 3; softmax",
        "input 2x5x4; conv 3 2x2; flatten; dense 3; softmax",
    ):
        model, rows = sequences_model_of(text)
        for given in (rows, rows.reshape(-1, *model.net.input)):
            found = by(model, tmp_path, given.astype(np.float32))
            np.testing.assert_allclose(found, model.answers(rows), atol=1e-5)
    for model, rows, *_ in (table_model_of("side"), table_model_of("area"), holed_model_of("area")):
        found = by(model, tmp_path, rows)
        np.testing.assert_allclose(found, model.answers(rows), rtol=1e-5, atol=1e-5)


@BY
@for_each(
    ("text", "shape"),
    [
        (COLOURS, (12, 6, 5)),
        (COLOURS, (2, 5, 6, 3)),
        (COLOURS, (2, 3, 5, 6)),
        ("input 1x6x5; conv 4 3x3; flatten; dense 3", (12, 5)),
        (FLAT, (12, 10)),
    ],
)
def test_samples_are_never_made_of_several_or_of_parts(by, text, shape, tmp_path):
    with pytest.raises(ValueError, match=r"the images are \(\d+, .*\), not \(images, "):
        by(model_of(text), tmp_path, np.zeros(shape, np.uint8))


@BY
@for_each("shape", [(3, 8), (6, 12), (2, 3, 8), (24,)])
def test_neither_are_rows(by, shape, tmp_path):
    model, _ = sequences_model_of("input 8x3; gru 3; dense 3; softmax")
    with pytest.raises(ValueError, match=r"the rows are \(\d+.*\), not \(rows, 8, 3\)"):
        by(model, tmp_path, np.zeros(shape))


BYTES = np.random.default_rng(0).integers(0, 256, (4, 3, 6, 5), np.uint8)


@BY
@for_each("scaled", [lambda x: x / 255, lambda x: x / 127.5 - 1, lambda x: (x / 255 - 0.4) / 0.3])
def test_images_on_another_scale_are_refused_in_one_line(by, scaled, tmp_path):
    with pytest.raises(ValueError, match=r"the images go from \S+ to \S+, but in .* 0 to 255"):
        by(model_of(COLOURS), tmp_path, scaled(BYTES.astype(np.float32)))


@BY
@for_each("given", [BYTES, BYTES.astype(np.float32), BYTES // 100, BYTES * 0])
def test_bytes_and_numbers_that_were_bytes_are_taken(by, given, tmp_path):
    model = model_of(COLOURS)
    np.testing.assert_allclose(by(model, tmp_path, given), model.predict(given), atol=1e-5)


def test_the_program_says_it_in_one_line(tmp_path):
    program, _ = model_of(COLOURS).export(tmp_path / "net.numpy.py").files
    np.save(tmp_path / "images.npy", BYTES / 255)
    command = [sys.executable, str(program), str(tmp_path / "images.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "the images go from 0 to 1, but in training from 0 to 255\n"
