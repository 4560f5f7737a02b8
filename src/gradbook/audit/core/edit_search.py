"""One search of edits: the smallest that make wrong gradients exact, and nothing right wrong.

Knows neither cells nor source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter, process_time
from typing import Any

import numpy as np

from gradbook.audit.core.edits import PRODUCTS, Edits, Proposal
from gradbook.audit.core.judge import SAME, Fit, Judge, Judgement
from gradbook.audit.core.laws import Law
from gradbook.audit.core.targets import ExactTargets, Targets
from gradbook.audit.core.worlds import LOOSE, ratio
from gradbook.recording.calls import CallChange, substitute

MOST_SLOTS = 14
MATRIX_PRODUCTS = (*PRODUCTS, "einsum", "tensordot", "inner")
MOST_ROUNDS = 4
MOST_TIMES = 3
MOST_PLACES = 3  # at which edits are tried
OF_SIZE = ("constant", "factor", "extra factor", "division")
ON_PURPOSE = ("sign", "clip", "norm", "minimum", "round", "floor", "heaviside")


@dataclass(frozen=True, slots=True)
class ProvenEdit:
    proposal: Proposal
    fixes: tuple[int, ...]  # numbers of states


@dataclass(frozen=True, slots=True)
class MistakePlace:
    """An expression that makes gradients exact if it is the slope by values of the forward pass."""

    group: list[int]
    targets: list[Targets]  # each makes as many exact
    changes: dict[int, CallChange]
    fixes: tuple[int, ...]


@dataclass
class SearchOutcome:
    corrections: list[ProvenEdit] = field(default_factory=list)
    left: list[int] = field(default_factory=list)  # states that no edit made right
    tried: int = 0
    ran_out: bool = False


class EditSearch:
    def __init__(
        self,
        judge: Judge,
        judgement: Judgement,
        seconds: float,
        is_text: Callable[[Proposal], bool] = lambda _: True,
    ) -> None:
        self.is_text = is_text  # whether the source can be changed so
        self.judge = judge
        self.judgement = judgement
        self.worlds = judge.worlds
        self.ends_at = process_time() + seconds, perf_counter() + 2 * seconds  # of work; of time
        self.slopes = {
            n: [judge.slope(state, judgement.objective, w) for w in range(judge.count)]
            for n, state in enumerate(judge.step.states)
        }
        self.agree = LOOSE if judge.worlds.without_guards else 1e-6
        self.turn = judge.turn(judgement)
        self.ratios = sorted({round(1 / f, 9) for f in judgement.factors.values()})
        self.ends = {state.next: state.now for state in judge.step.states}  # meant as changes
        self.tried = 0

    def _is_late(self) -> bool:
        return process_time() > self.ends_at[0] or perf_counter() > self.ends_at[1]

    @cached_property
    def targets(self) -> ExactTargets:
        return ExactTargets(self.judge, self.judgement.objective)

    @property
    def forward(self) -> set[int]:
        return self.targets.forward

    @cached_property
    def slots(self) -> dict[int, list[int]]:
        return {n: self._slots(n) for n in range(len(self.judge.step.states))}

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

    @cached_property
    def usual(self) -> list[float]:
        """By how much right values of the way back are larger than the exact slopes."""
        counts: Counter[float] = Counter()
        for n in self.judgement.fits:
            for index in self.judge.cones[n]:
                if index not in self.forward and index not in self.judge.old:
                    times = self.targets.factor(index)
                    if times:
                        counts[float(f"{times:.6g}")] += 1
        return [times for times, _ in counts.most_common(MOST_TIMES) if times != 1]

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
        edits = Edits(self.judge, self.forward, within)
        groups = list(edits.groups().values())
        for propose in (lambda group: edits.of_memory(group, slots), edits.of_law):
            for proposal in (each for group in groups for each in propose(group)):
                if self._is_late() or not proposal.changes:
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
        edits = self._edits(wrong)
        safe = self._safe(right)
        best = self._best_operation(edits, safe, made, wrong, right)
        if best and len(best.fixes) == len(wrong):
            return best
        unspelled: ProvenEdit | None = None
        alone: ProvenEdit | None = None  # a place for which no edit is known
        for place in self._places(edits, made, wrong, right):
            known = best or unspelled or alone
            if known and len(known.fixes) > len(place.fixes):
                break
            if self._has_other_weights(self._region(place)):
                continue
            for proposal in self._edits_at(place, edits, safe, made):
                fixes = self._try(proposal, made, wrong, right)
                if len(fixes) >= len(place.fixes):
                    if self.is_text(proposal):
                        return ProvenEdit(proposal, fixes)
                    if not proposal.level:
                        unspelled = unspelled or ProvenEdit(proposal, fixes)
            if alone is None and self._is_mistake(place, safe, wrong):
                at = min(place.changes)
                alone = ProvenEdit(Proposal("place", at, place.changes), place.fixes)
        known = best or unspelled or alone
        if known is None and not self._has_other_weights(edits.backward):
            # such as a slope in a function of its own, which is no slope of the loss
            for proposal in self._edits_in(edits.backward, edits, safe):
                fixes = self._try(proposal, made, wrong, right)
                if len(fixes) == len(wrong):
                    known = ProvenEdit(proposal, fixes)
                    break
        outcome.ran_out |= self._is_late()
        return known

    def _best_operation(
        self,
        edits: Edits,
        safe: set[int],
        made: dict[int, CallChange],
        wrong: list[int],
        right: list[int],
    ) -> ProvenEdit | None:
        best: ProvenEdit | None = None
        for proposal in self._operations(edits, safe):
            fixes = self._try(proposal, made, wrong, right)
            if proposal.kind in OF_SIZE and self._leaves_wrong(proposal, fixes, wrong):
                continue
            if fixes and (best is None or len(fixes) > len(best.fixes)):
                best = ProvenEdit(proposal, fixes)
                if len(fixes) == len(wrong):
                    break
        return best

    def _leaves_wrong(self, proposal: Proposal, fixes: tuple[int, ...], wrong: list[int]) -> bool:
        """Whether the expression goes into other gradients that stay wrong."""
        reached = self.worlds.reached(proposal.changes)
        left = (n for n in wrong if n not in fixes)
        return any(not reached.isdisjoint(self.judge.cones[n]) for n in left)

    def _is_mistake(self, place: MistakePlace, safe: set[int], wrong: list[int]) -> bool:
        """Whether a place is wrong though no edit is known that makes it right.

        What is done on purpose isn't: feedback by other weights than those of the way forward, a
        clipped or a normalised gradient, another loss.
        """
        judgement, step = self.judgement, self.judge.step
        count = sum(not fit.is_unused for fit in judgement.fits.values())
        is_alone = len(place.fixes) == len(wrong) and count > 0
        if judgement.objective.is_assumed or not (is_alone or 2 * count >= len(step.states)):
            return False
        rates = [self.judge.scale_call(n) for n in range(len(step.states))]
        after = self.worlds.reached([call for call in rates if call is not None])
        is_rate = not after.isdisjoint(place.group) and not self._differ_in_one_update(place)
        if safe.issuperset(place.group) or is_rate:
            return False
        reached = self.worlds.reached(place.changes)
        if any(n not in place.fixes and not reached.isdisjoint(self.judge.cones[n]) for n in wrong):
            return False
        region = self._region(place)
        operands = {i for index in region for i in self.judge.calls[index].operands} - region
        has_right = any(
            i not in self.forward and self.worlds.replay.depends[i] and self.targets.factor(i)
            for i in operands
        )
        memories = {memory.now for memory in step.memories}
        on_purpose = any(self.judge.calls[i].name in ON_PURPOSE for i in region)
        return has_right and not (on_purpose or memories & operands)

    def _differ_in_one_update(self, place: MistakePlace) -> bool:
        """Whether one expression moves weights by different multiples of their slopes."""
        factors: dict[Any, set[float]] = {}
        for n, state in enumerate(self.judge.step.states):
            if n in self.judgement.fits and not self.judgement.fits[n].is_unused:
                factor = self.judgement.factors.get(n, 1.0)
                factors.setdefault(state.place, set()).add(round(factor, 6))
        places = {self.judge.step.states[n].place for n in place.fixes}
        return any(len(factors.get(each, ())) > 1 for each in places)

    def _has_other_weights(self, region: Collection[int]) -> bool:
        """Whether feedback goes through an array like weights that the way forward doesn't use."""
        states = self.judge.step.states
        shapes = {np.shape(self.judge.calls[state.now].value) for state in states}
        shapes |= {shape[::-1] for shape in shapes}
        used = {i for index in self.forward for i in self.judge.calls[index].operands}
        products = [self.judge.calls[i] for i in region]
        operands = {i for call in products if call.name in MATRIX_PRODUCTS for i in call.operands}
        return any(
            not self.worlds.replay.depends[i]
            and np.ndim(self.judge.calls[i].value) == 2
            and np.shape(self.judge.calls[i].value) in shapes
            for i in operands - used
        )

    def _try(
        self,
        proposal: Proposal,
        made: dict[int, CallChange],
        wrong: list[int],
        right: list[int],
    ) -> tuple[int, ...]:
        if self._is_late() or not proposal.changes:
            return ()
        self.tried += 1
        return self.fixed_by({**made, **proposal.changes}, wrong, right)

    def _edits(self, wrong: list[int]) -> Edits:
        backward: set[int] = set()
        for n in wrong:
            backward |= set(self.judge.cones[n])
        backward -= self.forward
        backward -= {s.next for s in self.judge.step.states}
        ahead = {self.judge.calls[i].frames[:1] for i in self.forward}  # another way forward, too
        self.shared = {i for i in backward if self.judge.calls[i].frames[:1] in ahead}
        return Edits(self.judge, self.forward, backward)

    def _safe(self, right: list[int]) -> set[int]:
        """What right gradients follow from."""
        safe: set[int] = set()
        for n in right:
            fit = self.judgement.fits.get(n)
            if fit is not None and not fit.is_unused:
                safe |= self._behind(fit.slot)
        return safe

    def _operations(self, edits: Edits, safe: set[int]) -> Iterator[Proposal]:
        """Edits of a whole gradient's size: weights of before, signs and numbers.

        A learning rate is no mistake, but for its sign.
        """
        yield from edits.stale()
        count = len(self.judge.step.states)
        rates = {call for n in range(count) if (call := self.judge.scale_call(n)) is not None}
        groups = [group for group in edits.groups().values() if not safe.issuperset(group)]
        if not self.judgement.factors:
            return
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

    def _places(
        self, edits: Edits, made: dict[int, CallChange], wrong: list[int], right: list[int]
    ) -> Iterator[MistakePlace]:
        """Expressions that make wrong gradients exact if they are the slopes they should be.

        First those that make all exact, in the order of the program.
        """
        partial: list[MistakePlace] = []
        whole = 0
        groups = [group for group in edits.groups().values() if self.shared.isdisjoint(group)]
        for group in sorted(groups, key=lambda group: group[0]):
            if self._is_late() or whole == MOST_PLACES:
                return
            place = self._place(group, made, wrong, right)
            if place is not None and len(place.fixes) == len(wrong):
                whole += 1
                yield place
            elif place is not None:
                partial.append(place)
        partial.sort(key=lambda place: -len(place.fixes))
        yield from partial[:MOST_PLACES]

    def _place(
        self, group: list[int], made: dict[int, CallChange], wrong: list[int], right: list[int]
    ) -> MistakePlace | None:
        """The group as the slopes that it may be, if they make gradients exact."""
        best: MistakePlace | None = None
        for targets in self.targets.of(group):
            for times in (1.0, *self.usual):
                changes = {
                    call: self.targets.change(call, source, times)
                    for call, source in targets.items()
                }
                fixes = self.fixed_by({**made, **changes}, wrong, right)
                if fixes and (best is None or len(fixes) > len(best.fixes)):
                    best = MistakePlace(group, [], changes, fixes)
                if fixes and best and len(fixes) == len(best.fixes):
                    best.targets.append(targets)
                    break
        return best

    def _edits_at(
        self, place: MistakePlace, edits: Edits, safe: set[int], made: dict[int, CallChange]
    ) -> Iterator[Proposal]:
        """Edits after which the place's value is a multiple of what it has to be."""
        region = self._region(place)
        check = TargetCheck(self, place, region, made)
        for proposal in self._edits_in(region, edits, safe):
            if check.is_met(proposal.changes):
                yield proposal

    def _edits_in(
        self, region: Collection[int], edits: Edits, safe: set[int]
    ) -> Iterator[Proposal]:
        """All edits of the expressions in a region, the last ones first."""

        def parts(level: int) -> list[list[int]]:
            return [
                group
                for group in edits.groups(level).values()
                if not set(region).isdisjoint(group) and not safe.issuperset(group)
            ]

        groups = [group for group in parts(0) if self.shared.isdisjoint(group)]
        groups.sort(key=lambda group: -group[0])
        for propose, each in (
            (edits.structural, groups),
            (edits.arguments, parts(1)),
            (edits.operands, groups),
            (edits.slopes, groups),
            (edits.weights, groups),
            (edits.powers, groups),
            (edits.halves, groups),
        ):
            for group in each:
                yield from propose(group)

    def _region(self, place: MistakePlace) -> set[int]:
        """What the place is computed from, back to values that are right."""
        region: set[int] = set()
        todo = list(place.changes)
        depends = self.worlds.replay.depends
        news = {index for state in self.judge.step.states for index in state.updates}
        while todo:
            index = todo.pop()
            if index in region or index in self.forward or not depends[index]:
                continue
            if index in self.judge.old or index in news:
                continue
            if index not in place.changes and self.targets.factor(index):
                continue
            region.add(index)
            todo += self.judge.calls[index].operands
        return region

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
        slots = {n: [slot for slot in self.slots[n] if slot in reached] for n in wrong}
        every = [slot for each in slots.values() for slot in each]
        known: dict[int, dict[int, Any]] = {}

        def numbers(world: int) -> dict[int, Any]:
            if world not in known:
                known[world] = dict(zip(every, self._values(world, every, changes), strict=True))
            return known[world]

        try:
            fixed = {n: list(self._slots_after(n, slots[n], numbers)) for n in wrong}
            if not any(fixed.values()) or any(self._breaks(n, changes, reached) for n in right):
                return ()
            return tuple(
                n
                for n, exact in fixed.items()
                if any(self._has_right_factor(n, slot, changes, right) for slot in exact)
            )
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

    def _slots_after(
        self, number: int, slots: list[int], numbers: Callable[[int], dict[int, Any]]
    ) -> Iterator[tuple[int, float]]:
        """Which values are the slope now, and how many times it."""
        slopes = self.slopes[number]
        shape = np.shape(slopes[0])
        for slot in slots:
            value = numbers(0)[slot]
            if np.size(value) != np.size(slopes[0]):
                continue
            if np.ndim(value) == len(shape) and np.shape(value) != shape:
                continue
            if ratio([np.reshape(value, shape)], slopes[:1], self.agree) is None:
                continue
            values = [np.reshape(numbers(w)[slot], shape) for w in range(self.judge.count)]
            factor = ratio(values, slopes, self.agree)
            if factor:
                yield slot, factor

    def _breaks(self, number: int, changes: dict[int, CallChange], reached: set[int]) -> bool:
        fit = self.judgement.fits.get(number)
        if fit is None:
            slots = [slot for slot in self.slots[number] if slot in reached]
            exact = self._slots_after(
                number,
                slots,
                lambda world: dict(zip(slots, self._values(world, slots, changes), strict=True)),
            )
            return not any(exact)
        if fit.slot not in reached or fit.is_unused:
            return False
        values = [self._values(w, [fit.slot], changes)[0] for w in range(self.judge.count)]
        factor = ratio(values, self.slopes[number], self.agree)
        return factor is None or abs(factor / fit.coefficient - 1) > SAME

    def _has_right_factor(
        self,
        number: int,
        slot: tuple[int, float],
        changes: dict[int, CallChange],
        right: list[int],
    ) -> bool:
        """Whether the gradient is as many times the slope as those of right weights."""
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
        peers = [self.judgement.fits[n] for n in right if n in self.judgement.fits]
        peers = [peer for peer in peers if not peer.is_unused and peer.rate is None]
        if rate is None:
            if any(f.direction * fit.direction < 0 for f in peers):
                return False
            law = Law(self.judge.step, self.judge.step.states[number], index, changes)
            if law.memories and law.flaw:
                return False
            return not rates or bool(peers)
        if not rates:
            return not peers
        scale = self.judge.scale_of(number)
        return any(
            abs(rate / whole - 1) < SAME or abs(rate / scale / peeled - 1) < SAME
            for whole, peeled in rates
        )


class TargetCheck:
    """Whether a change makes a place's value the slope that it has to be, up to a factor.

    Only what lies between is computed again, of one call in one world; where a loop begins with
    zeros, of the second call, too.
    """

    def __init__(
        self, search: EditSearch, place: MistakePlace, region: set[int], made: dict[int, CallChange]
    ) -> None:
        self.worlds, self.calls, self.made = search.worlds, search.judge.calls, made
        self.agree = search.agree
        self.parts = []
        for call in sorted(place.changes)[:2]:
            slopes = [
                search.targets.slopes[0][each[call]] for each in place.targets if call in each
            ]
            models = [np.ravel(turn(s)) for s in slopes for turn in (np.asarray, np.transpose)]
            self.parts.append((call, self._order(call, region), models))

    def _order(self, call: int, region: set[int]) -> list[int]:
        """What of the region goes into the call."""
        order: set[int] = set()
        todo = [call]
        while todo:
            index = todo.pop()
            if index in region and index not in order:
                order.add(index)
                todo += self.calls[index].operands
        return sorted(order)

    def is_met(self, changes: dict[int, CallChange]) -> bool:
        reached = [part for part in self.parts if not changes.keys().isdisjoint(part[1])]
        return bool(reached) and all(self._is_met(changes, *part) for part in reached)

    def _is_met(
        self, changes: dict[int, CallChange], call: int, order: list[int], models: list[Any]
    ) -> bool:
        numbers: dict[int, Any] = {}

        def value(index: int) -> Any:
            return numbers[index] if index in numbers else self.worlds.value(0, index)

        try:
            with np.errstate(all="ignore"):
                for index in order:
                    made: Any = changes.get(index) or self.made.get(index)
                    if made is None:
                        made = self.calls[index]
                        if numbers.keys().isdisjoint(made.operands):
                            continue
                    options = substitute(made.options, value) if made.options else {}
                    numbers[index] = made.function(*substitute(made.arguments, value), **options)
                new = np.ravel(np.asarray(numbers[call], float)) if call in numbers else None
                return new is not None and any(
                    new.size == model.size
                    and _may_be_multiple(new, model)
                    and ratio([new], [model], self.agree) is not None
                    for model in models
                )
        except (ValueError, TypeError, IndexError, np.linalg.LinAlgError, ZeroDivisionError):
            return False


def _may_be_multiple(value: Any, model: Any) -> bool:
    """A quick look at two numbers of many."""
    first, last = model[0], model[-1]
    apart = abs(value[0] * last - value[-1] * first)
    return bool(apart <= 1e-3 * (abs(value[0] * last) + abs(value[-1] * first)) + 1e-300)
