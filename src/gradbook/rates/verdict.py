"""What a trial says about its rate: one word for it, and the reason with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log, log10

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import rough_percent, short
from gradbook.graph.node import Array
from gradbook.rates.criteria import (
    AT_BOTTOM,
    CLIMBS,
    CROSSES,
    ENOUGH,
    FADED,
    FROZEN,
    GROWS,
    OSCILLATES,
    ROUNDING,
    SETTLED,
    SHUT,
    STILL,
    TRAINS,
    Case,
    Verdict,
    last_quarter,
    resting_loss,
)
from gradbook.rates.trial import Gate, RateTrial

Flags = NDArray[np.bool_]  # (samples, units)

SLIGHT = 0.01  # of the largest gradient: less than that is not worth mentioning
SLOPES = {"sigmoid": "a(1−a)", "tanh": "1−a²", "exp": "a(1−a)"}
LONG = 1e6  # epochs: nobody waits for more


@dataclass(frozen=True)
class RateOutcome:
    """One rate: what happened, what that means, and whether training works at that rate."""

    trial: RateTrial
    verdict: Verdict
    reason: str
    trains: bool

    @property
    def rate(self) -> float:
        return self.trial.rate

    @property
    def losses(self) -> Array:
        """The loss of each epoch, before its update."""
        return self.trial.losses

    @property
    def end(self) -> float:
        return self.trial.end

    @property
    def lowest(self) -> float:
        return self.trial.lowest


def judge_all(trials: Sequence[RateTrial], least: float) -> tuple[RateOutcome, ...]:
    """What trials of one network say, where `least` is the lowest loss there could be."""
    reached = resting_loss([Case(trial, least, least) for trial in trials], least)
    return tuple(judge(trial, least, reached) for trial in trials)


def judge(trial: RateTrial, least: float, best_known: float) -> RateOutcome:
    """What one says; `best_known` is the lowest loss known to be reached, or `least`."""
    case = Case(trial, least, best_known)
    verdict = case.verdict()
    return RateOutcome(trial, verdict, _REASONS[verdict](case), case.holds(TRAINS))


# Why it is what it is, in a line with the numbers that decided it.


def _why_too_slow(case: Case) -> str:
    if case.holds(FROZEN):
        return f"a rate of {short(case.trial.rate)} learns nothing: the loss stays {_end(case)}"
    return f"{_way(case)}{_pace(case)}{_shut(case)}"


def _why_good(case: Case) -> str:
    if case.holds(FROZEN):
        return f"nothing to learn: the loss is {_end(case)} from the start"
    if case.holds(AT_BOTTOM):
        rounding = ": nothing but rounding is left" if case.trial.end else ""
        return f"down to {_end(case)}{rounding}"
    if case.holds(SETTLED):
        gone = f"the gradient fell to {short(case.fading)} of its largest, with nothing saturated"
        return f"settles at {_end(case)}: {gone}"
    return _way(case)


def _why_recovers(case: Case) -> str:
    losses = case.trial.losses
    peak = int(losses.argmax())
    back = int(np.flatnonzero(losses >= case.start)[-1]) + 2  # epochs count from 1
    leap = f"leaps from {short(case.start)} to {short(losses[peak])} in epoch {peak + 1}"
    return f"{leap}, is below its start from epoch {back} on and ends at {_end(case)}"


def _why_oscillates(case: Case) -> str:
    times, steps = case.turn_counts
    turns = f"the gradient reverses at {times} of {steps} steps"
    habit = turns if case.holds(CROSSES) else f"the loss rises again {case.rises} times"
    if case.holds(TRAINS):
        return f"{habit}; nevertheless {_way(case)}"
    return f"{habit}; {_swings(case)}{_shut(case)}"


def _why_diverges(case: Case) -> str:
    losses = case.trial.losses
    if case.breaks:
        finite = np.isfinite(losses) & np.isfinite(case.trial.slopes)
        lost = int(np.flatnonzero(~finite)[0]) + 1
        grown = f", after {short(losses[lost - 2])}" if lost > 1 else ""
        return f"no longer a number from epoch {lost} on{grown}"
    if case.holds(CLIMBS):
        return f"a rate below 0 climbs: from {short(case.start)} to {_end(case)}"
    if case.holds(GROWS):
        return f"grows step by step, from {short(case.start)} to {_end(case)}"
    if case.holds(OSCILLATES):
        return f"{_swings(case)}, above its start of {short(case.start)}{_shut(case)}"
    falling = " and falling" if losses[-1] < last_quarter(losses)[0] else ""
    return f"ends at {_end(case)}, above its start of {short(case.start)}{falling}{_shut(case)}"


def _why_saturated(case: Case) -> str:
    gate = case.shut_gate
    assert gate is not None
    last = float(case.trial.slopes[-1])
    nothing = f"no gradient is above {ceiling(last)}" if last else "every gradient is 0"
    so = nothing if gate.covers else f"no weight before {gate.name} learns"
    sits = f"the loss stays at {_end(case)}{_waking(case)}"
    slope = SLOPES.get(gate.op, "the slope")
    steepest = _steepest_slope(gate)
    slope += f" ≤ {ceiling(steepest)}" if steepest else " is 0"
    return f"{_standing(gate)}: {slope}, so {so}; {sits}"


def _why_stuck(case: Case) -> str:
    if case.holds(FROZEN):
        return f"no gradient to begin with: the loss stays {_end(case)}; try another start"
    known = "another rate reaches" if case.best_known > case.least else "it could be as low as"
    gone = f"the gradient fell to {short(case.fading)} of its largest"
    return f"settles at {_end(case)}: {gone}, yet {known} {short(case.best_known)}"


# Parts of a sentence.


def _end(case: Case) -> str:
    return short(case.trial.end)


def _swings(case: Case) -> str:
    """Between which losses it goes to and fro."""
    low, high = (short(f(last_quarter(case.trial.losses))) for f in (np.min, np.max))
    between = f"stays at {low}" if low == high else f"swings between {low} and {high} at the end"
    return f"the loss {between}"


def _way(case: Case) -> str:
    """How far it has come: 82 % of the possible reduction, to 0."""
    goal = short(case.best_known)
    if case.left < ROUNDING:
        return f"all the way down to {goal}"
    left = case.left < 0.01
    done = f"all but {rough_percent(case.left)}" if left else rough_percent(1 - case.left)
    return f"{done} of the possible reduction, to {goal}"


def _pace(case: Case) -> str:
    """How long the rest would take at the pace of the last quarter; flat isn't yet arrived."""
    if case.fading <= FADED and case.holds(STILL):
        return f"; flat, but not settled: the gradient is still {short(case.fading)} of its largest"
    above = last_quarter(case.trial.losses) - case.best_known
    fall = log(above[0] / above[-1]) / (len(above) - 1) if min(above[0], above[-1]) > 0 else 0
    if fall * LONG < 1:
        return ", and it hardly falls any more"
    wait = log(case.left / ENOUGH) / fall
    return f"; at this pace {rough_percent(1 - ENOUGH)} takes {_about(wait)} more epochs"


def _waking(case: Case) -> str:
    """When the slopes will open by themselves: 1/s grows evenly, so in the end all at once."""
    last, before = case.trial.slopes[-1], case.trial.slopes[-2]
    growth = last / before - 1 if before > 0 else 0.0
    if not growth * LONG > 1 or (case.shut_gate and not case.shut_gate.covers):
        return ""
    return f", and at this pace it recovers in {_about(1 / growth)} epochs"


def _shut(case: Case) -> str:
    gate = case.shut_gate
    return f"; {_standing(gate)}, so no weight before {gate.name} learns" if gate else ""


def _standing(gate: Gate) -> str:
    """Which of an activation's results are saturated, and where: both outputs at 1.0000."""
    values = gate.results[_saturated_results(gate)]
    low, high = (
        "0" if value == 0 else f"{value:.4f}".replace("-", "−")
        for value in (values.min(), values.max())
    )
    if low == high:
        return f"{_who(gate)} at {low}"
    only_two = len(np.unique(values.round(4))) == 2
    return f"{_who(gate)} {'at' if only_two else 'between'} {low} and {high}"


def _who(gate: Gate) -> str:
    word = "output" if gate.is_output else "unit"
    of = "" if gate.is_output else f" of {gate.name}"
    flags = (_saturated_results(gate), _reached_results(gate))
    saturated, reached = (int(found.any(axis=0).sum()) for found in flags)
    units = gate.results.shape[1]
    if units == 1:
        return f"the {word}{of}"
    if saturated < units:
        alone = " (no gradient reaches the rest)" if saturated == reached else ""
        return f"{saturated} of {units} {word}s{of}{alone}"
    return f"both {word}s{of}" if units == 2 else f"all {units} {word}s{of}"


# Where an activation is saturated.


def _reached_results(gate: Gate) -> Flags:
    """The results at which a gradient worth mentioning arrives."""
    arriving = np.abs(gate.arriving)
    return np.asarray(arriving >= SLIGHT * arriving.max())


def _saturated_results(gate: Gate) -> Flags:
    """Those of them whose slopes let next to nothing of it through."""
    reached = _reached_results(gate)
    found = reached & (np.abs(gate.passing) <= SHUT * np.abs(gate.arriving))
    return found if found.any() else reached


def _steepest_slope(gate: Gate) -> float:
    """The largest slope of what is saturated."""
    saturated = _saturated_results(gate)
    if gate.own_slopes is not None:
        return float(np.abs(gate.own_slopes[saturated]).max(initial=0.0))
    arriving, passing = (np.abs(d[saturated]) for d in (gate.arriving, gate.passing))
    return float((passing / np.where(arriving > 0, arriving, 1)).max(initial=0.0))


# Numbers in a sentence.


def ceiling(value: float) -> str:
    """The next number of one digit that isn't below it: 6e-06."""
    if not (isfinite(value) and value > 0):
        return short(value)
    unit = 10.0 ** floor(log10(value))
    return short(ceil(value / unit) * unit) if unit else short(value)


def _about(count: float) -> str:
    """A count of one digit: about 500."""
    if count >= LONG:
        return "more than a million"
    digits = max(0, floor(log10(max(count, 1))))
    return f"about {max(1, round(count / 10**digits)) * 10**digits:,}"


_REASONS: Mapping[Verdict, Callable[[Case], str]] = {
    Verdict.TOO_SLOW: _why_too_slow,
    Verdict.GOOD: _why_good,
    Verdict.RECOVERS: _why_recovers,
    Verdict.OSCILLATES: _why_oscillates,
    Verdict.DIVERGES: _why_diverges,
    Verdict.SATURATED: _why_saturated,
    Verdict.STUCK: _why_stuck,
}
