"""How good a network's answers are: its loss on images it didn't train on, and which are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.net import Activation, Loss, Net

Floats = NDArray[np.float64]
TINY = 1e-300  # so that a probability of 0 costs much, not without end


@dataclass(frozen=True)
class Score:
    """Over all images: the mean loss, without smoothing, and the share of right answers."""

    loss: float
    accuracy: float


def score(net: Net, outputs: NDArray[Any], labels: NDArray[np.integer[Any]]) -> Score:
    said = np.asarray(outputs, np.float64)
    right = answers(net, said) == labels
    return Score(float(_losses(net, said, labels).mean()), float(right.mean()))


def answers(net: Net, outputs: NDArray[Any]) -> NDArray[np.int32]:
    """The class that each image is taken for; one output alone says class 1 from ½ up."""
    if net.outputs == 1:
        return np.asarray(outputs[:, 0] > 0.5, np.int32)
    return np.asarray(outputs.argmax(axis=1), np.int32)


def probabilities(net: Net, outputs: NDArray[Any]) -> Floats:
    """How sure the network is of each class; of outputs that are no probabilities, their shares."""
    said = np.asarray(outputs, np.float64)
    if net.outputs == 1:
        return np.concatenate([1 - said, said], axis=1)
    last = net.layers[-1]
    match last.kind if isinstance(last, Activation) else "":
        case "softmax" | "sigmoid":
            return np.asarray(said / np.maximum(said.sum(axis=1, keepdims=True), TINY))
        case _:  # softmax, which leaves a log softmax's classes their probabilities
            shares = np.exp(said - said.max(axis=1, keepdims=True))
            return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def targets(net: Net, labels: NDArray[np.int32]) -> NDArray[Any]:
    """What the engine is told: the classes, or what one output alone is to say."""
    return labels if net.outputs > 1 else labels.astype(np.float64)[:, None]


def _losses(net: Net, said: Floats, labels: NDArray[np.integer[Any]]) -> Floats:
    """Of each image."""
    wanted = np.eye(net.outputs)[labels] if net.outputs > 1 else labels[:, None].astype(float)
    match net.loss:
        case Loss.CROSS:
            last = net.layers[-1]
            logs = isinstance(last, Activation) and last.kind == "log softmax"
            found = wanted * (said if logs else np.log(np.maximum(said, TINY)))
            return np.asarray(-found.sum(axis=1))
        case Loss.BINARY:
            sure = np.where(wanted > 0.5, said, 1 - said)
            return np.asarray(-np.log(np.maximum(sure, TINY)).mean(axis=1))
        case Loss.SQUARED:
            return np.asarray(((wanted - said) ** 2).mean(axis=1))
        case _:
            return np.asarray(((wanted - said) ** 2).sum(axis=1) / 2)
