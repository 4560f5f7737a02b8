"""A recipe: a network, its data, and everything about how it is trained, in a few lines of text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.arguments import numbers, one_of, settle, whole, words
from gradbook.data.dataset import FOLDS
from gradbook.data.warp import Warp, write_warp
from gradbook.errors import ShapeError, UsageError
from gradbook.lab.recipes.schedule import Schedule
from gradbook.net import Net, Update
from gradbook.net import text as net_text
from gradbook.net.fit import LONGEST_NAME
from gradbook.net.task import DESCENT
from gradbook.net.text import digits

USUAL_DATA, USUAL_EPOCHS, USUAL_BATCH = "digits", 10, 128
MOST_EPOCHS = 100_000
BALANCED = "balanced"
LAST, BEST = KEPT = ("last", "best")
WARPED, UNWARPED = STATISTICS = ("warped", "unwarped")
SETTLING = 50  # batches, after which running statistics have forgotten all that went before
ADAPTABLE = frozenset({"net", "epochs", "batch", "schedule", "warp"})
LARGEST_BATCH = limits.BATCH.most
LONGEST_WORDS = 1_000
NESTEROV = Update("momentum", nesterov=True)


@dataclass(frozen=True)
class Recipe:
    """All that a training hangs on but its seed, which is the network's."""

    net: Net  # its rate is the schedule's
    schedule: Schedule
    epochs: int = USUAL_EPOCHS
    batch: int = USUAL_BATCH
    warp: Warp = field(default_factory=Warp)
    data: str = USUAL_DATA
    held_back: int | None = 0  # the fold to validate on
    name: str = ""
    about: str = ""
    class_weights: tuple[float, ...] | str = ()  # how much each class counts, or 'balanced'
    early_stop: int | None = None  # epochs without a lower validation loss, after which it ends
    keep: str = LAST  # which epoch's weights: the last, or those of the lowest validation loss
    statistics: str = WARPED  # which images batchnorm's running statistics are of
    find_rate: bool = False  # by a range test, in place of the schedule's
    tests: bool = True  # whether images are kept to report on; else all are trained on
    adapts: frozenset[str] = field(default=frozenset(), compare=False)
    """What may be made to fit other data than its own: of recipes that come with gradbook."""

    def __post_init__(self) -> None:
        for what, kind in (("net", Net), ("schedule", Schedule), ("warp", Warp)):
            if not isinstance(getattr(self, what), kind):
                raise UsageError(
                    f"the recipe's {what} is a {kind.__name__}, not {getattr(self, what)!r}"
                )
        if self.net.samples or self.net.table:
            raise ShapeError(
                "this network brings samples of its own: training takes images, "
                "so take the samples out and name a data set"
            )
        name = phrase("the recipe's name", self.name, LONGEST_NAME)
        settle(
            self,
            net=replace(self.net, rate=None, name=self.net.name or name),
            epochs=within("epochs", self.epochs, MOST_EPOCHS),
            batch=within("batch", self.batch, LARGEST_BATCH),
            data=phrase("data", self.data),
            held_back=fold(self.held_back),
            name=name,
            about=phrase("about", self.about),
            class_weights=weights_of_classes(self.class_weights),
            early_stop=None if self.early_stop is None else whole("early stop", self.early_stop, 1),
            keep=one_of("keep", self.keep, KEPT),
            statistics=one_of("statistics", self.statistics, STATISTICS),
        )
        if not self.tests and self.held_back is not None:
            raise UsageError("'test none' trains on everything: add 'hold back none'")
        if self.held_back is None and (self.early_stop or self.keep == BEST):
            what = "keep best" if self.early_stop is None else "early stop"
            raise UsageError(f"{what} goes by what is held back: take 'hold back none' out")

    def __str__(self) -> str:
        """The text that parses to this recipe."""
        said = {
            "recipe": self.name,
            "about": self.about,
            "data": self.data,
            "warp": write_warp(self.warp).replace(";", ","),
            "schedule": self.schedule,
            "rate": "find" if self.find_rate else "",
            "epochs": self.epochs,
            "batch": self.batch,
            "hold back": "none" if self.held_back is None else self.held_back,
            "test": "" if self.tests else "none",
            "class weights": weight_words(self.class_weights),
            "early stop": self.early_stop or "",
            "keep": "" if self.keep == LAST else self.keep,
            "statistics": "" if self.statistics == WARPED else self.statistics,
        }
        lines = "".join(f"{word} {value}\n" for word, value in said.items() if value != "")
        update = "update descent\n" if self.net.update == DESCENT else ""
        return f"{lines}\n{net_text.write(self.net)}{update}"

    def weights_for(self, counts: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """How much each class counts, 1 on average over samples of which each has so many.

        Balanced, n samples of K classes count n / (K · n_c) in one of n_c: scikit-learn's rule.
        """
        if isinstance(self.class_weights, str):
            return np.asarray(counts.sum() / (len(counts) * np.maximum(counts, 1)))
        if len(self.class_weights) != len(counts):
            raise ShapeError(
                f"{counted(len(self.class_weights), 'class weight')} for {len(counts)} classes: "
                "say one for each, or 'class weights balanced'"
            )
        said = np.array(self.class_weights)
        return np.asarray(said * counts.sum() / (said @ counts))

    @property
    def title(self) -> str:
        return self.name or self.net.name or "a network"


def within(what: str, value: object, most: int) -> int:
    found = whole(what, value, 1)
    if found > most:
        raise UsageError(f"{what} {found:,}: the most is {most:,}")
    return found


def fold(value: object) -> int | None:
    if value is None:
        return None
    found = whole("the fold to hold back", value, 0)
    if found >= FOLDS:
        raise UsageError(f"there is no fold {found}: hold back one from 0 to {FOLDS - 1}, or none")
    return found


def weights_of_classes(value: object) -> tuple[float, ...] | str:
    if value == BALANCED:
        return BALANCED
    found = numbers("class weights", value)
    if not all(isfinite(weight) and weight > 0 for weight in found):
        raise UsageError("class weights are numbers above 0, one for each class, or 'balanced'")
    return found


def weight_words(weights: tuple[float, ...] | str) -> str:
    return weights if isinstance(weights, str) else " ".join(map(digits, weights))


def phrase(what: str, value: object, most: int = LONGEST_WORDS) -> str:
    found = words(what, value)
    if set(found) & set(";#") or not found.isprintable() or len(found) > most:
        raise UsageError(
            f"{what} {found!r}: at most {most:,} printable characters, without ';' and '#'"
        )
    return found


# What a network gets that doesn't say how it is trained.


def with_usual(net: Net, said: Collection[str]) -> tuple[Net, Schedule]:
    """The network and its rates, where not all of its training is said: `said` are the words."""
    if net.rate is not None:
        return net, Schedule("constant", net.rate)
    if "update" not in said:
        net = replace(net, update=NESTEROV)
    return net, Schedule("one cycle", net.learning_rate)


def said_by(net: Net) -> set[str]:
    """What a network that is there already surely says: more than what would be without a word."""
    return {"update"} if net.update != DESCENT else set()
