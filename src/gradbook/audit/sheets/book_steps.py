"""A workbook's trainings judged by the core: some steps each, and what departs between steps.

Knows no words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.core.edit_search import EditSearch
from gradbook.audit.core.judge import Judge
from gradbook.audit.core.step_judgement import LossReading, StepJudge, StepVerdict
from gradbook.audit.sheets.departing_cells import departures
from gradbook.audit.sheets.sheet_steps import StepCalls, StepReader, training_step, varied
from gradbook.audit.sheets.single_steps import judge_single_step, uses_targets
from gradbook.audit.sheets.state_chains import SheetChains, whole_steps
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address

WORST_FIRST = ("wrong", "unknown", "right", "no training")
MOST_DELAYS = 2
SEARCH_SECONDS = 3.0
MOST_READ_AGAIN = 3000  # formulas of a book in which nothing is learned step by step
SAME = 1e-5
MANY = 3
LARGE = 1500  # calls of a step of which one is judged


@dataclass(frozen=True)
class JudgedBook:
    word: str  # "right", "wrong", "unknown", "no training"
    verdict: StepVerdict | None = None
    step: StepCalls | None = None
    departing: tuple[Address, ...] = ()
    why: str = ""
    blamed: tuple[Address, ...] = ()  # of the step: where an edit makes its gradients exact

    @property
    def agrees(self) -> bool:
        """Whether a weight moves by the slope of something."""
        return bool(self.verdict and self.verdict.reading and self.verdict.reading.agreed)

    @property
    def rank(self) -> tuple[bool, bool, float, bool]:
        """Of two readings of one training, the likelier is the one by a loss that is stated."""
        reading = self.verdict.reading if self.verdict else None
        share = reading.share if reading else 0.0
        is_stated = reading is not None and share > 0 and not reading.objective.is_assumed
        is_right = self.word == "right"
        return is_right and is_stated, is_stated, share, is_right


NOTHING = JudgedBook("no training")


def judge_book(book: Book, flow: Flow) -> JudgedBook:
    """The worst of what is said of its trainings."""
    chains = SheetChains(book, flow)
    with np.errstate(all="ignore"):
        trainings = _judged_trainings(chains)
        for _ in range(MOST_DELAYS):
            delayed = chains.late | chains.delayed()
            if delayed == chains.late or all(each.rank[0] for each in trainings.values()):
                break
            chains.delay(delayed)
            for states, other in _judged_trainings(chains).items():
                if states not in trainings or other.rank > trainings[states].rank:
                    trainings[states] = other
        chains.delay(set())
    worst = min(trainings.values(), key=lambda each: WORST_FIRST.index(each.word), default=NOTHING)
    if worst.word != "right" and len(chains.order) <= MOST_READ_AGAIN:
        single = judge_single_step(chains)
        # what goes on from its past without any target is a way forward through time
        is_single = single.word != "no training" and not uses_targets(single, chains.past)
        if worst.word == NOTHING.word or is_single:
            return replace(NOTHING, word=single.word, why=single.why, blamed=single.blamed)
    worst = _located(worst)
    departing = tuple(departures(chains))
    if departing and worst.word in ("right", "unknown"):
        worst = replace(worst, word="wrong", why="departures")
    return replace(worst, departing=departing)


def _judged_trainings(chains: SheetChains) -> dict[frozenset[Address], JudgedBook]:
    """Each training by the starts of its chains."""
    judged = {}
    for steps in chains.trainings():
        states = {chains.chain[state] for each in steps.values() for state in each}
        judged[frozenset(states)] = _judged_training(chains, steps)
    return judged


def _judged_training(chains: SheetChains, steps: dict[int, list[Address]]) -> JudgedBook:
    """Some steps in the midst: with one sample a step, they differ."""
    whole = whole_steps(steps)
    middle = len(whole) // 2
    places = (max(0, min(place, len(whole) - 1)) for place in (middle, middle + 1, middle - 1))
    judged: JudgedBook | None = None
    for number in dict.fromkeys(whole[place] for place in places):
        another = _judged_step(chains, number, steps[number])
        judged = another if judged is None or another.word == "wrong" else judged
        if judged.word != "right" or (another.step and len(another.step.calls) > LARGE):
            break
    return judged or NOTHING


def _judged_step(chains: SheetChains, number: int, states: list[Address]) -> JudgedBook:
    step = StepReader(chains, number, states).read()
    judge = StepJudge(training_step(chains, step))
    verdict = judge.judge()
    word = "no training" if verdict.word == "no loss" else verdict.word
    reading = verdict.reading
    if (
        word in ("right", "wrong")
        and reading
        and not _keeps_to_slopes(chains, step, judge, reading)
    ):
        if reading.objective.is_assumed:
            word = "unknown" if len(reading.laws) > 1 else "no training"
        elif word == "right":
            return JudgedBook("wrong", verdict, step, (), "a share that depends on the data")
    return JudgedBook(word, verdict, step, (), verdict.why)


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


def _located(judged: JudgedBook) -> JudgedBook:
    """With the cells whose edits make all gradients exact; that proves a mistake as well."""
    verdict, step = judged.verdict, judged.step
    if verdict is None or verdict.reading is None or verdict.step is None or step is None:
        return judged
    if judged.word not in ("wrong", "unknown") or verdict.why not in ("", "some"):
        return judged
    reading = verdict.reading
    memories = [state for n, state in enumerate(step.states) if n not in reading.laws]
    assumed = [each for each in verdict.step.objectives if each.is_assumed]
    weights = replace(
        verdict.step,
        states=[step.states[n] for n in reading.laws],
        objectives=list(dict.fromkeys([reading.objective, *assumed])),
        memories=memories,
    )
    with np.errstate(all="ignore"):
        judge = Judge(weights)
        search = EditSearch(judge, judge.judge(reading.objective), SEARCH_SECONDS)
        outcome = search.run()
    cells = (step.cells[i] for edit in outcome.corrections for i in edit.proposal.changes)
    # one weight's slope is soon that of anything
    is_certain = judged.agrees or len(reading.laws) >= MANY or judge.orientation(reading.objective)
    is_proved = not outcome.left and not reading.objective.is_assumed and bool(is_certain)
    word = "wrong" if outcome.corrections and is_proved else judged.word
    return replace(judged, word=word, blamed=tuple(dict.fromkeys(cells)))
