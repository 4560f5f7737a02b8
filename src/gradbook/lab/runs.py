"""Opens finished runs: one of them in detail, or those of several seeds as one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import Dataset, Images, in_turns
from gradbook.data.warp import warp_images
from gradbook.errors import UsageError, one_line
from gradbook.graph.window import Shape
from gradbook.lab.images import numbers_trained_on, require_fit
from gradbook.lab.models.answers import Answers
from gradbook.lab.models.model import Model, trained_shapes
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.training.epochs import Epoch
from gradbook.lab.training.run_folder import RunFolder, of_a_table, of_lines
from gradbook.lab.training.train import SeedsFolder, Spread
from gradbook.layers import Role, leaf_name
from gradbook.net import Net
from gradbook.net.measure import measure
from gradbook.net.work.at_work import values_of

# The insides of a trained network ---------------------------------------------

Array = NDArray[np.float64]
Values = Mapping[str, NDArray[np.floating]]  # by the names of the graph's leaves


@dataclass(frozen=True, eq=False)
class Stage:
    """The values that some layers compute from an image."""

    layers: str  # in words
    field: Shape  # the pixels, down and across, that affect one value
    values: Array  # (channels, rows, columns)


def first_filters(net: Net, values: Values, picture: Shape) -> Array | None:
    """The weights of the first layer with weights: (filters, channels, rows, columns).

    A dense layer's weights are laid out like the picture that it reads. None if another layer comes
    between, or if the picture is read row by row.
    """
    if net.laid_out:
        return None
    for index, layer in enumerate(net.layers):
        if layer.sums:
            filters = np.asarray(values[str(leaf_name(Role.WEIGHT, index))], np.float64)
            slides = layer.window(net.shapes[index]) is not None
            return filters if slides else filters.reshape(-1, *picture)
        if not layer.passes_on:
            return None
    return None


def stages(net: Net, values: Values, image: Array) -> tuple[Stage, ...]:
    """The stages of an image in the network, as long as it remains a picture.

    `image` is the network's input: (channels, rows, columns), normalised. There is a stage for the
    first convolution's own sums, and one for the input of each convolution, pool or dense layer.
    There is none if the network's input isn't a picture.
    """
    if len(net.input) != 3:
        return ()
    kept = {name: np.asarray(values[name], np.float64) for name in trained_shapes(net)}
    made = values_of(net, kept, image)
    measured = measure(net).layers
    stages = []
    for layers in _layers_shown(net):
        field = measured[layers[-1]].field
        assert field is not None  # the input is a picture
        words = ", ".join(net.layers[index].text for index in layers)
        stages.append(Stage(words, field.size, made[layers[-1] + 1]))
    return tuple(stages)


def _layers_shown(net: Net) -> Iterator[list[int]]:
    """Layers that are shown together; dropout and flatten have nothing to show."""
    seen = [k for k, layer in enumerate(net.layers) if not layer.passes_on]
    together: list[int] = []
    for index, following in zip(seen, [*seen[1:], None], strict=True):
        shape = net.shapes[index + 1]
        if len(shape) != 3 or prod(shape[1:]) == 1:
            return
        together.append(index)
        opening = net.layers[index].sums and index == seen[0]
        after = None if following is None else net.layers[following]
        if (
            opening
            or after is None
            or after.sums
            or after.window(net.shapes[following or 0]) is not None
        ):
            yield together
            together = []


# One run ----------------------------------------------------------------------

WARPED = 10  # training images to show
EPOCHS = 4  # epochs in which they are shown


@dataclass(frozen=True, eq=False)
class Evidence:
    """One run. `example` is the test image whose stages in the network are shown."""

    recipe: Recipe
    history: tuple[Epoch, ...]
    result: Mapping[str, Any]
    dataset: Dataset
    model: Model
    answers: Answers  # to the test images
    warped: tuple[Images, ...]  # training images, unchanged and then in the first epochs
    filters: NDArray[np.float64] | None
    example: int
    stages: tuple[Stage, ...]

    @property
    def image_count(self) -> int:
        """The number of images."""
        return len(numbers_trained_on(self.dataset, self.recipe.held_back))

    @property
    def has_validation(self) -> bool:
        return any(epoch.validation_accuracy is not None for epoch in self.history)


def gather(run: RunFolder, dataset: Dataset) -> Evidence:
    """All the evidence about a run. The data set is the one that the recipe names."""
    recipe, history, model = run.recipe(), run.history(), run.model()
    answers = answer_test(model, dataset)
    right = np.flatnonzero(answers.right)
    example = int(right[0]) if right.size else 0
    return Evidence(
        recipe,
        history,
        run.result(),
        dataset,
        model,
        answers,
        _warped(recipe, dataset),
        first_filters(model.net, model.values, dataset.shape),
        example,
        stages(model.net, model.values, model.prepare(dataset.test_for_reporting.pixels[example])),
    )


def answer_test(model: Model, dataset: Dataset) -> Answers:
    """The model's answers to the test images."""
    require_fit(model.net, dataset)
    test = dataset.test_for_reporting
    model.require_classes()
    if model.classes != dataset.classes:
        raise UsageError(
            f"the model's classes are {_few(model.classes)}, but those of {dataset.name} are "
            f"{_few(dataset.classes)}: name the data set that it was trained on"
        )
    return Answers(model.predict(test.pixels), test.labels, model.net.outputs == 1)


def _few(classes: Sequence[str]) -> str:
    return ", ".join(classes[:3]) + (f" … ({len(classes)} classes)" if len(classes) > 3 else "")


def _warped(recipe: Recipe, dataset: Dataset) -> tuple[Images, ...]:
    """Some training images of each class, unchanged and in the first epochs."""
    images = dataset.training_and_validation
    numbers = numbers_trained_on(dataset, recipe.held_back)
    chosen = numbers[in_turns(images[numbers], WARPED)]
    original = images[chosen]
    if not recipe.warp.changes_images:
        return (original,)
    pixels, shown, seed = images.pixels, chosen.tolist(), recipe.net.seed
    seen = (
        warp_images(pixels, recipe.warp, shown, seed=seed, epoch=epoch)
        for epoch in range(min(EPOCHS, recipe.epochs))
    )
    return (original, *(Images(x.round().astype(np.uint8), original.labels) for x in seen))


# Several seeds ----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RunOfSeeds:
    """A run, or the runs of several seeds as one."""

    name: str
    runs: tuple[RunFolder, ...]
    recipe: Recipe  # the first seed's
    histories: tuple[tuple[Epoch, ...], ...]
    results: tuple[Mapping[str, Any], ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(result["seed"] for result in self.results)

    @property
    def parameters(self) -> int:
        return self.recipe.net.count()

    @property
    def test(self) -> Spread:
        """The share of the test images read right, by seed."""
        return Spread(tuple(result["test_accuracy"] for result in self.results))

    @property
    def seconds(self) -> float:
        """The duration of one training."""
        return fmean(result["seconds"] for result in self.results)

    @property
    def validations(self) -> tuple[float | None, ...]:
        """Each seed's share of the images held back that it read right after its last epoch."""
        return tuple(h[-1].validation_accuracy if h else None for h in self.histories)

    @property
    def validation(self) -> float | None:
        shares = [share for share in self.validations if share is not None]
        return fmean(shares) if len(shares) == len(self.runs) else None

    def answers(self, dataset: Dataset) -> tuple[Answers, ...]:
        """Each seed's answers to the test images."""
        return tuple(answer_test(run.model(), dataset) for run in self.runs)


def open_run(path: str | os.PathLike[str]) -> RunOfSeeds:
    """The finished run in a folder, or the finished runs of several seeds."""
    seeds = SeedsFolder(path)
    runs = [RunFolder(path)]
    if seeds.holds_seeds:
        runs = [seeds.run(seed) for seed in seeds.plan()[1]]
        runs = [run for run in runs if run.is_done] or runs[:1]
    recipe, results = runs[0].recipe(), tuple(run.result() for run in runs)
    if "target" in results[0]:
        raise of_a_table(path)
    if runs[0].learns_lines:
        raise of_lines(path)
    return RunOfSeeds(
        one_line(Path(path).resolve().name),
        tuple(runs),
        recipe,
        tuple(run.history() for run in runs),
        results,
    )
