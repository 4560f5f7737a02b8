"""What a recipe trains on: the images that are its own, those held back, and how bright they are.

All images stay where they are in the data set and go by their numbers there, so that an image is
warped alike whichever fold is held back.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import BRIGHTEST, Dataset, Images
from gradbook.errors import ShapeError
from gradbook.graph.window import Shape
from gradbook.lab.recipes.recipe import USUAL_DATA, Recipe
from gradbook.lab.training.rows import require_last_batch
from gradbook.net import Net
from gradbook.net.fit import require_classes
from gradbook.net.layers import spell

AT_ONCE = 512  # images: what is counted in between stays in the cache


@dataclass(frozen=True, eq=False)
class Material:
    """A data set and which of its images are trained on."""

    dataset: Dataset
    held_back: int | None  # the fold to validate on

    @property
    def images(self) -> Images:
        return self.dataset.training_and_validation

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Of the images that are trained on."""
        if self.held_back is None:
            return np.arange(len(self.images))
        return np.flatnonzero(self.dataset.folds != self.held_back)

    @cached_property
    def validation(self) -> Images | None:
        if self.held_back is None:
            return None
        return self.images[self.dataset.folds == self.held_back]

    @cached_property
    def sums(self) -> NDArray[np.int64]:
        """(images, channels, 2): the sum of each image's bytes and of their squares."""
        pixels = self.images.pixels
        found = np.empty((*pixels.shape[:2], 2), np.int64)
        for first in range(0, len(pixels), AT_ONCE):
            some = pixels[first : first + AT_ONCE].reshape(-1, pixels.shape[1], pixels[0, 0].size)
            real = some.astype(np.float64)  # whole numbers far below 2⁵³: exact
            found[first : first + AT_ONCE, :, 0] = real.sum(axis=2)
            found[first : first + AT_ONCE, :, 1] = np.einsum("icp,icp->ic", real, real)
        return found

    @cached_property
    def brightness(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each channel of what is trained on, pixels from 0 to 1."""
        count = len(self.numbers) * self.images.pixels[0, 0].size
        sums = self.sums[self.numbers].sum(axis=0).tolist()
        means = tuple(total / (count * BRIGHTEST) for total, _ in sums)
        spreads = (count * squares - total**2 for total, squares in sums)  # exact, so 0 or above
        return means, tuple(spread**0.5 / (count * BRIGHTEST) or 1.0 for spread in spreads)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many of the images trained on there are of each class."""
        labels = self.images.labels[self.numbers]
        return np.bincount(labels, minlength=len(self.dataset.classes))

    @cached_property
    def mark(self) -> int:
        """Another one where the images, their labels or their folds are others."""
        mark = zlib.crc32(repr(self.images.pixels.shape).encode())
        for array in (self.sums, self.images.labels, self.dataset.folds):
            mark = zlib.crc32(array.tobytes(), mark)
        return mark


def material(recipe: Recipe, dataset: Dataset | None = None) -> Material:
    """What the recipe trains on: its own data set, or the one that is given instead."""
    found = dataset or images_of(recipe)
    require_fit(recipe.net, found)
    if recipe.warp.changes_images:
        if recipe.net.input != found.shape:
            raise ShapeError(
                f"only images can be warped, but the network takes {spell(recipe.net.input)}: "
                f"begin it with 'input {spell(found.shape)}' and 'flatten', or take the warp out"
            )
        recipe.warp.require_fit(*found.shape[1:])
    made = Material(found, recipe.held_back)
    if recipe.class_weights:
        recipe.weights_for(made.counts)
    _require_enough(made)
    require_last_batch(recipe.net, len(made.numbers), recipe.batch)
    return made


def images_of(recipe: Recipe, moved_to: str | os.PathLike[str] | None = None) -> Dataset:
    """The data set it names; pictures are brought to the size that its network takes."""
    from gradbook.data.sources import brought_to

    _, *sides = recipe.net.input
    size = (sides[0], sides[1]) if sides else None
    found = brought_to(recipe.data if moved_to is None else moved_to, size)
    return found if recipe.tests else found.with_everything()


def _require_enough(made: Material) -> None:
    name, fold = made.dataset.name, made.held_back
    if not len(made.numbers):
        raise ShapeError(f"{name} has no images besides those held back: hold back none")
    if fold is not None and not np.any(made.dataset.folds == fold):
        raise ShapeError(f"{name} has too few images to hold fold {fold} back: hold back none")
    if not len(made.dataset.test_for_reporting):
        raise ShapeError(f"{name} has too few images to keep any for the test: give more")


def comes_along(recipe: Recipe) -> bool:
    """Whether its data set goes by its name and nothing is to be adapted to it.

    The network is then held against it at once.
    """
    from gradbook.data.sources import KNOWN

    known = KNOWN.get(recipe.data)
    if known and recipe.adapts and recipe.data != USUAL_DATA:
        return False
    if known:
        _require_fit(recipe.net, recipe.data, (1, *known.size), known.classes)
    return known is not None


def require_fit(net: Net, dataset: Dataset) -> None:
    """Refuse a network that can't read these images, or can't tell these classes apart."""
    _require_fit(net, dataset.name, dataset.shape, len(dataset.classes))


def _require_fit(net: Net, name: str, shape: Shape, classes: int) -> None:
    if classes < 2:
        raise ShapeError(f"all images of {name} are of one class: give some of another")
    if net.input not in (shape, (prod(shape),)):
        raise ShapeError(
            f"the images of {name} are {spell(shape)}, but the network takes "
            f"{spell(net.input)}: begin it with 'input {spell(shape)}'"
        )
    require_classes(net, classes, name)


def placed(recipe: Recipe) -> Recipe:
    """The recipe with a data set's file by its whole path, as it is found from anywhere."""
    from gradbook.data.sources import KNOWN

    if recipe.data in KNOWN or not os.path.exists(recipe.data):
        return recipe
    return replace(recipe, data=str(Path(recipe.data).absolute()))
