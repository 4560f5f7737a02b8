"""What the names of files say, and what every file is checked for."""

from __future__ import annotations

import pytest

from gradbook import limits
from gradbook.data.dataset import TEST, TRAINING, VALIDATION
from gradbook.data.formats.data_files import (
    by_part,
    holds_images,
    holds_labels,
    part,
    require_room,
    words,
)
from gradbook.errors import DataError
from tests.cases import for_each


def test_a_name_falls_into_its_words():
    assert words("Train-images.idx3-ubyte") == ["train", "images", "idx3", "ubyte"]


@for_each(
    ("name", "found"),
    [("x_train", TRAINING), ("t10k-labels", TEST), ("val_images", VALIDATION), ("images", None)],
)
def test_a_name_mentions_its_part_or_none(name, found):
    assert part(name) == found


def test_images_and_labels_are_told_by_the_words_people_use():
    assert holds_images("x_train")
    assert not holds_images("y_train")
    assert holds_labels("train-labels-idx1-ubyte")


def test_two_names_for_one_part_are_refused():
    assert by_part(["x", "x_test"], "a") == {TRAINING: "x", TEST: "x_test"}
    with pytest.raises(DataError, match="x and x_train could both be the training part: keep one"):
        by_part(["x", "x_train"], "a")


def test_room_is_asked_for_before_any_byte():
    require_room((limits.IMAGES.most,), "file")
    with pytest.raises(DataError, match="bytes of pixels are too many"):
        require_room((limits.IMAGES.most, 2), "file")
