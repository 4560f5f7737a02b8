from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from gradbook.data.sources import load
from gradbook.errors import GradbookError
from gradbook.lab.models.model import Model
from gradbook.lab.models.predict import Reading, readings
from gradbook.net import Net
from tests.cases import for_each
from tests.data.made import save as save_idx
from tests.data.photos import photo, save
from tests.lab.reader import reader

PHOTOS = 60


@pytest.fixture(scope="module")
def model() -> Model:
    return reader()


@pytest.fixture(scope="module")
def digits():
    """The first of the digits' test images, and their labels."""
    found = load("digits").test_for_reporting
    return found.pixels[:PHOTOS, 0], found.labels[:PHOTOS]


@pytest.fixture
def drawn(digits, tmp_path):
    """`drawn(name)`: the first test image as a picture, in a file of that name."""

    def draw(name="a.png"):
        Image.fromarray(255 - digits[0][0]).resize((112, 112)).save(tmp_path / name)
        return tmp_path / name

    return draw


def read(model, *paths) -> list[Reading]:
    return list(readings(model, paths))


def only(model, path) -> Reading:
    (found,) = read(model, path)
    return found


def test_photos_are_read_as_well_as_the_images_they_are_of(model, digits, tmp_path):
    """All that may happen to a photo, in every format, against the bare images."""
    pixels, labels = digits
    files = [save(photo(digit, k), tmp_path, k) for k, digit in enumerate(pixels)]
    content = read(model, *files)
    right = sum(
        not one.problem and one.ranking[0] == label
        for one, label in zip(content, labels, strict=True)
    )
    bare = int((model.classify(pixels) == labels).sum())
    assert bare > 0.9 * PHOTOS
    assert right >= bare - 1


def test_a_picture_is_read_with_a_probability_for_each_class(model, drawn):
    found = only(model, drawn())
    assert model.classes[found.ranking[0]] == "7"
    assert sum(found.probabilities) == pytest.approx(1)
    assert found.image.shape == (1, 28, 28)
    assert (found.number, found.problem, found.unreadable) == (None, "", False)


@for_each("packing", ["", ".gz", ".xz"])
@for_each("name", ["t10k-images-idx3-ubyte", "scans"])
def test_an_idx_file_is_read_image_by_image_as_it_is(name, packing, model, digits, tmp_path):
    pixels, _ = digits
    file = save_idx(tmp_path, name + packing, pixels[:40])
    content = read(model, file)
    assert [one.number for one in content] == list(range(40))
    assert np.array_equal(np.stack([one.image[0] for one in content]), pixels[:40])
    assert [one.ranking[0] for one in content] == model.classify(pixels[:40]).tolist()


def test_a_folder_is_read_with_its_folders_in_order(model, drawn, tmp_path):
    for name in ("b", "a/c", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
        drawn(f"{name}/1.png")
    drawn("z.JPG")
    drawn(".x.png")
    (tmp_path / "readme.txt").write_text("no picture")
    found = [os.path.relpath(one.file, tmp_path) for one in read(model, tmp_path)]
    assert found == ["z.JPG", "a/c/1.png", "b/1.png"]


WRONG = {
    "empty.png": (
        b"",
        "not a picture that can be read (BMP, GIF, JPEG, PNG, PPM, WEBP): save it as PNG",
    ),
    "t10k-labels-idx1-ubyte": (b"\0\0\x08\x01\0\0\0\x02\1\2", "these aren't images of bytes"),
    "small-images-idx3-ubyte": (b"\0\0\x08\x03" + b"\0\0\0\1" * 3 + b"\7", "its images are 1x1"),
    "cut-images-idx3-ubyte": (b"\0\0\x08\x03" + b"\0\0\0\x1c" * 3 + b"\7", "it is incomplete"),
    "real-images-idx3-float": (b"\0\0\x0d\x03" + b"\0\0\0\1" * 3 + b"\0" * 4, "aren't images"),
    "bomb-images-idx3-ubyte": (b"\0\0\x08\x03" + b"\xff" * 12, "are too many"),
    "a.gz": (b"\x1f\x8b\x08\0cut", "damaged"),
}


@for_each("name", WRONG)
def test_a_file_that_cannot_be_read_is_one_line(name, model, tmp_path, drawn):
    content, line = WRONG[name]
    (tmp_path / name).write_bytes(content)
    wrong, right = read(model, tmp_path / name, drawn())
    assert line in wrong.problem
    assert wrong.unreadable
    assert wrong.file == str(tmp_path / name)
    assert "\n" not in wrong.problem
    assert not right.problem


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe_is_not_waited_for(model, drawn, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    wrong, right = read(model, tmp_path / "pipe.png", drawn())
    assert wrong.problem == "a pipe, not a file: save its output to a file first"
    assert wrong.unreadable
    assert not right.problem


def test_a_folder_without_pictures_and_a_name_without_a_file_are_one_line(model, tmp_path):
    (tmp_path / "empty").mkdir()
    first, second = read(model, tmp_path / "empty", tmp_path / "nowhere.png")
    assert first.problem.startswith("it contains no pictures (bmp, gif, jpeg,")
    assert "nowhere.png" in second.problem
    assert first.unreadable
    assert second.unreadable


def made(text: str, about: dict | None = None) -> Model:
    from gradbook.engine.engines import PlainEngine
    from gradbook.lab.models.model import trained_shapes

    net = Net.parse(text)
    carried = PlainEngine(net, 8).state()
    classes = [str(k) for k in range(max(net.outputs, 2))]
    values = {name: carried[name] for name in trained_shapes(net)}
    channels = net.input[0] if len(net.input) == 3 else 1
    return Model(net, values, [0.5] * channels, [0.5] * channels, classes, about or {})


ENDING = "flatten; dense 3; softmax; loss cross-entropy"


@for_each(
    ("text", "about", "shape"),
    [
        (f"input 3x5x4; {ENDING}", {}, (3, 5, 4)),
        (f"input 1x9x7; {ENDING}", {}, (1, 9, 7)),
        (f"input 49; {ENDING}", {}, (1, 7, 7)),
        (f"input 24; {ENDING}", {"images": [1, 4, 6]}, (1, 4, 6)),
        (f"input 1x28x28; {ENDING}", {"framing": "24 centred by box"}, (1, 28, 28)),
    ],
)
def test_a_model_of_another_shape_sees_pictures_in_its_own(text, about, shape, drawn):
    found = only(made(text, about), drawn())
    assert found.image.shape == shape
    assert len(found.probabilities) == 3


@for_each(
    ("text", "about"),
    [
        (f"input 5; {ENDING}", {}),
        (f"input 24; {ENDING}", {"images": [1, 5, 6]}),
        (f"input 24; {ENDING}", {"images": "1x4x6"}),
        (f"input 1x28x28; {ENDING}", {"framing": "20 centred by eye"}),
    ],
)
def test_a_model_that_cannot_read_pictures_says_so(text, about, drawn):
    with pytest.raises(GradbookError, match="reads no images|^framing "):
        only(made(text, about), drawn())


def test_many_images_are_read_some_at_a_time(model, digits, tmp_path):
    pixels = np.concatenate([digits[0]] * 2)
    file = save_idx(tmp_path, "many-images-idx3-ubyte", pixels)
    found = Counter(one.ranking[0] for one in readings(model, [file]))
    assert found == Counter(model.classify(pixels).tolist())
