"""Pictures of a caller as a data set: bytes, or numbers from 0 to 1, with any order of sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import BEYOND, BRIGHTEST, FOLDS, Dataset, Images
from gradbook.data.frames import NUMBERS
from gradbook.errors import ShapeError, UsageError
from gradbook.lab.arrays.read_arrays import (
    INPUTS,
    TARGETS,
    plain_array,
    read_targets,
    require_finite,
)
from gradbook.lab.arrays.rows_problem import (
    ArraysAsked,
    is_share,
    pair_of,
    require_class_rows,
    split_asked,
)
from gradbook.lab.images import ImageProblem
from gradbook.lab.recipes import USUAL
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.recipe_text import recipe as recipe_of
from gradbook.net import Net
from gradbook.net.description import Task

COLOURS = (1, 3, 4)  # channels of a picture
BYTE = 1e-3  # of a brightness: as near to a whole one, a number from 0 to 1 was a byte


def reads_pictures(array: NDArray[Any], recipe: Recipe | None) -> bool:
    """Whether these are pictures for a data set: bytes, or what was bytes before, with sides."""
    if array.ndim not in (3, 4):
        return False
    net = None if recipe is None or "net" in recipe.adapts else recipe.net
    if net is not None and len(net.input) == 2:  # a sequence
        return False
    if _pixels(array, rounds=net is None) is not None:
        return True
    if net is None and array.dtype.kind in NUMBERS:
        require_finite(array, INPUTS)
        least, most = float(array.min(initial=0)), float(array.max(initial=0))
        raise ShapeError(
            f"the inputs go from {least:.4g} to {most:.4g}: give pictures as bytes, or as numbers "
            "from 0 to 255 or from 0 to 1; or name a network for numbers, such as 'input 8x3; "
            "lstm 16; dense 2'"
        )
    return False


def _pixels(array: NDArray[Any], rounds: bool) -> tuple[NDArray[np.uint8], bool] | None:
    """Pictures as bytes, and whether they were from 0 to 1; None if they can't be, or weren't bytes
    and nothing `rounds` them."""
    if array.dtype == np.uint8:
        return array, False
    if array.dtype.kind not in "biuf" or not array.size:
        return None
    least, most = float(array.min()), float(array.max())
    is_unit = array.dtype.kind in "fb" and most <= BEYOND
    if not (least >= 0 and most <= BRIGHTEST):
        return None
    bright = array * float(BRIGHTEST) if is_unit else array
    bytes_of = np.rint(bright).clip(0, BRIGHTEST)
    if not rounds and np.abs(bright - bytes_of).max() > BYTE:
        return None
    return bytes_of.astype(np.uint8), is_unit


def _layout(pixels: NDArray[np.uint8], net: Net | None) -> NDArray[np.uint8]:
    """(N, channels, rows, columns) from (N, rows, columns) or with the channels at the end."""
    if pixels.ndim == 3:
        return pixels[:, None]
    first, last = pixels.shape[1], pixels.shape[3]
    fits = net is not None and pixels.shape[1:] == net.input
    if not fits and last in COLOURS and first not in COLOURS:
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return pixels


def picture_problem(
    array: NDArray[Any], targets: Any, asked: ArraysAsked, recipe: Recipe | None
) -> ImageProblem:
    """The classes of pictures, as a data set with its parts."""
    net = recipe.net if recipe and "net" not in recipe.adapts else None
    labels_given = plain_array(targets, TARGETS)
    if labels_given.dtype.kind == "f" and (labels_given % 1 != 0).any():
        raise UsageError(
            "pictures have classes: give one label for each, not numbers; or name a network, such "
            "as 'input 8x3; lstm 16; dense 1', if these are sequences"
        )
    goal = read_targets(targets, len(array), net, asked.task or Task.CLASSES, "")
    if goal.task is not Task.CLASSES:
        raise UsageError("pictures have classes: give one label for each, not numbers")
    parts, wanted, sizes = [array], [goal.values], [0, 0]
    for place, (what, samples) in enumerate(asked.parts):
        if not is_share(samples, what):
            inputs, answers = pair_of(samples, what)
            more = plain_array(inputs, f"the {what}'s inputs")
            if more.shape[1:] != array.shape[1:]:
                raise ShapeError(f"the {what}'s pictures have another size than the others")
            parts.append(more)
            wanted.append(goal.as_here(answers, len(more), f"the {what}'s targets"))
            sizes[place] = len(more)
    pixels, are_units = list[NDArray[np.uint8]](), list[bool]()
    for part in parts:
        read = _pixels(part, rounds=net is None)
        if read is None:
            raise ShapeError("some pictures are bytes and others aren't: give all the same way")
        pixels.append(_layout(read[0], net))
        are_units.append(read[1])
    labels, images = np.concatenate(wanted), np.concatenate(pixels)
    asked_split = split_asked(asked, sizes, len(array))
    require_class_rows(goal.values, goal.kinds, asked_split)
    if asked_split.held_back is None and asked_split.test is None and not sum(sizes):
        asked_split = replace(asked_split, test=1 / FOLDS)
    split = asked_split.split(labels)
    assert split
    kept = np.sort(np.concatenate([split.training, split.held_back]))
    folds = np.where(np.isin(kept, split.held_back), 0, 1).astype(np.uint8)
    everything = not len(split.test)
    is_exact = _pixels(array, rounds=False) is not None
    scored = kept if everything else split.test
    dataset = Dataset(
        "arrays",
        tuple(goal.kinds),
        Images(images[kept], labels[kept]),
        folds,
        Images(images[scored], labels[scored]),
        "arrays given in Python",
        () if is_exact else ("brightness is rounded to bytes, one of 256",),
        everything=everything,
        brightest=1 if are_units[0] else BRIGHTEST,
    )
    weights = None if asked_split.weights is None else asked_split.weights[kept]
    return ImageProblem(recipe or recipe_of(USUAL), dataset, weights)
