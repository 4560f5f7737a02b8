"""Rows of a caller's arrays as a problem, and how the caller divides and weighs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.frames import NUMBERS
from gradbook.data.tables import Numbers
from gradbook.errors import DataError, ShapeError, UsageError
from gradbook.graph.window import Shape
from gradbook.lab.arrays.read_arrays import TARGETS, plain_array, require_finite, sizes_of
from gradbook.lab.models.input_range import InputRange
from gradbook.lab.models.model import Model
from gradbook.lab.problem import (
    About,
    AdaptedRecipe,
    Material,
    Normal,
    Rows,
    SplitAsked,
    Values,
)
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.tables import TableMaterial, TableProblem
from gradbook.layers import Bias, Loss, spell
from gradbook.net import Net
from gradbook.net.description import Task

WEIGHTS = "the sample weights"
KIND = "arrays"  # in the record of a run
LEAST_OF_A_CLASS = 2  # rows, if some are taken for validation or for the test


@dataclass(frozen=True, eq=False)
class ArraysAsked:
    """What a caller says about arrays, beside the network and its training."""

    validation: Any = None  # a share, or samples; None is a sixth
    test: Any = None
    sample_weight: Any = None
    task: Task | None = None

    @property
    def parts(self) -> tuple[tuple[str, Any], tuple[str, Any]]:
        """What is given for each part beside the training, by its name."""
        return ("validation", self.validation), ("test", self.test)


def split_asked(
    asked: ArraysAsked, counts_beside: Sequence[int], count: int, rows: Sequence[int] | None = None
) -> SplitAsked:
    """How the samples are divided, with the weight of each; `rows` are those that are left."""
    weights = None
    if asked.sample_weight is not None:
        weights = sample_weights(asked.sample_weight, count if rows is None else None)
        weights = weights if rows is None else weights[rows]
        weights = np.concatenate([weights, np.ones(sum(counts_beside))])
    shares = [
        None if many or share is None else float(share)
        for many, (_, share) in zip(counts_beside, asked.parts, strict=True)
    ]
    return SplitAsked(shares[0], shares[1], counts_beside[0], counts_beside[1], weights)


def is_share(part: Any, what: str) -> bool:
    """Whether a part is a share of the samples, rather than samples of its own."""
    if part is None:
        return True
    if isinstance(part, bool) or not isinstance(part, int | float | np.number):
        return False
    if not 0 <= part < 1:
        raise UsageError(
            f"{what}={part}: write a share such as {what}=0.2, or samples of your own, "
            f"{what}=(inputs, targets)"
        )
    return True


def pair_of(part: Any, what: str) -> tuple[Any, Any]:
    if isinstance(part, tuple | list) and len(part) == 2:
        return part[0], part[1]
    raise UsageError(
        f"{what} isn't a share or a pair: write {what}=0.2, or samples of your own, "
        f"{what}=(inputs, targets)"
    )


def sample_weights(numbers: Any, count: int | None) -> Numbers:
    """A weight of at least 0 for each of so many samples."""
    weights = plain_array(numbers, WEIGHTS)
    if weights.ndim != 1 or weights.dtype.kind not in NUMBERS or count not in (None, len(weights)):
        raise ShapeError(f"{WEIGHTS} are {sizes_of(weights)}: give one number for each sample")
    require_finite(weights, WEIGHTS)
    weights = weights.astype(np.float64)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise DataError("a weight below 0", file=WEIGHTS, row=row + 1)
    if not weights.any():
        raise UsageError("all sample weights are zero: give some rows a weight above 0")
    return weights


def require_class_rows(labels: NDArray[Any], names: Sequence[str], split: SplitAsked) -> None:
    """Refuse a class that occurs once, if rows are taken for validation or for the test."""
    takes = [
        split.held_back != 0 and not split.own_held_back,
        split.test != 0 and not split.own_test,
    ]
    if not any(takes):
        return
    counts = np.bincount(labels.astype(np.int64), minlength=len(names))
    for number in np.flatnonzero((counts > 0) & (counts < LEAST_OF_A_CLASS)).tolist():
        row = int(np.argmax(labels == number)) + 1
        raise DataError(
            f"the class '{names[number]}' occurs once, so it can't be both learned and tested: "
            "give more such rows, or leave this one out",
            file=TARGETS,
            row=row,
        )


# The problem ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ArrayProblem(TableProblem):
    """Rows of numbers, with a class, a number, several numbers or several labels for each."""

    given_rows: Numbers = field(default_factory=lambda: np.empty((0, 0)))
    given_targets: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    shape: Shape = ()  # of a row, as the caller gave it
    outputs: tuple[str, ...] = ()  # the names of several numbers or labels
    are_labels: bool = False
    are_named: bool = False  # whether the caller has named the columns
    range: InputRange | None = None  # of numbers without names
    engine: str = "auto"

    def __len__(self) -> int:
        return len(self.given_rows)

    @cached_property
    def rows(self) -> Numbers:
        return self.given_rows

    @cached_property
    def targets(self) -> NDArray[Any]:
        return self.given_targets

    title = "arrays"
    remedy = "give more, or take none for these with validation=0 and test=0"

    def filling(self, fold: int | None) -> Numbers | None:
        return super().filling(fold) if self.are_named else None

    @property
    def output_count(self) -> int:
        return len(self.outputs) or 1

    @property
    def inputs_in_words(self) -> str:
        if self.are_named:
            return super().inputs_in_words
        return f"{spell(self.shape)} numbers"

    @property
    def beginning(self) -> str:
        return f"'input {spell(self.shape)}'"

    @property
    def record(self) -> dict[str, Any]:
        return {"kind": KIND}

    def normal(self, rows: Numbers, weights: Numbers | None, chosen: Rows | None) -> Normal:
        """The mean and deviation of each number; of each feature over all steps, and of each
        channel over all places. Tokens aren't scaled."""
        match self.shape:
            case (steps, features):
                by_feature = rows.reshape(len(rows), steps, features).transpose(0, 2, 1)
                each = Normal.of(by_feature, features, weights, chosen)
                return Normal(np.tile(each.mean, steps), np.tile(each.deviation, steps))
            case (channels, height, width):
                each = Normal.of(rows, channels, weights, chosen)
                places = height * width
                return Normal(np.repeat(each.mean, places), np.repeat(each.deviation, places))
            case ():  # tokens
                return Normal(np.zeros(rows.shape[1]), np.ones(rows.shape[1]))
        return super().normal(rows, weights, chosen)

    def adapt(self, recipe: Recipe) -> AdaptedRecipe:
        if self.are_labels and recipe.net.loss is None:
            recipe = replace(recipe, net=replace(recipe.net, loss=Loss.BINARY))
        return super().adapt(recipe)

    def require_loss(self, net: Net) -> None:
        if not self.are_labels:
            super().require_loss(net)

    def spread(self, net: Net, training: Rows) -> tuple[Any, Any]:
        """Several numbers are scaled each for itself if the network ends in plain sums, and not at
        all if it ends in anything else; labels are never scaled."""
        if len(self.outputs) < 2 and not self.are_labels:
            return super().spread(net, training)
        if self.are_labels or _last_sums(net) is None:
            return 0.0, 1.0
        spread = self.spread_of_each(training)
        return spread.mean, spread.deviation

    def model(self, recipe: Recipe, material: Material, values: Values, about: About) -> Model:
        assert isinstance(material, TableMaterial)
        learned: dict[str, Any] = {"labels": True} if self.are_labels else {}
        if self.range:
            learned["range"] = asdict(self.range)
        mean, deviation = material.spread
        if np.ndim(mean):  # the last sums give the numbers in their own units
            values = _in_own_units(recipe.net, values, mean, deviation)
            material = replace(material, spread=(0.0, 1.0))
            learned["spread"] = [mean.tolist(), deviation.tolist()]
        model = super().model(recipe, material, values, about)
        model.about = {**model.about, **learned}
        columns = replace(
            model.require_columns(), outputs=self.outputs, by_place=not self.are_named
        )
        model.columns = columns
        return model


def _last_sums(net: Net) -> dict[str, str] | None:
    """The names of the weights and biases of the last layer, if it is plain sums of its own."""
    last = len(net.layers) - 1
    leaves = {p.role.value: str(p.leaf) for p in net.parameters if p.layer == last}
    layer = net.layers[last]
    is_own = net.owners.count(net.owners[last]) == 1
    has_biases = layer.sums and layer.reads_all and layer.bias is Bias.EACH
    return leaves if is_own and has_biases and leaves.keys() == {"w", "b"} else None


def _in_own_units(net: Net, values: Values, mean: Numbers, deviation: Numbers) -> Values:
    """The values with last sums that aren't to be scaled any more."""
    names = _last_sums(net)
    assert names
    weights, biases = values[names["w"]], values[names["b"]]
    return {
        **values,
        names["w"]: (weights * deviation[:, None]).astype(weights.dtype),
        names["b"]: (biases * deviation + mean).astype(biases.dtype),
    }
