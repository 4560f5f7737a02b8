"""A network as a scikit-learn estimator: in pipelines, grid searches and cross-validation.

from gradbook.sklearn import NetClassifier, NetRegressor
NetClassifier().fit(X, y).score(X, y)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.amounts import counted
from gradbook.arguments import one_of, sizes, whole
from gradbook.builtin_networks import BUILTIN
from gradbook.engine.base import Engine
from gradbook.errors import GradbookError, ShapeError, UsageError
from gradbook.lab.doubts import Ending, doubts
from gradbook.lab.models.answers import confusion_of, likeliest_classes, probabilities, targets
from gradbook.lab.problem import Normal, with_meant_loss
from gradbook.lab.recipes.recipe import Schedule, parse_schedule
from gradbook.lab.training.epochs import fit
from gradbook.layers.card import spell
from gradbook.layers.losses import Loss
from gradbook.net import Net, builtin
from gradbook.net.description import Task
from gradbook.net.fit import LARGEST_SEED, require_classes
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
    """What classifiers and regressors share: the settings, the engine, the training."""

    net_: Net
    normal_: Normal
    values_: dict[str, NDArray[Any]]
    loss_curve_: list[float]

    def __init__(  # noqa: PLR0913 - an estimator's settings are its arguments
        self,
        net: str | Net | None = None,
        *,
        hidden: int | Sequence[int] = (32,),
        epochs: int = 50,
        batch: int = 32,
        schedule: str | None = None,
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
        self.warm_start = warm_start
        self.engine = engine
        self.threads = threads
        self.random_state = random_state

    def __getstate__(self) -> dict[str, Any]:
        """All but the engine, which is opened again: weights are arrays, nothing is native."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_engine"}

    # Before the first step.

    def _usual(self) -> Net:
        raise NotImplementedError

    def _fitting(self, net: Net) -> Net:
        """A network of the user's, adapted to the task."""
        raise NotImplementedError

    def _begin(self, rows: NDArray[Any], goes_on: bool, weighted: bool) -> None:
        """Set up the network, its start values and the normalisation; or restore the last fit's."""
        whole("epochs", self.epochs, 1)
        whole("the batch", self.batch, 1)
        whole("the number of threads", self.threads, 1)
        one_of("engine", self.engine, ENGINES)
        if goes_on:
            self._engine = self._opened(weighted)
            self._engine.restore(self.values_)
            return
        self.__dict__.pop("values_", None)  # a fit that fails leaves nothing to predict with
        random = check_random_state(self.random_state)
        self.net_ = replace(self._net(), seed=int(random.randint(LARGEST_SEED)))
        self.normal_ = Normal.of(rows, self.net_.input[0])
        self.n_iter_, self.loss_curve_ = 0, []
        self.engine_ = self._kind(len(rows))
        self._engine = self._opened(weighted)

    def _net(self) -> Net:
        if self.net is None:
            return self._usual()
        net = _net(self.net)
        if prod(net.input) != self.n_features_in_:
            raise ShapeError(
                f"X has {self.n_features_in_} features, but the network takes {spell(net.input)}: "
                f"begin it with 'input {self.n_features_in_}'"
            )
        return self._fitting(net)

    def _schedule(self) -> Schedule:
        if self.schedule is None:
            return Schedule("cosine", self.net_.learning_rate)
        return parse_schedule(str(self.schedule))

    # The engine.

    def _kind(self, rows: int) -> str:
        from gradbook.engine.engines import faster_kind

        if self.engine != "auto":
            return self.engine
        return faster_kind(self.net_, self.batch, rows, self.epochs)

    def _opened(self, weighted: bool = False) -> Engine:
        from gradbook.engine.engines import open_kind

        return open_kind(self.engine_, self.net_, self.batch, self.threads, weighted=weighted)

    def _open(self) -> Engine:
        """The engine with the trained values; after unpickling, it must be opened first."""
        if not hasattr(self, "_engine"):
            self._engine = self._opened()
            self._engine.restore(self.values_)
        return self._engine

    # Training and after it.

    def _train(self, rows: NDArray[Any], wanted: NDArray[Any]) -> None:
        inputs = self.normal_.inputs(rows, self._engine)
        for epoch in fit(self._engine, inputs, wanted, self._schedule(), self.epochs, self.n_iter_):
            self.loss_curve_.append(epoch.loss)
            self.n_iter_ += 1
        self.values_ = self._engine.state()

    def _said(self, X: ArrayLike) -> NDArray[Any]:
        """The network's outputs for each row."""
        check_is_fitted(self, "values_")
        rows = validate_data(self, X, reset=False)
        engine = self._open()
        return engine.predict(self.normal_.inputs(rows, engine))


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
    warm_start : bool
        Whether `fit` continues from the weights of the last fit.
    engine : {'auto', 'native', 'plain'}
        'plain' is NumPy, 'native' compiled C: a few seconds to compile once for each network and
        batch, then a hundred times as fast. 'auto' chooses NumPy if it finishes sooner, or if
        there is no compiler.
    threads : int
        For the native engine; the weights are the same for any number.
    random_state : int, RandomState or None
        The source of start weights, orders and dropout.

    Attributes
    ----------
    classes_ : the labels, sorted
    n_features_in_, feature_names_in_ : as in scikit-learn
    net_ : the Net that was trained
    values_ : its weights, and all else that continues from step to step, by name
    normal_ : mean and deviation of each column, or of each channel of images, with which
        inputs are normalised to mean 0 and deviation 1
    loss_curve_ : the mean loss of each epoch
    n_iter_ : the number of epochs, including earlier fits with `warm_start`
    engine_ : 'native' or 'plain'

    `fit` takes `sample_weight`, scaled so that the mean weight is 1; rows of weight 0 are left
    out. As batches are random, a row with weight 2 isn't exactly equal to two rows. A fit that
    predicts one class for all training rows warns (ConvergenceWarning), with a suggested change.
    """

    classes_: NDArray[Any]

    # The interface of scikit-learn.

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> NetClassifier:
        """Train on rows X and their labels y, each weighted by its sample weight."""
        goes_on = self.warm_start and hasattr(self, "values_")
        rows, y = validate_data(self, X, y, reset=not goes_on, multi_output=True)
        labels, weights = column_or_1d(y, warn=True), None
        if sample_weight is not None:
            rows, labels, weights = _counting(rows, labels, sample_weight)
        numbers = self._numbered(labels, goes_on)
        with _as_value_errors():
            self._begin(rows, goes_on, weights is not None)
            self._train(rows, targets(self.net_, numbers, weights))
        if weights is None:  # with weights, one class may be intended
            self._warn(rows, numbers)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The probability of each class: (rows, classes)."""
        said = self._said(X)
        return probabilities(self.net_, said)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row."""
        sure = self.predict_proba(X)
        return np.asarray(self.classes_[likeliest_classes(self.net_, sure)])

    # Before the first step.

    def _numbered(self, y: NDArray[Any], goes_on: bool) -> NDArray[np.int32]:
        """The number of each row's class."""
        check_classification_targets(y)
        classes, numbers = np.unique(y, return_inverse=True)
        if goes_on:
            if not np.isin(classes, self.classes_).all():
                raise EstimatorError("y has classes that the first fit didn't have: start cold")
            return np.searchsorted(self.classes_, y).astype(np.int32)
        if len(classes) < 2:
            raise EstimatorError("y has only one class: a classifier needs at least two")
        self.classes_ = classes
        return numbers.astype(np.int32)

    def _warn(self, rows: NDArray[Any], labels: NDArray[np.int32]) -> None:
        said = self._engine.predict(self.normal_.inputs(rows, self._engine))
        answered = likeliest_classes(self.net_, probabilities(self.net_, said))
        if len(np.unique(answered)) > 1:
            return
        ending = Ending(
            net=self.net_,
            first_loss=self.loss_curve_[0],
            last_loss=self.loss_curve_[-1],
            scored=f"{counted(len(rows), 'row')} trained on",
            confusion=confusion_of(labels, answered, len(self.classes_)),
            classes=tuple(map(str, self.classes_)),
        )
        for doubt in doubts(ending):
            warn(doubt, ConvergenceWarning, stacklevel=3)

    def _usual(self) -> Net:
        return usual(self.n_features_in_, sizes("hidden", self.hidden), len(self.classes_))

    def _fitting(self, net: Net) -> Net:
        require_classes(net, len(self.classes_), "y")
        return with_meant_loss(net, Task.CLASSES)[0]


class NetRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A network that predicts a number, trained by gradbook's engine.

    Its parameters and attributes are those of `NetClassifier`. The default network ends in one
    plain sum, with the squared error. Targets are normalised to mean 0 and deviation 1 with
    `target_mean_` and `target_deviation_`; `predict` returns them in their original scale.
    """

    target_mean_: float
    target_deviation_: float

    def fit(self, X: ArrayLike, y: ArrayLike) -> NetRegressor:
        """Train on rows X and their numbers y."""
        goes_on = self.warm_start and hasattr(self, "values_")
        rows, y = validate_data(self, X, y, reset=not goes_on, multi_output=True, y_numeric=True)
        numbers = column_or_1d(y, warn=True).astype(np.float64)
        with _as_value_errors():
            self._begin(rows, goes_on, False)
            if not goes_on:
                self.target_mean_ = float(numbers.mean())
                self.target_deviation_ = float(numbers.std()) or 1.0
            scaled = (numbers - self.target_mean_) / self.target_deviation_
            self._train(rows, scaled[:, None])
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """The predicted number of each row."""
        said = np.asarray(self._said(X), np.float64)[:, 0]
        return np.asarray(said * self.target_deviation_ + self.target_mean_)

    def _usual(self) -> Net:
        net = usual(self.n_features_in_, sizes("hidden", self.hidden), 1)
        return replace(net, layers=net.layers[:-1], loss=Loss.SQUARED)

    def _fitting(self, net: Net) -> Net:
        if net.outputs != 1:
            raise ShapeError(f"y is one number, but the network has {net.outputs} outputs")
        return with_meant_loss(net, Task.NUMBERS)[0]


def _counting(
    rows: NDArray[Any], labels: NDArray[Any], sample_weight: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """The rows with a positive weight, scaled to a mean of 1."""
    weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
    counts = weights > 0
    if not counts.any():
        raise EstimatorError("all sample weights are zero: give some rows a weight above 0")
    return rows[counts], labels[counts], weights[counts] / weights[counts].mean()


def _net(given: object) -> Net:
    if isinstance(given, Net):
        return given
    if isinstance(given, str):
        return builtin(given) if given in BUILTIN else parse(given)
    raise UsageError(f"net is a network's text, its name or a Net, not {given!r}")


@contextmanager
def _as_value_errors() -> Iterator[None]:
    try:
        yield
    except GradbookError as error:
        raise EstimatorError(str(error)) from error
