"""A trained network as C for small machines: fitted to training images, and scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import percent, size
from gradbook.data.dataset import Dataset, Images
from gradbook.data.sources import load
from gradbook.errors import ShapeError
from gradbook.net.layers import spell
from gradbook.net.trained import TrainedNet
from gradbook.targets.portable.c_file import CFile, c_file
from gradbook.targets.portable.in_whole_numbers import quantised, require_images
from gradbook.targets.portable.whole_makers import WholeNumbers

LEARNED_FROM = 512  # training images that show how large values get
AT_ONCE = 250


@dataclass(frozen=True)
class MadeC:
    """The file, and what is to be known of it."""

    file: CFile
    remarks: tuple[str, ...]


def in_floats(trained: TrainedNet, stem: str, main: bool) -> MadeC:
    made = c_file(trained, stem, None, main)
    return MadeC(made, (_amounts(made),))


def in_whole_numbers(
    trained: TrainedNet,
    stem: str,
    main: bool,
    data: str,
    score: Callable[[Images], float] | None,
) -> MadeC:
    """Fitted to some training images, and scored on the test images beside the network itself."""
    require_images(trained)
    dataset = _fitting(data, trained)
    whole = quantised(trained, learned_from(dataset))
    made = c_file(trained, stem, whole, main)
    test = dataset.test_for_reporting
    told = (
        f"{percent(accuracy_in_c(whole, test), len(test))} of {len(test):,} test images read right"
    )
    before = f", {percent(score(test), len(test))} before rounding" if score else ""
    return MadeC(made, (_amounts(made), told + before))


def _amounts(made: CFile) -> str:
    return f"{size(made.constants)} of constants and {size(made.memory)} of memory beside the code"


def _fitting(name: str, trained: TrainedNet) -> Dataset:
    """The data set of this name, whose images are as the network's."""
    assert trained.picture is not None
    found = load(name, trained.picture[1:])
    if found.shape != trained.picture or len(found.classes) != len(trained.classes):
        raise ShapeError(
            f"{found.name} has {spell(found.shape)} and {len(found.classes)} classes, the network "
            f"{spell(trained.picture)} and {len(trained.classes)}: name other images with --data"
        )
    return found


def learned_from(dataset: Dataset) -> NDArray[np.uint8]:
    """Training images from all over the data set."""
    images = dataset.training.pixels
    places = np.linspace(0, len(images) - 1, min(LEARNED_FROM, len(images))).astype(int)
    return np.asarray(images[places])


def accuracy_in_c(whole: WholeNumbers, images: Images) -> float:
    """The share of the images that C takes for what they are."""
    parts = (images[k : k + AT_ONCE] for k in range(0, len(images), AT_ONCE))
    right = sum(int((whole.classify(part.pixels) == part.labels).sum()) for part in parts)
    return right / len(images)
