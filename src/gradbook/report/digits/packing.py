"""What a page carries: code, weights and images, packed into text that it unpacks by itself."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import BRIGHTEST, Dataset, Images, in_turns
from gradbook.engine.wasm import WasmModule, trainer, warping_table
from gradbook.errors import UsageError
from gradbook.lab.models.model import Model, for_inputs
from gradbook.lab.recipes.recipe import BEST, SETTLING, UNWARPED, Recipe
from gradbook.lab.training.epochs import targets_for
from gradbook.lab.training.material import adapt, for_fewer, material
from gradbook.net import Net
from gradbook.net.build import training_step
from gradbook.net.step import Step
from gradbook.report.digits.recipe import recipe_table

TESTED = 1_500  # images, at most


def packed(content: bytes) -> str:
    """Deflated, in letters."""
    return b64encode(zlib.compress(content, 9)).decode()


def module_table(module: WasmModule) -> dict[str, Any]:
    return {"code": packed(module.code), "table": module.table()}


def numbers_table(values: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Arrays as the page's float32, by their names."""
    floats = {name: np.asarray(value, "<f4") for name, value in values.items()}
    return {name: packed(value.tobytes()) for name, value in floats.items()}


def scales(model: Model) -> dict[str, list[float]]:
    """How a byte comes in: as scale·x + shift, channel by channel."""
    mean, deviation = map(np.array, for_inputs(model.net, model.mean, model.deviation))
    return {"scale": (1 / (BRIGHTEST * deviation)).tolist(), "shift": (-mean / deviation).tolist()}


@dataclass(frozen=True, eq=False)
class TrainingPack:
    """What a page trains on, and what it is tested with."""

    recipe: Recipe  # as it is for so many images
    images: Images
    test: Images

    @staticmethod
    def of(recipe: Recipe, dataset: Dataset, count: int) -> TrainingPack:
        """So many of the images that the recipe trains on, as many of each class."""
        found = adapt(recipe, dataset).recipe
        _require_fixed(found)
        made = material(found, dataset)
        images = made.images[made.numbers]
        test = dataset.test_for_reporting
        chosen = images[in_turns(images, count)], test[:: -(-len(test) // TESTED)]
        return TrainingPack(for_fewer(found, len(chosen[0])), *chosen)

    def table(self, net: Net, scaling: Mapping[str, list[float]]) -> dict[str, Any]:
        """All of it, for a page; `scaling` is how bytes come in."""
        recipe = self.recipe
        module = trainer(net, recipe.batch, weighted=bool(recipe.class_weights))
        step = training_step(net, recipe.batch)
        warps = recipe.warp.changes_images
        return {
            "module": module_table(module),
            "start": numbers_table({str(leaf.name): values for leaf, values in step.start.items()}),
            "plan": {
                "batch": recipe.batch,
                "seed": net.seed,
                "rates": self._rates(),
                "pixels": self.images.pixels[0].size,
                "warp": warping_table(recipe.warp, self.images.shape) if warps else None,
                "settling": self._settling(step),
                **scaling,
            },
            "recipe": recipe_table(recipe, len(self.images)),
            "images": packed(self.images.pixels.tobytes()),
            "labels": packed(self.images.labels.astype("<i4").tobytes()),
            "wanted": self._wanted(),
            "test": packed(self.test.pixels.tobytes()),
            "testLabels": packed(self.test.labels.astype("<i4").tobytes()),
        }

    def _rates(self) -> list[list[float]]:
        """Of each step of each epoch."""
        steps, epochs = ceil(len(self.images) / self.recipe.batch), self.recipe.epochs
        rates = (self.recipe.schedule.rates(k, steps, epochs) for k in range(epochs))
        return [[float(rate) for rate in epoch] for epoch in rates]

    def _settling(self, step: Step) -> dict[str, Any] | None:
        """How long batchnorm looks at images as they are in the end, and what that leaves alone."""
        if self.recipe.statistics != UNWARPED or not step.statistics:
            return None
        others = step.next.keys() - set(step.statistics)
        return {"steps": SETTLING, "others": sorted(str(leaf.name) for leaf in others)}

    def _wanted(self) -> list[list[float]] | None:
        """The targets of each class, where an image's label isn't all the engine is to know."""
        classes = self.recipe.net.outputs if self.recipe.net.outputs > 1 else 2
        each = np.arange(classes, dtype=np.int32)
        found = targets_for(self.recipe, each, np.array(self.images.counts(classes)))
        return None if found.ndim == 1 else np.asarray(found, float).tolist()


def _require_fixed(recipe: Recipe) -> None:
    """A page trains by what is known beforehand."""
    said = {
        "schedule plateau": recipe.schedule.kind == "plateau",
        "rate find": recipe.find_rate,
        "early stop": recipe.early_stop is not None,
        "keep best": recipe.keep == BEST,
    }
    for words, is_asked in said.items():
        if is_asked:
            raise UsageError(
                f"a page doesn't train by '{words}': take it out, or make a page of a trained run, "
                "without --train"
            )
