"""A problem to learn: samples and their targets, in the form that trainings need.

A problem is images, the rows of a table, windows of signals or lines of text. It adapts a recipe
to its data, opens the engine, and defines what a trained network is, how it is tested and what
programs are told about it. It doesn't know how a training proceeds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.chance import Purpose, key, places_in_order
from gradbook.data.dataset import deal_folds, deal_share
from gradbook.engine.engines import faster_kind, open_engine
from gradbook.errors import ShapeError
from gradbook.lab.doubts import MOST_LOOKED_AT, find_dead_units
from gradbook.lab.models.answers import FinalScore, targets
from gradbook.lab.models.model import for_inputs, trained_shapes
from gradbook.layers.losses import Loss
from gradbook.net import Activation, Net
from gradbook.net.description import Task, default_loss

if TYPE_CHECKING:
    from gradbook.data.signals import Windows
    from gradbook.engine.base import Engine
    from gradbook.lab.doubts import DeadUnits
    from gradbook.lab.models.model import Model
    from gradbook.lab.recipes.recipe import Recipe

Rows = NDArray[np.intp]
Values = Mapping[str, NDArray[Any]]  # by their names
About = Mapping[str, Any]  # how a model was made


# The input of a training ------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs in the form of an engine, and their targets: classes or numbers."""

    inputs: NDArray[Any]
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None = None  # of each, with a mean of 1

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """The arrays of one training, for one problem and one recipe."""

    net: Net  # the network that learns: the recipe's, or its part after the fixed layers
    samples: Samples
    numbers: Rows  # of the training samples
    held_back: Samples | None
    mark: int  # differs for other data
    mean: Sequence[float] = (0.0,)  # of each channel, with which the engine normalises
    deviation: Sequence[float] = (1.0,)
    most: float = 1.0  # inputs are divided by this first
    fixed: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # the values of fixed layers

    @property
    def scales(self) -> tuple[list[float], list[float]]:
        """The mean and deviation of each input that is normalised separately."""
        return for_inputs(self.net, self.mean, self.deviation)

    @property
    def epoch_size(self) -> int:
        """The number of samples in an epoch."""
        return len(self.numbers)

    def is_weighted_by(self, recipe: Recipe) -> bool:
        """Whether samples have weights, of their own or of their classes."""
        return bool(recipe.class_weights) or self.samples.weights is not None

    def order(self, seed: int, epoch: int) -> Rows:
        """The samples of an epoch in order."""
        return order_samples(seed, epoch, self.numbers)

    def counts(self, classes: int) -> NDArray[Any]:
        """The number of training samples in each class, one of weight 2 being two."""
        labels, weights = self.samples.targets[self.numbers], self.samples.weights
        return np.bincount(
            labels, None if weights is None else weights[self.numbers], minlength=classes
        )

    def find_dead_units(self, values: Mapping[str, NDArray[Any]]) -> tuple[DeadUnits, ...]:
        """The dead units of the trained network, found with some of the training samples."""
        step = -(-len(self.numbers) // MOST_LOOKED_AT)
        inputs = self.samples.inputs[self.numbers[::step]].reshape(-1, *self.net.input)
        places = (-1,) + (1,) * (len(self.net.input) - 1)
        mean, deviation = (np.reshape(scale, places) for scale in self.scales)
        kept = {name: values[name] for name in trained_shapes(self.net)}
        return find_dead_units(self.net, kept, (inputs / self.most - mean) / deviation)


def order_samples(seed: int, epoch: int, numbers: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """These samples in their order in an epoch."""
    keys = key(seed, Purpose.ORDER, epoch, numbers)
    return np.asarray(numbers[places_in_order(keys)])


def targets_for(
    recipe: Recipe,
    labels: NDArray[Any],
    counts: NDArray[Any],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[Any]:
    """These labels as the engine's targets, each weighted by its own weight, if it has one, and by
    the recipe's weight of its class."""
    if recipe.class_weights:
        of_class = recipe.weights_for(counts)[labels]
        weights = of_class if weights is None else of_class * weights
    return targets(recipe.net, labels, weights)


AT_ONCE = 4096  # rows: few enough for intermediate results to stay small


@dataclass(frozen=True, eq=False)
class Normal:
    """The mean and deviation of each channel; if inputs are flat, each input is a channel."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @staticmethod
    def of(
        rows: NDArray[Any],
        many: int,
        weights: NDArray[np.float64] | None = None,
        chosen: Rows | None = None,
    ) -> Normal:
        """The values for rows of this `many` channels, or for those chosen in this order, a row of
        weight 2 being two of them; a deviation of 0 becomes 1."""

        def pieces() -> Iterator[tuple[slice, NDArray[Any]]]:
            for first in range(0, count, AT_ONCE):
                here = slice(first, min(first + AT_ONCE, count))
                piece = rows[here] if chosen is None else rows_at(rows, chosen[here])
                yield here, piece.reshape(len(piece), many, -1)

        count = len(rows if chosen is None else chosen)
        places = prod(rows.shape[1:]) // many
        if weights is not None:
            total = weights.sum() * places
            sums = [np.einsum("r,rcp->c", weights[here], piece) for here, piece in pieces()]
            mean = np.sum(sums, axis=0) / total
            squares = [
                np.einsum("r,rcp->c", weights[here], (piece - mean[:, None]) ** 2)
                for here, piece in pieces()
            ]
            deviation = np.sqrt(np.sum(squares, axis=0) / total)
            return Normal(mean, np.where(deviation > 0, deviation, 1.0))
        totals = [piece.sum(axis=(0, 2), dtype=np.float64) for _, piece in pieces()]
        mean = np.sum(totals, axis=0) / (count * places)
        squares = [((piece - mean[:, None]) ** 2).sum(axis=(0, 2)) for _, piece in pieces()]
        deviation = np.sqrt(np.sum(squares, axis=0) / (count * places))
        return Normal(mean, np.where(deviation > 0, deviation, 1.0))

    def scaled(
        self, rows: NDArray[Any], chosen: Rows, real: type[np.floating[Any]]
    ) -> NDArray[Any]:
        """Some of the rows, scaled to mean 0 and deviation 1: one copy, piece by piece."""
        copy = np.empty((len(chosen), *rows.shape[1:]), real)
        for first in range(0, len(chosen), AT_ONCE):
            here = slice(first, first + AT_ONCE)
            copy[here] = (rows_at(rows, chosen[here]) - self.mean) / self.deviation
        return copy


def rows_at(rows: NDArray[Any], places: Rows) -> NDArray[Any]:
    """A copy of the rows at these places: `take` is quicker where each lies in one piece."""
    return rows.take(places, axis=0) if rows.flags.c_contiguous else rows[places]


def with_default_loss(net: Net, task: Task) -> tuple[Net, list[str]]:
    """The network with a loss, if it has none, and a remark about it: plain sums for classes get
    a softmax, a single sum gets a sigmoid."""
    if net.loss:
        return net, []
    remarks = []
    if task is Task.CLASSES and not net.ending:
        end, loss = ("softmax", Loss.CROSS) if net.outputs > 1 else ("sigmoid", Loss.BINARY)
        net = replace(net, layers=(*net.layers, Activation(end)))
        sums = "plain sums" if net.outputs > 1 else "a plain sum"
        remarks.append(
            f"the network ends in {sums}, so a {end} is added and the loss is {loss}: name another "
            "with --set 'loss …'"
        )
    else:
        loss = default_loss(net.answer_kind, task)
        if task is Task.CLASSES:
            remarks.append(f"no loss is named, so it is {loss}: the network ends in {net.ending}")
    return replace(net, loss=loss), remarks


def require_last_batch(net: Net, samples: int, batch: int) -> None:
    """Refuse an epoch whose last batch, with the remaining samples, can't be trained on."""
    from gradbook.net.build import require_variance

    if samples % batch != 1:
        return
    try:
        require_variance(net, 1)
    except ShapeError as error:
        raise ShapeError(
            f"{error.message}, but {samples:,} in batches of {batch:,} leave one over: "
            "choose another batch size"
        ) from error


# The parts of the samples -------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Split:
    """The rows of each part, if a caller divides them."""

    training: Rows
    held_back: Rows
    test: Rows


@dataclass(frozen=True, eq=False)
class SplitAsked:
    """How a caller divides samples: a share of them for each part, or samples of its own for it.

    The samples of its own follow the others, those held back first. None is the usual sixth; the
    test's is taken first.
    """

    held_back: float | None = None  # the share
    test: float | None = None
    own_held_back: int = 0  # samples
    own_test: int = 0
    weights: NDArray[np.float64] | None = None  # of each sample, with those of its own

    def split(self, labels: NDArray[np.int32]) -> Split | None:
        """The parts, with each class in equal shares; None if nothing is asked for."""
        if self.held_back is None and self.test is None and not self.own_held_back + self.own_test:
            return None
        count = len(labels) - self.own_held_back - self.own_test
        rows, after = np.arange(count), count + self.own_held_back
        test = self._part(labels, rows, self.test, np.arange(after, len(labels)), count)
        rows = _without(rows, test)
        held_back = self._part(labels, rows, self.held_back, np.arange(count, after), count)
        return Split(_without(rows, held_back), held_back, test)

    @staticmethod
    def _part(
        labels: NDArray[np.int32], rows: Rows, share: float | None, separate: Rows, count: int
    ) -> Rows:
        """The rows that make this share of all, or the separate ones, if there are any."""
        if len(separate) or not len(rows) or share == 0:
            return separate
        if share is None:
            return np.asarray(rows[deal_folds(labels[rows]) == 0])
        return np.asarray(rows[deal_share(labels[rows], share * count / len(rows))])


def _without(rows: Rows, others: Rows) -> Rows:
    """The rows that aren't among the others."""
    is_other = np.zeros(max(rows.max(initial=-1), others.max(initial=-1)) + 1, bool)
    is_other[others] = True
    return np.asarray(rows[~is_other[rows]])


# Results ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AdaptedRecipe:
    """The recipe to train, the remarks on it, one line each, and its problem."""

    recipe: Recipe
    remarks: tuple[str, ...]
    problem: Problem


class Problem(ABC):
    """Samples and what is learned from them, with everything that follows from them."""

    unit: ClassVar[str]
    samples_key: ClassVar[str] = "rows"  # the name of samples for programs
    is_watched: ClassVar[bool] = False  # its trainings take long, so they are judged on their way
    engine: str = "auto"  # 'plain' or 'native', if a caller chooses
    start: Model | None = None  # whose weights it begins with, and as which it scales inputs
    columns: ClassVar[Mapping[str, str]]  # the figures of an epoch, by their names in files

    @property
    @abstractmethod
    def title(self) -> str:
        """The name of the data."""

    @property
    @abstractmethod
    def everything(self) -> bool:
        """Whether all samples are trained on, with none held out for the test."""

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; empty if numbers are learned."""

    @property
    def windows(self) -> Windows | None:
        """The windows of a signal."""
        return None

    # Before the first step.

    @abstractmethod
    def adapt(self, recipe: Recipe) -> AdaptedRecipe:
        """The recipe adapted to the samples; an error if that isn't possible."""

    @abstractmethod
    def material(self, recipe: Recipe) -> Material:
        """The arrays that an adapted recipe trains on."""

    def set_up(self, recipe: Recipe, threads: int | None) -> tuple[Material, Engine]:
        """The arrays and the engine for them: NumPy's, if that is sooner finished."""
        material = self.material(recipe)
        kind = self.kind_of_engine(material.net, recipe, len(material.numbers))
        return material, self.opened(material, recipe, kind, threads)

    def kind_of_engine(self, net: Net, recipe: Recipe, count: int) -> str:
        """The engine for so many samples: the one that is chosen, or the faster one."""
        if self.engine != "auto":
            return self.engine
        return faster_kind(net, recipe.batch, count, recipe.epochs)

    @staticmethod
    def opened(material: Material, recipe: Recipe, kind: str, threads: int | None) -> Engine:
        """The engine of this kind, ready to train on this material."""
        return open_engine(
            material.net,
            recipe.batch,
            1 if threads is None else threads,
            weighted=material.is_weighted_by(recipe),
            frozen=recipe.frozen_layers,
            kind=kind,
        )

    @property
    def about(self) -> Mapping[str, Any]:
        """Facts for other programs before the figures."""
        return {}

    @property
    def record(self) -> dict[str, Any] | None:
        """What a run records, beside its recipe, to find the same problem again."""
        return None

    # After the last.

    @property
    @abstractmethod
    def score_name(self) -> str:
        """The name of the test score for other programs."""

    @abstractmethod
    def test_count(self) -> int:
        """The number of samples that influence no choice."""

    @abstractmethod
    def model(self, recipe: Recipe, material: Material, values: Values, about: About) -> Any:
        """The trained network, with everything that is needed to use it."""

    @abstractmethod
    def test(self, recipe: Recipe, engine: Engine, model: Any) -> FinalScore:
        """The final test, after all choices were made."""

    def scored(self, count: int) -> str:
        """The scored samples, in words."""
        if self.everything:
            return f"{counted(count, self.unit)} trained on"
        return counted(count, f"test {self.unit}")

    def figures(self, test: FinalScore | None) -> dict[str, Any]:
        """The figures of the test for other programs; empty for a training that was stopped."""
        score = {self.score_name: test.score if test else None}
        if test and self.classes:
            return score | test.class_figures
        return score
