from __future__ import annotations

import lzma
from hashlib import sha256
from time import monotonic, sleep

import numpy as np
import pytest

from gradbook.data import digits
from gradbook.data.dataset import statistics
from gradbook.data.formats import idx
from gradbook.data.sources import load
from gradbook.errors import DataError

TRAINING_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
VALIDATION_COUNTS = [987, 1123, 993, 1022, 974, 903, 987, 1044, 975, 992]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty one."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRADBOOK_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def found():
    return load("digits")


def test_the_packed_files_are_their_makers_to_the_bit():
    sums = {name: sha256(content).hexdigest() for name, content in digits.contents().items()}
    assert sums == {
        "train-images-idx3-ubyte": (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
        ),
        "train-labels-idx1-ubyte": (
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
        ),
        "t10k-images-idx3-ubyte": (
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
        ),
        "t10k-labels-idx1-ubyte": (
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
        ),
    }


def test_the_images_keep_their_order_and_their_labels(found):
    pixels = found.training_and_validation.pixels
    assert pixels.shape == (60_000, 1, 28, 28)
    assert list(found.training_and_validation.labels[:10]) == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    raw = digits.contents()["train-images-idx3-ubyte"]
    assert pixels.tobytes() == raw[16:]
    assert list(found.test_for_reporting.labels[:10]) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_the_classes_are_counted(found):
    assert found.classes == tuple("0123456789")
    assert found.training_and_validation.counts(10) == TRAINING_COUNTS
    assert found.test_for_reporting.counts(10) == TEST_COUNTS


def test_mean_and_deviation_are_those_that_everybody_uses(found):
    result = statistics(found.training_and_validation)
    assert [round(x, 4) for x in (*result.mean, *result.deviation)] == [0.1307, 0.3081]


def test_the_validation_split_never_changes(found):
    assert sha256(found.folds.tobytes()).hexdigest() == (
        "9ba127c7d49519bdc8975f1b22f46a11fb4d5b11eeb27a80c9b5017aad2f70bc"
    )
    assert list(np.flatnonzero(found.folds == 0)[:6]) == [0, 11, 12, 21, 26, 28]
    assert found.validation.counts(10) == VALIDATION_COUNTS


def test_the_six_folds_are_as_large_as_the_test(found):
    assert list(np.bincount(found.folds)) == [10_000] * 6


def test_no_image_can_be_written_to(found):
    with pytest.raises(ValueError, match="read-only"):
        found.training.pixels[0, 0, 0, 0] = 1


def test_a_piece_that_was_changed_is_noticed(tmp_path, monkeypatch):
    one = np.zeros((1, 2, 2), np.uint8)
    for name in digits.SUMS:
        (tmp_path / f"{name}.xz").write_bytes(lzma.compress(idx.write(one)))
    monkeypatch.setattr(digits, "FOLDER", tmp_path)
    with pytest.raises(
        DataError, match="train-images-idx3-ubyte: it doesn't contain gradbook's digits"
    ):
        load("digits")


def test_a_piece_that_is_damaged_is_noticed(tmp_path, monkeypatch):
    for file in digits.FOLDER.glob("*.xz"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / file.name).write_bytes(content)
    monkeypatch.setattr(digits, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=r"\.xz: damaged .*: reinstall gradbook"):
        load("digits")


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Other files in the place of those that come with the package."""
    files = {name: idx.write(np.full((1, 2, 2), k, np.uint8)) for k, name in enumerate(digits.SUMS)}
    (tmp_path / "packed").mkdir()
    for name, content in files.items():
        (tmp_path / "packed" / f"{name}.xz").write_bytes(lzma.compress(content))
    monkeypatch.setattr(digits, "FOLDER", tmp_path / "packed")
    monkeypatch.setattr(digits, "SUMS", {n: sha256(c).hexdigest() for n, c in files.items()})
    return files


def kept(files, cache):
    """The files that are kept, once they are."""
    wanted = {cache / digits.KIND / name: content for name, content in files.items()}
    end = monotonic() + 20
    while not all(file.exists() and file.read_bytes() == wanted[file] for file in wanted):
        assert monotonic() < end
        sleep(0.01)
    return list(wanted)


def lose_the_packed():
    for file in digits.FOLDER.iterdir():
        file.unlink()


def test_what_was_got_ahead_is_taken_once(small, cache, monkeypatch):
    digits.begin()
    assert digits.contents() == small
    kept(small, cache)
    lose_the_packed()
    monkeypatch.setattr(digits, "_kept", lambda name: None)
    with pytest.raises(DataError, match="reinstall gradbook"):
        digits.contents()


def test_unpacked_digits_are_kept_for_the_next_time(small, cache):
    assert digits.contents() == small
    kept(small, cache)
    lose_the_packed()
    assert digits.contents() == small


def test_kept_digits_that_were_changed_are_unpacked_and_kept_anew(small, cache):
    digits.contents()
    kept(small, cache)[0].write_bytes(b"changed")
    assert digits.contents() == small
    kept(small, cache)


def test_where_nothing_can_be_kept_digits_are_unpacked_each_time(small, cache):
    cache.write_text("a file where a folder belongs")
    assert digits.contents() == small
    assert digits.contents() == small


def test_pieces_that_are_missing_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "FOLDER", tmp_path)
    with pytest.raises(DataError, match="reinstall gradbook"):
        load("digits")
