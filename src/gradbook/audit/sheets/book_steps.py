"""A workbook's trainings judged by the core: some steps each, and what departs between steps.

Knows no words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradbook.audit.core.step_judgement import StepVerdict
from gradbook.audit.sheets.departing_cells import departures
from gradbook.audit.sheets.formula_search import StepEdit, search_edits
from gradbook.audit.sheets.judged_steps import StepJudgement, judge_step
from gradbook.audit.sheets.sheet_steps import StepCalls
from gradbook.audit.sheets.single_steps import judge_single_step, uses_targets
from gradbook.audit.sheets.state_chains import SheetChains, whole_steps
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address

WORST_FIRST = ("wrong", "unknown", "right", "no training")
MOST_DELAYS = 2
MOST_READ_AGAIN = 3000  # formulas of a book in which nothing is learned step by step
MANY = 3  # weights: the slopes of fewer are soon those of anything
HALF = 0.5  # of the weights, which a loss must explain
LARGE = 1500  # calls of a step of which one is judged


@dataclass(frozen=True)
class JudgedBook:
    word: str  # "right", "wrong", "unknown", "no training"
    judged: StepJudgement | None = None
    why: str = ""
    number: int = 0  # of the step
    states: tuple[Address, ...] = ()
    late: frozenset[Address] = frozenset()  # chains that were counted to the next step
    departing: tuple[Address, ...] = ()
    edits: tuple[StepEdit, ...] = ()  # of the step's formulas, which make more of it right
    blamed: tuple[Address, ...] = ()

    @property
    def verdict(self) -> StepVerdict | None:
        return self.judged.verdict if self.judged else None

    @property
    def step(self) -> StepCalls | None:
        return self.judged.step if self.judged else None

    @property
    def agrees(self) -> bool:
        """Whether a weight moves by the slope of something."""
        return bool(self.verdict and self.verdict.reading and self.verdict.reading.agreed)

    @property
    def is_training(self) -> bool:
        """Whether half of the weights move by the slopes of a loss that is stated."""
        reading = self.verdict.reading if self.verdict else None
        return bool(reading and not reading.objective.is_assumed and reading.share >= HALF)

    @property
    def rank(self) -> tuple[bool, bool, float, bool]:
        """Of two readings of one training, the likelier is the one by a loss that is stated."""
        reading = self.verdict.reading if self.verdict else None
        share = reading.share if reading else 0.0
        is_loss = reading is not None and (reading.objective.is_end or share >= HALF)
        is_stated = is_loss and share > 0 and not reading.objective.is_assumed  # type: ignore[union-attr]
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
    is_stepwise = any(each.word == "right" for each in trainings.values())
    is_stepwise |= worst.is_training
    if not is_stepwise and len(chains.order) <= MOST_READ_AGAIN:
        single = judge_single_step(chains)
        # what goes on from its past without any target is a way forward through time
        is_single = single.word != "no training" and not uses_targets(single, chains.past)
        if worst.word == NOTHING.word or is_single:
            return replace(NOTHING, word=single.word, why=single.why, blamed=single.blamed)
    worst = _located(chains, worst)
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
    judged = judge_step(chains, number, states)
    late = frozenset(chains.late)
    return JudgedBook(judged.word, judged, judged.why, number, tuple(states), late)


def _located(chains: SheetChains, book: JudgedBook) -> JudgedBook:
    """With the edits that make its updates right; they prove a mistake as well."""
    if book.judged is None or book.word not in ("wrong", "unknown"):
        return book
    chains.delay(set(book.late))
    with np.errstate(all="ignore"):
        search = search_edits(chains, book.number, book.states, book.judged)
    chains.delay(set())
    reading = search.after.verdict.reading if search.after else None
    # one weight's slope is soon that of anything
    is_certain = book.agrees or (
        reading is not None
        and (len(reading.laws) >= MANY or (len(reading.laws) > 1 and reading.objective.is_end))
    )
    is_proved = search.after is not None and search.after.word == "right" and is_certain
    is_proved = is_proved and reading is not None and not reading.objective.is_assumed
    cells = (*(cell for edit in search.edits for cell in edit.cells), *search.places)
    word = "wrong" if is_proved else book.word
    return replace(book, word=word, edits=tuple(search.edits), blamed=cells)
