"""Pages of networks that read pictures: which network is meant, trained how far, on what."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from gradbook.cli.terminal.named import named, named_model, network_of
from gradbook.errors import GradbookError, UsageError

if TYPE_CHECKING:
    from gradbook.data.dataset import Dataset
    from gradbook.lab.models.model import Model
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.net import Net

FEWEST = 100  # pixels of a picture that is drawn rather than typed in, number by number
USUAL, LEAST = 10_000, 100  # images to train on
OFFERED = 20  # images to read without drawing


@dataclass(frozen=True)
class PictureReader:
    """A network that reads pictures, and how it was or would be trained."""

    model: Model
    recipe: Recipe
    data: Dataset | None  # its images, where they are at hand
    is_trained: bool = True


def picture_reader(word: str, data: str | None) -> PictureReader | None:
    """What the word means, if that reads pictures; None for a network of single numbers."""
    model = named_model(word)
    if model is not None:
        model.require_classes()
        model.picture  # noqa: B018 - refuses a network that reads no images
        return _trained(model, data)
    if not _is_recipe(word):
        found = named(word, data if data and not os.path.isdir(data) else None)
        if not _reads_pictures(network_of(found)):
            return None
    return _of_recipe(word, data)


def _is_recipe(word: str) -> bool:
    from gradbook.lab.recipes import RECIPES

    return word in RECIPES


def _reads_pictures(net: Net) -> bool:
    return len(net.input) == 3 and prod(net.input[1:]) >= FEWEST and not net.samples


def _trained(model: Model, data: str | None) -> PictureReader:
    from gradbook.lab.recipes.text import parse
    from gradbook.lab.recipes.text import recipe as recipe_of

    said = model.about.get("recipe")
    recipe = parse(str(said)) if said else recipe_of(model.net)
    found = None
    with suppress(GradbookError):
        found = _images(recipe, data)
    return PictureReader(model, recipe, found)


def _of_recipe(word: str, data: str | None) -> PictureReader:
    from gradbook.lab.models.model import load_shipped, untrained_model
    from gradbook.lab.recipes.text import recipe as recipe_of
    from gradbook.lab.training.material import adapt

    recipe = recipe_of(word)
    found = _images(recipe, data)
    model = load_shipped(word) if data is None else None
    if model:
        return PictureReader(model, recipe, found)
    fitted = adapt(recipe, found).recipe
    return PictureReader(untrained_model(fitted.net, found), fitted, found, is_trained=False)


def _images(recipe: Recipe, data: str | None) -> Dataset:
    from gradbook.lab.training.material import images_of

    return images_of(recipe, data)


def picture_page(reader: PictureReader, train: int | None, command: str) -> str:
    """The page; of a network that isn't trained images come along, so that it may be."""
    from gradbook.data.dataset import in_turns
    from gradbook.report.digits_page import digits_page
    from gradbook.report.digits_tables import TrainingPack

    count = USUAL if train is None and not reader.is_trained else train
    if count and reader.data is None:
        where = f"the images of {reader.recipe.data} aren't here"
        raise UsageError(f"--train: {where}: name them with --data")
    pack = TrainingPack.of(reader.recipe, reader.data, count) if count and reader.data else None
    samples = None
    if reader.data and prod(reader.data.shape) == prod(reader.model.net.input):
        test = reader.data.test_for_reporting
        samples = test[in_turns(test, OFFERED)]
    return digits_page(reader.model, pack, samples, command)
