"""Scikit-learn's multilayer perceptrons, as they lie in memory, with the scaler before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.errors import UsageError
from gradbook.formats.imported import ImportedLayer, ImportedNet, Notes, assemble
from gradbook.graph.node import Array
from gradbook.layers.activations import Activation
from gradbook.layers.sums import Dense

ACTIVATIONS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax"}
KINDS = ("MLPClassifier", "MLPRegressor")


@dataclass(frozen=True, eq=False)
class SklearnNet:
    """A network of numbers: what they are called, scaled by, and what its outputs stand for."""

    found: ImportedNet
    columns: tuple[str, ...]
    mean: Array
    deviation: Array


def sklearn_net(estimator: Any) -> SklearnNet:
    """Of a fitted MLPClassifier or MLPRegressor, or of a pipeline of a StandardScaler and one."""
    *before, last = _steps(estimator)
    if not hasattr(last, "coefs_"):
        raise UsageError(f"this {type(last).__name__} isn't fitted yet: call its fit first")
    inputs = int(last.coefs_[0].shape[0])
    mean, deviation = np.zeros(inputs), np.ones(inputs)
    for scaler in before:
        mean, deviation = _scaled(scaler, mean, deviation)
    classes = tuple(map(str, getattr(last, "classes_", ())))
    if last.n_outputs_ > 1 and last.out_activation_ != "softmax":
        raise UsageError(
            "it predicts several labels or numbers at once: fit one with a single target"
        )
    found = assemble(
        type(last).__name__, (inputs,), tuple(_layers(last)), notes=Notes(classes=classes)
    )
    first = before[0] if before else last
    names = getattr(first, "feature_names_in_", [f"x{k}" for k in range(1, inputs + 1)])
    return SklearnNet(found, tuple(map(str, names)), mean, deviation)


def _steps(estimator: Any) -> list[Any]:
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    steps = [step for step in steps if step is not None and not isinstance(step, str)]
    kinds = [type(step).__name__ for step in steps]
    if not kinds or kinds[-1] not in KINDS or set(kinds[:-1]) - {"StandardScaler"}:
        raise UsageError(
            f"{' and '.join(kinds) or 'nothing'} can't be read: give a fitted "
            f"{' or '.join(KINDS)}, alone or in a pipeline after a StandardScaler"
        )
    return steps


def _scaled(scaler: Any, mean: Array, deviation: Array) -> tuple[Array, Array]:
    """What is subtracted and divided by, once this one has done so too."""
    if not hasattr(scaler, "n_features_in_"):
        raise UsageError("its StandardScaler isn't fitted yet: call the pipeline's fit first")
    if scaler.with_mean:
        mean = mean + deviation * scaler.mean_
    return mean, deviation * scaler.scale_ if scaler.with_std else deviation


def _layers(estimator: Any) -> Iterator[ImportedLayer]:
    """Yield sums and activations in turn."""
    activations = [estimator.activation] * (len(estimator.coefs_) - 1) + [estimator.out_activation_]
    value = 0
    for number, (weight, bias) in enumerate(
        zip(estimator.coefs_, estimator.intercepts_, strict=True)
    ):
        tensors = {
            name: np.asarray(x, np.float64) for name, x in (("weight", weight.T), ("bias", bias))
        }
        yield ImportedLayer(Dense(weight.shape[1]), (value,), tensors, f"coefs_[{number}]")
        value += 1
        if activations[number] != "identity":
            yield ImportedLayer(Activation(ACTIVATIONS[activations[number]]), (value,))
            value += 1
