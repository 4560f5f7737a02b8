"""A network's own samples as a problem: every step sees all of them, as in its workbook.

Nothing is scaled, mixed or held back, so that each weight is that of the workbook and of the page.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.data.tables import Column
from gradbook.engine.base import Engine
from gradbook.engine.engines import PlainEngine
from gradbook.errors import UsageError
from gradbook.lab.doubts import DeadUnits
from gradbook.lab.models.answers import FinalScore, number_names
from gradbook.lab.models.model import Model
from gradbook.lab.models.table_columns import TableColumns
from gradbook.lab.problem import About, AdaptedRecipe, Material, Problem, Rows, Samples, Values
from gradbook.lab.recipes.recipe import Recipe, Schedule
from gradbook.net import Net
from gradbook.rates import USUAL_EPOCHS

KIND = "own samples"  # in the record of a run


@dataclass(frozen=True, eq=False, kw_only=True)
class OwnMaterial(Material):
    """Samples that are always in their own order."""

    def order(self, seed: int, epoch: int) -> Rows:
        return self.numbers

    def find_dead_units(self, values: Values) -> tuple[DeadUnits, ...]:
        """None of a single sample, for which every value is the same."""
        return super().find_dead_units(values) if len(self.numbers) > 1 else ()


@dataclass(frozen=True, eq=False)
class OwnSamplesProblem(Problem):
    """The samples of a network."""

    net: Net
    start: Model | None = None

    unit = "sample"
    samples_key = "samples"
    everything = True
    classes = ()
    title = "own samples"
    score_name = "training_r2"
    columns: ClassVar[Mapping[str, str]] = {
        name: name for name in ("epoch", "rate", "train_loss", "seconds")
    }

    @property
    def inputs(self) -> NDArray[np.float64]:
        """A row for each sample."""
        return np.array([sample.inputs for sample in self.net.examples()])

    @property
    def targets(self) -> NDArray[np.float64]:
        return np.array([sample.targets for sample in self.net.examples()])

    def adapt(self, recipe: Recipe) -> AdaptedRecipe:
        if recipe.class_weights or recipe.warp.changes_images or recipe.find_rate:
            raise UsageError(
                "a network's own samples are trained on as they are: leave out class weights, "
                "warps and 'rate find'"
            )
        return AdaptedRecipe(replace(recipe, adapts=frozenset()), (), self)

    def material(self, recipe: Recipe) -> OwnMaterial:
        inputs, targets = self.inputs, self.targets
        shaped = inputs.reshape(-1, *recipe.net.input)
        mark = zlib.crc32(targets.tobytes(), zlib.crc32(inputs.tobytes()))
        numbers = np.arange(len(inputs))
        samples = Samples(shaped, targets)
        return OwnMaterial(
            net=recipe.net, samples=samples, numbers=numbers, held_back=None, mark=mark
        )

    def set_up(self, recipe: Recipe, threads: int | None) -> tuple[Material, Engine]:
        """In double precision, as spreadsheets compute."""
        return self.material(recipe), PlainEngine(recipe.net, recipe.batch)

    @property
    def record(self) -> dict[str, Any]:
        return {"kind": KIND}

    def test_count(self) -> int:
        return 0

    def model(self, recipe: Recipe, material: Material, values: Values, about: About) -> Model:
        count = self.inputs.shape[1]
        named = self.net.columns
        targets = number_names(recipe.net.outputs)
        if len(named) == count + len(targets):
            targets = named[count:]
        return Model(
            recipe.net,
            values,
            np.zeros(count),
            np.ones(count),
            self.net.classes,
            {name: about[name] for name in ("recipe", "epochs")},
            columns=TableColumns(
                tuple(map(Column, named[:count] or (f"x{k}" for k in range(1, count + 1)))),
                Column(self._target_name(targets), self.net.classes),
                outputs=targets if len(targets) > 1 and not self.net.classes else (),
                by_place=not named,
            ),
        )

    def _target_name(self, targets: tuple[str, ...]) -> str:
        if self.net.classes and len(self.net.columns) > self.inputs.shape[1]:
            return self.net.columns[-1]
        return targets[0] if len(targets) == 1 else "outputs"

    def test(self, recipe: Recipe, engine: Engine, model: Model) -> FinalScore:
        wanted = self.targets
        if model.classes:
            wanted = wanted.argmax(axis=1).astype(np.int32)
        return model.score_of(self.inputs, wanted)


def own_samples(net: Net) -> tuple[OwnSamplesProblem, Recipe]:
    """The problem of a network's own samples, and its training as in a workbook."""
    alone = replace(net, samples=(), table="", columns=(), classes=(), loss=net.objective)
    schedule = Schedule("constant", net.learning_rate)
    count = len(net.examples())
    recipe = Recipe(alone, schedule, USUAL_EPOCHS, count, data="own samples", held_back=None)
    return OwnSamplesProblem(net), recipe
