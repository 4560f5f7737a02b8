"""A data set: images to train on, images to choose by, images to report on.

The split is the same on every machine and in every version. It mustn't depend on a library's
generator, which may change, so each image's place in its class comes from mixing the bits of its
index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.data.images import Images
from gradbook.errors import DataError

TRAINING, VALIDATION, TEST = "training", "validation", "test"
NUMBER = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with the names of their classes.

    Choose with `training` and `validation`, or with `split(fold)` for every fold in turn.
    `training_and_validation` is for the last training, when nothing is left to choose, and
    `test_for_reporting` for the number that is told afterwards.
    """

    name: str
    classes: tuple[str, ...]
    training_and_validation: Images  # in the order of their source
    folds: NDArray[np.uint8]  # the fold of each of those; fold 0 is the validation split
    test_for_reporting: Images
    source: str  # where it came from, in words
    remarks: tuple[str, ...] = ()  # what was passed over, a line each
    everything: bool = False  # whether the images to report on are those to train on: all there are

    @cached_property
    def training(self) -> Images:
        return self.training_and_validation[self.folds != 0]

    @cached_property
    def validation(self) -> Images:
        return self.training_and_validation[self.folds == 0]

    def split(self, fold: int) -> tuple[Images, Images]:
        """What to train on and what to judge by when this fold is the one held back."""
        held_back = self.folds == fold
        return self.training_and_validation[~held_back], self.training_and_validation[held_back]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of each image."""
        return self.training_and_validation.shape

    def with_everything(self) -> Dataset:
        """All images to train on, the test's too: what is reported then says nothing of others."""
        if self.everything:
            return self
        parts = (self.training_and_validation, self.test_for_reporting)
        images = Images(
            np.concatenate([part.pixels for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )
        return replace(
            self,
            training_and_validation=images,
            folds=dealt(images.labels),
            test_for_reporting=images,
            everything=True,
        )


@dataclass(frozen=True, eq=False)
class Part:
    """What a reader found: images, and their labels as they stand in a file."""

    pixels: NDArray[np.uint8]  # (images, channels, rows, columns)
    labels: NDArray[Any]  # (images,): whole numbers or texts
    images_file: str
    labels_file: str
    place: Callable[[int], str]  # where in the labels' file the label of image i stands


def assemble(
    name: str,
    source: str,
    parts: Mapping[str, Part],
    classes: Sequence[str] | None = None,
    remarks: Sequence[str] = (),
) -> Dataset:
    """The data set of these parts, which must fit each other.

    The classes are the labels that occur in training, or if `classes` names them the labels
    are their numbers. Where no images come for validation, one training image in six is held
    back for it. Where none come for the test, one in six of all is kept for that first.
    """
    if TRAINING not in parts:
        raise DataError(f"{' and '.join(parts)} images but none to train on", file=name)
    parts = {part: parts[part] for part in (TRAINING, VALIDATION, TEST) if part in parts}
    for part in parts.values():
        _require_fit(part, parts[TRAINING])
    known = _labels_of(parts) if classes is None else [str(i) for i in range(len(classes))]
    images = {part: _images(found, known) for part, found in parts.items()}
    if TEST not in images:
        kept = dealt(images[TRAINING].labels) == 0
        images[TEST], images[TRAINING] = images[TRAINING][kept], images[TRAINING][~kept]
        source += "; one image in six is kept for the test"
    together, folds = _with_folds(images[TRAINING], images.get(VALIDATION))
    told = (source, tuple(remarks))
    return Dataset(name, tuple(classes or known), together, folds, images[TEST], *told)


def _require_fit(part: Part, training: Part) -> None:
    images, labels = len(part.pixels), len(part.labels)
    if images != labels:
        raise DataError(
            f"{labels:,} labels, but {images:,} images in {part.images_file}: "
            "these files don't belong together",
            file=part.labels_file,
        )
    if not part.pixels.size:
        raise DataError("no images in it", file=part.images_file)
    if part.pixels.shape[1:] != training.pixels.shape[1:]:
        raise DataError(
            f"images of {_sides(part)} (channels, rows, columns), "
            f"those in {training.images_file} are {_sides(training)}",
            file=part.images_file,
        )


def _sides(part: Part) -> str:
    return "x".join(map(str, part.pixels.shape[1:]))


def _labels_of(parts: Mapping[str, Part]) -> list[str]:
    """The labels that occur in training, numbers as such and in their order."""
    found = {
        _spelt(label)
        for part in (TRAINING, VALIDATION)
        if part in parts
        for label in np.unique(parts[part].labels)
    }
    if len(found) > limits.CLASSES.most:
        raise DataError(
            f"{len(found):,} different labels are too many: at most {limits.CLASSES} classes",
            file=parts[TRAINING].labels_file,
        )
    numbers = all(NUMBER.fullmatch(label) for label in found)
    return sorted(found, key=int if numbers else str)


def _spelt(label: object) -> str:
    text = str(label)
    return str(int(text)) if NUMBER.fullmatch(text) else text


def _images(part: Part, known: list[str]) -> Images:
    numbers = {label: number for number, label in enumerate(known)}
    occurring, which = np.unique(part.labels, return_inverse=True)
    number = np.array([numbers.get(_spelt(label), -1) for label in occurring], np.int32)
    labels = number[which]
    if labels.min() < 0:
        first = int(np.argmin(labels))
        raise DataError(
            f"{part.place(first)}: label '{part.labels[first]}' is none of the {len(known)} "
            f"classes of the training images ({known[0]} to {known[-1]})",
            file=part.labels_file,
        )
    return Images(part.pixels, labels)


def _with_folds(training: Images, validation: Images | None) -> tuple[Images, NDArray[np.uint8]]:
    """The images of both, and their folds: fold 0 is what was given for validation."""
    if validation is None:
        return training, dealt(training.labels)
    together = Images(
        np.concatenate([training.pixels, validation.pixels]),
        np.concatenate([training.labels, validation.labels]),
    )
    others = 1 + dealt(training.labels, FOLDS - 1)
    return together, np.concatenate([others, np.zeros(len(validation), np.uint8)])


# Balance ---------------------------------------------------------------------

WITHOUT_BALANCE = 4  # times as many samples in the largest class as in the smallest


def balance_remark(classes: Sequence[str], counts: Sequence[int], what: str) -> list[str]:
    """That some classes have far fewer images, or rows, than others."""
    least, most = min(counts), max(counts)
    if most < WITHOUT_BALANCE * max(least, 1):
        return []
    few, many = (classes[counts.index(count)] for count in (least, most))
    return [
        f"'{few}' has {counted(least, what)}, '{many}' {most:,}: with 'class weights balanced' "
        "each class counts alike"
    ]


# The split -------------------------------------------------------------------

FOLDS = 6  # of 60,000 digits: 10,000 in each, as many as there are test images


def dealt(labels: NDArray[np.integer], folds: int = FOLDS) -> NDArray[np.uint8]:
    """The fold of every image. All are equally large and have equally many of each class, to one.

    Fold 0 is served last, so that very few images are not all held back.
    """
    mixed_within_classes = np.lexsort((_mixed(len(labels)), labels))
    fold = np.empty(len(labels), np.uint8)
    fold[mixed_within_classes] = folds - 1 - np.arange(len(labels)) % folds
    return fold


def _mixed(count: int) -> NDArray[np.uint64]:
    """As many different numbers in no order: SplitMix64's mixing of 1, 2, 3, …"""
    x = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
