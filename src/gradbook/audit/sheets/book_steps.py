"""A workbook's trainings judged by the core: some steps each, and what departs between steps.

Knows no words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.core.step_judgement import LossReading, StepJudge, StepVerdict
from gradbook.audit.sheets.departing_cells import departures
from gradbook.audit.sheets.sheet_steps import StepCalls, StepReader, training_step, varied
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address

LARGE = 1500  # calls of a step of which one is judged


@dataclass(frozen=True)
class JudgedBook:
    word: str  # "right", "wrong", "unknown", "no training"
    verdict: StepVerdict | None = None
    step: StepCalls | None = None
    departing: tuple[Address, ...] = ()
    why: str = ""


def judge_book(book: Book, flow: Flow) -> JudgedBook:
    chains = SheetChains(book, flow)
    whole = chains.whole_steps
    if not whole:
        return JudgedBook("no training")
    middle = len(whole) // 2
    numbers = dict.fromkeys(
        whole[max(0, min(place, len(whole) - 1))] for place in (middle, middle + 1, middle - 1)
    )
    first: JudgedBook | None = None
    with np.errstate(all="ignore"):
        for number in numbers:
            judged = _judged_step(chains, number)
            first = first or judged
            if judged.word == "wrong":
                first = judged
            if first.word != "right" or (judged.step and len(judged.step.calls) > LARGE):
                break
    assert first is not None
    departing = tuple(departures(chains))
    if departing and first.word in ("right", "unknown"):
        first = replace(first, word="wrong", why="departures")
    return replace(first, departing=departing)


def _judged_step(chains: SheetChains, number: int) -> JudgedBook:
    step = StepReader(chains, number).read()
    judge = StepJudge(training_step(chains, step))
    verdict = judge.judge()
    word = "no training" if verdict.word == "no loss" else verdict.word
    reading = verdict.reading
    if word == "right" and reading and not reading.objective.is_assumed:
        other = StepJudge(training_step(chains, varied(step)))
        again = other.read(other.step.objectives[judge.step.objectives.index(reading.objective)])
        if again is not None and again.is_whole and _shares(again) != _shares(reading):
            return JudgedBook("wrong", verdict, step, (), "a share that depends on the data")
    return JudgedBook(word, verdict, step, (), verdict.why)


def _shares(reading: LossReading) -> dict[int, float]:
    return {n: round(law.share, 5) for n, law in reading.laws.items() if law is not None}
