"""What there is to see of a finished run, gathered: its numbers, its answers, its insides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import Dataset, Images, in_turns
from gradbook.data.warp import warped_images
from gradbook.errors import UsageError
from gradbook.lab.models.answers import Answers
from gradbook.lab.models.insides import Stage, first_filters, stages
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.training.history import Epoch
from gradbook.lab.training.material import Material, require_fit
from gradbook.lab.training.run_folder import RunFolder

WARPED = 10  # training images to look at
EPOCHS = 4  # in which they are seen


@dataclass(frozen=True, eq=False)
class Evidence:
    """One run. `example` is the test image whose way through the network is shown."""

    recipe: Recipe
    history: tuple[Epoch, ...]
    result: Mapping[str, Any]
    dataset: Dataset
    model: Model
    answers: Answers  # to the test images
    warped: tuple[Images, ...]  # training images as they are, then in the first epochs
    filters: NDArray[np.float64] | None
    example: int
    stages: tuple[Stage, ...]

    @property
    def trained_on(self) -> int:
        """How many images."""
        return len(Material(self.dataset, self.recipe.held_back).numbers)

    @property
    def validated(self) -> bool:
        return any(epoch.validation_accuracy is not None for epoch in self.history)


def gather(run: RunFolder, dataset: Dataset) -> Evidence:
    """All of it. The data set is the one that the recipe names."""
    recipe, history, model = run.recipe(), run.history(), run.model()
    answers = answered(model, dataset)
    right = np.flatnonzero(answers.right)
    example = int(right[0]) if right.size else 0
    return Evidence(
        recipe,
        history,
        run.result(),
        dataset,
        model,
        answers,
        _warped(recipe, Material(dataset, recipe.held_back)),
        first_filters(model.net, model.values, dataset.shape),
        example,
        stages(model.net, model.values, model.given(dataset.test_for_reporting.pixels[example])),
    )


def answered(model: Model, dataset: Dataset) -> Answers:
    """The model's answers to the test images."""
    require_fit(model.net, dataset)
    test = dataset.test_for_reporting
    model.require_classes()
    if model.classes != dataset.classes:
        raise UsageError(
            f"the model tells apart {_few(model.classes)}, but {dataset.name} has "
            f"{_few(dataset.classes)}: name the data set that it was trained on"
        )
    return Answers(model.predict(test.pixels), test.labels, model.net.outputs == 1)


def _few(classes: Sequence[str]) -> str:
    return ", ".join(classes[:3]) + (f" … ({len(classes)} classes)" if len(classes) > 3 else "")


def _warped(recipe: Recipe, material: Material) -> tuple[Images, ...]:
    """Some training images of each class, and the same in the first epochs."""
    chosen = material.numbers[in_turns(material.images[material.numbers], WARPED)]
    original = material.images[chosen]
    if not recipe.warp.changes_images:
        return (original,)
    pixels, numbers, seed = material.images.pixels, chosen.tolist(), recipe.net.seed
    seen = (
        warped_images(pixels, recipe.warp, numbers, seed=seed, epoch=epoch)
        for epoch in range(min(EPOCHS, recipe.epochs))
    )
    return (original, *(Images(x.round().astype(np.uint8), original.labels) for x in seen))
