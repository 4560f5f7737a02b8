"""A trained network as C for small machines: rounded to whole numbers by training images, scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gradbook.amounts import percent, size
from gradbook.data.sources import load
from gradbook.errors import ShapeError
from gradbook.graph.trained.layers import TrainedNet
from gradbook.net.layers import spell
from gradbook.targets.portable.c_file import CFile, c_file
from gradbook.targets.portable.in_whole_numbers import quantised
from gradbook.targets.portable.whole_makers import WholeNumbers

if TYPE_CHECKING:
    from gradbook.data.dataset import Dataset
    from gradbook.data.images import Images

LEARNED_FROM = 512  # training images that say how large values get
AT_ONCE = 250
Scorer = Callable[["Images"], float]


def c_for(
    trained: TrainedNet, stem: str, main: bool, dataset: Dataset | None, score: Scorer
) -> tuple[CFile, list[str]]:
    """The file, in whole numbers where a data set is given, and what is to be known of it."""
    if dataset is None:
        made = c_file(trained, stem, None, main)
        return made, [_amounts(made)]
    whole = quantised(trained, _some(dataset))
    made = c_file(trained, stem, whole, main)
    test = dataset.test_for_reporting
    accuracy = percent(_score(whole, test), len(test))
    exact = percent(score(test), len(test))
    told = f"{accuracy} of {len(test):,} test images read right, {exact} before rounding"
    return made, [_amounts(made), told]


def _amounts(made: CFile) -> str:
    return f"{size(made.constants)} of constants, {size(made.memory)} of memory, beside the code"


def fitting(name: str, trained: TrainedNet) -> Dataset:
    """The data set of this name, whose images are as the network's."""
    assert trained.picture is not None
    found = load(name, trained.picture[1:])
    if found.shape != trained.picture or len(found.classes) != len(trained.classes):
        raise ShapeError(
            f"{found.name} has {spell(found.shape)} and {len(found.classes)} classes, the network "
            f"{spell(trained.picture)} and {len(trained.classes)}: name other images with --data"
        )
    return found


def _some(dataset: Dataset) -> np.ndarray:
    """Training images from all over the data set."""
    images = dataset.training.pixels
    places = np.linspace(0, len(images) - 1, min(LEARNED_FROM, len(images))).astype(int)
    return np.asarray(images[places])


def _score(whole: WholeNumbers, images: Images) -> float:
    right = sum(
        int((whole.classify(images.pixels[k : k + AT_ONCE]) == images.labels[k : k + AT_ONCE]).sum())
        for k in range(0, len(images), AT_ONCE)
    )
    return right / len(images)
