"""What is to be learned of which samples: the one thing that a training asks about its data.

A problem is images, the rows of a table, windows of signals or lines of text. It brings a recipe
and its own data together, opens the engine, and says what a trained network is, how it is tested
and what a program is told of it. How a training goes is none of its business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.chance import Purpose, key
from gradbook.engine.engines import open_faster
from gradbook.errors import ShapeError
from gradbook.lab.doubts import MOST_LOOKED_AT, find_dead_units
from gradbook.lab.models.answers import ClassScore, macro_f1, targets
from gradbook.lab.models.model import for_inputs, trained_shapes
from gradbook.layers.losses import Loss
from gradbook.net import Activation, Net
from gradbook.net.description import Task, meant_loss

if TYPE_CHECKING:
    from gradbook.data.signals import Windows
    from gradbook.engine.base import Engine
    from gradbook.lab.doubts import DeadUnits
    from gradbook.lab.recipes.recipe import Recipe

Rows = NDArray[np.intp]
Values = Mapping[str, NDArray[Any]]  # by their names
About = Mapping[str, Any]  # how a model came about
NONE_TOLD = np.empty(0, np.intp)


# What a training takes --------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Samples:
    """What goes in, as an engine takes it, and what is to come out: classes, or numbers."""

    inputs: NDArray[Any]
    targets: NDArray[Any]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """The arrays of one training, of one problem by one recipe."""

    net: Net  # what learns: the recipe's network, or what of it stands behind fixed layers
    samples: Samples
    numbers: Rows  # of the samples that are trained on
    held_back: Samples | None
    mark: int  # another one where the data are others
    mean: Sequence[float] = (0.0,)  # of each channel, by which the engine is to normalise
    deviation: Sequence[float] = (1.0,)
    most: float = 1.0  # what is brought to 1 before that
    fixed: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # what fixed layers own

    @property
    def scales(self) -> tuple[list[float], list[float]]:
        """Mean and deviation of each input of the network that is normalised by itself."""
        return for_inputs(self.net, self.mean, self.deviation)

    @property
    def epoch_size(self) -> int:
        """How many samples an epoch takes."""
        return len(self.numbers)

    def order(self, seed: int, epoch: int) -> Rows:
        """The samples of an epoch, one after the other."""
        return order_samples(seed, epoch, self.numbers)

    def counts(self, classes: int) -> NDArray[np.int64]:
        """How many of the samples trained on there are of each class."""
        return np.bincount(self.samples.targets[self.numbers], minlength=classes)

    def find_dead_units(self, values: Mapping[str, NDArray[Any]]) -> tuple[DeadUnits, ...]:
        """Those of the trained network, by some of the samples trained on."""
        step = -(-len(self.numbers) // MOST_LOOKED_AT)
        inputs = self.samples.inputs[self.numbers[::step]].reshape(-1, *self.net.input)
        places = (-1,) + (1,) * (len(self.net.input) - 1)
        mean, deviation = (np.reshape(scale, places) for scale in self.scales)
        kept = {name: values[name] for name in trained_shapes(self.net)}
        return find_dead_units(self.net, kept, (inputs / self.most - mean) / deviation)


def order_samples(seed: int, epoch: int, numbers: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """These samples in the order in which an epoch goes through them."""
    keys = key(seed, Purpose.ORDER, epoch, numbers)
    return np.asarray(numbers[np.argsort(keys, kind="stable")])


def targets_for(recipe: Recipe, labels: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """These labels as the engine's targets, each weighed as the recipe weighs its class."""
    weights = recipe.weights_for(counts)[labels] if recipe.class_weights else None
    return targets(recipe.net, labels, weights)


AT_ONCE = 4096  # rows; what is counted in between stays small


@dataclass(frozen=True, eq=False)
class Normal:
    """Mean and deviation of each channel; where inputs are flat, each of them is a channel."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @staticmethod
    def of(rows: NDArray[Any], many: int) -> Normal:
        """What these rows of so `many` channels have; a deviation of 0 becomes 1."""
        channels = _by_channel(rows, many)
        pieces = [channels[k : k + AT_ONCE] for k in range(0, len(channels), AT_ONCE)]
        count = len(channels) * channels.shape[2]
        totals = [piece.sum(axis=(0, 2), dtype=np.float64) for piece in pieces]
        mean = np.sum(totals, axis=0) / count
        squares = [((piece - mean[:, None]) ** 2).sum(axis=(0, 2)) for piece in pieces]
        deviation = np.sqrt(np.sum(squares, axis=0) / count)
        return Normal(mean, np.where(deviation > 0, deviation, 1.0))

    def inputs(self, rows: NDArray[Any], engine: Engine) -> NDArray[Any]:
        """What the engine is to be given: bytes as they are, for it to normalise one by one;
        numbers normalised here, in full precision."""
        shape = engine.net.input
        if rows.dtype == np.uint8:
            engine.normalise(self.mean, self.deviation)
            return rows.reshape(-1, *shape)
        engine.normalise(0, 1)
        channels = _by_channel(rows, shape[0])
        normal = (channels - self.mean[:, None]) / self.deviation[:, None]
        return np.asarray(normal.reshape(-1, *shape))


def _by_channel(rows: NDArray[Any], many: int) -> NDArray[Any]:
    return rows.reshape(len(rows), many, -1)


def with_meant_loss(net: Net, task: Task) -> tuple[Net, list[str]]:
    """The network with a loss where it names none, and what is said of it: plain sums that tell
    classes apart get a softmax, a single one a sigmoid."""
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
        loss = meant_loss(net.ending, task)
        if task is Task.CLASSES:
            remarks.append(f"no loss is named, so it is {loss}: the network ends in {net.ending}")
    return replace(net, loss=loss), remarks


def require_last_batch(net: Net, samples: int, batch: int) -> None:
    """Refuse an epoch whose last batch, which has what is left, can't be trained on."""
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


# What comes of it -------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FinalScore:
    """How the samples are answered that nothing was chosen by; where all were trained on, those."""

    loss: float  # the mean over the samples of the loss that was trained by, without smoothing
    score: float  # the share read right, R², or the loss of each letter
    rows: Rows  # which samples
    classes: Mapping[str, ClassScore] = field(default_factory=dict)
    confusion: NDArray[np.int64] | None = None
    answers: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    read: NDArray[Any] = field(default_factory=lambda: NONE_TOLD)  # the class told of each
    mean_absolute_error: float | None = None
    root_mean_squared_error: float | None = None
    letters: tuple[float, float] | None = None  # the loss, and that of knowing how frequent each is

    @property
    def class_figures(self) -> dict[str, Any]:
        """What a program is told of the classes."""
        return {
            "macro_f1": macro_f1(self.classes.values()) if self.classes else None,
            "classes": {name: asdict(score) for name, score in self.classes.items()},
        }


@dataclass(frozen=True, eq=False)
class AdaptedRecipe:
    """The recipe that is trained, what is to be said of it, a line each, and its problem."""

    recipe: Recipe
    remarks: tuple[str, ...]
    problem: Problem


class Problem(ABC):
    """Samples, and what is learned of them. All that follows from them is said here."""

    unit: ClassVar[str]
    samples_key: ClassVar[str] = "rows"  # what programs know them as
    is_watched: ClassVar[bool] = False  # its trainings take long: they are looked at on their way
    columns: ClassVar[Mapping[str, str]]  # the figures of an epoch, by the names that files have

    @property
    @abstractmethod
    def title(self) -> str:
        """What the data are called."""

    @property
    @abstractmethod
    def everything(self) -> bool:
        """Whether all is trained on, and nothing held out for the test."""

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """The names of what is told apart; none where numbers are learned."""

    @property
    def windows(self) -> Windows | None:
        """Of a signal."""
        return None

    # Before the first step.

    @abstractmethod
    def adapt(self, recipe: Recipe) -> AdaptedRecipe:
        """The recipe as it fits the samples; an error where it can't."""

    @abstractmethod
    def material(self, recipe: Recipe) -> Material:
        """The arrays that an adapted recipe trains on."""

    def set_up(self, recipe: Recipe, threads: int | None) -> tuple[Material, Engine]:
        """The arrays and the engine that they go through: NumPy's, where it is through sooner."""
        material = self.material(recipe)
        weighted, count = bool(recipe.class_weights), len(material.numbers)
        return material, open_faster(
            material.net, recipe.batch, count, recipe.epochs, weighted=weighted
        )

    @property
    def about(self) -> Mapping[str, Any]:
        """What a program is told before the figures."""
        return {}

    @property
    def record(self) -> dict[str, Any] | None:
        """What a run keeps, beside its recipe, to find the same problem again."""
        return None

    # After the last.

    @property
    @abstractmethod
    def score_name(self) -> str:
        """What programs know the score of the test as."""

    @abstractmethod
    def test_count(self) -> int:
        """How many samples nothing is chosen by."""

    @abstractmethod
    def model(self, recipe: Recipe, material: Material, values: Values, about: About) -> Any:
        """The trained network, with what is needed to use it."""

    @abstractmethod
    def test(self, recipe: Recipe, engine: Engine, model: Any) -> FinalScore:
        """For the end, when all is chosen."""

    def scored(self, count: int) -> str:
        """The samples that a score is of, in words."""
        if self.everything:
            return f"{counted(count, self.unit)} trained on"
        return counted(count, f"test {self.unit}")

    def figures(self, test: FinalScore | None) -> dict[str, Any]:
        """What a program is told of the test; of a training that was stopped there is none."""
        score = {self.score_name: test.score if test else None}
        if test and self.classes:
            return score | test.class_figures
        return score
