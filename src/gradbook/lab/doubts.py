"""What is said against a training that learned nothing, or of which a part learns nothing more.

One place for every kind of training: images, tables, signals, letters. What it says is a line, with
what to change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
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
MUCH_WORSE = 1.5  # times the loss of one who knows nothing
HARDLY = 0.02  # of a loss, by which it has hardly fallen
BY_HEART = 0.5  # of the loss of one who knows nothing: what reaches this has learned something
HALF = 0.5  # of a layer: with so many dead, that is why
UNEVEN = 2.0  # times its fair share: a class that is so frequent is said for safety's sake


# While it trains ---------------------------------------------------------------

FIRST_EPOCHS, FIRST_STEPS = 2, 100  # by then it has learned something, if it ever will
SURELY_BEYOND = 3.0  # standard errors: so early it is said only where it is sure
ALIKE = 1e-4  # what answers to different images differ by, where they are the same


def is_time(epoch: int, steps: int, epochs: int) -> bool:
    """Whether this epoch is the one after which it is looked at, for so many steps in each."""
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
    """One line with the likely cause where it reads no better than by always saying one class.

    `losses` and `accuracy` are those of the images trained on, `labels` their classes, `outputs`
    what it says to some of them.
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
        f"read right, no more than by always saying the same class ({percent(chance)}): "
        + (
            _bad_step(net, last, _loss_of_guessing(net, shares), bool(alike), "image")
            or _no_fall(first, last)
            or "the loss falls, so more epochs may help"
        )
    )


# At its end --------------------------------------------------------------------


@dataclass(frozen=True)
class DeadUnits:
    """Units of a layer that are the same whatever goes in, so that nothing is learned by them."""

    layer: str  # layer 2, 'relu'
    dead: int
    units: int
    samples: int  # by which that was seen

    @property
    def share(self) -> float:
        return self.dead / self.units


@dataclass(frozen=True, kw_only=True, eq=False)
class Ending:
    """How a training ended: what is judged, whatever was trained. One of `confusion`, `r2` and
    `letters` says how it does on what is scored."""

    net: Net
    first_loss: float  # of what is trained on, in the first epoch
    last_loss: float
    scored: str  # what that was: test rows
    unit: str = "row"
    dead: tuple[DeadUnits, ...] = ()
    confusion: NDArray[np.integer[Any]] | None = None  # what they are (rows), as what they are read
    classes: Sequence[str] = ()
    r2: float | None = None
    letters: tuple[float, float] | None = None  # the loss, and that of one who knows how frequent


def doubts(ending: Ending) -> tuple[str, ...]:
    """What is said against it, a line each; nothing where it learned something and all of it
    still learns."""
    nothing = _nothing_learned(ending)
    lines = [f"{nothing}: {_what_to_change(ending)}"] if nothing else []
    return (*map(one_line, lines), *map(_dead_words, ending.dead))


def _nothing_learned(ending: Ending) -> str:
    """That it says one thing to everything, or does no better than chance; '' where it does."""
    if ending.r2 is not None:
        by_mean = f"R² is {short(ending.r2, 3)} on the {ending.scored}, where the mean alone has 0"
        return by_mean if ending.r2 <= 0 else ""
    if ending.letters is not None:
        loss, frequent = ending.letters
        start = f"the loss is {loss:.3f} a letter on the {ending.scored}"
        known = f"to know only how frequent each letter is gives {frequent:.3f}"
        return f"{start}, and {known}" if loss >= frequent else ""
    assert ending.confusion is not None
    are, read = ending.confusion.sum(axis=1), ending.confusion.sum(axis=0)
    total, right = int(are.sum()), int(np.diag(ending.confusion).sum())
    named = np.flatnonzero(read)
    if len(named) == 1 and np.count_nonzero(are) > 1:
        share = percent(right / total)
        return (
            f"it says '{ending.classes[named[0]]}' to each of the {ending.scored} ({share} right)"
        )
    if total and _is_guessing(ending.confusion):
        most = ending.classes[int(are.argmax())]
        return (
            f"{right:,} of the {ending.scored} are told right, no more than chance may give "
            f"(always '{most}': {int(are.max()):,})"
        )
    return ""


def _is_guessing(confusion: NDArray[np.integer[Any]]) -> bool:
    """Whether always saying the most frequent class gets as many right; or nearly as many, by what
    chance gives and takes, and the classes aren't told apart either."""
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
            f"what it is trained on it knows (a loss of {short(last, 3)}), so it learned by heart: "
            f"give more {ending.unit}s, a smaller network, dropout or decay"
        )
    weights = "weigh the classes ('class weights balanced'), " if _is_uneven(ending) else ""
    if still := _no_fall(ending.first_loss, last):
        return weights + still
    return f"{weights}more epochs may help, or more {ending.unit}s{_normalising(net)}"


def _guessing(ending: Ending) -> float | None:
    """What it costs to know nothing of a sample."""
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
    verb = "is" if units.dead == 1 else "are"
    return (
        f"{many} {verb} dead, the same for all {units.samples:,} looked at, and learn"
        f"{'s' * (units.dead == 1)} no more: a smaller rate, batchnorm before it or 'leaky relu' "
        f"keeps units alive{'; so many fewer would do as well' if units.share < HALF else ''}"
    )


# Causes ------------------------------------------------------------------------


def _bad_step(net: Net, last: float, guessing: float | None, killed: bool, unit: str) -> str:
    """That a step was too large, where it seems so."""
    if guessing and last > MUCH_WORSE * guessing:
        return "the rate is too high: use a tenth of it" + _normalising(net)
    if killed:
        return (
            f"it gives the same answer for every {unit}, as if a step too large had killed its "
            "units: use a tenth of the rate" + _normalising(net)
        )
    return ""


def _no_fall(first: float, last: float) -> str:
    if last <= (1 - HARDLY) * first:
        return ""
    return (
        "the loss hardly falls, so the rate is too low, or sigmoids let too little of the "
        "slopes through: take ten times the rate, or relu and batchnorm; or what is wanted "
        "doesn't follow from what is given"
    )


def _normalising(net: Net) -> str:
    return "" if any(layer.normalises for layer in net.layers) else ", or put batchnorm behind sums"


def _loss_of_guessing(net: Net, shares: NDArray[np.floating]) -> float | None:
    """What it costs to know only how frequent the classes are, where that is simple to say."""
    loss = net.objective
    if not loss.is_entropy:
        return None
    return float(-(shares * np.log(shares)).sum()) if loss.of_all else log(2)


# Units that are dead -----------------------------------------------------------

MOST_LOOKED_AT, LEAST_LOOKED_AT = 1_000, 100  # samples
MOST_MACS = 1e8  # for all of them
AT_ONCE = 20


def find_dead_units(
    net: Net, kept: Mapping[str, NDArray[Any]], inputs: NDArray[Any]
) -> tuple[DeadUnits, ...]:
    """The units of hidden activations that are the same for all of these inputs (or as many of
    them as it takes to be sure); of maps and steps those that are so everywhere."""
    last = max((k for k, layer in enumerate(net.layers) if layer.sums), default=0)
    hidden = [k for k, layer in enumerate(net.layers[:last]) if layer.ending]
    if not hidden or not len(inputs):
        return ()
    most = int(np.clip(MOST_MACS / max(measure(net).macs, 1), LEAST_LOOKED_AT, MOST_LOOKED_AT))
    rows = inputs[:: -(-len(inputs) // most)]
    forward = inference(net)
    names = layer_names(net)
    nodes = [forward.graph.by_name[str(names[k + 1])] for k in hidden]
    given = {
        forward.graph.by_name[name]: np.asarray(values, np.float64) for name, values in kept.items()
    }
    low: list[NDArray[Any]] = []
    high: list[NDArray[Any]] = []
    for first in range(0, len(rows), AT_ONCE):
        some = np.asarray(rows[first : first + AT_ONCE], np.float64).reshape(-1, *net.input)
        count = {forward.count: np.asarray(float(len(some)))} if forward.count else {}
        values_of_nodes = evaluate(nodes, {**given, **count, forward.inputs: some})
        # (units, all that each of them is): of samples x channels x places
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
