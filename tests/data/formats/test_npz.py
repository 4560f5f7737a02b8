from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest

from gradbook.data.sources import load
from tests.cases import for_each
from tests.data.made import labels, pixels, said_of

X, Y = pixels(12, 4, 4), labels(12)


@pytest.fixture
def read(tmp_path):
    """`read(x_train=…)` is the data set of an archive of these arrays."""

    def reading(**arrays):
        np.savez_compressed(tmp_path / "tiny.npz", **arrays)
        return load(tmp_path / "tiny.npz")

    return reading


@pytest.fixture
def refusal(tmp_path):
    """`refusal(members)` is the one line that is said of an archive of these bytes or arrays."""

    def refuse(members):
        file = tmp_path / "tiny.npz"
        if isinstance(members, bytes):
            file.write_bytes(members)
        else:
            file.write_bytes(archive(members))
        return said_of(file)

    return refuse


def archive(members, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, member in members.items():
            file.writestr(f"{name}.npy", member if isinstance(member, bytes) else npy(member))
    return content.getvalue()


def npy(array, allow_pickle=False):
    content = io.BytesIO()
    np.lib.format.write_array(content, array, allow_pickle=allow_pickle)
    return content.getvalue()


def headed(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


@for_each(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("training-data", "training-target", "t10k-data", "t10k-target"),
    ],
)
def test_the_usual_names_are_understood(read, names):
    content = read(**dict(zip(names, (X, Y, X[:4], Y[:4]), strict=True)))
    assert content.name == "tiny"
    assert content.training_and_validation.pixels.tobytes() == X.tobytes()
    assert content.training_and_validation.labels.tolist() == Y.tolist()
    assert len(content.test_for_reporting) == 4


def test_one_pair_of_arrays_will_do(read):
    assert len(read(images=X, labels=Y).test_for_reporting) == 2


def test_a_validation_part_is_kept_apart(read):
    content = read(
        train_images=X,
        train_labels=Y[:, None],
        val_images=X[:5],
        val_labels=Y[:5, None],
        test_images=X[:3],
        test_labels=Y[:3, None],
    )
    assert content.validation.pixels.tobytes() == X[:5].tobytes()


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (pixels(12, 16), (1, 4, 4)),
        (pixels(12, 5, 4), (1, 5, 4)),
        (pixels(12, 5, 4, 1), (1, 5, 4)),
        (pixels(12, 5, 4, 3), (3, 5, 4)),
        (pixels(12, 3, 5, 4), (3, 5, 4)),
        (np.asfortranarray(pixels(12, 5, 4)), (1, 5, 4)),
    ],
)
def test_sides_are_understood(read, given, shape):
    content = read(x_train=given, y_train=Y, x_test=given, y_test=Y)
    assert content.shape == shape
    as_given = content.training_and_validation.pixels
    if shape[0] == 3 and given.shape[3] == 3:
        as_given = as_given.transpose(0, 2, 3, 1)
    assert as_given.tobytes() == given.tobytes()


@for_each("kind", ["i8", "f4", ">u2"])
def test_bytes_may_be_kept_as_larger_numbers(read, kind):
    content = read(x=X.astype(kind), y=Y.astype("f8"), x_test=X, y_test=Y)
    assert content.training_and_validation.pixels.tobytes() == X.tobytes()


@for_each("kind", ["U3", "S3"])
def test_labels_may_be_words(read, kind):
    content = read(x=X, y=np.array(["ant", "bee", "cat"] * 4).astype(kind))
    assert content.classes == ("ant", "bee", "cat")


# Damage ----------------------------------------------------------------------


class Evil:
    """Unpickling it would leave a trace."""

    happened = False

    def __reduce__(self):
        return (setattr, (Evil, "happened", True))


def test_python_objects_are_refused_unread(refusal):
    evil = npy(np.array([Evil()] * 12, object), allow_pickle=True)
    refused_text = refusal({"x_train": X, "y_train": evil})
    assert refused_text.startswith("y_train: it contains Python objects, which could run anything")
    assert not Evil.happened


HUGE = "{'descr': '|u1', 'fortran_order': False, 'shape': (60000, 4096, 4096), }"
GOOD = "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 4, 4), }"


@for_each(
    ("members", "said"),
    [
        (b"", "damaged, or no archive at all (File is not a zip file)"),
        (b"PK\x03\x04 and nothing more", "damaged, or no archive at all (File is not a zip file)"),
        (archive({"x": X, "y": Y})[:-30], "damaged, or no archive at all (File is not a zip file)"),
        ({}, "its arrays are none: store images and labels"),
        ({"a": X, "b": Y}, "its arrays are a, b: store images and labels as x_train"),
        ({"x_train": X}, "its arrays are x_train: store"),
        ({"x": X, "y": Y, "x_test": X}, "its arrays are x, y, x_test: store"),
        ({"x": X, "images": X, "y": Y}, "x and images could both be the training part"),
        ({"x": b"", "y": Y}, "x: byte 0: this isn't the header of an array"),
        ({"x": b"\x93NUMPY\x09\x00", "y": Y}, "x: byte 0: this isn't the header of an array"),
        ({"x": headed("__import__('os')"), "y": Y}, "x: byte 0: this isn't the header of an array"),
        ({"x": headed("(" * 9000), "y": Y}, "x: byte 0: this isn't the header of an array"),
        (
            {"x": headed("{'descr': " + "[" * 5000), "y": Y},
            "x: byte 0: this isn't the header of an array",
        ),
        (
            {"x": headed(GOOD.replace("12", "-12")), "y": Y},
            "x: byte 0: an array can't have the shape (-12, 4, 4)",
        ),
        (
            {"x": headed(HUGE, bytes(2**20)), "y": Y},
            "x: 60,000 x 4,096 x 4,096 x 1 bytes of pixels are too many",
        ),
        ({"x": headed(GOOD, bytes(191)), "y": Y}, "x: ends at byte 264 of the 265 that its header"),
        (
            {"x": headed(GOOD, bytes(193)), "y": Y},
            "x: continues after byte 265, where it should end",
        ),
        (
            {"x": headed(GOOD.replace("|u1", "|V0")), "y": Y},
            "x: an array of the shape (12, 4, 4) of |V0 is empty",
        ),
        ({"x": X.astype("c8"), "y": Y}, "x: pixels must be numbers, but these are complex64"),
        (
            {"x": X.astype("i2") - 1, "y": Y},
            "x: pixels must be between 0 and 255, but these are between -1 and",
        ),
        (
            {"x": X.astype("i2") + 256, "y": Y},
            "x: pixels must be between 0 and 255, but these are between",
        ),
        (
            {"x": X / 255, "y": Y},
            "x: pixels must be whole numbers from 0 to 255: store them as uint8",
        ),
        (
            {"x": np.full((12, 4, 4), np.nan), "y": Y},
            "x: pixels must be between 0 and 255, but these are between nan",
        ),
        ({"x": pixels(12, 15), "y": Y}, "x: images can't have the shape (12, 15)"),
        ({"x": pixels(12, 2, 4, 4), "y": Y}, "x: images can't have the shape (12, 2, 4, 4)"),
        ({"x": np.uint8(1), "y": Y}, "x: images can't have the shape ()"),
        ({"x": X, "y": Y[:11]}, "y: 11 labels, but 12 images in "),
        ({"x": X, "y": X}, "y: labels must be one row of numbers or words"),
        (
            {"x": X, "y": Y + 0.5},
            "y: labels must be whole numbers or words, but these are fractions",
        ),
        (
            {"x": X, "y": np.full(12, np.inf)},
            "y: labels must be whole numbers or words, but these are fractions",
        ),
        ({"x": X, "y": np.full(12, b"\xff\xff")}, "y: some labels aren't text"),
        ({"x": X, "y": np.full(12, 0xD800, "<u4").view("<U1")}, "y: some labels aren't text"),
        ({"x": X, "y": np.full(12, 0x110000, ">u4").view(">U1")}, "y: some labels aren't text"),
        ({"x": X, "y": np.full(12, "a" * 101)}, "y: labels have at most 100 characters"),
        (
            {"x": X, "y": Y, "x_test": X, "y_test": Y + 1},
            "y_test: entry 2: label '3' isn't one of the 3 classes of the training images (0 to 2)",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_array(refusal, members, said):
    assert refusal(members).startswith(said)


def test_a_flipped_bit_is_noticed(refusal):
    content = bytearray(archive({"x": X, "y": Y}))
    content[120] ^= 1
    assert refusal(bytes(content))


def test_a_bomb_is_not_unpacked(refusal):
    bomb = headed(GOOD, bytes(2**24))
    assert refusal({"x": bomb, "y": Y}).startswith(
        "x: continues after byte 265, where it should end"
    )
