from __future__ import annotations

import sys

import numpy as np
import pytest

from gradbook.data.made_points import POINT_SETS, POINTS_OF_A_SET, points
from gradbook.data.sources import KNOWN, load
from gradbook.errors import DataError, FileError
from tests.cases import for_each
from tests.data.made import idx_folder


def test_scikit_learns_digits_go_by_their_name():
    from sklearn.datasets import load_digits

    loaded = load("digits8")
    assert loaded.shape == (1, 8, 8)
    assert loaded.classes == tuple("0123456789")
    parts = [loaded.training, loaded.validation, loaded.test_for_reporting]
    assert [len(part) for part in parts] == [1249, 249, 299]
    original = load_digits().images
    together = np.concatenate([part.pixels[:, 0] for part in parts])
    assert sorted(x.tobytes() for x in np.rint(together / 255 * 16)) == sorted(
        x.tobytes() for x in original
    )


def test_without_scikit_learn_its_digits_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r"isn't installed: pip install 'gradbook\[sklearn\]'$"):
        load("digits8")


def test_what_is_said_of_the_known_is_true():
    for name, known in KNOWN.items():
        loaded = load(name)
        images = len(loaded.training_and_validation) + len(loaded.test_for_reporting)
        assert (images, loaded.shape[1:], len(loaded.classes)) == (
            known.images,
            known.size,
            known.classes,
        )
        assert loaded.name == name


def test_a_name_wins_over_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    idx_folder(tmp_path / "digits8")
    assert load("digits8").shape == (1, 8, 8)
    assert load("./digits8").shape == (1, 5, 4)


@for_each(
    ("word", "said"),
    [
        ("digts", "is called 'digts': did you mean 'digits'?"),
        ("mnist", "is called 'mnist': the named data sets are digits, digits8"),
        ("no/such.csv", "is called 'no/such.csv': the named data sets are"),
        ("", "is called '': the named data sets are"),
    ],
)
def test_a_word_that_means_nothing_is_told_what_there_is(word, said):
    with pytest.raises(DataError) as caught:
        load(word)
    assert said in str(caught.value)


@for_each("name", ["a.xlsx", "a.pt", "a.npy", "a.pkl", "a"])
def test_a_file_of_no_known_kind_is_told_the_kinds(tmp_path, name):
    (tmp_path / name).write_bytes(b"1")
    with pytest.raises(DataError, match=r"no data set has this ending: use a folder of idx"):
        load(tmp_path / name)


def test_one_idx_file_is_told_to_come_with_the_others(tmp_path):
    idx_folder(tmp_path)
    with pytest.raises(DataError, match="images and labels are read together: give their folder"):
        load(tmp_path / "train-images-idx3-ubyte")


def test_a_link_to_nowhere_is_said(tmp_path):
    (tmp_path / "a.npz").symlink_to(tmp_path / "gone")
    with pytest.raises(FileError, match=r"can't read .*a\.npz: it doesn't exist"):
        load(tmp_path / "a.npz")


def test_a_size_that_images_cannot_be_brought_to_is_refused(tmp_path):
    (tmp_path / "squares.csv").write_text("0,1,2,3,4\n1,5,6,7,8\n")
    with pytest.raises(DataError, match="its images are 2x2, not 3x3: leave out the size"):
        load(tmp_path / "squares.csv", (3, 3))


by_kind = pytest.mark.parametrize("kind", POINT_SETS)


@by_kind
def test_points_are_the_same_every_time_and_near_the_middle(kind):
    found = points(kind)
    assert found == points(kind)
    assert len(found) == POINTS_OF_A_SET
    assert all(abs(x) < 1.1 and abs(y) < 1.1 for x, y, _ in found)


@by_kind
def test_both_classes_are_there_in_like_numbers(kind):
    second = sum(which for *_, which in points(kind))
    assert POINTS_OF_A_SET / 3 < second < POINTS_OF_A_SET * 2 / 3


def test_the_classes_are_told_apart_by_their_rules():
    assert all((x * y < 0) == bool(which) for x, y, which in points("quadrants"))
    assert all((x * x + y * y < 0.3) == bool(which) for x, y, which in points("circle"))
    assert all((x + 0.5 * y > 0) == bool(which) for x, y, which in points("halves"))
