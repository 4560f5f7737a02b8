from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook import limits
from gradbook.data.dataset import (
    FOLDS,
    Framing,
    Images,
    Part,
    assemble,
    deal_folds,
    framing,
    in_turns,
    statistics,
)
from gradbook.data.sources import load
from gradbook.errors import DataError
from tests.cases import for_each
from tests.data.made import pixels


def images(pixels: np.ndarray) -> Images:
    return Images(pixels[:, None], np.zeros(len(pixels), np.int32))


def boxes(count: int, side: int, at: int = 4) -> np.ndarray:
    """Light boxes of random height, all of one width, on black images of 28 by 28."""
    random = np.random.RandomState(0)
    pixels = np.zeros((count, 28, 28), np.uint8)
    for image in pixels:
        height = random.randint(2, side // 2) * 2
        top = at + (side - height) // 2
        image[top : top + height, at : at + side] = 255
    return pixels


def test_the_digits_are_20_pixels_long_and_centred_by_mass():
    assert framing(load("digits").training) == Framing(20, by_mass=True)


def test_images_may_be_centred_by_their_boxes():
    pixels = boxes(60, 22, at=3)
    pixels[:, 3:25, 3:6] = 255  # heavier on the left, so not by their mass
    assert framing(images(pixels)) == Framing(22, by_mass=False)


def test_images_that_lie_anywhere_have_no_framing():
    pixels = boxes(60, 16)
    pixels[:30] = np.roll(pixels[:30], 6, axis=2)
    assert framing(images(pixels)) is None


@for_each(
    "pixels",
    [
        np.random.RandomState(0).randint(0, 256, (60, 28, 28)).astype(np.uint8),
        np.zeros((60, 28, 28), np.uint8),
        np.zeros((0, 28, 28), np.uint8),
        np.full((60, 28, 28), 255, np.uint8),
    ],
    ids=["noise", "black", "none", "white"],
)
def test_what_fills_its_image_or_is_empty_has_no_framing(pixels):
    assert framing(images(pixels)) is None


def test_a_set_whose_images_reach_the_rim_has_no_framing():
    assert framing(load("digits8").training) is None


@for_each("found", [Framing(20, True), Framing(5, False)])
def test_it_is_written_and_read_alike(found):
    assert Framing.parse(str(found)) == found


@for_each("text", ["", "20", "20 centred by eye", "99999 centred by mass", "0 c"])
def test_a_text_that_says_no_framing_is_refused(text):
    with pytest.raises(DataError, match="can't be read: write for example '20 centred by mass'"):
        Framing.parse(text)


def part(labels, shape=(1, 3, 3), file="a", count=None):
    labels = np.array(labels)
    images = pixels(len(labels) if count is None else count, *shape)
    return Part(images, labels, f"{file}-images", f"{file}-labels", lambda i: f"place {i}")


def made(**parts):
    return assemble("made", "tests", parts)


# Folds -----------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), max_size=200), st.integers(1, 8))
def test_folds_are_equally_large_and_have_equally_many_of_each_class(labels, folds):
    labels = np.array(labels, np.int64)
    fold = deal_folds(labels, folds)
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for label in np.unique(labels):
        counts = np.bincount(fold[labels == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


def test_the_dealing_is_the_same_everywhere():
    folds = "04544032155410523321"
    assert "".join(map(str, deal_folds(np.zeros(20, np.int64)))) == folds


def test_neighbours_go_to_different_folds_as_chance_would_have_it():
    fold = deal_folds(np.zeros(6000, np.int64))
    assert np.mean(fold[1:] == fold[:-1]) == pytest.approx(1 / FOLDS, abs=0.015)


@for_each("count", [1, 2, 5])
def test_few_images_are_not_held_back(count):
    assert 0 not in deal_folds(np.zeros(count, np.int64))


# Parts -----------------------------------------------------------------------


def test_a_sixth_is_held_back_for_validation_and_before_that_for_the_test():
    found = made(training=part([0, 1, 2] * 24))
    sizes = [len(x) for x in (found.training, found.validation, found.test_for_reporting)]
    assert sizes == [50, 10, 12]
    assert found.source == "tests; one image in six is held out for the test"


def test_together_the_parts_are_what_was_given_each_image_once():
    given_part = part([0, 1, 2] * 24)
    found = made(training=given_part)
    images = [
        image.tobytes()
        for images in (found.training, found.validation, found.test_for_reporting)
        for image in images.pixels
    ]
    assert sorted(images) == sorted(image.tobytes() for image in given_part.pixels)


def test_every_fold_can_be_the_one_held_back():
    found = made(training=part([0, 1] * 30), test=part([0]))
    seen = np.concatenate([found.split(fold)[1].pixels for fold in range(FOLDS)])
    assert sorted(x.tobytes() for x in seen) == sorted(
        x.tobytes() for x in found.training_and_validation.pixels
    )
    training, validation = found.split(0)
    assert np.array_equal(training.pixels, found.training.pixels)
    assert np.array_equal(validation.pixels, found.validation.pixels)


def test_a_validation_part_that_is_given_is_fold_0():
    found = made(training=part([0, 1] * 10), validation=part([1, 1, 0], file="b"), test=part([0]))
    assert np.array_equal(found.validation.pixels, pixels(3, 1, 3, 3))
    assert list(found.validation.labels) == [1, 1, 0]
    assert len(found.training) == 20
    assert set(found.folds) == set(range(FOLDS))


@for_each(
    ("labels", "classes", "numbers"),
    [
        ([3, 1, 3], ("1", "3"), [1, 0, 1]),
        ([10, 9, 9], ("9", "10"), [1, 0, 0]),
        (["10", "9", "09"], ("9", "10"), [1, 0, 0]),
        (["cat", "ant", "Bee"], ("Bee", "ant", "cat"), [2, 1, 0]),
        ([-1, 1], ("-1", "1"), [0, 1]),
        (["1", "one"], ("1", "one"), [0, 1]),
    ],
)
def test_the_classes_are_the_labels_that_occur_in_their_order(labels, classes, numbers):
    found = made(training=part(labels), test=part(labels[:1]))
    assert found.classes == classes
    assert list(found.training_and_validation.labels) == numbers


def test_classes_that_are_named_are_numbered_by_the_labels():
    found = assemble("made", "", {"training": part([2, 0]), "test": part([1])}, ["a", "b", "c"])
    assert found.classes == ("a", "b", "c")
    assert list(found.training_and_validation.labels) == [2, 0]


@for_each(
    ("parts", "said"),
    [
        ({"test": part([0])}, "made: test images but no training images"),
        (
            {"training": part([0, 1], count=3)},
            "a-labels: 2 labels, but 3 images in a-images: these two files don't belong together",
        ),
        ({"training": part([], count=0)}, "a-images: it contains no images"),
        ({"training": part([0], shape=(1, 0, 3))}, "a-images: it contains no images"),
        (
            {"training": part([0]), "test": part([0], (3, 3, 4), "b")},
            "b-images: its images are 3x3x4 (channels, rows, columns), but those in a-images "
            "are 1x3x3",
        ),
        (
            {"training": part([0, 7]), "test": part([7, 0, 8, 9], file="b")},
            "b-labels: place 2: label '8' isn't one of the 2 classes of the training images (0 "
            "to 7)",
        ),
        (
            {"training": part(range(limits.CLASSES.most + 1), (1, 1, 1))},
            "a-labels: 10,001 different labels are too many: at most 10,000 classes",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_file_and_place(parts, said):
    with pytest.raises(DataError) as caught:
        made(**parts)
    assert str(caught.value) == said


# Images ----------------------------------------------------------------------


def test_statistics_are_those_of_the_numbers():
    images = Images(pixels(50, 3, 7, 5), np.zeros(50, np.int32))
    result = statistics(images)
    exact = images.pixels.astype(float) / 255
    assert result.mean == pytest.approx(exact.mean((0, 2, 3)), rel=1e-13)
    assert result.deviation == pytest.approx(exact.std((0, 2, 3)), rel=1e-13)
    assert (result.low, result.high) == (images.pixels.min(), images.pixels.max())


def test_images_leave_the_array_they_came_from_as_it_was():
    array = pixels(2, 1, 3, 3)
    Images(array, np.zeros(2, np.int32))
    array[0] = 7


def test_the_first_of_each_class_comes_before_the_second_of_any():
    labels = np.array([0, 1, 0, 0, 2, 1], np.int32)
    several = Images(np.zeros((6, 1, 2, 2), np.uint8), labels)
    assert in_turns(several, 5).tolist() == [0, 1, 4, 2, 5]


def test_images_that_are_chosen_keep_their_labels():
    images = Images(pixels(5, 1, 2, 2), np.arange(5, dtype=np.int32))
    assert list(images[np.array([3, 1])].labels) == [3, 1]
    assert images[1:3].pixels.tobytes() == images.pixels[1:3].tobytes()
