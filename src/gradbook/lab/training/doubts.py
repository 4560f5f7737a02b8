"""What is said against a training that reads no better than by guessing after its first epochs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import percent
from gradbook.lab.training.history import Epoch
from gradbook.net import Loss, Net

FIRST_EPOCHS, FIRST_STEPS = 2, 100  # by then it has learned something, if it ever will
BEYOND_CHANCE = 3.0  # standard errors
MUCH_WORSE = 1.5  # times the loss of one who knows nothing
HARDLY = 0.02  # of a loss, by which it has hardly fallen
ALIKE = 1e-4  # what answers to different images differ by, where they are the same


def is_time(epoch: int, steps: int, epochs: int) -> bool:
    """Whether this epoch is the one after which it is looked at, for so many steps in each."""
    when = max(FIRST_EPOCHS, -(-FIRST_STEPS // steps))
    return epoch == min(when, epochs)


def doubt(
    net: Net, history: Sequence[Epoch], labels: NDArray[np.int32], outputs: NDArray[np.floating]
) -> str | None:
    """One line with the likely cause where it reads no better than by always saying one class.

    `labels` are the classes of the images trained on, `outputs` what it says to some of them.
    """
    counts = np.bincount(labels)
    chance = float(counts.max() / len(labels))
    beyond = chance + BEYOND_CHANCE * sqrt(chance * (1 - chance) / len(labels))
    latest = history[-1]
    if latest.train_accuracy > beyond:
        return None
    return (
        f"after {latest.epoch} epochs {percent(latest.train_accuracy)} of the training images are "
        f"read right, no more than by always saying the same class ({percent(chance)}): "
        f"{_cause(net, history, counts[counts > 0] / len(labels), outputs)}"
    )


def _cause(
    net: Net,
    history: Sequence[Epoch],
    shares: NDArray[np.floating],
    outputs: NDArray[np.floating],
) -> str:
    first, latest = history[0].train_loss, history[-1].train_loss
    ignorant = _loss_of_guessing(net, shares)
    if ignorant and latest > MUCH_WORSE * ignorant:
        return "the rate is too high, take a tenth of it"
    if np.ptp(outputs, axis=0).max() < ALIKE * max(float(np.abs(outputs).max()), 1.0):
        return (
            "it says the same of every image, as units do that a step too large has killed: "
            "take a tenth of the rate"
        )
    if latest > (1 - HARDLY) * first:
        return (
            "the loss hardly falls, so the rate is too low, or sigmoids let too little of the "
            "slopes through: take ten times the rate, or relu and batchnorm; or the labels "
            "aren't those of the images"
        )
    return "the loss falls, so more epochs may do"


def _loss_of_guessing(net: Net, shares: NDArray[np.floating]) -> float | None:
    """What it costs to know only how frequent the classes are, where that is simple to say."""
    match net.objective:
        case Loss.CROSS:
            return float(-(shares * np.log(shares)).sum())
        case Loss.BINARY:
            return log(2)
    return None
