"""Warns about a training that learned nothing, or in which a part no longer learns.

This is the one place for every kind of training: images, tables, signals, letters. Each warning is
a line that also says what to change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted, percent, short
from gradbook.errors import one_line
from gradbook.graph.reference import evaluate
from gradbook.net import Net
from gradbook.net.build import inference
from gradbook.net.measure import measure
from gradbook.net.names import layer_names

BEYOND_CHANCE = 2.0  # standard errors
MUCH_WORSE = 1.5  # times the loss of guessing
FAR_ABOVE = 100.0  # times the loss of the first batch: the training diverges
HARDLY = 0.02  # a fall of the loss by less than this share hardly counts
SMALL = 1e-6  # a loss below this may rise by any factor
BY_HEART = 0.5  # times the loss of guessing: a lower loss shows that something was learned
HALF = 0.5  # of a layer: so many dead units are the cause
UNEVEN = 2.0  # times its fair share: a class this frequent is reported, to be safe


# During the training -----------------------------------------------------------

FIRST_EPOCHS, FIRST_STEPS = 2, 100  # after these, it has learned something, if it ever will
SURELY_BEYOND = 3.0  # standard errors: an early warning must be certain
ALIKE = 1e-4  # relative difference below which answers to different images are the same


def is_time(epoch: int, steps: int, epochs: int) -> bool:
    """Whether to judge the training after this epoch, if each epoch has this many steps."""
    when = max(FIRST_EPOCHS, -(-FIRST_STEPS // steps))
    return epoch == min(when, epochs)


def early_doubt(
    net: Net,
    epochs: int,
    losses: Sequence[float],
    accuracy: float,
    labels: NDArray[np.int32],
    outputs: NDArray[np.floating],
) -> str | None:
    """One line with the likely cause if it reads no better than by always naming one class.

    `losses` and `accuracy` are those of the training images, `labels` their classes, `outputs` the
    network's outputs for some of them.
    """
    counts = np.bincount(labels)
    chance = float(counts.max() / len(labels))
    beyond = chance + SURELY_BEYOND * sqrt(chance * (1 - chance) / len(labels))
    if accuracy > beyond:
        return None
    alike = np.ptp(outputs, axis=0).max() < ALIKE * max(float(np.abs(outputs).max()), 1.0)
    first, last, shares = losses[0], losses[-1], counts[counts > 0] / len(labels)
    return (
        f"after {epochs} epochs {percent(accuracy)} of the training images are "
        f"read right, no more than by always naming the same class ({percent(chance)}): "
        + (
            _bad_step(net, last, _loss_of_guessing(net, shares), bool(alike), "image")
            or _no_fall(first, last)
            or "the loss is falling, so more epochs may help"
        )
    )


# After the training ------------------------------------------------------------


@dataclass(frozen=True)
class DeadUnits:
    """Units of a layer that give the same value for every input, so that they can't learn."""

    layer: str  # layer 2, 'relu'
    dead: int
    units: int
    samples: int  # from which this was found

    @property
    def share(self) -> float:
        return self.dead / self.units


@dataclass(frozen=True, kw_only=True, eq=False)
class Ending:
    """How a training ended, whatever was trained. At most one of `confusion`, `r2` and `letters`
    gives the result on the scored samples."""

    net: Net
    first_loss: float  # on the training samples, in the first epoch
    last_loss: float
    scored: str  # the scored samples in words, such as test rows
    unit: str = "row"
    dead: tuple[DeadUnits, ...] = ()
    confusion: NDArray[np.integer[Any]] | None = None  # true classes (rows) and answers (columns)
    classes: Sequence[str] = ()
    r2: float | None = None
    letters: tuple[float, float] | None = None  # the loss, and that of the frequencies


def doubts(ending: Ending) -> tuple[str, ...]:
    """Warnings about the training, a line each; none if it learned something and all its units can
    still learn."""
    nothing = _nothing_learned(ending)
    lines = [f"{nothing}: {_what_to_change(ending)}"] if nothing else []
    return (*map(one_line, lines), *map(_dead_words, ending.dead))


def divergence(first: float, last: float, far: float = FAR_ABOVE) -> str:
    """Whether the loss has risen far above its start, in a line; '' otherwise."""
    if isfinite(last) and last <= far * max(abs(first), SMALL):
        return ""
    return (
        f"the training diverges: the loss rose from {short(first, 4)} to {short(last, 4)}, so the "
        "rate is far too high: try a tenth of it until the loss falls"
    )


def _nothing_learned(ending: Ending) -> str:
    """Whether it answers everything alike or no better than chance, in words; '' otherwise."""
    if ending.r2 is not None:
        by_mean = f"R² is {short(ending.r2, 3)} on the {ending.scored}, and the mean alone gives 0"
        return by_mean if ending.r2 <= 0 else ""
    if ending.letters is not None:
        loss, frequent = ending.letters
        start = f"the loss is {loss:.3f} per letter on the {ending.scored}"
        known = f"knowing only the frequency of each letter gives {frequent:.3f}"
        return f"{start}, and {known}" if loss >= frequent else ""
    if ending.confusion is None:  # labels, or a single sample: nothing to judge by
        return ""
    are, read = ending.confusion.sum(axis=1), ending.confusion.sum(axis=0)
    total, right = int(are.sum()), int(np.diag(ending.confusion).sum())
    named = np.flatnonzero(read)
    if len(named) == 1 and np.count_nonzero(are) > 1:
        share = percent(right / total)
        return f"it answers '{ending.classes[named[0]]}' for all {ending.scored} ({share} right)"
    if total and _is_guessing(ending.confusion):
        most = ending.classes[int(are.argmax())]
        return (
            f"{right:,} of the {ending.scored} are right, no more than chance may give "
            f"(always '{most}': {int(are.max()):,})"
        )
    return ""


def _is_guessing(confusion: NDArray[np.integer[Any]]) -> bool:
    """Whether always naming the most frequent class is right as often, or nearly as often within
    the limits of chance while the classes aren't told apart either."""
    are, hits = confusion.sum(axis=1).astype(float), np.diag(confusion).astype(float)
    total, there = are.sum(), are > 0
    chance = are.max() / total
    if hits.sum() <= are.max():
        return bool(there.sum() > 1)
    beyond = chance + BEYOND_CHANCE * sqrt(chance * (1 - chance) / total)
    if hits.sum() / total > beyond:
        return False
    recalls, even = hits[there] / are[there], 1 / there.sum()
    error = sqrt(float((even * (1 - even) / are[there]).sum())) / there.sum()
    return bool(recalls.mean() <= even + BEYOND_CHANCE * error)


def _what_to_change(ending: Ending) -> str:
    net, last = ending.net, ending.last_loss
    guessing = _guessing(ending)
    killed = max((units.share for units in ending.dead), default=0.0) >= HALF
    if step := _bad_step(net, last, guessing, killed, ending.unit):
        return step
    if guessing and last < BY_HEART * guessing:
        return (
            f"it learned its training samples by heart (a loss of {short(last, 3)}): "
            f"give more {ending.unit}s, a smaller network, dropout or decay"
        )
    weights = "weigh the classes ('class weights balanced'), " if _is_uneven(ending) else ""
    if still := _no_fall(ending.first_loss, last):
        return weights + still
    return f"{weights}more epochs may help, or more {ending.unit}s{_normalising(net)}"


def _guessing(ending: Ending) -> float | None:
    """The loss of guessing without looking at a sample."""
    if ending.letters:
        return ending.letters[1]
    if ending.confusion is None:
        return None if ending.net.objective.is_entropy else 1.0  # numbers have deviation 1
    are = ending.confusion.sum(axis=1)
    return _loss_of_guessing(ending.net, are[are > 0] / are.sum())


def _is_uneven(ending: Ending) -> bool:
    if ending.confusion is None:
        return False
    are = ending.confusion.sum(axis=1)
    return bool(are.max() * len(are) >= UNEVEN * are.sum() * (1 - HARDLY)) or (
        len(are) == 2 and bool(are.max() >= 0.75 * are.sum())
    )


def _dead_words(units: DeadUnits) -> str:
    many = f"{units.dead:,} of {counted(units.units, 'unit')} of {units.layer}"
    are, learn = ("is", "learns") if units.dead == 1 else ("are", "learn")
    return (
        f"{many} {are} dead (the same for all {units.samples:,} samples) and {learn} nothing: "
        f"a smaller rate, batchnorm before it or 'leaky relu' keeps "
        f"units alive{'; fewer units would be enough' if units.share < HALF else ''}"
    )


# Causes ------------------------------------------------------------------------


def _bad_step(net: Net, last: float, guessing: float | None, killed: bool, unit: str) -> str:
    """Say that a step was too large, if it seems so."""
    if guessing and last > MUCH_WORSE * guessing:
        return "the rate is too high: use a tenth of it" + _normalising(net)
    if killed:
        return (
            f"it gives the same answer for every {unit}, as if too large a step had killed its "
            "units: use a tenth of the rate" + _normalising(net)
        )
    return ""


def _no_fall(first: float, last: float) -> str:
    if last <= (1 - HARDLY) * first:
        return ""
    return (
        "the loss hardly falls, so the rate is too low, or sigmoids pass too little of the "
        "gradient: try ten times the rate, or relu and batchnorm; or the targets "
        "don't depend on the inputs"
    )


def _normalising(net: Net) -> str:
    return "" if any(layer.normalises for layer in net.layers) else ", or put batchnorm behind sums"


def _loss_of_guessing(net: Net, shares: NDArray[np.floating]) -> float | None:
    """The loss of knowing only how frequent the classes are, if that has a simple formula."""
    loss = net.objective
    if not loss.is_entropy:
        return None
    return float(-(shares * np.log(shares)).sum()) if loss.of_all else log(2)


# Dead units --------------------------------------------------------------------

MOST_LOOKED_AT, LEAST_LOOKED_AT = 1_000, 100  # samples
MOST_MACS = 1e8  # for all of the samples
AT_ONCE = 20


def find_dead_units(
    net: Net, kept: Mapping[str, NDArray[Any]], inputs: NDArray[Any]
) -> tuple[DeadUnits, ...]:
    """The units of hidden activations that are the same for all of these inputs (or as many of
    them as certainty needs); for maps and steps, those that are the same everywhere."""
    last = max((k for k, layer in enumerate(net.layers) if layer.sums), default=0)
    hidden = [k for k, layer in enumerate(net.layers[:last]) if layer.ending]
    if not hidden or not len(inputs):
        return ()
    most = int(np.clip(MOST_MACS / max(measure(net).macs, 1), LEAST_LOOKED_AT, MOST_LOOKED_AT))
    rows = inputs[:: -(-len(inputs) // most)]
    forward = inference(net)
    names = layer_names(net)
    nodes = [forward.graph.by_name[str(names[k + 1])] for k in hidden]
    leaf_values = {
        forward.graph.by_name[name]: np.asarray(values, np.float64) for name, values in kept.items()
    }
    low: list[NDArray[Any]] = []
    high: list[NDArray[Any]] = []
    for first in range(0, len(rows), AT_ONCE):
        some = np.asarray(rows[first : first + AT_ONCE], np.float64).reshape(-1, *net.input)
        count = {forward.count: np.asarray(float(len(some)))} if forward.count else {}
        values_of_nodes = evaluate(nodes, {**leaf_values, **count, forward.inputs: some})
        # (units, values of each unit): from samples x channels x places
        values = [values_of_nodes[node] for node in nodes]
        units = [np.moveaxis(v, 1, 0).reshape(v.shape[1], -1) for v in values]
        lows, highs = [u.min(axis=1) for u in units], [u.max(axis=1) for u in units]
        low = lows if not low else list(map(np.minimum, low, lows))
        high = highs if not high else list(map(np.maximum, high, highs))
        if not any((a == b).any() for a, b in zip(low, high, strict=True)):
            return ()
    same = [int((a == b).sum()) for a, b in zip(low, high, strict=True)]
    return tuple(
        DeadUnits(f"layer {k + 1} ('{net.layers[k].text}')", dead, len(least), len(rows))
        for k, dead, least in zip(hidden, same, low, strict=True)
        if dead
    )
