"""The verdict on a trial's learning rate: one word, and the numbers behind it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import rough_percent, short
from gradbook.graph.node import Array
from gradbook.language import mark, numeral, tr
from gradbook.rates.criteria import SHUT, TRAINS, Case, Verdict, last_quarter, resting_loss
from gradbook.rates.trial import Gate, RateTrial

SLIGHT = 0.01  # of the largest gradient: smaller ones don't count


@dataclass(frozen=True)
class RateOutcome:
    """One rate: what happened, what that means, and whether training works at that rate."""

    trial: RateTrial
    verdict: Verdict  # what it does: good, too slow, diverges …
    case: Case
    trains: bool  # whether training works at it

    @property
    def reason(self) -> str:
        """The reason for the verdict, in one line with its numbers."""
        match self.verdict:
            case Verdict.RECOVERS:
                return _why_recovers(self.case)
            case Verdict.OSCILLATES:
                return _why_oscillates(self.case)
            case Verdict.DIVERGES:
                return _why_diverges(self.case)
            case Verdict.SATURATED:
                return _why_saturated(self.case)
            case Verdict.STUCK:
                return _why_stuck(self.case)
            case _:
                return _reduction(self.case)

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.trial.rate

    @property
    def losses(self) -> Array:
        """The loss of each epoch, before its update."""
        return self.trial.losses

    @property
    def end(self) -> float:
        """The last loss."""
        return self.trial.end

    @property
    def lowest(self) -> float:
        """The lowest loss."""
        return self.trial.lowest


def judge_all(trials: Sequence[RateTrial], least: float) -> tuple[RateOutcome, ...]:
    """The outcomes of one network's trials, where `least` is the lowest possible loss."""
    reached = resting_loss([Case(trial, least, least) for trial in trials], least)
    return tuple(judge(trial, least, reached) for trial in trials)


def judge(trial: RateTrial, least: float, best_known: float) -> RateOutcome:
    """The outcome of one trial; `best_known` is the lowest loss known to be reached, or `least`."""
    case = Case(trial, least, best_known)
    return RateOutcome(trial, case.verdict(), case, case.holds(TRAINS))


# The reasons ------------------------------------------------------------------


def _reduction(case: Case) -> str:
    """82 % of the possible reduction, to 0"""
    nearly, part = (
        mark("all but {share} of the possible reduction, to {goal}"),
        mark("{share} of the possible reduction, to {goal}"),
    )
    is_small = 0 < case.left < 0.01
    share = numeral(rough_percent(case.left if is_small else 1 - case.left))
    return tr(nearly if is_small else part, share=share, goal=_short(case.best_known))


def _why_recovers(case: Case) -> str:
    losses = case.trial.losses
    peak = int(losses.argmax())
    back = int(np.flatnonzero(losses >= case.start)[-1]) + 2  # epochs count from 1
    return tr(
        "leaps from {start} to {peak} in epoch {epoch}, is below its start from epoch {back} on "
        "and ends at {end}",
        start=_short(case.start),
        peak=_short(losses[peak]),
        epoch=peak + 1,
        back=back,
        end=_short(case.trial.end),
    )


def _why_oscillates(case: Case) -> str:
    times, steps = case.turn_counts
    late = last_quarter(case.trial.losses)
    return tr(
        "the gradient reverses at {times} of {steps} steps; in the last quarter the loss is "
        "between {low} and {high}",
        times=times,
        steps=steps,
        low=_short(late.min()),
        high=_short(late.max()),
    )


def _why_diverges(case: Case) -> str:
    losses = case.trial.losses
    if case.breaks:
        lost = np.flatnonzero(~(np.isfinite(losses) & np.isfinite(case.trial.slopes)))
        return tr("no longer a number from epoch {epoch} on", epoch=int(lost[0]) + 1)
    start, end = _short(case.start), _short(case.trial.end)
    return tr("the loss goes from {start} to {end}", start=start, end=end)


def _why_saturated(case: Case) -> str:
    gate = case.shut_gate
    assert gate is not None
    shut = _saturated_results(gate)
    low, high = (numeral(f"{f(gate.results[shut]):.4f}") for f in (np.min, np.max))
    return tr(
        "{name} is at {values}, with slopes of at most {slope}; the loss stays at {end}",
        name=gate.name,
        values=low if low == high else f"{low} … {high}",
        slope=ceiling(_steepest_slope(gate, shut)),
        end=_short(case.trial.end),
    )


def _why_stuck(case: Case) -> str:
    return tr(
        "settles at {end}: the gradient fell to {share} of its largest, yet it could be as low as "
        "{best}",
        end=_short(case.trial.end),
        share=_short(case.fading),
        best=_short(case.best_known),
    )


# Saturated results of an activation -------------------------------------------


def _saturated_results(gate: Gate) -> NDArray[np.bool_]:
    """Those that get a gradient large enough to count, and pass on almost none of it."""
    arriving = np.abs(gate.arriving)
    reached = arriving >= SLIGHT * arriving.max()
    shut = np.asarray(reached & (np.abs(gate.passing) <= SHUT * arriving))
    return shut if shut.any() else np.asarray(reached)


def _steepest_slope(gate: Gate, shut: NDArray[np.bool_]) -> float:
    if gate.own_slopes is not None:
        return float(np.abs(gate.own_slopes[shut]).max(initial=0.0))
    arriving, passing = (np.abs(d[shut]) for d in (gate.arriving, gate.passing))
    return float((passing / np.where(arriving > 0, arriving, 1)).max(initial=0.0))


# Numbers in a sentence.


def _short(value: float) -> str:
    return numeral(short(value))


def ceiling(value: float) -> str:
    """The number rounded up to one digit: 6e-06."""
    if not (isfinite(value) and value > 0):
        return _short(value)
    unit = 10.0 ** floor(log10(value))
    return _short(ceil(value / unit) * unit) if unit else _short(value)
