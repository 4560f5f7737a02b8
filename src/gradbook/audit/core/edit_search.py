"""One search of edits: the smallest that make wrong gradients exact, and nothing right wrong.

Knows neither cells nor source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from gradbook.audit.core.edits import Edits, Proposal
from gradbook.audit.core.judge import SAME, Fit, Judge, Judgement
from gradbook.audit.core.laws import Law
from gradbook.audit.core.worlds import LOOSE, ratio
from gradbook.recording.calls import CallChange

MOST_SLOTS = 14
MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class ProvenEdit:
    proposal: Proposal
    fixes: tuple[int, ...]  # numbers of states


@dataclass
class SearchOutcome:
    corrections: list[ProvenEdit] = field(default_factory=list)
    left: list[int] = field(default_factory=list)  # states that no edit made right
    tried: int = 0
    ran_out: bool = False


class EditSearch:
    def __init__(self, judge: Judge, judgement: Judgement, seconds: float) -> None:
        self.judge = judge
        self.judgement = judgement
        self.worlds = judge.worlds
        self.deadline = perf_counter() + seconds
        self.slopes = {
            n: [judge.slope(state, judgement.objective, w) for w in range(judge.count)]
            for n, state in enumerate(judge.step.states)
        }
        self.agree = LOOSE if judge.worlds.without_guards else 1e-6
        forward = set(judge.worlds.replay.needed(judgement.objective.ends))
        self.forward = forward
        self.slots = {n: self._slots(n) for n in range(len(judge.step.states))}
        self.turn = judge.orientation(judgement.objective)
        self.ratios = sorted({round(1 / f, 9) for f in judgement.factors.values()})
        self.ends = {state.next: state.now for state in judge.step.states}  # meant as changes
        self.tried = 0

    def _slots(self, number: int) -> list[int]:
        """Where in its update a weight's gradient may stand, nearest the weight first."""
        state = self.judge.step.states[number]
        size = np.size(self.judge.calls[state.now].value)
        slots = [
            index
            for index in self.judge.cones[number]
            if np.size(self.worlds.value(0, index)) in (size, 1)
            and getattr(self.worlds.value(0, index), "dtype", np.dtype(int)).kind == "f"
            and index not in self.forward
            and index != state.next
        ]
        return [state.next, *slots[:MOST_SLOTS]]

    def run(self) -> SearchOutcome:
        outcome = SearchOutcome()
        changes: dict[int, CallChange] = {}
        odd = set(self.judgement.factors)
        wrong = sorted({*self.judgement.wrong, *odd})
        right = sorted(n for n in self.judgement.fits if n not in odd)
        for _ in range(MOST_ROUNDS):
            if not wrong:
                break
            best = self._best(changes, wrong, right, outcome)
            if best is None:
                break
            outcome.corrections.append(best)
            changes.update(best.proposal.changes)
            wrong = [n for n in wrong if n not in best.fixes]
            right = sorted([*right, *best.fixes])
        outcome.left = wrong
        outcome.tried = self.tried
        return outcome

    def correct_laws(self, unlawful: list[int]) -> SearchOutcome:
        """The edit of an update that makes a law of it, for all weights of one expression."""
        outcome = SearchOutcome(left=list(unlawful))
        slots: dict[int, int] = {}  # of each call after one
        self.law_slots = {n: self.judge.first_slot(n, self.judgement) for n in unlawful}
        for n in unlawful:
            law = Law(self.judge.step, self.judge.step.states[n], self.law_slots[n])
            slots |= dict.fromkeys(law.order, law.slot)
        within = set(slots).difference(self.law_slots.values(), self.forward)
        edits = Edits(self.judge, self.judgement.objective, within)
        groups = list(edits.groups().values())
        for propose in (lambda group: edits.of_memory(group, slots), edits.of_law):
            for proposal in (each for group in groups for each in propose(group)):
                if perf_counter() > self.deadline or not proposal.changes:
                    continue
                self.tried += 1
                if not all(self._is_lawful_after(n, proposal.changes) for n in unlawful):
                    continue
                at = self.judge.step.states[unlawful[0]].next
                # several edits may make a law of it: which was meant isn't known
                update = Proposal("update", at, proposal.changes)
                edit = update if propose == edits.of_law else proposal
                return SearchOutcome([ProvenEdit(edit, tuple(unlawful))])
        return outcome

    def _is_lawful_after(self, number: int, changes: dict[int, CallChange]) -> bool:
        try:
            slot = self.law_slots[number]
            law = Law(self.judge.step, self.judge.step.states[number], slot, changes)
            return not law.flaw
        except (ValueError, TypeError, IndexError, ZeroDivisionError):
            return False

    def _best(
        self,
        made: dict[int, CallChange],
        wrong: list[int],
        right: list[int],
        outcome: SearchOutcome,
    ) -> ProvenEdit | None:
        best: ProvenEdit | None = None
        for proposal in self.proposals(wrong, right):
            if perf_counter() > self.deadline:
                outcome.ran_out = True
                break
            if not proposal.changes:
                continue
            self.tried += 1
            fixes = self.fixed_by({**made, **proposal.changes}, wrong, right)
            if not fixes or (best and len(fixes) <= len(best.fixes)):
                continue
            best = ProvenEdit(proposal, fixes)
            if len(fixes) == len(wrong):
                break
        return best

    def proposals(self, wrong: list[int], right: list[int]) -> Iterator[Proposal]:
        backward: set[int] = set()
        for n in wrong:
            backward |= set(self.judge.cones[n])
        backward -= self.forward
        backward -= {s.next for s in self.judge.step.states}
        safe: set[int] = set()
        for n in right:
            fit = self.judgement.fits.get(n)
            if fit is not None and not fit.is_unused:
                safe |= self._behind(fit.slot)
        edits = Edits(self.judge, self.judgement.objective, backward)
        forward = {self.judge.calls[i].frames[:1] for i in self.forward}
        groups = [
            group
            for group in edits.groups().values()
            if not all(i in safe for i in group)
            and self.judge.calls[group[0]].frames[:1] not in forward  # another way forward, too
        ]
        groups.sort(key=lambda group: group[0])
        calls = [group for group in edits.groups(1).values() if not all(i in safe for i in group)]
        yield from edits.stale()
        yield from self._operations(edits, groups)
        for propose, places in (
            (edits.operands, groups),
            (edits.slopes, groups),
            (edits.arguments, calls),
            (edits.weights, groups),
            (edits.powers, groups),
        ):
            for group in places:
                yield from propose(group)

    def _operations(self, edits: Edits, groups: list[list[int]]) -> Iterator[Proposal]:
        """Edits of an operation or a number; a learning rate is no mistake, but for its sign."""
        count = len(self.judge.step.states)
        rates = {call for n in range(count) if (call := self.judge.scale_call(n)) is not None}
        for group in groups:
            is_rate = bool(rates.intersection(group))
            for proposal in edits.structural(group):
                if not is_rate or proposal.kind == "sign":
                    yield proposal
        after = self.worlds.reached(rates)
        for times in self.ratios:
            for group in reversed(groups):
                if after.isdisjoint(group):
                    yield from edits.constants(group, times)

    def _behind(self, index: int) -> set[int]:
        seen: set[int] = set()
        todo = [index]
        depends = self.worlds.replay.depends
        while todo:
            i = todo.pop()
            if i in seen or not depends[i]:
                continue
            seen.add(i)
            todo += self.judge.calls[i].operands
        return seen

    def fixed_by(
        self, changes: dict[int, CallChange], wrong: list[int], right: list[int]
    ) -> tuple[int, ...]:
        """Which wrong gradients become exact; none if a right one breaks."""
        reached = self.worlds.reached(changes)
        candidates = [n for n in wrong if any(slot in reached for slot in self.slots[n])]
        try:
            fixed = {n: self._slot_after(n, changes, reached) for n in candidates}
            fixes = [n for n, slot in fixed.items() if slot is not None]
            if not fixes or any(self._breaks(n, changes, reached) for n in right):
                return ()
            return tuple(n for n in fixes if self._has_right_factor(n, fixed[n], changes, right))
        except (ValueError, TypeError, IndexError, np.linalg.LinAlgError, ZeroDivisionError):
            return ()  # the operands don't fit together

    def _values(self, world: int, wanted: list[int], changes: dict[int, CallChange]) -> list[Any]:
        numbers = self.worlds.run(world, wanted, changes)
        olds = self.ends
        return [
            np.asarray(numbers[i], float) - self.worlds.inputs[world][olds[i]]
            if i in olds
            else numbers[i]
            for i in wanted
        ]

    def _slot_after(
        self, number: int, changes: dict[int, CallChange], reached: set[int]
    ) -> tuple[int, float] | None:
        slots = [slot for slot in self.slots[number] if slot in reached]
        slope = self.slopes[number][0]
        for slot, value in zip(slots, self._values(0, slots, changes), strict=True):
            if np.size(value) != np.size(slope):
                continue
            if np.ndim(value) == np.ndim(slope) and np.shape(value) != np.shape(slope):
                continue
            first = np.reshape(value, np.shape(slope))
            if ratio([first], [slope], self.agree) is None:
                continue
            others = [
                np.reshape(self._values(world, [slot], changes)[0], np.shape(slope))
                for world in range(1, self.judge.count)
            ]
            factor = ratio([first, *others], self.slopes[number], self.agree)
            if factor:
                return slot, factor
        return None

    def _breaks(self, number: int, changes: dict[int, CallChange], reached: set[int]) -> bool:
        fit = self.judgement.fits.get(number)
        if fit is None:
            return self._slot_after(number, changes, reached) is None
        if fit.slot not in reached or fit.is_unused:
            return False
        values = [self._values(w, [fit.slot], changes)[0] for w in range(self.judge.count)]
        factor = ratio(values, self.slopes[number], self.agree)
        return factor is None or abs(factor / fit.coefficient - 1) > SAME

    def _has_right_factor(
        self,
        number: int,
        slot: tuple[int, float] | None,
        changes: dict[int, CallChange],
        right: list[int],
    ) -> bool:
        """Whether the gradient is as many times the slope as those of right weights."""
        if slot is None:
            return False
        rates = [
            (fit.rate, fit.rate / self.judge.scale_of(n))
            for n, fit in self.judgement.fits.items()
            if n in right and not fit.is_unused and fit.rate
        ]
        index, coefficient = slot
        fit: Fit | None = Fit(index, coefficient, coefficient, np.sign(coefficient))
        if index != self.judge.step.states[number].next:
            fit = self.judge.fit_through(number, index, coefficient, changes)
        if fit is None or fit.direction * self.turn > 0:
            return False  # something else moves it, or up the loss
        rate = fit.rate
        if rate is None:
            peers = [self.judgement.fits[n] for n in right if n in self.judgement.fits]
            peers = [f for f in peers if not f.is_unused and f.rate is None]
            if any(f.direction * fit.direction < 0 for f in peers):
                return False
            law = Law(self.judge.step, self.judge.step.states[number], index, changes)
            if law.memories and law.flaw:
                return False
            return not rates or bool(peers)
        if not rates:
            return True
        scale = self.judge.scale_of(number)
        return any(
            abs(rate / whole - 1) < SAME or abs(rate / scale / peeled - 1) < SAME
            for whole, peeled in rates
        )
