"""Each scale of pictures beside each that a model may have learned: right, refused, or unknown."""

from __future__ import annotations

import re
from contextlib import nullcontext

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import ShapeError
from gradbook.lab.models.input_range import InputRange, range_of_scales
from tests.cases import for_each

FEW = gb.Net.parse("input 1x6x6; conv 3 3x3; relu; flatten; dense 2; softmax")
LEVEL = 14  # the brightness of the light stripe, on a scale that ends at 16


def stripes(count: int = 60, seed: int = 0):
    """Light rows or light columns on a dim ground, with brightness from 0 to 1, as no bytes."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pictures = random.random((count, 6, 6)) * 0.3
    for picture, label in zip(pictures, labels, strict=True):
        at = random.integers(6)
        (picture if label else picture.T)[at] = 0.9
    pictures[:, 0, 0] = 1.0
    return pictures, labels


PICTURES, LABELS = stripes()
BYTES = np.rint(PICTURES * 255).astype(np.uint8)
SCALES = {
    "0 to 1": PICTURES,
    "0 to 1, single": PICTURES.astype(np.float32),
    "0 to 1, that were bytes": BYTES / 255,
    "a little beyond": PICTURES * 1.04 - 0.02,
    "bytes": BYTES,
    "whole": BYTES.astype(int),
    "0 to 255": PICTURES * 255.0,
    "a little beyond 255": PICTURES * 265.0 - 4,
    "0 to 16": np.rint(PICTURES * 16),
    "mean 0": (PICTURES - PICTURES.mean()) / PICTURES.std(),
    "-1 to 1": PICTURES * 2 - 1,
    "black": np.zeros((3, 6, 6)),
    "one dark picture": np.eye(6, dtype=np.uint8)[None],
    "yes or no": PICTURES > 0.5,
    "16 bits": np.rint(PICTURES * 65535).astype(np.uint16),
}
UNITS = {"0 to 1", "0 to 1, single", "0 to 1, that were bytes", "a little beyond", "yes or no"}
LARGE = {"bytes", "whole", "0 to 255", "a little beyond 255"}
UNKNOWN = {"black", "one dark picture"}  # of which any may be
FITS = {  # what was trained on: what isn't refused
    "0 to 1": UNITS | UNKNOWN,
    "0 to 1, single": UNITS | UNKNOWN,
    "0 to 1, that were bytes": UNITS | LARGE | UNKNOWN | {"0 to 16"},  # bytes are known as such
    "bytes": LARGE | UNKNOWN | {"0 to 16"},
    "whole": LARGE | UNKNOWN | {"0 to 16"},
    "0 to 255": LARGE | UNKNOWN | {"0 to 16"},
    "mean 0": UNITS | UNKNOWN | {"mean 0", "-1 to 1", "0 to 16"},
    "16 bits": {"16 bits", "whole", "0 to 255", "0 to 16", "black"},
}


@pytest.fixture(scope="module")
def models():
    settings = {"epochs": 25, "seed": 1, "validation": 0, "test": 0, "show": False}
    lines = {"set": "batch 10"}
    return {name: gb.train(FEW, SCALES[name], LABELS, **settings, **lines).model for name in FITS}


@pytest.mark.witness("cc")
def test_each_scale_is_read_right_or_refused_with_both_ranges(models, tmp_path):
    wrong = []
    for learned, kept in models.items():
        kept.save(tmp_path / "stripes.safetensors")
        for model in (kept, gb.load(tmp_path / "stripes.safetensors")):
            for scale, pictures in SCALES.items():
                for door in ("predict", "classify", "flat", "evaluate", "outputs"):
                    fits = scale in FITS[learned]
                    if door == "outputs" and model.columns:
                        continue
                    try:
                        _through(door, model, pictures)
                    except ShapeError as error:
                        said = re.search(r"go from .* but the model was trained on", str(error))
                        if fits or not said:
                            wrong.append(f"{learned} < {scale} by {door}: {error}")
                    else:
                        if not fits:
                            wrong.append(f"{learned} < {scale} by {door}: nothing said")
    assert not wrong, "\n".join(wrong)


def _through(door, model, pictures):
    if door == "evaluate":
        model.evaluate(pictures, LABELS[: len(pictures)])
    elif door == "flat":
        model.predict(pictures.reshape(len(pictures), -1))
    else:
        getattr(model, door)(pictures if door != "outputs" else pictures[:, None])


@pytest.mark.witness("cc")
def test_what_is_not_refused_is_read_as_in_training(models):
    for learned, model in models.items():
        same = {"0 to 1, that were bytes": {*UNITS, *LARGE} - {"yes or no"}}
        for scale in same.get(learned, {learned, *({*LARGE} & FITS[learned])}):
            if scale == "mean 0" or (learned == "16 bits" and scale != learned):
                continue
            assert model.evaluate(SCALES[scale], LABELS).score > 0.9, (learned, scale)


@pytest.mark.witness("cc")
def test_outputs_are_those_that_predict_makes_probabilities_of(models):
    model = models["0 to 1, that were bytes"]
    for given in (BYTES, BYTES / 255, BYTES.astype(float)):
        np.testing.assert_allclose(
            model.outputs(given[:, None]), model.predict(given), rtol=1e-5, atol=1e-6
        )


@for_each(
    ("trained", "given", "is_refused"),
    [
        (np.random.default_rng(0).random((9, 36)), BYTES, True),
        (np.random.default_rng(0).random((9, 36)), BYTES.astype(float), False),  # a table's rows
        (np.random.default_rng(0).random((9, 5)), BYTES[:, :1, :5], False),  # few columns
        (BYTES[:9], PICTURES, True),
        (BYTES[:9], np.zeros((2, 36)), False),
        (BYTES[:9], -PICTURES, False),
    ],
)
def test_rows_of_numbers_are_refused_only_if_their_type_says_that_they_are_bytes(
    trained, given, is_refused
):
    known = InputRange.of(trained.reshape(len(trained), -1), pictures=False)
    with pytest.raises(ShapeError, match="these rows go") if is_refused else nullcontext():
        known.require(given.reshape(len(given), -1))


def test_a_file_without_a_range_suggests_one_by_its_scales():
    for scale, most in (("0 to 1", 1), ("0 to 255", 255), ("mean 0", None), ("-1 to 1", None)):
        numbers = SCALES[scale]
        known = range_of_scales([numbers.mean()], [numbers.std()])
        assert (known and known.most) == most, scale


@pytest.mark.witness("cc")
def test_pictures_for_validation_are_on_the_scale_of_the_others():
    with pytest.raises(ShapeError, match="trained on 0 to 1: divide them by 255"):
        gb.train(FEW, PICTURES, LABELS, validation=(BYTES, LABELS), epochs=1)


@pytest.mark.witness("cc")
def test_a_recipe_takes_numbers_a_little_beyond_1_as_brightness():
    trained = gb.train("quick", PICTURES * 1.04, LABELS, epochs=1, validation=0, test=0)
    assert trained.problem.dataset.brightest == 1
    assert trained.problem.dataset.training_and_validation.pixels.max() == 255
