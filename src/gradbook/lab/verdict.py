"""What a trial says about its rate: one word for it, and the reason with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gradbook.lab import reason
from gradbook.lab.criteria import Case
from gradbook.lab.trial import Trial


class Verdict(StrEnum):
    """What a learning rate does."""

    TOO_SLOW = "too slow"
    GOOD = "good"
    RECOVERS = "overshoots and recovers"
    OSCILLATES = "oscillates"
    DIVERGES = "diverges"
    SATURATED = "saturated"
    STUCK = "stuck"


MEANINGS = MappingProxyType(
    {
        Verdict.TOO_SLOW: "The loss falls, but hasn't come nine tenths of the way down to the "
        "lowest that is possible, or that a rate of this sweep came to rest on.",
        Verdict.GOOD: "The loss has come nine tenths of that way or more, or it rests as low as "
        "it gets: its gradient is gone and every slope is open.",
        Verdict.RECOVERS: "The loss leaps above its start, then comes down below it.",
        Verdict.OSCILLATES: "Step after step jumps across the valley: the gradient turns round at "
        "three steps of four, or the loss rises again three times or more. It may fall all the "
        "same.",
        Verdict.DIVERGES: "The loss ends above its start, or is no longer a number.",
        Verdict.SATURATED: "The loss lies flat because the slopes of an activation keep nearly "
        "all of the gradient back. However low it lies, nothing is learned.",
        Verdict.STUCK: "The gradient is gone and the slopes are open, yet the loss isn't as low as "
        "it could be. Another start may help; another rate may not.",
    }
)


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason, and whether training works at that rate."""

    verdict: Verdict
    reason: str
    trains: bool


def judge(trial: Trial, least: float, attained: float | None = None) -> Judgement:
    """What the trial says, where `least` is the lowest loss there could be.

    `attained` is the lowest loss known to be reached, where that isn't `least`.
    """
    case = Case(trial, least, least if attained is None else attained)
    verdict = _verdict(case)
    return Judgement(verdict, _REASONS[verdict](case), case.trains)


def _verdict(case: Case) -> Verdict:
    if not case.is_number:
        return Verdict.DIVERGES
    if case.saturated:
        return Verdict.SATURATED
    if case.trains and case.leaps and (case.learned or not case.oscillates):
        return Verdict.RECOVERS
    if case.oscillates and not case.grows:
        return Verdict.OSCILLATES
    if case.learned and (case.trains or case.settled):
        return Verdict.GOOD
    if case.settled:
        return Verdict.STUCK
    return Verdict.TOO_SLOW if case.trains or case.frozen else Verdict.DIVERGES


_REASONS: Mapping[Verdict, Callable[[Case], str]] = {
    Verdict.TOO_SLOW: reason.too_slow,
    Verdict.GOOD: reason.good,
    Verdict.RECOVERS: reason.recovers,
    Verdict.OSCILLATES: reason.oscillates,
    Verdict.DIVERGES: reason.diverges,
    Verdict.SATURATED: reason.saturated,
    Verdict.STUCK: reason.stuck,
}
