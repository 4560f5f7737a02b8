"""The verdict on a trial's learning rate: one word, and the reason with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log, log10

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import rough_percent, short
from gradbook.graph.node import Array
from gradbook.language import mark, numeral, tr
from gradbook.rates.criteria import (
    AT_BOTTOM,
    CLIMBS,
    CROSSES,
    FADED,
    FROZEN,
    GROWS,
    LEFT_AFTER_SUCCESS,
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

SLIGHT = 0.01  # of the largest gradient: smaller ones don't count
SLOPES = {"sigmoid": "a(1−a)", "tanh": "1−a²", "exp": "a(1−a)"}
LONG = 1e6  # epochs, more than anyone waits for


@dataclass(frozen=True)
class RateOutcome:
    """One rate: what happened, what that means, and whether training works at that rate."""

    trial: RateTrial
    verdict: Verdict  # what it does: good, too slow, diverges …
    case: Case
    trains: bool  # whether training works at it

    @property
    def reason(self) -> str:
        """The reason for the verdict, in one line with the numbers that decided it."""
        return _REASONS[self.verdict](self.case)

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
    verdict = case.verdict()
    return RateOutcome(trial, verdict, case, case.holds(TRAINS))


# The reasons for verdicts, each in one line with the numbers that decided it.


def _why_too_slow(case: Case) -> str:
    if case.holds(FROZEN):
        told = tr("a rate of {rate} learns nothing: the loss stays {end}")
        return told.format(rate=_short(case.trial.rate), end=_end(case))
    return _and_shut(_and_pace(_way(case), case), case)


def _why_good(case: Case) -> str:
    end = _end(case)
    if case.holds(FROZEN):
        return tr("nothing to learn: the loss is {end} from the start", end=end)
    if case.holds(AT_BOTTOM):
        exactly, nearly = mark("down to {end}"), mark("down to {end}: nothing but rounding is left")
        return tr(nearly if case.trial.end else exactly, end=end)
    if case.holds(SETTLED):
        told = tr(
            "settles at {end}: the gradient fell to {share} of its largest, with nothing saturated"
        )
        return told.format(end=end, share=_short(case.fading))
    return _way(case)


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
        end=_end(case),
    )


def _why_oscillates(case: Case) -> str:
    times, steps = case.turn_counts
    turns = mark("the gradient reverses at {times} of {steps} steps")
    rises = mark("the loss rises again {rises} times")
    told = turns if case.holds(CROSSES) else rises
    habit = tr(told, times=times, steps=steps, rises=case.rises)
    if case.holds(TRAINS):
        return tr("{habit}; nevertheless {reduction}", habit=habit, reduction=_way(case))
    return _and_shut(tr("{habit}; {swings}", habit=habit, swings=_swings(case)), case)


def _why_diverges(case: Case) -> str:
    losses = case.trial.losses
    start, end = _short(case.start), _end(case)
    if case.breaks:
        finite = np.isfinite(losses) & np.isfinite(case.trial.slopes)
        lost = int(np.flatnonzero(~finite)[0]) + 1
        if lost == 1:
            return tr("no longer a number from epoch {epoch} on", epoch=lost)
        told = tr("no longer a number from epoch {epoch} on, after {loss}")
        return told.format(epoch=lost, loss=_short(losses[lost - 2]))
    if case.holds(CLIMBS):
        return tr("a rate below 0 climbs: from {start} to {end}", start=start, end=end)
    if case.holds(GROWS):
        return tr("grows step by step, from {start} to {end}", start=start, end=end)
    if case.holds(OSCILLATES):
        told = tr("{swings}, above its start of {start}", swings=_swings(case), start=start)
        return _and_shut(told, case)
    resting = mark("ends at {end}, above its start of {start}")
    falling = mark("ends at {end}, above its start of {start} and falling")
    falls = losses[-1] < last_quarter(losses)[0]
    return _and_shut(tr(falling if falls else resting, end=end, start=start), case)


def _why_saturated(case: Case) -> str:
    gate = case.shut_gate
    assert gate is not None
    last = float(case.trial.slopes[-1])
    if not gate.covers:
        so = tr("no weight before {name} learns", name=gate.name)
    elif last:
        so = tr("no gradient is above {number}", number=ceiling(last))
    else:
        so = tr("every gradient is 0")
    slope = SLOPES.get(gate.op) or tr("the slope")
    steepest = _steepest_slope(gate)
    flat, rising = mark("{slope} is 0"), mark("{slope} ≤ {number}")
    return tr(
        "{units}: {slope}, so {consequence}; {loss}",
        units=_standing(gate),
        slope=tr(rising if steepest else flat, slope=slope, number=ceiling(steepest)),
        consequence=so,
        loss=_waking(case),
    )


def _why_stuck(case: Case) -> str:
    if case.holds(FROZEN):
        told = tr("no gradient to begin with: the loss stays {end}; try another start")
        return told.format(end=_end(case))
    reached = mark(
        "settles at {end}: the gradient fell to {share} of its largest, yet another rate reaches "
        "{best}"
    )
    possible = mark(
        "settles at {end}: the gradient fell to {share} of its largest, yet it could be as low as "
        "{best}"
    )
    told = reached if case.best_known > case.least else possible
    return tr(told, end=_end(case), share=_short(case.fading), best=_short(case.best_known))


# Parts of a sentence.


def _short(value: float) -> str:
    return numeral(short(value))


def _end(case: Case) -> str:
    return _short(case.trial.end)


def _swings(case: Case) -> str:
    """The losses between which it swings."""
    low, high = (_short(f(last_quarter(case.trial.losses))) for f in (np.min, np.max))
    still = mark("the loss stays at {low}")
    swinging = mark("the loss swings between {low} and {high} at the end")
    return tr(still if low == high else swinging, low=low, high=high)


def _way(case: Case) -> str:
    """The reduction achieved: 82 % of the possible reduction, to 0."""
    goal = _short(case.best_known)
    if case.left < ROUNDING:
        return tr("all the way down to {goal}", goal=goal)
    if case.left < 0.01:
        told = tr("all but {share} of the possible reduction, to {goal}")
        return told.format(share=numeral(rough_percent(case.left)), goal=goal)
    told = tr("{share} of the possible reduction, to {goal}")
    return told.format(share=numeral(rough_percent(1 - case.left)), goal=goal)


def _and_pace(said: str, case: Case) -> str:
    """How long the rest would take at the current speed; a flat curve hasn't settled yet."""
    if case.fading <= FADED and case.holds(STILL):
        told = tr("{said}; flat, but not settled: the gradient is still {share} of its largest")
        return told.format(said=said, share=_short(case.fading))
    above = last_quarter(case.trial.losses) - case.best_known
    fall = log(above[0] / above[-1]) / (len(above) - 1) if min(above[0], above[-1]) > 0 else 0
    if fall * LONG < 1:
        return tr("{said}, and it hardly falls any more", said=said)
    if case.trial.most_epochs == case.trial.epochs:
        return said
    epoch = case.learned_in
    there, not_there = (
        mark("{said}; {share} takes {count} epochs"),
        mark("{said}; {share} takes more than {count} epochs"),
    )
    return tr(
        not_there if epoch is None else there,
        said=said,
        share=rough_percent(1 - LEFT_AFTER_SUCCESS),
        count=numeral(f"{epoch or case.trial.most_epochs:,}"),
    )


def _waking(case: Case) -> str:
    """The loss, and when it leaves that value by itself: slopes open slowly, then suddenly."""
    may_wake = case.trial.end >= case.start and (not case.shut_gate or case.shut_gate.covers)
    epoch = case.awake_in if may_wake else None
    stays = tr("the loss stays at {low}", low=_end(case))
    if epoch is None:
        return stays
    told = tr("{said} and is first below its start in epoch {epoch}")
    return told.format(said=stays, epoch=numeral(f"{epoch:,}"))


def _and_shut(said: str, case: Case) -> str:
    gate = case.shut_gate
    if not gate:
        return said
    told = tr("{said}; {units}, so no weight before {name} learns")
    return told.format(said=said, units=_standing(gate), name=gate.name)


def _standing(gate: Gate) -> str:
    """Which of an activation's results are saturated, and at what value: both outputs at 1.0000."""
    values = gate.results[_saturated_results(gate)]
    low, high = (
        "0" if value == 0 else numeral(f"{value:.4f}").replace("-", "−")
        for value in (values.min(), values.max())
    )
    if low == high:
        return tr("{units} at {low}", units=_who(gate), low=low)
    two, many = mark("{units} at {low} and {high}"), mark("{units} between {low} and {high}")
    only_two = len(np.unique(values.round(4))) == 2
    return tr(two if only_two else many, units=_who(gate), low=low, high=high)


def _who(gate: Gate) -> str:
    flags = (_saturated_results(gate), _reached_results(gate))
    saturated, reached = (int(found.any(axis=0).sum()) for found in flags)
    units = gate.results.shape[1]
    if units == 1:
        kind = ONE_UNIT
    elif saturated < units:
        kind = SOME_UNITS
    else:
        kind = BOTH_UNITS if units == 2 else ALL_UNITS
    who = tr(kind[gate.is_output], name=gate.name, some=saturated, count=units)
    if kind is SOME_UNITS and saturated == reached:
        return tr("{units} (no gradient reaches the rest)", units=who)
    return who


# For a hidden layer, and for the last one.
ONE_UNIT = (mark("the unit of {name}"), mark("the output"))
SOME_UNITS = (mark("{some} of {count} units of {name}"), mark("{some} of {count} outputs"))
BOTH_UNITS = (mark("both units of {name}"), mark("both outputs"))
ALL_UNITS = (mark("all {count} units of {name}"), mark("all {count} outputs"))


# Saturated results of an activation.


def _reached_results(gate: Gate) -> Flags:
    """The results that receive a gradient large enough to count."""
    arriving = np.abs(gate.arriving)
    return np.asarray(arriving >= SLIGHT * arriving.max())


def _saturated_results(gate: Gate) -> Flags:
    """Those among them whose slopes pass on almost none of it."""
    reached = _reached_results(gate)
    shut = reached & (np.abs(gate.passing) <= SHUT * np.abs(gate.arriving))
    return shut if shut.any() else reached


def _steepest_slope(gate: Gate) -> float:
    """The largest slope of the saturated results."""
    saturated = _saturated_results(gate)
    if gate.own_slopes is not None:
        return float(np.abs(gate.own_slopes[saturated]).max(initial=0.0))
    arriving, passing = (np.abs(d[saturated]) for d in (gate.arriving, gate.passing))
    return float((passing / np.where(arriving > 0, arriving, 1)).max(initial=0.0))


# Numbers in a sentence.


def ceiling(value: float) -> str:
    """The number rounded up to one digit: 6e-06."""
    if not (isfinite(value) and value > 0):
        return _short(value)
    unit = 10.0 ** floor(log10(value))
    return _short(ceil(value / unit) * unit) if unit else _short(value)


_REASONS: Mapping[Verdict, Callable[[Case], str]] = {
    Verdict.TOO_SLOW: _why_too_slow,
    Verdict.GOOD: _why_good,
    Verdict.RECOVERS: _why_recovers,
    Verdict.OSCILLATES: _why_oscillates,
    Verdict.DIVERGES: _why_diverges,
    Verdict.SATURATED: _why_saturated,
    Verdict.STUCK: _why_stuck,
}
