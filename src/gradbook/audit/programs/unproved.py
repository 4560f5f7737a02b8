"""Why a gradient is neither shown right nor proved wrong: one sentence for each known cause.

Knows what was judged; names of weights and lines are given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gradbook.audit.core.edit_search import SearchOutcome
from gradbook.audit.core.judge import Judge, Judgement
from gradbook.audit.core.laws import Flaw
from gradbook.audit.core.training_step import Objective
from gradbook.audit.core.worlds import LOOSE, ratio
from gradbook.language import mark
from gradbook.language.message import Message, WrittenNumber, message_count

WORDS_OF_FLAW = {
    Flaw.SIZE: mark(
        "the gradients are right, but the update of {weights} does with them what no optimiser "
        "does, and no single edit makes one of it"
    ),
    Flaw.MEMORY: mark(
        "the gradients are right, but a memory in the update of {weights} takes in another memory "
        "where every optimiser's takes in the gradient"
    ),
    Flaw.ROOT: mark(
        "the gradients are right, but the update of {weights} divides by the root of what is no "
        "running mean of squares, as no optimiser does"
    ),
}


@dataclass(frozen=True)
class Causes:
    judge: Judge
    judgement: Judgement
    outcome: SearchOutcome
    names: Callable[[Iterable[int]], str]  # of weights, by the numbers of their states
    line_of: Callable[[Objective], int | None]

    @property
    def wrong(self) -> list[int]:
        return self.outcome.left or sorted({*self.judgement.wrong, *self.judgement.factors})

    def of_gradients(self) -> Message:
        objective, weights = self.judgement.objective, self.names(self.wrong)
        line = self.line_of(objective)
        if self.outcome.corrections and objective.is_assumed:
            return Message(
                "the gradients of {weights} aren't the slopes of {loss}, which is only assumed to "
                "be the loss",
                weights=weights,
                loss=objective.words,
            )
        if self.outcome.corrections:
            return Message(
                "the gradients of {weights} aren't the slopes of what line {line} computes, which "
                "may be another number than the loss",
                weights=weights,
                line=line,
            )
        if not self._is_finite():
            return Message("the loss or its slopes are infinite in the step that was judged")
        if part := self._part_that_fits():
            return Message(
                "the loss of line {line} is computed from line {part} and a penalty on the "
                "weights; the gradients of {weights} have no penalty, or one of another size",
                line=line,
                part=self.line_of(part),
                weights=weights,
            )
        if updated := self._updated_before():
            return Message(
                "the gradients of {weights} are computed with {updated} after their update, and "
                "aren't the loss's slopes",
                weights=weights,
                updated=self.names(updated),
            )
        return self._of_sizes(weights)

    def _of_sizes(self, weights: str) -> Message:
        if self.judgement.factors and not self.judgement.wrong:
            return Message(
                "the gradients of {weights} are the loss's slopes, but times other numbers than "
                "those of the other weights",
                weights=weights,
            )
        if all(self._is_computed(n) for n in self.wrong):
            return Message(
                "the loss's slopes by {weights} are computed, but something else is added to them "
                "that is neither the past nor makes the weights smaller",
                weights=weights,
            )
        if not self.outcome.tried:
            return Message(
                "the gradients of {weights} aren't the loss's slopes, and where they go wrong "
                "wasn't found",
                weights=weights,
            )
        return message_count(
            "the gradients of {weights} aren't the loss's slopes, and the one edit that was tried "
            "doesn't make them so",
            "the gradients of {weights} aren't the loss's slopes, and none of {tried} single edits "
            "makes them so",
            self.outcome.tried,
            weights=weights,
            tried=WrittenNumber(f"{self.outcome.tried:,}"),
        )

    def of_laws(self, flaws: dict[int, Flaw]) -> Message:
        flaw = next(flaw for n, flaw in flaws.items() if n in self.outcome.left)
        return Message(WORDS_OF_FLAW[flaw], weights=self.names(self.outcome.left))

    def _is_finite(self) -> bool:
        states = [self.judge.step.states[n] for n in self.wrong]
        return all(
            np.all(np.isfinite(self.judge.slope(state, self.judgement.objective, world)))
            for state in states
            for world in range(self.judge.count)
        )

    def _part_that_fits(self) -> Objective | None:
        """The loss without its penalty, if the wrong gradients are right for that."""
        whole = self.judgement.objective
        for part in self.judge.step.objectives:
            if part.is_assumed or part is whole or self.line_of(part) is None:
                continue
            times = self.judge.penalties(part, whole)
            if set(self.wrong) <= set(times) and all(self.judge.fit(n, part) for n in self.wrong):
                return part
        return None

    def _updated_before(self) -> list[int]:
        """Weights whose new values go into each wrong gradient."""
        states = self.judge.step.states
        cones = [set(self.judge.cones[n]) for n in self.wrong]
        return [
            m
            for m, state in enumerate(states)
            if all(n == m or state.next in cone for n, cone in zip(self.wrong, cones, strict=True))
            and self.wrong != [m]
        ]

    def _is_computed(self, number: int) -> bool:
        """Whether the weight moves in proportion to a value that is its exact slope."""
        judge, state = self.judge, self.judge.step.states[number]
        worlds = range(judge.count)
        slopes = [judge.slope(state, self.judgement.objective, w) for w in worlds]
        for index in judge.cones[number]:
            if index == state.next or np.size(judge.worlds.value(0, index)) != np.size(slopes[0]):
                continue
            values = [judge.worlds.value(w, index) for w in worlds]
            times = ratio(values, slopes, LOOSE)
            if times:
                return judge.rate(state, index, times) is not None
        return False
