"""A rate to begin with where nobody says one: the usual one, or the next below it that trains."""

from __future__ import annotations

from gradbook.net import Net
from gradbook.net.build import training_step
from gradbook.rates.case import Case, least_loss
from gradbook.rates.criteria import LEAPS, OSCILLATES, TRAINS
from gradbook.rates.trial import trial

STEPS = (1, 0.5, 0.2)  # from one power of ten down to the next
POWERS = 6


def usable_rate(net: Net, epochs: int) -> float:
    """The network's own rate, or else the largest from the usual one down that simply descends.

    One that leaps or swings is passed over; where no rate descends it is the usual one.
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
