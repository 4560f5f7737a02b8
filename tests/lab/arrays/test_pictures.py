"""Pictures as arrays: any order of their sides, bytes or numbers from 0 to 1."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import gradbook as gb
from gradbook.lab.images import ImageProblem

pytestmark = pytest.mark.witness("cc")
Bytes = NDArray[np.uint8]


def patches(channels: int = 1, count: int = 96) -> tuple[Bytes, NDArray[np.int64]]:
    """A light square in one of four corners: (N, channels, 8, 9)."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 4
    pixels = random.integers(0, 90, (count, channels, 8, 9)).astype(np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        row, column = 4 * (label // 2), 4 * (label % 2)
        picture[:, row : row + 4, column : column + 4] = 220
    return pixels, labels


NET = "input 1x8x9; conv 4 3x3; relu; flatten; dense 4; softmax"
EVERY = {"epochs": 6, "set": "batch 16", "seed": 1}


def test_a_recipe_adapts_to_pictures_in_any_order_of_their_sides():
    grey, labels = patches()
    models = [
        gb.train(NET, pictures, labels, **EVERY).model
        for pictures in (grey, grey[:, 0], grey.transpose(0, 2, 3, 1), grey / 255, grey.astype(int))
    ]
    for model in models[1:]:
        for name, values in model.values.items():
            assert values.tobytes() == models[0].values[name].tobytes()
    colours, labels = patches(3)
    last = colours.transpose(0, 2, 3, 1)
    trained = gb.train("quick", last, labels, epochs=2)
    assert trained.model.picture == (3, 8, 9)
    assert trained.model.predict(last).tobytes() == trained.model.predict(colours).tobytes()


def test_a_model_of_numbers_from_0_to_1_reads_such_numbers_also_from_its_file(tmp_path):
    grey, labels = patches()
    trained = gb.train(NET, grey / 255, labels, **EVERY)
    trained.model.save(tmp_path / "corners.safetensors")
    model = gb.load(tmp_path / "corners.safetensors")
    assert model.evaluate(grey[:, 0] / 255, labels).score == 1
    np.testing.assert_allclose(model.predict(grey / 255), model.predict(grey), atol=1e-6)


def test_numbers_that_were_no_bytes_are_learned_as_they_are_by_a_network_for_them():
    grey, labels = patches()
    waves = np.log1p(grey.astype(float)) - 2
    trained = gb.train(NET, waves, labels, **EVERY)
    assert trained.model.evaluate(waves, labels).score == 1
    assert trained.model.predict(waves[:, 0]).tobytes() == trained.model.predict(waves).tobytes()
    assert len(set(np.asarray(trained.model.mean).tolist())) == 1  # of its one channel


@pytest.mark.witness("onnxruntime")
def test_what_was_trained_on_arrays_is_exported(tmp_path):
    import onnxruntime

    grey, labels = patches()
    for given in (grey, np.log1p(grey.astype(float)) - 2):
        model = gb.train(NET, given, labels, **EVERY).model
        (file,) = model.export(tmp_path / "corners.onnx", with_preparation=True).files
        runtime = onnxruntime.InferenceSession(str(file))
        (asked,) = runtime.get_inputs()
        rows = given.astype(np.uint8 if "uint8" in asked.type else np.float32)
        (sure,) = runtime.run(None, {asked.name: rows.reshape(-1, *asked.shape[1:])})
        np.testing.assert_allclose(sure, model.predict(given), atol=1e-5)
        file.unlink()


def test_the_parts_of_pictures_are_as_asked():
    grey, labels = patches()
    trained = gb.train(NET, grey, labels, validation=0.25, test=0, **EVERY)
    problem = trained.problem
    assert isinstance(problem, ImageProblem)
    assert len(problem.dataset.validation) == 24
    assert problem.dataset.everything
    assert np.bincount(problem.dataset.validation.labels).tolist() == [6] * 4
    others = gb.train(NET, grey, labels, validation=(grey[:8], labels[:8]), **EVERY)
    assert len(others.problem.dataset.validation) == 8
    assert len(others.problem.dataset.training) == 80
    assert others.test.confusion is not None
    assert others.test.confusion.sum() == 16


def test_weights_of_pictures_leave_some_out():
    grey, labels = patches()
    wrong = np.where(np.arange(96) % 3 == 0, (labels + 1) % 4, labels)
    weights = np.where(wrong == labels, 1.0, 0.0)
    trained = gb.train(NET, grey, wrong, sample_weight=weights, validation=0, test=0, **EVERY)
    assert trained.model.evaluate(grey, labels).score == 1


def test_pictures_that_do_not_fit_are_refused():
    grey, labels = patches()
    with pytest.raises(gb.GradbookError, match="have another size than the others"):
        gb.train(NET, grey, labels, validation=(grey[:, :, :4], labels))
    with pytest.raises(gb.GradbookError, match="pictures have classes"):
        gb.train(NET, grey, labels + 0.5, task="numbers")
    with pytest.raises(gb.GradbookError, match="begin it with 'input 1x8x9'"):
        gb.train(NET.replace("8x9", "8x8"), grey, labels)
