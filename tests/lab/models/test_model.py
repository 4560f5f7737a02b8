import re
from pathlib import Path

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import DataError, ShapeError
from gradbook.lab.models import stored
from gradbook.lab.models.model import FEW_IMAGES, Model, trained_shapes
from gradbook.lab.training.train import train
from gradbook.net.work.at_work import at_work
from tests.cases import for_each
from tests.lab import made

pytestmark = pytest.mark.witness("cc")
SET = made.dataset()
TEST = SET.test_for_reporting


@pytest.fixture(scope="module")
def model() -> Model:
    return train(made.recipe(), data=SET, threads=1).model


@pytest.fixture
def path(model, tmp_path):
    model.save(tmp_path / "made.safetensors")
    return tmp_path / "made.safetensors"


def test_a_model_reads_images(model):
    sure = model.predict(TEST.pixels)
    assert sure.shape == (100, 4)
    np.testing.assert_allclose(sure.sum(axis=1), 1)
    assert (model.classify(TEST.pixels) == sure.argmax(axis=1)).all()
    right = model.classify(TEST.pixels) == TEST.labels
    assert model.score(TEST.pixels, TEST.labels) == right.mean() > 0.9


def test_few_images_are_read_as_among_many(model):
    few = model.predict(TEST.pixels[:FEW_IMAGES])
    np.testing.assert_allclose(few, model.predict(TEST.pixels)[:FEW_IMAGES], atol=1e-5)
    assert not np.array_equal(
        few, model.predict(TEST.pixels)[:FEW_IMAGES]
    )  # one is in double precision


def test_bytes_and_the_same_numbers_are_read_alike(model):
    numbers = TEST.pixels.astype(np.float32)
    for count in (5, 100):
        np.testing.assert_allclose(
            model.predict(numbers[:count]), model.predict(TEST.pixels[:count]), atol=1e-6
        )
    assert model.predict(TEST.pixels[:0]).shape == model.predict(numbers[:0, 0]).shape == (0, 4)
    assert model.predict(np.zeros((2, 8, 8))).shape == (2, 4)  # black, however it is written
    assert (model.classify(TEST.pixels[:, 0]) == model.classify(TEST.pixels)).all()


def test_a_model_comes_back_from_its_file_as_it_was(model, path):
    again = gb.load(path)
    assert again.net == model.net
    assert again.classes == model.classes == SET.classes
    assert (again.mean, again.deviation) == (model.mean, model.deviation)
    assert again.about == model.about
    for count in (5, 100):
        images = TEST.pixels[:count]
        np.testing.assert_array_equal(again.predict(images), model.predict(images))


def test_a_model_says_how_it_came_about(model):
    assert gb.recipe(model.about["recipe"]).name == "strokes"
    assert model.about["epochs"] == 3
    assert model.about["test_accuracy"] == model.score(TEST.pixels, TEST.labels)


@pytest.mark.witness("torch")
def test_the_document_tells_others_how_to_read_it(model, tmp_path, monkeypatch):
    """The lines of docs/reference/files.md, as they stand, make what the first layer makes."""
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    model.save("model.safetensors")
    document = Path(__file__).parents[3] / "docs" / "reference" / "files.md"
    (block,) = re.findall(r"```python\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
    names = {"images": torch.tensor(TEST.pixels[:5])}
    exec(block, names)  # our own document
    for image, first in zip(TEST.pixels, names["made"], strict=False):
        worked = at_work(model.net, model.values, model.prepare(image), np.eye(4)[0])
        np.testing.assert_allclose(first.numpy(), worked.values[1], rtol=1e-4, atol=1e-5)


def test_the_summary_counts_every_parameter(model):
    lines = model.summary().splitlines()
    assert lines[0].split() == ["input", "1x8x8"]
    assert lines[1].split() == ["conv", "4", "3x3", "4x6x6", "40"]
    assert repr(model.summary()) == model.summary()  # as a notebook's last line shows it
    assert model.summary()._repr_html_().count("<tr") == len(lines) + 1
    counts = [int(line[-3:]) for line in lines if len(line) == max(map(len, lines))]
    assert sum(counts[:-1]) == counts[-1] == model.parameters == 196
    assert f"{model.parameters} parameters, 4 classes" in repr(model)


@for_each(
    ("images", "said"),
    [
        (np.zeros((3, 1, 9, 9), np.uint8), "images are 1x9x9, but this model reads an array"),
        (np.zeros((8, 8), np.uint8), "images are 8"),
        (np.zeros(64, np.uint8), "images are one number"),
        (np.array([["a"]]), "bytes or numbers"),
        (np.zeros((2, 8, 8), complex), "bytes or numbers"),
        (7, "images are one number"),
        ([[1, 2], [3]], "all images must have one size, here 1x8x8"),
        (
            TEST.pixels / 255,
            "go from 0 to 0.898, but the model was trained on 0 to 229: multiply them by 255",
        ),
        (
            (TEST.pixels / 255 - 0.13) / 0.31,
            r"these images go from -0\.4194 to 2.478, .*: give bytes",
        ),
        (TEST.pixels // 128, "these images go from 0 to 1, .* on 0 to 229: multiply them by 255"),
        (TEST.pixels * 257.0, r"to 5.885e\+04, .*: give bytes, or numbers from 0 to 255"),
        (TEST.pixels.astype(int) - 128, "these images go from -128 to 101, .*: give bytes"),
        (TEST.pixels.reshape(-1, 4, 16), "the images are 4x16, but this model reads an array of"),
        (np.full((2, 8, 8), np.nan), "infinite or not numbers"),
    ],
)
def test_what_are_no_images_for_it_is_refused(model, images, said):
    with pytest.raises(ShapeError, match=said):
        model.predict(images)


def test_zeros_and_ones_are_images_for_a_model_that_learned_from_such(model):
    dark = Model(model.net, model.values, [0.3 / 255], [0.5 / 255], model.classes)
    plain = Model(model.net, model.values, [0], [1 / 255], model.classes)  # numbers unchanged
    ones = TEST.pixels // 128
    np.testing.assert_allclose(dark.predict(ones), plain.predict((ones - 0.3) / 0.5), atol=1e-5)


def test_labels_for_other_images_are_refused(model):
    with pytest.raises(ShapeError, match="3 labels for 100 images"):
        model.score(TEST.pixels, TEST.labels[:3])
    with pytest.raises(ShapeError, match="0 labels for 0 images"):
        model.score(TEST.pixels[:0], TEST.labels[:0])


@for_each("labels", [[4, 0], [-1, 0], ["0", "1"], [0.0, 1.0], [[0], [1]]], ids=str)
def test_labels_are_numbers_of_classes(model, labels):
    with pytest.raises(ShapeError, match="the numbers of the classes, from 0 to 3"):
        model.score(TEST.pixels[:2], labels)


def changed(path, arrays=None, **record):
    values, held = stored.read(path, "model")
    kept = values if arrays is None else arrays(dict(values))
    stored.write(path, kept, {**held, **record})


def less(values):
    return {name: value for name, value in values.items() if name != "r_μ"}


def wider(values):
    return {**values, "w_layer_0": np.zeros((4, 1, 3, 4), np.float32)}


def infinite(values):
    return {**values, "r_μ": np.float32(values["r_μ"] + np.inf)}


HUGE = "input 9000000; dense 1; loss half squared error"


@for_each(
    "change",
    [
        {"arrays": less},
        {"arrays": wider},
        {"arrays": infinite},
        {"network": "input 1x8x8; flatten; dense 5; log softmax; loss cross-entropy"},
        {"network": HUGE},
        {"network": "inptu 3"},
        {"network": 7},
        {"network": None},
        {"mean": []},
        {"mean": [1, 2], "deviation": [1, 2, 3]},
        {"mean": ["a lot"]},
        {"deviation": [None]},
        {"classes": ["0", "1"]},
        {"classes": 4},
        {"about": 3},
        {"version": 2},
        {"version": None},
        {"batch": 0},
        {"batch": "many"},
    ],
    ids=lambda change: str({k: getattr(v, "__name__", v) for k, v in change.items()}),
)
def test_a_file_whose_parts_do_not_fit_is_refused_in_one_line(path, change):
    changed(path, **change)
    with pytest.raises(DataError, match="this version of gradbook can't use this model") as caught:
        gb.load(path)
    assert "\n" not in str(caught.value)


def test_a_model_holds_what_inference_reads_and_no_more(model):
    assert {name: value.shape for name, value in model.values.items()} == trained_shapes(model.net)
    assert not any(name.startswith("v_") for name in model.values)


def test_of_one_image_that_it_cant_read_only_its_size_is_told(model):
    with pytest.raises(
        ShapeError, match="^the image is 1x9x9, but this model reads an array of .*1x8x8$"
    ):
        model.prepare(np.zeros((1, 9, 9), np.uint8))
