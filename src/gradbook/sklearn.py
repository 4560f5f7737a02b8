"""A network as a scikit-learn estimator: in pipelines, grid searches and cross-validation.

from gradbook.sklearn import NetClassifier, NetRegressor
NetClassifier().fit(X, y).score(X, y)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from math import prod
from time import monotonic
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.arguments import one_of, sizes, whole
from gradbook.builtin_networks import BUILTIN
from gradbook.chance import places_in_order
from gradbook.data.dataset import scrambled_numbers
from gradbook.data.tables import Column
from gradbook.engine.engines import PlainEngine
from gradbook.errors import GradbookError, ShapeError, UsageError
from gradbook.lab.arrays.learn import rows_problem
from gradbook.lab.arrays.read_arrays import ArrayReader, Goal
from gradbook.lab.arrays.rows_problem import ArrayProblem
from gradbook.lab.models.answers import label_name, likeliest_classes
from gradbook.lab.models.model import Model
from gradbook.lab.problem import AT_ONCE, Rows, Split, SplitAsked
from gradbook.lab.recipes.recipe import BEST, LAST, Recipe, Schedule, parse_schedule
from gradbook.lab.tables import REFUSE
from gradbook.lab.training.asked import weights_by_class
from gradbook.lab.training.run_training import TrainingRun, set_up
from gradbook.layers.card import spell
from gradbook.layers.losses import Loss
from gradbook.net import Net, builtin
from gradbook.net.description import Task
from gradbook.net.fit import LARGEST_SEED
from gradbook.net.network import parse, usual

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_is_fitted,
        check_random_state,
        column_or_1d,
        validate_data,
    )
except ImportError as error:
    raise ImportError(
        "gradbook.sklearn needs scikit-learn 1.6 or newer: pip install 'gradbook[sklearn]'"
    ) from error

ENGINES = ("auto", "native", "plain")


class EstimatorError(GradbookError, ValueError):
    """An error that scikit-learn expects as a ValueError."""


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What classifiers and regressors share: the settings, and the training."""

    model_: Model
    loss_curve_: list[float]
    _state: Mapping[str, NDArray[Any]]  # with which a training goes on: also an update's memory

    def __init__(  # noqa: PLR0913 - an estimator's settings are its arguments
        self,
        net: str | Net | None = None,
        *,
        hidden: int | Sequence[int] = (32,),
        epochs: int = 50,
        batch: int = 32,
        schedule: str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        engine: str = "auto",
        threads: int = 1,
        random_state: Any = None,
    ) -> None:
        self.net = net
        self.hidden = hidden
        self.epochs = epochs
        self.batch = batch
        self.schedule = schedule
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.engine = engine
        self.threads = threads
        self.random_state = random_state

    def _usual(self) -> Net:
        """The network if none is given."""
        raise NotImplementedError

    def _goal(self, targets: NDArray[Any]) -> Goal:
        """What is learned of each row."""
        raise NotImplementedError

    def _class_weights(self) -> tuple[float, ...] | str:
        return ()

    # The recipe.

    def _net(self) -> Net:
        if self.net is None:
            return self._usual()
        net = _net(self.net)
        if self.n_features_in_ not in (prod(net.input), net.input[0] if net.tokens else None):
            raise ShapeError(
                f"X has {self.n_features_in_} features, but the network takes {spell(net.input)}: "
                f"begin it with 'input {self.n_features_in_}'"
            )
        return net

    def _schedule(self, net: Net, once: bool) -> Schedule:
        """The rates of a fit. Nobody knows how many calls of partial_fit there will be, so that
        they all have one rate."""
        usual = Schedule("cosine", net.learning_rate)
        schedule = usual if self.schedule is None else parse_schedule(str(self.schedule))
        return Schedule("constant", schedule.rate) if once else schedule

    def _recipe(self, once: bool, goes_on: bool) -> Recipe:
        net = self.model_.net if goes_on else self._net()
        if not goes_on:
            random = check_random_state(self.random_state)
            net = replace(net, seed=int(random.randint(LARGEST_SEED)))
        stops = bool(self.early_stopping and not once)
        return Recipe(
            replace(net, samples=(), table="", columns=(), classes=()),
            self._schedule(net, once),
            whole("epochs", 1 if once else self.epochs, 1),
            whole("the batch", self.batch, 1),
            data=ArrayProblem.title,
            held_back=0 if stops else None,
            class_weights=self._class_weights(),
            early_stop=whole("n_iter_no_change", self.n_iter_no_change, 1) if stops else None,
            keep=BEST if stops else LAST,
        )

    # Training, and after it.

    def _train(
        self,
        rows: NDArray[Any],
        targets: NDArray[Any],
        sample_weight: ArrayLike | None,
        once: bool = False,
    ) -> TrainingRun:
        """Train from the start, or from the last fit's end if that is asked for."""
        goes_on = (once or self.warm_start) and hasattr(self, "model_")
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(
                sample_weight, rows, dtype=np.float64, ensure_non_negative=True
            )
        if weights is not None and (weights == 0).any():
            rows, targets, weights = (array[weights > 0] for array in (rows, targets, weights))
        order, weights = each_once(rows, targets, weights)
        if len(order) < 2 and not once:
            raise EstimatorError("n_samples = 1: a network is fitted to two different rows or more")
        with _as_value_errors():
            recipe = self._recipe(once, goes_on)
            problem = self._problem(recipe, rows, targets, order, weights)
            if goes_on:
                problem = replace(problem, start=self.model_)
            else:
                for name in ("model_", "_state"):  # a fit that fails leaves nothing to predict with
                    self.__dict__.pop(name, None)
                self.n_iter_, self.loss_curve_ = 0, []
            ready = set_up(problem.adapt(recipe), whole("the number of threads", self.threads, 1))
            training = TrainingRun(ready, monotonic(), self.n_iter_)
            if goes_on:
                training.engine.restore(self._state)
            training.run()
            training.settle()
        self.model_, self._state = training.model(), training.engine.state()
        self.engine_ = "plain" if isinstance(training.engine, PlainEngine) else "native"
        self.n_iter_ += len(training.history)
        self.loss_curve_ += [epoch.train_loss for epoch in training.history]
        return training

    def _problem(
        self,
        recipe: Recipe,
        rows: NDArray[Any],
        targets: NDArray[Any],
        order: Rows,
        weights: NDArray[np.float64] | None,
    ) -> ArrayProblem:
        read, goal = ArrayReader(rows, recipe.net)(rows, "X"), self._goal(targets)
        if hasattr(self, "feature_names_in_") and len(read.columns) == self.n_features_in_:
            named = zip(read.columns, map(str, self.feature_names_in_), strict=True)
            columns = tuple(replace(column, name=name) for column, name in named)
            read = replace(read, columns=columns, are_named=True)
        split = Split(order, order[:0], order[:0])
        if recipe.held_back is not None:
            share, labels = self.validation_fraction, goal.values
            if not 0 < share < 1:
                raise UsageError(f"validation_fraction is a share between 0 and 1, not {share}")
            labels = labels[order] if goal.task is Task.CLASSES else np.zeros(len(order))
            parts = SplitAsked(share, 0.0).split(labels.astype(np.int32))
            assert parts
            split = Split(order[parts.training], order[parts.held_back], order[:0])
            if not len(split.held_back) or len(split.training) < 2:
                raise UsageError(
                    f"early_stopping: {len(order)} rows are too few for a validation_fraction of "
                    f"{share}"
                )
        return replace(
            rows_problem(read, goal),
            split=split,
            everything=True,
            missing=REFUSE,
            weights=weights,
            engine=one_of("engine", self.engine, ENGINES),
        )

    def _answers(self, X: ArrayLike) -> NDArray[np.floating]:
        """The probabilities, or the number, of each row."""
        check_is_fitted(self, "model_")
        return self.model_.predict(validate_data(self, X, reset=False))


class NetClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A network that classifies, trained by gradbook's engine.

    Parameters
    ----------
    net : str, Net or None
        A network: its text form, the name of a built-in one, or a `Net`. It must have one input for
        each column of X, and one output for each class (or one for two classes); if it names no
        loss and ends in plain sums, a softmax (or a sigmoid) is added. None creates the default
        network with `hidden`, ReLU, softmax, cross-entropy and Adam.
    hidden : int or sequence of int
        The widths of the default network's hidden layers.
    epochs : int
        How often each row is used in training.
    batch : int
        The number of rows per step.
    schedule : str or None
        The learning rate, written as in a recipe: 'one cycle 0.05'. None is a cosine from the
        network's own rate down to 0.
    early_stopping : bool
        Whether to hold back `validation_fraction` of the rows, to stop once their loss hasn't
        fallen for `n_iter_no_change` epochs, and to keep the best epoch's weights.
    class_weight : dict, 'balanced' or None
        The weight of each class.
    warm_start : bool
        Whether `fit` continues from the weights of the last fit.
    engine : {'auto', 'native', 'plain'}
        'plain' is NumPy, 'native' compiled C: a second or two to compile once for each network and
        batch, then many times as fast. 'auto' chooses NumPy if it finishes sooner, or if
        there is no compiler.
    threads : int
        For the native engine; the weights are the same for any number.
    random_state : int, RandomState or None
        The source of start weights, orders and dropout.

    Attributes
    ----------
    model_ : the trained network as `gb.train` gives it: `.export("x.onnx")`, `.save`, `.evaluate`
    classes_ : the labels, sorted
    n_features_in_, feature_names_in_ : as in scikit-learn
    loss_curve_ : the mean loss of each epoch
    n_iter_ : the number of epochs, including earlier fits with `warm_start`
    engine_ : 'native' or 'plain'

    `fit` takes `sample_weight`, scaled so that the mean weight is 1; rows of weight 0 are left
    out. Equal rows are trained on as one with their weights added up, and the order of rows makes
    no difference, so a row of weight 2 equals two rows, to the bit. `partial_fit` trains on each
    row once, at the first rate of the schedule; its first rows decide how columns are scaled. A fit
    that predicts one class for all training rows warns (ConvergenceWarning), with a suggested
    change.
    """

    classes_: NDArray[Any]

    def __init__(  # noqa: PLR0913 - as above
        self,
        net: str | Net | None = None,
        *,
        hidden: int | Sequence[int] = (32,),
        epochs: int = 50,
        batch: int = 32,
        schedule: str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: Mapping[Any, float] | str | None = None,
        warm_start: bool = False,
        engine: str = "auto",
        threads: int = 1,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            net,
            hidden=hidden,
            epochs=epochs,
            batch=batch,
            schedule=schedule,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            engine=engine,
            threads=threads,
            random_state=random_state,
        )
        self.class_weight = class_weight

    # The interface of scikit-learn.

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NetClassifier:
        """Train on rows X and their labels y, each weighted by its sample weight."""
        goes_on = self.warm_start and hasattr(self, "model_")
        rows, labels = self._checked(X, y, reset=not goes_on)
        kinds = np.unique(labels)
        if sample_weight is not None:  # what isn't counted isn't there
            counted = np.asarray(sample_weight) > 0
            if counted.shape == labels.shape and counted.any():
                kinds = np.unique(labels[counted])
        if not goes_on:
            if len(kinds) < 2:
                raise EstimatorError("y has only one class: a classifier needs at least two")
            self.classes_ = kinds
        training = self._train(rows, labels, sample_weight)
        if sample_weight is None and self.class_weight is None:  # one class may be intended
            few = self.model_.predict(rows[:AT_ONCE])
            if (
                np.isfinite(few).all()
                and len(np.unique(likeliest_classes(self.model_.net, few))) > 1
            ):
                return self
            test = training.test()
            if len(np.unique(test.read)) == 1:
                warn("; ".join(training.doubts(test)), ConvergenceWarning, stacklevel=2)
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> NetClassifier:
        """Train once on rows X and their labels y; the first call is given all classes."""
        first = not hasattr(self, "model_")
        rows, labels = self._checked(X, y, reset=first)
        if first:
            if classes is None:
                raise EstimatorError("partial_fit: give all classes at the first call, classes=[…]")
            self.classes_ = np.unique(classes)
        self._train(rows, labels, sample_weight, once=True)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """The probability of each class: (rows, classes)."""
        return self._answers(X)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row."""
        sure = self._answers(X)
        return np.asarray(self.classes_[likeliest_classes(self.model_.net, sure)])

    # What it learns.

    def _checked(
        self, X: ArrayLike, y: ArrayLike, reset: bool
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        rows, labels = validate_data(self, X, y, reset=reset, multi_output=True)
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        return rows, labels

    def _goal(self, targets: NDArray[Any]) -> Goal:
        if not np.isin(targets, self.classes_).all():
            raise EstimatorError("y has classes that the first fit didn't have: start cold")
        numbers = np.searchsorted(self.classes_, targets)
        return Goal(numbers.astype(np.int32), Task.CLASSES, Column("y", self._names))

    @property
    def _names(self) -> tuple[str, ...]:
        """The classes in words, each different."""
        words = [label_name(label) for label in self.classes_.tolist()]
        if len(set(words)) < len(words):  # " a" and "a"
            words = [f"{place}: {word}" for place, word in enumerate(words)]
        return tuple(words)

    def _class_weights(self) -> tuple[float, ...] | str:
        if self.class_weight is None:
            return ()
        weights: tuple[float, ...] | str = weights_by_class(self.class_weight, self._names)
        return weights

    def _usual(self) -> Net:
        return usual(self.n_features_in_, sizes("hidden", self.hidden), len(self.classes_))


class NetRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A network that predicts a number, trained by gradbook's engine.

    Its parameters and attributes are those of `NetClassifier`, without those about classes. The
    default network ends in one plain sum, with the squared error. Targets are normalised to mean 0
    and deviation 1; `predict` returns them in their original scale.
    """

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NetRegressor:
        """Train on rows X and their numbers y, each weighted by its sample weight."""
        goes_on = self.warm_start and hasattr(self, "model_")
        self._train(*self._checked(X, y, reset=not goes_on), sample_weight)
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NetRegressor:
        """Train once on rows X and their numbers y."""
        rows, numbers = self._checked(X, y, reset=not hasattr(self, "model_"))
        self._train(rows, numbers, sample_weight, once=True)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.floating]:
        """The predicted number of each row."""
        return self._answers(X)[:, 0]

    def _checked(
        self, X: ArrayLike, y: ArrayLike, reset: bool
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        rows, y = validate_data(self, X, y, reset=reset, multi_output=True, y_numeric=True)
        return rows, column_or_1d(y, warn=True).astype(np.float64)

    def _goal(self, targets: NDArray[Any]) -> Goal:
        return Goal(targets, Task.NUMBERS, Column("y"))

    def _usual(self) -> Net:
        net = usual(self.n_features_in_, sizes("hidden", self.hidden), 1)
        return replace(net, layers=net.layers[:-1], loss=Loss.SQUARED)


def each_once(
    rows: NDArray[Any], targets: NDArray[Any], weights: NDArray[np.float64] | None
) -> tuple[Rows, NDArray[np.float64] | None]:
    """The place of each different row with its target, in an order that follows from the rows
    alone, and for every row the weights of equal ones added up; no weights if they all are the
    same."""
    if not len(rows):
        raise EstimatorError("all sample weights are zero: give some rows a weight above 0")
    numbers = np.searchsorted(np.unique(targets), targets)
    for attempt in count():
        keys = _keys(rows, numbers, attempt)
        order = places_in_order(keys)
        one, other = order[1:], order[:-1]
        repeats = keys[one] == keys[other]
        one, other = one[repeats], other[repeats]
        if (rows[one] == rows[other]).all() and (numbers[one] == numbers[other]).all():
            break  # keys are the same of equal rows only
    starts = np.concatenate([[True], ~repeats])
    first = order[starts]
    in_order = None if weights is None else weights[order]
    totals = np.bincount(np.cumsum(starts) - 1, in_order).astype(np.float64)
    if (totals == totals[0]).all():
        return first, None
    of_rows = np.zeros(len(rows))
    of_rows[first] = totals
    return first, of_rows


def _keys(rows: NDArray[Any], numbers: NDArray[Any], attempt: int) -> NDArray[np.uint64]:
    """A number for each row with its target, which hardly any others share; others next time."""
    columns = rows.shape[1] + 1
    factors = scrambled_numbers(columns * (attempt + 1))[-columns:] | np.uint64(1)
    keys = np.empty(len(rows), np.uint64)
    for begin in range(0, len(rows), AT_ONCE):
        here = slice(begin, begin + AT_ONCE)
        bits = np.column_stack([rows[here], numbers[here]]).astype(np.float64)
        bits += 0.0  # −0 becomes 0
        words = bits.view(np.uint64)
        words ^= words >> np.uint64(32)
        keys[here] = (words * factors).sum(axis=1)
    return keys


def _net(net: object) -> Net:
    if isinstance(net, Net):
        return net
    if isinstance(net, str):
        return builtin(net) if net in BUILTIN else parse(net)
    raise UsageError(f"net is a network's text, its name or a Net, not {net!r}")


@contextmanager
def _as_value_errors() -> Iterator[None]:
    try:
        yield
    except GradbookError as error:
        raise EstimatorError(str(error)) from error
