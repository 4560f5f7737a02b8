"""Scikit-learn's networks and linear models in memory, and the scalers before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradbook.errors import UsageError
from gradbook.formats.imported import ImportedLayer, ImportedNet, Notes, assemble
from gradbook.graph.node import Array
from gradbook.layers.activations import Activation
from gradbook.layers.sums import Dense

ACTIVATIONS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax"}
KINDS = ("MLPClassifier", "MLPRegressor", "LogisticRegression", "LinearRegression")
BEFORE = ("StandardScaler", "MinMaxScaler", "SimpleImputer")


@dataclass(frozen=True, eq=False)
class Scaled:
    """How numbers are scaled: (x − mean) / deviation, and what replaces the missing ones."""

    mean: Array
    deviation: Array
    filling: Array | None = None


@dataclass(frozen=True, eq=False)
class SklearnNet:
    """A network for tables: its columns' names, their scaling, and what its outputs mean."""

    imported: ImportedNet
    columns: tuple[str, ...]  # empty if it was fitted to rows without names
    before: Scaled
    labels: bool  # whether each output is a label's probability, independent of the others


def sklearn_net(estimator: Any) -> SklearnNet:
    """Read a fitted estimator, or a pipeline of scalers, an imputer and an estimator."""
    *before, last = _steps(estimator)
    for step in (*before, last):
        if not hasattr(step, "n_features_in_"):
            raise UsageError(f"this {type(step).__name__} isn't fitted yet: call fit first")
    inputs = int(last.n_features_in_)
    scaled = Scaled(np.zeros(inputs), np.ones(inputs))
    for step in before:
        scaled = _scaled(step, scaled)
    *_, end = sums = tuple(_sums(last))
    labels = type(last).__name__ == "MLPClassifier" and end.activation == "logistic"
    labels = labels and len(end.bias) > 1
    names = () if labels else getattr(last, "classes_", ())
    notes = Notes(classes=tuple(map(str, names)), labels=labels)
    net = assemble(type(last).__name__, (inputs,), tuple(_layers(sums)), notes=notes)
    first = before[0] if before else last
    columns = tuple(map(str, getattr(first, "feature_names_in_", ())))
    return SklearnNet(net, columns, scaled, labels)


def _steps(estimator: Any) -> list[Any]:
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    steps = [step for step in steps if step is not None and not isinstance(step, str)]
    kinds = [type(step).__name__ for step in steps]
    wrong = [kind for kind in kinds[:-1] if kind not in BEFORE]
    wrong += [kind for kind in kinds[-1:] if kind not in KINDS]
    if wrong or not kinds:
        raise UsageError(
            f"{' and '.join(wrong) or 'nothing'} can't be read: give a fitted {', '.join(KINDS)}, "
            f"alone or in a pipeline after {', '.join(BEFORE)}"
        )
    return steps


def _scaled(step: Any, before: Scaled) -> Scaled:
    """Add a step's scaling to that of the steps before it."""
    match type(step).__name__:
        case "StandardScaler":
            mean = step.mean_ if step.with_mean else 0.0
            deviation = step.scale_ if step.with_std else 1.0
        case "MinMaxScaler":
            if step.clip:
                raise UsageError("its MinMaxScaler clips, which no layer does: fit it without clip")
            mean, deviation = -step.min_ / step.scale_, 1 / step.scale_
        case _:
            return _filled(step, before)
    mean = before.mean + before.deviation * mean
    return replace(before, mean=mean, deviation=before.deviation * deviation)


def _filled(imputer: Any, before: Scaled) -> Scaled:
    is_nan = isinstance(imputer.missing_values, float) and np.isnan(imputer.missing_values)
    numbers = np.array(imputer.statistics_)
    if not is_nan or imputer.add_indicator or numbers.dtype.kind not in "uif":
        raise UsageError(
            "its SimpleImputer fills in words, replaces another value than NaN or adds columns: "
            "fit it with missing_values=NaN, add_indicator=False and numbers"
        )
    if np.isnan(numbers).any():
        raise UsageError("its SimpleImputer leaves out columns that were empty: leave them out")
    if before.filling is not None:
        return before
    return replace(before, filling=numbers * before.deviation + before.mean)


@dataclass(frozen=True, eq=False)
class Sums:
    """One layer: weights (inputs, outputs), biases, and the activation of its sums."""

    weight: Array
    bias: Array
    activation: str
    name: str


def _sums(estimator: Any) -> Iterator[Sums]:
    if hasattr(estimator, "coefs_"):
        ends = [estimator.activation] * (len(estimator.coefs_) - 1) + [estimator.out_activation_]
        layers = zip(estimator.coefs_, estimator.intercepts_, ends, strict=True)
        for number, (weight, bias, end) in enumerate(layers):
            yield Sums(weight, bias, end, f"coefs_[{number}]")
        return
    weight = np.atleast_2d(estimator.coef_)
    bias = np.broadcast_to(estimator.intercept_, len(weight))
    end = "identity"
    if type(estimator).__name__ == "LogisticRegression":
        how = getattr(estimator, "multi_class", "auto")
        apart = how == "ovr" or estimator.solver == "liblinear" or len(weight) == 1
        end = "logistic" if apart else "softmax"
        if how == "multinomial" and len(weight) == 1:  # a softmax of −x and x
            weight, bias = 2 * weight, 2 * bias
    yield Sums(weight.T, bias, end, "coef_")


def _layers(sums: tuple[Sums, ...]) -> Iterator[ImportedLayer]:
    """Yield layers of sums and activations in turn."""
    value = 0
    for weighed in sums:
        tensors = {"weight": weighed.weight.T, "bias": weighed.bias}
        tensors = {name: np.asarray(array, np.float64) for name, array in tensors.items()}
        yield ImportedLayer(Dense(weighed.weight.shape[1]), (value,), tensors, weighed.name)
        value += 1
        if weighed.activation != "identity":
            if weighed.activation not in ACTIVATIONS:
                raise UsageError(f"{weighed.name}: no layer here computes '{weighed.activation}'")
            yield ImportedLayer(Activation(ACTIVATIONS[weighed.activation]), (value,))
            value += 1
