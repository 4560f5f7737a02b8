"""What the learning rate does: one trial for each rate, and up to which rate it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from gradbook.amounts import counted
from gradbook.arguments import numbers, whole
from gradbook.errors import LimitError, UsageError
from gradbook.net import Net
from gradbook.net.build import training_step
from gradbook.net.task import DEFAULT_RATES
from gradbook.rates import USUAL_EPOCHS
from gradbook.rates.case import Case, least_loss
from gradbook.rates.criteria import TRAINS
from gradbook.rates.limit import Limit, largest
from gradbook.rates.trial import RateTrial, trial
from gradbook.rates.verdict import RateOutcome, judge_all

MOST_RATES = 1_000
MOST_LISTED = 5  # in a sentence
MOST_LOSSES = 10_000_000  # rates × epochs, all of them kept

Tick = Callable[[int], None]  # told how many trials are done


@dataclass(frozen=True, repr=False)
class Sweep:
    """A network trained once at each rate, from the same start."""

    net: Net
    epochs: int
    outcomes: tuple[RateOutcome, ...]  # from the smallest rate to the largest
    limit: Limit

    @property
    def rates(self) -> tuple[float, ...]:
        return tuple(outcome.rate for outcome in self.outcomes)

    def __getitem__(self, rate: float) -> RateOutcome:
        """What happened at this rate."""
        for outcome in self.outcomes:
            if outcome.rate == rate:
                return outcome
        raise KeyError(rate)

    @property
    def finding(self) -> str:
        """Up to which rate it trains, and which of the rates asked for go otherwise."""
        return f"{self.limit.words(self.epochs)}{self._exceptions()}"

    def _exceptions(self) -> str:
        top, reliable = self.limit.rate or 0.0, self.limit.reliable or 0.0
        above = [it.rate for it in self.outcomes if it.trains and it.rate > top]
        below = [it.rate for it in self.outcomes if not it.trains and 0 < it.rate <= reliable]
        said = [
            *([f"{_listed(above)} {'train' if above[1:] else 'trains'} too"] if above else []),
            *([f"{_listed(below)} {'do' if below[1:] else 'does'} not"] if below else []),
        ]
        return f" Of the rates asked for, {' and '.join(said)}." if said else ""

    def __repr__(self) -> str:
        name = self.net.name or "a network"
        rates, epochs = counted(len(self.outcomes), "rate"), counted(self.epochs, "epoch")
        made_up = "" if self.net.has_samples else ", of a made-up sample"
        return f"<Sweep of {name}: {rates}, {epochs} each{made_up}>"

    def _repr_html_(self) -> str:
        from gradbook.report.sweep.page import cell

        return cell(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        from gradbook.report.sweep.text import plain_report

        printer.text(plain_report(self))


def sweep(
    net: Net,
    rates: Iterable[float] = DEFAULT_RATES,
    epochs: int = USUAL_EPOCHS,
    *,
    tick: Tick | None = None,
) -> Sweep:
    """Train the network anew at each rate, judge each, and find up to which rate it trains.

    The same start for every rate, `epochs` of it each. `found[0.5]` is what happened at a rate:
    its losses, its verdict and the reason; `found.limit` says up to which rate it trains,
    whichever were asked for. `tick` is told after every trial how many are done, those of the
    search included.
    """
    wanted = _checked(numbers("rate", rates), whole("the number of epochs", epochs, 2))
    step, least = training_step(net), least_loss(net)
    done = 0

    def at(rate: float) -> RateTrial:
        nonlocal done
        found = trial(step, epochs, rate)
        done += 1
        if tick:
            tick(done)
        return found

    trials = {rate: at(rate) for rate in wanted}
    outcomes = judge_all(list(trials.values()), least)
    pull = outcomes[0].trial.slopes[0]
    if pull == 0 or not isfinite(pull):
        return Sweep(net, epochs, outcomes, Limit(None, None))  # whatever the rate

    def trains(rate: float) -> bool:
        return Case(trials.get(rate) or at(rate), least, least).holds(TRAINS)

    return Sweep(net, epochs, outcomes, largest(trains))


def _listed(rates: Sequence[float]) -> str:
    """0.5, 2 and 3; of many the first and the last."""
    if len(rates) > MOST_LISTED:
        return f"{len(rates)} from {rates[0]:g} to {rates[-1]:g}"
    return " and ".join(filter(None, (", ".join(f"{it:g}" for it in rates[:-1]), f"{rates[-1]:g}")))


def _checked(rates: tuple[float, ...], epochs: int) -> tuple[float, ...]:
    """The rates from the smallest to the largest, if they are rates."""
    if not rates:
        raise UsageError("no rates: give one at least, such as 0.5")
    if len(rates) > MOST_RATES:
        raise UsageError(f"{len(rates):,} rates: the most is {MOST_RATES:,}")
    for rate in rates:
        if not isfinite(rate):
            raise UsageError(f"a rate is a number, not {rate:g}")
        if rates.count(rate) > 1:
            raise UsageError(f"the rate {rate:g} twice: give it once")
    if len(rates) * epochs > MOST_LOSSES:
        losses = f"{counted(len(rates), 'rate')} over {counted(epochs, 'epoch')}"
        raise LimitError(f"{losses} are too many losses to keep: the most is {MOST_LOSSES:,}")
    return tuple(sorted(rates))
