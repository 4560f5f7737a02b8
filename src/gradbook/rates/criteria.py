"""The verdicts on learning rates and what decides them: the one place where both are stated.

A sweep holds its trials against these conditions; a workbook's formulas are made of them.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from gradbook.rates.conditions import Condition, Logic, Measure

# Thresholds ------------------------------------------------------------------

ENOUGH = 0.1  # of what could be learned: training that leaves no more has learned
ROUNDING = 1e-12  # of the largest excess: what is left then is rounding
LAST_DIGITS = 2e-15  # of the lowest loss possible: the same, where that isn't 0
BOTTOM = 1e-6  # of the excess at the start: how a curve wobbles below that doesn't matter
LEAP = 1.05  # times the excess at the start
FAR = 10  # times the excess at the start: a loss that ends so high is lost, whatever it does
RISE = 1.1  # times the last low: what counts as one of several waves
HABIT = 3  # so many rises, or turns, are more than an accident
TURNING = 0.75  # of the steps turn the gradient round
FLAT, DEAD_FLAT = 0.05, 0.01  # how far the excess moves in the last quarter of the epochs
LATE, LATEST = 0.25, 0.1  # of the epochs: the last quarter, and the last tenth
LEAST_LATE = {LATE: 2, LATEST: 1}  # epochs, however few there are
FADED, GONE = 0.1, 1e-3  # a gradient, relative to the largest of its trial
NO_GRADIENT = 1e-12  # relative to the loss at the start: as good as none
SHUT = 0.01  # of the gradient at an activation's results gets through its slopes
DEAD = 1e-6  # a slope: where a layer has none above this, no step in reach brings it back
AS_LOW = 1e-3  # of what was learned: so close to the lowest loss is as low

# Measures of a trial ---------------------------------------------------------
# The excess is what a loss has above the lowest that is possible: only that can be learned away.

RATE = Measure("rate")
NO_NUMBERS = Measure("epochs without numbers")  # in which loss or gradient is infinite or NaN
START, END = Measure("loss at the start"), Measure("loss at the end")
START_SIZE = Measure("size of that start")  # without its sign
SPAN = Measure("span of the losses")
LATEST_HIGH = Measure("highest in the last tenth")
FIRST, LAST = Measure("excess at the start"), Measure("excess at the end")
HIGHEST = Measure("highest excess")
LATE_LOW = Measure("lowest excess in the last quarter")
MOVEMENT = Measure("movement in the last quarter")  # of the excess, relative to its largest there
LATE_STEPS = Measure("steps in the last quarter")
LATE_RISES = Measure("steps up in the last quarter")
LEAST = Measure("lowest loss possible")
LEFT = Measure("left to learn")  # of the way from the start to the lowest loss known
FIRST_GRADIENT = Measure("gradient at the start")
FADING = Measure("last gradient, of the largest")
TURNS, STEPS = Measure("turns of the gradient"), Measure("steps on the way down")
RISES = Measure("rises of the loss")
SHARE = Measure("least share let through")  # of the gradient, by an activation in the last epoch
SHARE_OF_ALL = Measure("by one that all gradients pass")
STEEPEST = Measure("steepest slope of a hidden layer")  # of the one where that is least

# Conditions ------------------------------------------------------------------

BROKEN = Condition("breaks", NO_NUMBERS > 0)
FROZEN = Condition("frozen", SPAN <= ROUNDING * START_SIZE)
CLIMBS = Condition("climbs", (RATE < 0) & ~FROZEN)
AT_BOTTOM = Condition("at the bottom", (LAST <= ROUNDING * HIGHEST) | (LAST <= LAST_DIGITS * LEAST))
GROWS = Condition("grows", (LATE_RISES >= LATE_STEPS) & (END > START))
LOST = Condition("ends far above", (LATE_LOW > LEAP * FIRST) | (LAST > FAR * FIRST))
LEAPS = Condition("leaps", HIGHEST > LEAP * FIRST)
LEARNED = Condition("learned", LEFT <= ENOUGH)
CROSSES = Condition("crosses the valley", (TURNS >= HABIT) & (TURNS >= TURNING * STEPS))
OSCILLATES = Condition("swings", CROSSES | (RISES >= HABIT))
STILL = Condition("lies still", MOVEMENT <= DEAD_FLAT)
SLEEPS = Condition("shut and flat", (SHARE_OF_ALL <= SHUT) & (END >= START) & (MOVEMENT <= FLAT))
IDLES = Condition("part shut and still", STILL & ((SHARE_OF_ALL <= SHUT) | (FADING <= FADED)))
KEPT_BACK = Condition("slopes shut", (SHARE <= SHUT) & ~AT_BOTTOM & (SLEEPS | IDLES))
IS_DEAD = Condition("hidden units dead", (STEEPEST <= DEAD) & (FIRST > 0) & (END < START))
IS_SATURATED = Condition("saturated", ~BROKEN & (IS_DEAD | KEPT_BACK))
NO_PULL = Condition(
    "no gradient from the start", FROZEN & (FIRST_GRADIENT <= NO_GRADIENT * START_SIZE)
)
FADED_AWAY = Condition("faded away", STILL & ((FADING <= GONE) | NO_PULL))
SETTLED = Condition("at rest", ~BROKEN & ~IS_SATURATED & (AT_BOTTOM | FADED_AWAY))
TRAINS = Condition("trains", (RATE >= 0) & ~BROKEN & ~IS_SATURATED & (LATEST_HIGH < START))


class Verdict(StrEnum):
    """What a learning rate does."""

    TOO_SLOW = "too slow"
    GOOD = "good"
    RECOVERS = "overshoots and recovers"
    OSCILLATES = "oscillates"
    DIVERGES = "diverges"
    SATURATED = "saturated"
    STUCK = "stuck"


DECISIONS: tuple[tuple[Logic, Verdict], ...] = (  # the first that holds counts
    (BROKEN | CLIMBS, Verdict.DIVERGES),
    (IS_SATURATED, Verdict.SATURATED),
    (TRAINS & LEAPS & (LEARNED | ~OSCILLATES), Verdict.RECOVERS),
    (OSCILLATES & ~GROWS & ~LOST, Verdict.OSCILLATES),
    (LEARNED & (TRAINS | SETTLED), Verdict.GOOD),
    (SETTLED, Verdict.STUCK),
    (TRAINS | FROZEN, Verdict.TOO_SLOW),
)
OTHERWISE = Verdict.DIVERGES

MEANINGS = MappingProxyType(
    {
        Verdict.TOO_SLOW: "The loss falls, but hasn't come nine tenths of the way down to the "
        "lowest that is possible, or that a rate of this sweep came to rest on. A rate of 0 learns "
        "nothing.",
        Verdict.GOOD: "The loss has come nine tenths of the way down or more, or rests as low as "
        "it gets: its gradient is gone and every slope is open.",
        Verdict.RECOVERS: "The loss leaps above its start, then comes down below it.",
        Verdict.OSCILLATES: "Step after step jumps across the valley: the gradient turns round at "
        "three steps of four, or the loss rises again three times or more. It may fall all the "
        "same.",
        Verdict.DIVERGES: "The loss ends above its start, stays there for the last quarter or is "
        "ten times as high, or is no longer a number. A rate below 0 climbs.",
        Verdict.SATURATED: "The loss lies flat because the slopes of an activation keep nearly "
        "all of the gradient back, or a hidden layer is dead. However low it lies, nothing is "
        "learned.",
        Verdict.STUCK: "The gradient is gone and the slopes are open, yet the loss isn't as low as "
        "it could be. Another start may help; another rate may not.",
    }
)
