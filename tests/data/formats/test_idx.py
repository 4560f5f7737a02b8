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


@pytest.mark.parametrize(
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
        (HEADER + 25 * b"\0", "goes on after byte 40, where its header says that it ends"),
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


@pytest.mark.parametrize("array", [np.array(1), np.array(["a"]), np.zeros(3, np.int64)])
def test_what_idx_has_no_way_to_say_is_refused(array):
    with pytest.raises(DataError, match="idx can't hold"):
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


@pytest.mark.parametrize("packing", PACK)
def test_plain_gzip_and_xz_are_read(tmp_path, packing):
    found = load(idx_folder(tmp_path / "tiny", packing=packing))
    assert found.name == "tiny"
    assert found.classes == ("0", "1", "2")
    assert found.shape == (1, 5, 4)
    assert found.training_and_validation.pixels.tobytes() == pixels(12, 5, 4).tobytes()
    assert found.training_and_validation.labels.tolist() == labels(12).tolist()
    assert found.test_for_reporting.pixels.tobytes() == pixels(4, 5, 4).tobytes()


def test_a_plain_file_is_read_rather_than_its_packed_twin(folder):
    for file in list(folder.iterdir()):
        (folder / f"{file.name}.gz").write_bytes(b"not even gzip")
    assert len(load(folder).test_for_reporting) == 4


@pytest.mark.parametrize(
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


def test_a_file_that_is_cut_short_is_named_with_its_end(folder, refusal):
    file = folder / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:100])
    assert refusal() == (
        "train-images-idx3-ubyte: ends at byte 100 of the 256 that its header promises: "
        "it is incomplete, download or copy it again"
    )


@pytest.mark.parametrize("packing", [".gz", ".xz"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.99])
def test_a_packed_file_that_is_cut_short_is_named(folder, refusal, packing, kept):
    file = folder / "train-images-idx3-ubyte"
    packed = PACK[packing](file.read_bytes())
    file.unlink()
    (folder / f"train-images-idx3-ubyte{packing}").write_bytes(packed[: int(len(packed) * kept)])
    assert refusal().startswith(f"train-images-idx3-ubyte{packing}: damaged at or before byte ")


@pytest.mark.parametrize("packing", [".gz", ".xz"])
def test_a_flipped_bit_in_a_packed_file_is_noticed(folder, refusal, packing):
    file = folder / "train-images-idx3-ubyte"
    packed = bytearray(PACK[packing](file.read_bytes()))
    packed[len(packed) // 2] ^= 4
    file.write_bytes(packed)
    assert refusal().startswith("train-images-idx3-ubyte: damaged at or before byte ")


LABELS_HEADER = bytes([0, 0, 8, 3])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            LABELS_HEADER + struct.pack(">3I", 1, 5, 4) + bytes(2**26),
            "goes on after byte 36",
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
@pytest.mark.parametrize("pack", [gzip.compress, lambda content: lzma.compress(content, preset=0)])
def test_a_bomb_is_not_unpacked(folder, refusal, content, said, pack):
    (folder / "train-images-idx3-ubyte").write_bytes(pack(content))
    tracemalloc.start()
    line = refusal()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert line.startswith(f"train-images-idx3-ubyte: {said}")
    assert peak < 50 * 2**20


def test_xz_that_wants_much_memory_does_not_get_it(folder, refusal):
    greedy = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    file = folder / "t10k-labels-idx1-ubyte"
    packed = bytearray(lzma.compress(file.read_bytes(), filters=greedy))
    file.write_bytes(packed)
    assert "Memory usage limit" in refusal()


def test_something_behind_the_end_of_xz_is_noticed(folder, refusal):
    file = folder / "t10k-labels-idx1-ubyte"
    file.write_bytes(lzma.compress(file.read_bytes()) + b"more")
    assert "there is more data after its end" in refusal()


def test_labels_and_images_that_are_not_as_many_are_both_named(folder, refusal):
    save(folder, "train-labels-idx1-ubyte", labels(11))
    assert refusal() == (
        "train-labels-idx1-ubyte: 11 labels, but 12 images in train-images-idx3-ubyte: "
        "these two files don't belong together"
    )


def test_images_in_the_place_of_labels_are_noticed(folder, refusal):
    shutil.copy(folder / "train-images-idx3-ubyte", folder / "train-labels-idx1-ubyte")
    assert refusal().startswith(
        "train-labels-idx1-ubyte: byte 2: labels must be one row of whole num"
    )


def test_labels_in_the_place_of_images_are_noticed(folder, refusal):
    shutil.copy(folder / "train-labels-idx1-ubyte", folder / "train-images-idx3-ubyte")
    assert refusal().startswith("train-images-idx3-ubyte: byte 3: images must have 3 dimensions")


def test_pixels_that_are_no_bytes_are_noticed(folder, refusal):
    save(folder, "train-images-idx3-ubyte", pixels(12, 5, 4).astype(">f4"))
    assert refusal() == "train-images-idx3-ubyte: byte 2: pixels must be bytes, but these are >f4"


def test_a_test_label_that_training_lacks_is_named_with_its_byte(folder, refusal):
    save(folder, "t10k-labels-idx1-ubyte", np.array([0, 1, 9, 2], np.uint8))
    assert refusal() == (
        "t10k-labels-idx1-ubyte: byte 10: label '9' isn't one of the 3 classes of the training "
        "images (0 to 2)"
    )


def test_a_label_beyond_the_names_is_named(folder, refusal):
    (folder / "classes.txt").write_text("shirt\ndress\n")
    assert refusal().startswith("train-labels-idx1-ubyte: byte 10: label '2' isn't one of the 2")


@pytest.mark.parametrize("names", ["", "a\na\nb\n"])
def test_names_of_classes_that_make_no_sense_are_refused(folder, refusal, names):
    (folder / "classes.txt").write_text(names)
    assert refusal() == "classes.txt: name each class once, one per line"


def test_labels_without_images_and_the_other_way_are_named(folder, refusal):
    (folder / "t10k-images-idx3-ubyte").unlink()
    assert refusal() == "FOLDER: test labels but no test images"
    (folder / "train-labels-idx1-ubyte").unlink()
    (folder / "t10k-labels-idx1-ubyte").unlink()
    assert refusal() == "FOLDER: training images but no training labels"


def test_two_sets_in_one_folder_are_not_mixed(folder, refusal):
    shutil.copy(folder / "train-images-idx3-ubyte", folder / "fashion-train-images-idx3-ubyte")
    assert refusal() == (
        "FOLDER: fashion-train-images-idx3-ubyte and train-images-idx3-ubyte could both be the "
        "training part: keep one"
    )


def test_only_test_images_are_no_data_set(folder, refusal):
    for file in folder.glob("train*"):
        file.unlink()
    assert refusal() == "tiny: test images but no training images"


def test_no_images_at_all_are_no_data_set(folder, refusal):
    save(folder, "train-images-idx3-ubyte", pixels(0, 5, 4))
    save(folder, "train-labels-idx1-ubyte", labels(0))
    assert refusal() == "train-images-idx3-ubyte: it has no images"


def test_a_folder_in_the_place_of_a_file_is_said(folder):
    (folder / "train-images-idx3-ubyte").unlink()
    (folder / "train-images-idx3-ubyte").mkdir()
    with pytest.raises(FileError, match="it is a folder"):
        load(folder)
