"""The effect of the learning rate: a trial for each rate, the largest that trains, and a first one.

The boundary above which training fails is often ragged: above the first rate that fails, others
still train. So a range is searched for, on one fixed grid, whatever rates a sweep was asked for. A
page searches the same grid in the same order, with `limit_table`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import Any

from gradbook.amounts import counted
from gradbook.arguments import numbers, whole
from gradbook.errors import LimitError, UsageError
from gradbook.graph.bounds import bounds
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.looks import look
from gradbook.net import Net
from gradbook.net.build import training_step
from gradbook.net.description import DEFAULT_RATES
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step
from gradbook.net.recorded_numbers import Value, as_net_or_formulas
from gradbook.net.step import Step
from gradbook.rates import USUAL_EPOCHS
from gradbook.rates.criteria import LEAPS, OSCILLATES, TRAINS, Case, least_loss
from gradbook.rates.trial import RateTrial, trial
from gradbook.rates.verdict import RateOutcome, judge_all

# The largest rate that trains -------------------------------------------------

DEFINITION = mark(
    "A rate still trains if loss and gradient stay numbers, the loss is lower than at the start "
    "in all of the last tenth of the epochs, and it isn't saturated."
)

Place = int  # on the grid: the rate 10^(place / DECADE)

DECADE = 500  # places per factor of ten: neighbours differ by 0.46 %
DECADES = 12  # searched upwards from 1, or downwards, until one fails or trains
ROW = 12  # neighbours with equal results, which end the ragged range
STRIDE = 9  # places between rates farther away, up to double and down to half
FAR = 150  # places: a factor of two
PATIENCE = 200  # rates, after which the search ends however ragged the boundary is
RATE_DIGITS = 4  # of a rate that is tried, so that people can type it
SAID_DIGITS = 2  # of a rate in a sentence: a ragged boundary is no more exact

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "none tried": mark("No rate could be found too large: there is no gradient to begin with."),
        "none": mark(
            "Training works for {epochs} at none of the {tried} rates tried, down to {low}."
        ),
        "all": mark("Training works for {epochs} at every rate tried, up to {rate}."),
        "clear": mark(
            "Training works for {epochs} at rates up to about {reliable}, and at none of the "
            "higher ones tried."
        ),
        "near": mark(
            "Training works for {epochs} at rates up to about {rate}. The limit isn't sharp: "
            "close to it, some rates work and others fail."
        ),
        "ragged": mark(
            "Training works for {epochs} at rates up to about {reliable}. Above that some "
            "rates still work and others fail, up to about {rate}."
        ),
        "patchy": mark(
            "Training works for {epochs} at some rates up to about {rate} and fails at others."
        ),
    }
)


@dataclass(frozen=True)
class Limit:
    """The result of the search: a range that contains the boundary."""

    rate: float | None  # the largest that trains; None if no rate tried does
    beyond: float | None  # the next larger one tried, which doesn't; None if there is none
    failing: tuple[float, ...] = ()  # rates tried that don't, although a larger one does
    tried: int = 0
    reliable: float | None = None  # every rate tried up to this one trains

    def words(self, epochs: int) -> str:
        """The result in a sentence or two."""
        values = {"epochs": epochs_in_words(epochs), "tried": self.tried}
        if self.rate is None:
            kind = "none" if self.tried else "none tried"
            return tr(WORDS[kind], **values, low=_numeral(self.beyond or 0))
        if self.beyond is None:
            return tr(WORDS["all"], **values, rate=_numeral(self.rate))
        rate = _about(self.rate)
        if self.reliable is None:
            return tr(WORDS["patchy"], **values, rate=_numeral(rate))
        reliable = _about(self.reliable, down=True)
        kind = "clear" if not self.failing else "near" if reliable == rate else "ragged"
        return tr(WORDS[kind], **values, reliable=_numeral(reliable), rate=_numeral(rate))


def epochs_in_words(count: int) -> str:
    """A number of epochs, within a sentence."""
    return tr_count("{number} epoch", "{number} epochs", count, number=numeral(f"{count:,}"))


def _numeral(rate: float) -> str:
    return numeral(f"{rate:g}")


def _about(rate: float, down: bool = False) -> float:
    """The rate in as few digits as a ragged boundary justifies; perhaps rounded down."""
    mantissa, power = f"{rate:.{RATE_DIGITS - 1}e}".split("e")
    unit = 10 ** (RATE_DIGITS - SAID_DIGITS)
    shown = (int(mantissa.replace(".", "")) + (0 if down else unit // 2)) // unit
    return float(f"{shown}e{int(power) - SAID_DIGITS + 1}")


def limit_table() -> dict[str, object]:
    """The constants of a page's search."""
    return {
        "decade": DECADE,
        "decades": DECADES,
        "row": ROW,
        "stride": STRIDE,
        "far": FAR,
        "patience": PATIENCE,
        "rateDigits": RATE_DIGITS,
        "saidDigits": SAID_DIGITS,
        "words": {kind: tr(words) for kind, words in WORDS.items()},
    }


def rate_at(place: Place) -> float:
    return float(f"{10 ** (place / DECADE):.{RATE_DIGITS}g}")


def largest(trains: Callable[[float], bool]) -> Limit:
    """The range in which training begins to fail, found by trying."""
    search = _Search(trains)
    border = search.first_border()
    if border is not None:
        search.look_above(border)
        search.look_below(border)
    return search.limit()


class _Search:
    """The places tried so far, with their results."""

    def __init__(self, trains: Callable[[float], bool]) -> None:
        self.trains = trains
        self.tried: dict[Place, bool] = {}

    def try_(self, place: Place) -> bool:
        if place not in self.tried:
            self.tried[place] = self.trains(rate_at(place))
        return self.tried[place]

    @property
    def is_patient(self) -> bool:
        return len(self.tried) < PATIENCE

    def first_border(self) -> Place | None:
        """The place of a rate that trains while the next one doesn't."""
        up = self.try_(0)
        for decade in range(1, DECADES + 1):
            place = decade * DECADE if up else -decade * DECADE
            if self.try_(place) is not up:
                good = place - DECADE if up else place
                return self.between(good, good + DECADE)
        return None

    def between(self, good: Place, bad: Place) -> Place:
        """By bisection, from a rate that trains and a larger one that doesn't."""
        while bad - good > 1:
            middle = (good + bad) // 2
            if self.try_(middle):
                good = middle
            else:
                bad = middle
        return good

    def look_above(self, border: Place) -> None:
        """Search upwards, neighbour by neighbour until a row of them fails, then farther away."""
        top = border
        while self.is_patient:
            place = top + 1
            while place <= top + ROW and not self.try_(place):
                place += 1
            if place <= top + ROW:
                top = place
                continue
            far = range(top + FAR, top + ROW, -STRIDE)
            farther = next((place for place in far if self.try_(place)), None)
            if farther is None:
                return
            next_one = farther + STRIDE
            top = next_one if self.try_(next_one) else self.between(farther, next_one)

    def look_below(self, border: Place) -> None:
        """Search downwards in the same way, until a row of neighbours trains."""
        bottom = border
        while self.is_patient:
            place = bottom
            while place > bottom - ROW and self.try_(place):
                place -= 1
            if place > bottom - ROW:
                bottom = self.below(place)
                continue
            far = range(bottom - FAR, bottom - ROW, STRIDE)
            failing = next((place for place in far if not self.try_(place)), None)
            if failing is None:
                return
            bottom = self.below(failing)

    def below(self, failing: Place) -> Place:
        """The place of the next lower rate that trains."""
        good = failing - 1
        while not self.try_(good):
            good -= STRIDE
            if not self.is_patient:
                return good
        return self.between(good, failing)

    def limit(self) -> Limit:
        good = [place for place, trains in self.tried.items() if trains]
        bad = [place for place, trains in self.tried.items() if not trains]
        if not good:
            return Limit(None, rate_at(min(bad)), tried=len(self.tried))
        top = max(good)
        beyond = min((place for place in bad if place > top), default=None)
        failing = sorted(place for place in bad if place < top)
        below = max((place for place in good if place < min(bad, default=top + 1)), default=None)
        return Limit(
            rate_at(top),
            None if beyond is None else rate_at(beyond),
            tuple(map(rate_at, failing)),
            len(self.tried),
            None if below is None else rate_at(below),
        )


# A trial for each rate --------------------------------------------------------

MOST_RATES = 1_000
MOST_LISTED = 5  # in a sentence
MOST_LOSSES = 10_000_000  # rates × epochs, all of which are kept

Tick = Callable[[int], None]  # called with the number of finished trials


@dataclass(frozen=True, repr=False)
class Sweep:
    """A network trained once at each rate, from the same start."""

    net: Net | Formulas
    epochs: int
    outcomes: tuple[RateOutcome, ...]  # from the smallest rate to the largest
    limit: Limit  # up to which rate the network trains

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates, from the smallest to the largest."""
        return tuple(outcome.rate for outcome in self.outcomes)

    def __getitem__(self, rate: float) -> RateOutcome:
        """What happened at this rate."""
        for outcome in self.outcomes:
            if outcome.rate == rate:
                return outcome
        raise KeyError(rate)

    @property
    def finding(self) -> str:
        """The largest rate that trains, and which of the requested rates behave differently."""
        return f"{self.limit.words(self.epochs)} {self._exceptions()}".rstrip()

    def _exceptions(self) -> str:
        top, reliable = self.limit.rate or 0.0, self.limit.reliable or 0.0
        above = [it.rate for it in self.outcomes if it.trains and it.rate > top]
        below = [it.rate for it in self.outcomes if not it.trains and 0 < it.rate <= reliable]
        parts = []
        if above:
            rates = _listed(above)
            parts += [tr_count("{rates} trains too", "{rates} train too", len(above), rates=rates)]
        if below:
            rates = _listed(below)
            parts += [tr_count("{rates} does not", "{rates} do not", len(below), rates=rates)]
        return tr("Of the rates asked for, {some}.", some=_and(parts)) if parts else ""

    def __repr__(self) -> str:
        name = self.net.name or "a network"
        rates, epochs = counted(len(self.outcomes), "rate"), counted(self.epochs, "epoch")
        made_up = "" if self.net.has_samples else ", of a made-up sample"
        return f"<Sweep of {name}: {rates}, {epochs} each{made_up}>"

    def __str__(self) -> str:
        return look("Sweep as text", self)

    def _repr_html_(self) -> str:
        return look("Sweep as html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def sweep(
    net: Net | Formulas | Value | str,
    rates: Iterable[float] = DEFAULT_RATES,
    epochs: int = USUAL_EPOCHS,
    *,
    tick: Tick | None = None,
) -> Sweep:
    """Train the network from the start at each rate, judge each, and find the largest that trains.

    Args:
        net: The network, a built-in one's name or a text, or formulas whose result can't fall below
            some number; every rate starts from the same weights.
        rates: The learning rates to try.
        epochs: The number of epochs for each rate.
        tick: Called after every trial with the number of finished trials, including the search's.

    Returns:
        What happened at each rate: `found[0.5]` has its losses, its verdict and the reason, and
        `found.limit` is the largest rate that trains, whatever rates were requested. Printed, it is
        the table; in a notebook it displays itself.

    >>> import gradbook as gb
    >>> found = gb.sweep("worked", [0.05, 1, 1000])
    >>> {rate: str(found[rate].verdict) for rate in found.rates}
    {0.05: 'too slow', 1.0: 'good', 1000.0: 'saturated'}
    """
    net = as_net_or_formulas(net)
    wanted = _checked(numbers("rate", rates), whole("the number of epochs", epochs, 2))
    step, least = _step_and_least(net)
    done = 0

    def at(rate: float) -> RateTrial:
        nonlocal done
        outcome = trial(step, epochs, rate)
        done += 1
        if tick:
            tick(done)
        return outcome

    trials = {rate: at(rate) for rate in wanted}
    outcomes = judge_all(list(trials.values()), least)
    pull = outcomes[0].trial.slopes[0]
    if pull == 0 or not isfinite(pull):
        return Sweep(net, epochs, outcomes, Limit(None, None))  # whatever the rate

    def trains(rate: float) -> bool:
        return Case(trials.get(rate) or at(rate), least, least).holds(TRAINS)

    return Sweep(net, epochs, outcomes, largest(trains))


def _step_and_least(net: Net | Formulas) -> tuple[Step, float]:
    """The step, and the loss below which training can't fall."""
    if isinstance(net, Net):
        return training_step(net), least_loss(net)
    step = scalar_step(net)
    least, _ = bounds(step.loss)
    if not isfinite(least):
        raise UsageError(
            f"how far {net.result} can fall isn't known, so no rate can be judged: minimize what "
            "can't fall below a number, such as E = (a - t)^2"
        )
    return step, least


def _listed(rates: Sequence[float]) -> str:
    """0.5, 2 and 3; of many, the first and the last."""
    if len(rates) > MOST_LISTED:
        low, high = _numeral(rates[0]), _numeral(rates[-1])
        return tr("{count} from {low} to {high}", count=len(rates), low=low, high=high)
    *others, last = map(_numeral, rates)
    return _and([", ".join(others), last] if others else [last])


def _and(parts: Sequence[str]) -> str:
    first, *rest = parts
    return tr("{others} and {last}", others=first, last=rest[0]) if rest else first


def _checked(rates: tuple[float, ...], epochs: int) -> tuple[float, ...]:
    """The rates from the smallest to the largest, if they are valid."""
    if not rates:
        raise UsageError("no rates: give at least one, such as 0.5")
    if len(rates) > MOST_RATES:
        raise UsageError(f"{len(rates):,} rates: the most is {MOST_RATES:,}")
    for rate in rates:
        if not isfinite(rate):
            raise UsageError(f"a rate is a number, not {rate:g}")
        if rates.count(rate) > 1:
            raise UsageError(f"the rate {rate:g} is given twice: give it once")
    if len(rates) * epochs > MOST_LOSSES:
        losses = f"{counted(len(rates), 'rate')} over {counted(epochs, 'epoch')}"
        raise LimitError(f"{losses} are too many losses to keep: the most is {MOST_LOSSES:,}")
    return tuple(sorted(rates))


# The first rate ---------------------------------------------------------------

STEPS = (1, 0.5, 0.2)  # from one power of ten down to the next
POWERS = 6


def usable_rate(net: Net, epochs: int) -> float:
    """The network's own rate, or the largest one, down from the default, that simply descends.

    Rates that leap or swing are skipped; if no rate descends, it is the default.
    """
    if net.rate is not None:
        return net.rate
    step, least = training_step(net), least_loss(net)
    for power in range(POWERS):
        for share in STEPS:
            rate = float(f"{net.learning_rate * share * 10.0**-power:.12g}")
            case = Case(trial(step, epochs, rate), least, least)
            if case.holds(TRAINS & ~LEAPS & ~OSCILLATES):
                return rate
    return net.learning_rate
