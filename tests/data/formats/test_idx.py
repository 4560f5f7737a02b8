from __future__ import annotations

import gzip
import lzma
import shutil
import struct
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradbook import limits
from gradbook.data.formats import idx
from gradbook.data.sources import load
from gradbook.errors import DataError, FileError
from tests.cases import for_each
from tests.data.made import PACK, idx_folder, labels, pixels, save

KINDS = st.sampled_from(["u1", "i1", "<i2", ">i2", "<i4", ">i4", "<f4", ">f4", "<f8", ">f8"])
SHAPES = arrays.array_shapes(max_dims=5, min_side=0, max_side=4)
HEADER = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 4)


@given(KINDS.flatmap(lambda kind: arrays.arrays(kind, SHAPES)))
def test_what_is_written_is_read(array):
    again = idx.parse(idx.write(array))
    assert again.shape == array.shape
    assert again.dtype == array.dtype.newbyteorder(">")
    assert np.array_equal(again, array, equal_nan=array.dtype.kind == "f")


@given(arrays.arrays("u1", SHAPES).map(idx.write), st.data())
def test_bytes_that_are_damaged_are_refused_in_a_line_or_read_as_something(content, data):
    place = data.draw(st.integers(0, len(content) - 1))
    wrong = data.draw(st.integers(0, 255))
    damaged = content[:place] + bytes([wrong]) + content[place + 1 :]
    with suppress(DataError):
        assert isinstance(idx.parse(damaged), np.ndarray)


@given(arrays.arrays("u1", SHAPES).map(idx.write), st.data())
def test_every_cut_is_noticed(content, data):
    kept = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(DataError):
        idx.parse(content[:kept])


def test_the_header_is_mnists():
    """60,000 images of 28 by 28 begin 00 00 08 03, 00 00 ea 60, 00 00 00 1c, 00 00 00 1c."""
    start = idx.write(np.empty((60000, 28, 28), np.uint8))[:16]
    assert start.hex() == "000008030000ea600000001c0000001c"


@for_each(
    ("content", "said"),
    [
        (b"", "byte 0: this isn't an idx file, it begins with nothing"),
        (b"\0\0", "byte 0: this isn't an idx file, it begins with 00 00"),
        (b"\x89PNG\r\n", "byte 0: this isn't an idx file, it begins with 89 50 4e 47"),
        (b"\0\0\x07\x01\0\0\0\0", "byte 2: idx has no type 0x07"),
        (b"\0\0\x08\0", "byte 3: an array of 0 dimensions"),
        (b"\0\0\x08\xff" + 1020 * b"\0", "byte 3: an array of 255 dimensions"),
        (HEADER[:9], "ends at byte 9, within its header"),
        (HEADER + 23 * b"\0", "ends at byte 39 of the 40 that its header promises"),
        (HEADER + 25 * b"\0", "continues after byte 40, where it should end by its header"),
        (HEADER[:4] + 12 * b"\xff", "byte 4: 4,294,967,295 x 4,294,967,295 x 4,294,967,295"),
    ],
)
def test_damage_is_named_with_its_byte(content, said):
    with pytest.raises(DataError) as caught:
        idx.parse(content, "a-file")
    assert str(caught.value).startswith(f"a-file: {said}")


def test_gigabytes_are_refused_before_they_are_asked_for():
    class Stream:
        pieces = iter([b"\0\0\x0e\x01", struct.pack(">I", limits.IMAGES.most // 8 + 1)])

        def read(self, size):
            assert size == 4
            return next(self.pieces)

    with pytest.raises(DataError, match=r"too many: at most 1,024 MiB are read"):
        idx.read(Stream(), "a")


@for_each("array", [np.array(1), np.array(["a"]), np.zeros(3, np.int64)])
def test_what_idx_has_no_way_to_say_is_refused(array):
    with pytest.raises(DataError, match="idx can't store"):
        idx.write(array)


@pytest.fixture
def folder(tmp_path):
    return idx_folder(tmp_path / "tiny")


@pytest.fixture
def refusal(folder):
    """`refusal()` is the one line that is said of the folder, without the folder's name."""

    def refuse():
        with pytest.raises(DataError) as caught:
            load(folder)
        line = str(caught.value)
        assert line.isprintable()
        return line.replace(f"{folder}/", "").replace(str(folder), "FOLDER")

    return refuse


@for_each("packing", PACK)
def test_plain_gzip_and_xz_are_read(tmp_path, packing):
    loaded = load(idx_folder(tmp_path / "tiny", packing=packing))
    assert loaded.name == "tiny"
    assert loaded.classes == ("0", "1", "2")
    assert loaded.shape == (1, 5, 4)
    assert loaded.training_and_validation.pixels.tobytes() == pixels(12, 5, 4).tobytes()
    assert loaded.training_and_validation.labels.tolist() == labels(12).tolist()
    assert loaded.test_for_reporting.pixels.tobytes() == pixels(4, 5, 4).tobytes()


def test_a_plain_file_is_read_rather_than_its_packed_twin(folder):
    for file in list(folder.iterdir()):
        (folder / f"{file.name}.gz").write_bytes(b"not even gzip")
    assert len(load(folder).test_for_reporting) == 4


@for_each(
    "name",
    [
        "train-images.idx3-ubyte",
        "train_images_idx3_ubyte",
        "emnist-digits-train-images-idx3-ubyte",
        "Train-Images-idx3-ubyte",
        "training.images.ubyte",
    ],
)
def test_relatives_names_are_understood(folder, name):
    (folder / "train-images-idx3-ubyte").rename(folder / name)
    assert len(load(folder).training_and_validation) == 12


def test_other_files_do_not_matter(folder):
    (folder / "README.txt").write_text("hello")
    (folder / "._train-images-idx3-ubyte").write_bytes(b"a Mac was here")
    (folder / "processed").mkdir()
    assert len(load(folder).training_and_validation) == 12


def test_colour_comes_as_four_sides(folder):
    save(folder, "train-images-idx3-ubyte", pixels(12, 3, 5, 4))
    save(folder, "t10k-images-idx3-ubyte", pixels(4, 3, 5, 4))
    assert load(folder).shape == (3, 5, 4)


def test_labels_may_be_larger_numbers(folder):
    save(folder, "train-labels-idx1-int", labels(12).astype(">i4"))
    (folder / "train-labels-idx1-ubyte").unlink()
    assert load(folder).training_and_validation.labels.tolist() == labels(12).tolist()


def test_classes_may_be_named(folder):
    (folder / "classes.txt").write_text("shirt\ndress\nbag\n\n")
    assert load(folder).classes == ("shirt", "dress", "bag")


def test_a_validation_part_is_kept_apart(folder):
    save(folder, "validation-images-idx3-ubyte", pixels(3, 5, 4, seed=1))
    save(folder, "validation-labels-idx1-ubyte", labels(3))
    assert load(folder).validation.pixels.tobytes() == pixels(3, 5, 4, seed=1).tobytes()


def test_a_folder_may_have_no_test_part(folder):
    for file in folder.glob("t10k*"):
        file.unlink()
    assert len(load(folder).test_for_reporting) == 2


# Damage ----------------------------------------------------------------------


@for_each("packing", [".gz", ".xz"])
@for_each("kept", [0.2, 0.5, 0.99])
def test_a_packed_file_that_is_cut_short_is_named(folder, refusal, packing, kept):
    file = folder / "train-images-idx3-ubyte"
    packed = PACK[packing](file.read_bytes())
    file.unlink()
    (folder / f"train-images-idx3-ubyte{packing}").write_bytes(packed[: int(len(packed) * kept)])
    assert refusal().startswith(f"train-images-idx3-ubyte{packing}: damaged at or before byte ")


@for_each("packing", [".gz", ".xz"])
def test_a_flipped_bit_in_a_packed_file_is_noticed(folder, refusal, packing):
    file = folder / "train-images-idx3-ubyte"
    packed = bytearray(PACK[packing](file.read_bytes()))
    packed[len(packed) // 2] ^= 4
    file.write_bytes(packed)
    assert refusal().startswith("train-images-idx3-ubyte: damaged at or before byte ")


LABELS_HEADER = bytes([0, 0, 8, 3])


@for_each(
    ("content", "said"),
    [
        (
            LABELS_HEADER + struct.pack(">3I", 1, 5, 4) + bytes(2**26),
            "continues after byte 36",
        ),
        (
            LABELS_HEADER + struct.pack(">3I", 60_000, 28, 28),
            "ends at byte 16 of the 47,040,016",
        ),
        (
            LABELS_HEADER + 12 * b"\xff" + bytes(2**20),
            "byte 4: 4,294,967,295 x 4,294,967,295 x",
        ),
    ],
)
@for_each("pack", [gzip.compress, lambda content: lzma.compress(content, preset=0)])
def test_a_bomb_is_not_unpacked(folder, refusal, content, said, pack):
    (folder / "train-images-idx3-ubyte").write_bytes(pack(content))
    tracemalloc.start()
    line = refusal()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert line.startswith(f"train-images-idx3-ubyte: {said}")
    assert peak < 50 * 2**20


def test_a_folder_in_the_place_of_a_file_is_said(folder):
    (folder / "train-images-idx3-ubyte").unlink()
    (folder / "train-images-idx3-ubyte").mkdir()
    with pytest.raises(FileError, match="it is a folder"):
        load(folder)


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
XZ = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]


def taken_away(folder, *names):
    for name in names:
        (folder / name).unlink()


WRONG = {  # what is done to a folder, and what is said of it
    "too few labels": (
        lambda at: save(at, LABELS, labels(11)),
        f"{LABELS}: 11 labels, but 12 images in {IMAGES}: these two files don't belong together",
    ),
    "images in the place of labels": (
        lambda at: shutil.copy(at / IMAGES, at / LABELS),
        f"{LABELS}: byte 2: labels must be one row of whole num",
    ),
    "labels in the place of images": (
        lambda at: shutil.copy(at / LABELS, at / IMAGES),
        f"{IMAGES}: byte 3: images must have 3 dimensions",
    ),
    "pixels that are no bytes": (
        lambda at: save(at, IMAGES, pixels(12, 5, 4).astype(">f4")),
        f"{IMAGES}: byte 2: pixels must be bytes, but these are >f4",
    ),
    "a test label that training lacks": (
        lambda at: save(at, TEST_LABELS, np.array([0, 1, 9, 2], np.uint8)),
        f"{TEST_LABELS}: byte 10: label '9' isn't one of the 3 classes of the training images "
        "(0 to 2)",
    ),
    "a label beyond the names": (
        lambda at: (at / "classes.txt").write_text("shirt\ndress\n"),
        f"{LABELS}: byte 10: label '2' isn't one of the 2",
    ),
    "no names": (
        lambda at: (at / "classes.txt").write_text(""),
        "classes.txt: name each class once, one per line",
    ),
    "a name twice": (
        lambda at: (at / "classes.txt").write_text("a\na\nb\n"),
        "classes.txt: name each class once, one per line",
    ),
    "labels alone": (
        lambda at: taken_away(at, TEST_IMAGES),
        "FOLDER: test labels but no test images",
    ),
    "images alone": (
        lambda at: taken_away(at, LABELS),
        "FOLDER: training images but no training labels",
    ),
    "two sets": (
        lambda at: shutil.copy(at / IMAGES, at / f"fashion-{IMAGES}"),
        f"FOLDER: fashion-{IMAGES} and {IMAGES} could both be the training part: keep one",
    ),
    "test images alone": (
        lambda at: taken_away(at, IMAGES, LABELS),
        "tiny: test images but no training images",
    ),
    "no images": (
        lambda at: (save(at, IMAGES, pixels(0, 5, 4)), save(at, LABELS, labels(0))),
        f"{IMAGES}: it contains no images",
    ),
    "xz that wants much memory": (
        lambda at: (at / TEST_LABELS).write_bytes(lzma.compress(b"any", filters=XZ)),
        "Memory usage limit",
    ),
    "something behind the end of xz": (
        lambda at: (at / TEST_LABELS).write_bytes(
            lzma.compress((at / TEST_LABELS).read_bytes()) + b"more"
        ),
        "there is more data after its end",
    ),
}


@for_each(("change", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_file(folder, refusal, change, said):
    change(folder)
    assert said in refusal()
