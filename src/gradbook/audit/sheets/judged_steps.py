"""One step of a workbook as the core judges it, also with other samples.

Knows neither which step to choose nor what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradbook.audit.core.step_judgement import LossReading, StepJudge, StepVerdict
from gradbook.audit.sheets.sheet_steps import StepCalls, StepReader, training_step, varied
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.pattern import Pattern

OF_THESE_SAMPLES = "a share that depends on the data"
SAME = 1e-5


@dataclass(frozen=True)
class StepJudgement:
    """A step, and what is said of it."""

    step: StepCalls
    judge: StepJudge
    verdict: StepVerdict
    word: str  # "right", "wrong", "unknown", "no training"
    why: str

    @property
    def share(self) -> float:
        """Of the weights that follow one law."""
        return self.verdict.reading.share if self.verdict.reading else 0.0


def judge_step(
    chains: SheetChains,
    number: int,
    states: Sequence[Address],
    instead: Mapping[Address, Pattern] = {},
) -> StepJudgement:
    """The step as it is, or with other formulas instead of some."""
    chains = chains.with_formulas(instead) if instead else chains
    step = StepReader(chains, number, states).read()
    judge = StepJudge(training_step(chains, step))
    verdict = judge.judge()
    word = "no training" if verdict.word == "no loss" else verdict.word
    why = verdict.why
    reading = verdict.reading
    is_judged = word in ("right", "wrong") and reading is not None
    if is_judged and reading and not _keeps_to_slopes(chains, step, judge, reading):
        if reading.objective.is_assumed:
            word = "unknown" if len(reading.laws) > 1 else "no training"
        elif word == "right":
            word, why = "wrong", OF_THESE_SAMPLES
    return StepJudgement(step, judge, verdict, word, why)


def _keeps_to_slopes(
    chains: SheetChains, step: StepCalls, judge: StepJudge, reading: LossReading
) -> bool:
    """Whether the weights move by the same multiples of their slopes if the data are others.

    A factor that is that of all weights is one of the loss.
    """
    other = StepJudge(training_step(chains, varied(step, reading.objective.ends)))
    again = other.read(other.step.objectives[judge.step.objectives.index(reading.objective)])
    if again is None or not set(reading.agreed) <= set(again.agreed):
        return True
    before, after = judge.effects(reading), other.effects(again)
    for ends in zip(
        *(zip(before[n], after[n], strict=False) for n in reading.agreed), strict=False
    ):
        factors = [new / old for old, new in ends if old and new is not None]
        if len(reading.agreed) == 1:
            factors.append(1.0)
        if factors and max(factors) - min(factors) > SAME * max(map(abs, factors)):
            return False
    return True
