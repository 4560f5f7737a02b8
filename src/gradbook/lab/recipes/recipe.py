"""A recipe: a network, its data and all settings of its training."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.arguments import hint, number, numbers, one_of, settle, whole, words
from gradbook.data.dataset import FOLDS
from gradbook.data.warp import Warp, write_warp
from gradbook.errors import ShapeError, UsageError, did_you_mean
from gradbook.layers.updates import DESCENT
from gradbook.net import Net, Update
from gradbook.net import text as net_text
from gradbook.net.fit import LONGEST_NAME
from gradbook.net.text import Statement, digits, statements
from gradbook.statements import TWICE

# The learning rate's schedule -------------------------------------------------

SCHEDULE_GRAMMAR = """\
  schedule KIND …            how the learning rate changes, where KIND … is
    constant RATE            always the same
    step RATE by F every N   multiplied by F after every N epochs
    plateau RATE by F patience N
                             multiplied by F when the validation loss hasn't fallen for more
                             than N epochs
    cosine RATE [to R]       half a cosine wave down to R, or to 0
    one cycle RATE [to R]    straight up during a quarter of all steps, then straight down
                             to R, or to 0
                             any of them may end in 'warm S': during that share of all
                             steps, the rate rises from a 25th to its full value
"""

RISE = 25.0  # a rising rate begins with this part of its full value
BETTER = 1e-4  # a smaller fall of the validation loss doesn't count

OWN_SETTINGS: dict[str, tuple[str, ...]] = {
    "constant": ("warm",),
    "step": ("factor", "every", "warm"),
    "plateau": ("factor", "patience", "warm"),
    "cosine": ("end", "warm"),
    "one cycle": ("warm", "end"),
}
SETTING_WORDS = {
    "factor": "by",
    "every": "every",
    "patience": "patience",
    "warm": "warm",
    "end": "to",
}
USUAL_WARM = {"one cycle": 0.25}

# Messages about invalid schedules; a page shows the same for one that is written there.
WHICH_SCHEDULE = "which schedule{hint}"
UNKNOWN_SCHEDULE = "unknown schedule {word!r}{hint}"
ONE_CYCLE = "expected 'one cycle'"
UNKNOWN_SETTING = "unknown {word!r}{hint}"
SETTINGS_AFTER = ": {kind} can be followed by {known}"
ASKED_FOR = "what {word!r} asks for"
RATES_FALL = "the rate must fall, so it can't go from {rate:g} to {end:g}"
OUT_OF_RANGE = "{what} must be {where}, not {found:g}"


@dataclass(frozen=True)
class SettingRange:
    """The range of a setting: a number, or a whole number from `least` up."""

    what: str
    zero: bool = False  # whether a number may be 0
    below: float = inf
    least: int | None = None

    @property
    def where(self) -> str:
        low = "at least 0" if self.zero else "above 0"
        return f"{low}{f' and below {self.below:g}' * (self.below < inf)}"

    def check(self, value: object) -> float:
        if self.least is not None:
            return whole(self.what, value, self.least)
        checked = number(self.what, value)
        is_above = checked > 0 or (self.zero and checked == 0)
        if not (isfinite(checked) and is_above and checked < self.below):
            message = OUT_OF_RANGE.format(what=self.what, where=self.where, found=checked)
            raise UsageError(message)
        return checked


RANGES = {
    "rate": SettingRange("the rate"),
    "factor": SettingRange("the factor", below=1),
    "every": SettingRange("the number of epochs", least=1),
    "patience": SettingRange("patience", least=0),
    "warm": SettingRange("the share", zero=True, below=1),
    "end": SettingRange("the last rate", zero=True),
}


@dataclass(frozen=True)
class Schedule:
    """The rate of every step: `Schedule("one cycle", 0.2)`. Settings of other kinds are ignored."""

    kind: str
    rate: float
    factor: float = 0.1
    every: int = 5  # epochs
    patience: int = 1  # epochs
    warm: float | None = None  # the share of all steps in which the rate rises; None: the usual one
    end: float = 0.0  # the rate to which it falls

    def __post_init__(self) -> None:
        one_of("schedule", self.kind, OWN_SETTINGS)
        warm = USUAL_WARM.get(self.kind, 0.0) if self.warm is None else self.warm
        values = {**vars(self), "warm": warm}
        settle(self, **{name: bounds.check(values[name]) for name, bounds in RANGES.items()})
        for setting in fields(self)[2:]:
            if setting.name not in OWN_SETTINGS[self.kind]:
                settle(self, **{setting.name: setting.default})
        if self.end > self.rate:
            raise UsageError(RATES_FALL.format(rate=self.rate, end=self.end))

    def __str__(self) -> str:
        """The text form: 'one cycle 0.2 warm 0.25'."""
        usual = {"warm": USUAL_WARM.get(self.kind, 0.0), "end": 0.0}
        settings = ((name, getattr(self, name)) for name in OWN_SETTINGS[self.kind])
        changed = [
            f"{SETTING_WORDS[name]} {digits(value)}"
            for name, value in settings
            if usual.get(name) != value
        ]
        return " ".join([self.kind, digits(self.rate), *changed])

    def rates(
        self, epoch: int, steps: int, epochs: int, losses: Sequence[float] = ()
    ) -> NDArray[np.float64]:
        """The rate of each of the epoch's steps. The first epoch is 0.

        `losses` are the validation losses of the epochs before, or the training losses if no images
        are held back.
        """
        at = epoch * steps + np.arange(steps, dtype=np.float64)
        end, warm = float(steps * epochs), (self.warm or 0.0) * steps * epochs
        match self.kind:
            case "step":
                rates = np.full(steps, self.rate * self.factor ** (epoch // self.every))
            case "plateau":
                rates = np.full(steps, self.rate * self.factor ** self.reductions(losses))
            case "cosine":
                way = np.clip((at - warm) / (end - warm), 0, 1)
                rates = self.end + (self.rate - self.end) * (1 + np.cos(np.pi * way)) / 2
            case "one cycle":
                rates = np.interp(at, [warm, end], [self.rate, self.end])
            case _:
                rates = np.full(steps, self.rate)
        rising = np.interp(at, [0, warm], [1 / RISE, 1]) if warm else 1.0
        return np.asarray(rates * rising)

    def slower(self, share: float) -> Schedule:
        """A schedule for smaller batches, with proportionally lower rates (Goyal et al., 2017)."""
        return replace(self, rate=self.rate * share, end=self.end * share)

    def reductions(self, losses: Sequence[float]) -> int:
        """The number of plateaus so far."""
        best, waited, met = inf, 0, 0
        for loss in losses:
            waited += 1
            if loss < best * (1 - BETTER):
                best, waited = loss, 0
            if waited > self.patience:
                met, waited = met + 1, 0
        return met


def parse_schedule(text: str) -> Schedule:
    """A schedule alone, such as 'one cycle 0.05'."""
    line = next(statements(text, "schedule"), None)
    if line is None:
        raise UsageError("the schedule is missing: write for example 'one cycle 0.05'")
    return read_schedule(line)


def read_schedule(line: Statement) -> Schedule:
    """The schedule in the rest of a line: one cycle 0.2 warm 0.2."""
    start = line.used
    if line.option("one"):
        line.option("cycle") or line.fail(ONE_CYCLE)
        kind = "one cycle"
    elif line.next in OWN_SETTINGS:
        kind = line.take()
    else:
        message = UNKNOWN_SCHEDULE if line.next else WHICH_SCHEDULE
        line.fail(message.format(word=line.next, hint=hint(line.next, OWN_SETTINGS)), at=start)
    settings: dict[str, Any] = {"rate": line.value("the rate")}
    options = {SETTING_WORDS[name]: name for name in OWN_SETTINGS[kind]}
    while line.next in options:
        word = line.take()
        if options[word] in settings:
            line.fail(TWICE.format(word=word), at=line.used - 1)
        counts = word in ("every", "patience")
        what = ASKED_FOR.format(word=word)
        settings[options[word]] = line.whole(what) if counts else line.value(what)
    if line.next:
        known = SETTINGS_AFTER.format(kind=kind, known=", ".join(options))
        advice = did_you_mean(line.next, options) or known
        line.fail(UNKNOWN_SETTING.format(word=line.next, hint=advice))
    return Schedule(kind, **settings)


# The recipe -------------------------------------------------------------------

USUAL_DATA, USUAL_EPOCHS, USUAL_BATCH = "digits", 10, 128
MOST_EPOCHS = 100_000
BALANCED = "balanced"
LAST, BEST = KEPT = ("last", "best")
WARPED, UNWARPED = STATISTICS = ("warped", "unwarped")
SETTLING = 50  # batches after which running statistics have forgotten their beginning
ADAPTABLE = frozenset({"net", "epochs", "batch", "schedule", "warp"})
LARGEST_BATCH = limits.BATCH.most
LONGEST_WORDS = 1_000
NESTEROV = Update("momentum", nesterov=True)


BATCHES = 16  # at least so many in an epoch, if no batch size is given


def fitting_batch(usual: int, samples: int) -> int:
    """The usual batch size, or one with sixteen steps per epoch, but never one sample alone."""
    most = max(samples // BATCHES, 2)
    batch = usual if usual <= most else 2 ** (most.bit_length() - 1)
    sizes = chain(range(batch, 1, -1), range(batch + 1, samples + 1))
    return next((size for size in sizes if samples % size != 1), batch)


@dataclass(frozen=True)
class Recipe:
    """All settings of a training except for its seed, which belongs to the network."""

    net: Net  # its rate is the schedule's
    schedule: Schedule
    epochs: int = USUAL_EPOCHS
    batch: int = USUAL_BATCH
    warp: Warp = field(default_factory=Warp)
    data: str = USUAL_DATA
    held_back: int | None = 0  # the fold to validate on
    name: str = ""
    about: str = ""
    class_weights: tuple[float, ...] | str = ()  # the weight of each class, or 'balanced'
    early_stop: int | None = None  # epochs without a lower validation loss until it ends
    keep: str = LAST  # of the last epoch, or of the one with the lowest validation loss
    statistics: str = WARPED  # the images for batchnorm's running statistics
    find_rate: bool = False  # by a range test, instead of the schedule's
    frozen: tuple[str, ...] = ()  # the layers that don't learn: conv1, batchnorm1
    start: str = ""  # the run, or the model's file, whose weights it begins with
    tests: bool = True  # whether images are held out for the test; otherwise all are trained on
    adapts: frozenset[str] = field(default=frozenset(), compare=False)
    """What may be adapted to other data: everything in an included recipe; in another one, a batch
    size that it doesn't give, and the rates with it."""

    def __post_init__(self) -> None:
        for what, kind in (("net", Net), ("schedule", Schedule), ("warp", Warp)):
            if not isinstance(getattr(self, what), kind):
                raise UsageError(
                    f"the recipe's {what} must be a {kind.__name__}, not {getattr(self, what)!r}"
                )
        if self.net.samples or self.net.table:
            raise ShapeError(
                "this network has samples of its own, but training needs images: remove the "
                "samples and name a data set"
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
            frozen=tuple(words("a layer to freeze", name) for name in self.frozen),
            start=phrase("start", self.start),
        )
        if self.frozen:
            learning = {p.layer for p in self.net.parameters if not p.fixed}
            if learning <= self.frozen_layers:
                raise UsageError("'freeze' leaves no layer that learns: freeze fewer")
        if not self.tests and self.held_back is not None:
            raise UsageError("'test none' trains on everything: add 'hold back none'")
        if self.held_back is None and (self.early_stop or self.keep == BEST):
            what = "keep best" if self.early_stop is None else "early stop"
            raise UsageError(f"{what} needs images that are held back: remove 'hold back none'")

    def __str__(self) -> str:
        """The text that parses to this recipe."""
        settings = {
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
            "freeze": " ".join(self.frozen),
            "start": self.start,
        }
        lines = "".join(f"{word} {value}\n" for word, value in settings.items() if value != "")
        update = "update descent\n" if self.net.update == DESCENT else ""
        return f"{lines}\n{net_text.write(self.net)}{update}"

    @property
    def frozen_layers(self) -> frozenset[int]:
        """The places of the layers that don't learn."""
        if not self.frozen:
            return frozenset()
        from gradbook.net.trained import require_layers

        return require_layers(self.net, self.frozen)

    def weights_for(self, counts: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """The weight of each class, with a mean of 1 over samples with these counts.

        If balanced, a class with n_c of n samples has the weight n / (K · n_c), as in scikit-learn.
        """
        if isinstance(self.class_weights, str):
            return np.asarray(counts.sum() / (len(counts) * np.maximum(counts, 1)))
        if len(self.class_weights) != len(counts):
            raise ShapeError(
                f"{counted(len(self.class_weights), 'class weight')} for {len(counts)} classes: "
                "write one for each, or 'class weights balanced'"
            )
        weights = np.array(self.class_weights)
        return np.asarray(weights * counts.sum() / (weights @ counts))

    @property
    def title(self) -> str:
        return self.name or self.net.name or "a network"


def with_fitting_batch(recipe: Recipe, samples: int) -> Recipe:
    """Smaller batches at proportionally lower rates, if the recipe gives neither; if a rule's steps
    don't grow with the gradient, the rates fall with the root."""
    if "batch" not in recipe.adapts:
        return recipe
    batch = fitting_batch(recipe.batch, samples)
    if "schedule" in recipe.adapts:
        share = batch / recipe.batch
        share = share**0.5 if "s" in recipe.net.update.card.memories else share
        recipe = replace(recipe, schedule=recipe.schedule.slower(share))
    return replace(recipe, batch=batch)


def smaller_batches(usual: Recipe, fitted: Recipe) -> list[str]:
    """The remark on batch sizes that were adapted to the samples."""
    if usual.batch == fitted.batch:
        return []
    rate = f", with the rate {digits(fitted.schedule.rate)}"
    return [
        f"batches of {fitted.batch}{rate if usual.schedule != fitted.schedule else ''}, so that an "
        f"epoch has at least {BATCHES} steps: --batch {usual.batch} takes larger ones"
    ]


def within(what: str, value: object, most: int) -> int:
    amount = whole(what, value, 1)
    if amount > most:
        raise UsageError(f"{what} {amount:,}: the most is {most:,}")
    return amount


def fold(value: object) -> int | None:
    if value is None:
        return None
    number = whole("the fold to hold back", value, 0)
    if number >= FOLDS:
        raise UsageError(
            f"there is no fold {number}: hold back a fold from 0 to {FOLDS - 1}, or none"
        )
    return number


def weights_of_classes(value: object) -> tuple[float, ...] | str:
    if value == BALANCED:
        return BALANCED
    weights = numbers("class weights", value)
    if not all(isfinite(weight) and weight > 0 for weight in weights):
        raise UsageError("class weights must be numbers above 0, one for each class, or 'balanced'")
    return weights


def weight_words(weights: tuple[float, ...] | str) -> str:
    return weights if isinstance(weights, str) else " ".join(map(digits, weights))


def phrase(what: str, value: object, most: int = LONGEST_WORDS) -> str:
    phrase = words(what, value)
    if set(phrase) & set(";#") or not phrase.isprintable() or len(phrase) > most:
        raise UsageError(
            f"{what} {phrase!r}: at most {most:,} printable characters, without ';' and '#'"
        )
    return phrase


# The training settings of a network without any.


def with_usual(net: Net, settings: Collection[str]) -> tuple[Net, Schedule]:
    """The network and its rates, completed if the words `said` don't give all of its training."""
    if net.rate is not None:
        return net, Schedule("constant", net.rate)
    if "update" not in settings:
        net = replace(net, update=NESTEROV)
    return net, Schedule("one cycle", net.learning_rate)


def own_adapts(net: Net) -> frozenset[str]:
    """The parts that adapt to the data if the recipe doesn't give them: the batch and the rates."""
    return frozenset({"batch", "schedule"} if net.rate is None else {"batch"})


def words_of(net: Net) -> set[str]:
    """The settings that an existing network surely gives: those that differ from the defaults."""
    return {"update"} if net.update != DESCENT else set()
