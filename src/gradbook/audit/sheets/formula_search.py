"""Which edits of formulas make a step right: all small edits of a cell at once, by their numbers.

Every cell that wrong updates are computed from is tried. An edit counts if wrong weights then move
by the law of the others, or by a constant multiple of their slopes; the step is then read again.
Knows no words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations, takewhile
from time import process_time
from typing import Any

import numpy as np

from gradbook.audit.core.step_judgement import LossReading
from gradbook.audit.core.weight_laws import MOST_MEMORIES, LawPoints
from gradbook.audit.edits.formula_edits import (
    EDITS,
    Alternatives,
    Substitutes,
    edits_that_give,
)
from gradbook.audit.formulas.sampled_formulas import EvaluatedFormula
from gradbook.audit.sheets.judged_steps import StepJudgement, judge_step
from gradbook.audit.sheets.more_edits import (
    as_neighbours,
    exchanged_parts,
    missing_functions,
    missing_products,
    other_totals,
    ranges_of_others,
)
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.audit.sheets.step_points import StepPoints
from gradbook.audit.sheets.step_words import StepWords
from gradbook.cells.budget import BudgetSpent
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import Edit, EditKind, Path
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Expression, write
from gradbook.recording.calls import behind

MOST_COPIES = 40  # of a formula in one step
FEW_COPIES = 4  # for which edits that need a calculation each are tried
MOST_SLOTS = 10
MOST_ORDERS = 24  # in which memories may belong to those of a law
MOST_READ_AGAIN = 8
MOST_MISTAKES = 4
MOST_MODELS = 3  # laws that are tried as the one that was meant
ROWS = 512  # alternatives at once
SAME = 1e-7
NEARLY = 1e-6
TINY = 1e-10
ROUGHLY = 1e-5
FEW_POINTS = 8
MOST_TESTED = 3  # weights by which the slopes of another loss are computed
FEWEST_POINTS = 3  # at which both are numbers
SECONDS = 4.0
OF_RANGES = ("ranges", "totals")
MORE = ("exchanges", "functions", "other totals", "ranges", "neighbours")
MOST_ITERATIONS = 8
TURNS = (EditKind.SIGN, EditKind.ORDER, EditKind.OPERATOR)


@dataclass(frozen=True)
class StepEdit:
    """An edit of one formula of a step, in all of its copies there."""

    cells: tuple[Address, ...]
    edit: Edit
    patterns: Mapping[Address, Pattern]
    fixes: tuple[int, ...]  # states that become right
    is_forward: bool = False
    unlikeness: int = 0
    is_turn: bool = False  # where all go up: a sign
    is_behind: bool = False  # a value that is the slope already

    @property
    def doubts(self) -> tuple[Any, ...]:
        """The likeliest first."""
        length = len(next(iter(self.patterns.values())).text)
        return (
            -len(self.fixes),
            self.is_forward,
            self.is_behind,
            not self.is_turn,
            self.unlikeness,
            self.edit.kind.rank,
            length,
        )


@dataclass
class SearchedStep:
    edits: list[StepEdit] = field(default_factory=list)
    places: list[Address] = field(default_factory=list)  # wrong, though no edit of it is known
    after: StepJudgement | None = None


def search_edits(
    chains: SheetChains, number: int, states: Sequence[Address], first: StepJudgement
) -> SearchedStep:
    """One edit after the other, as long as each makes more of the step right."""
    ends_at = process_time() + SECONDS
    outcome = SearchedStep(after=first)
    instead: dict[Address, Pattern] = {}
    current = first
    for _ in range(MOST_MISTAKES):
        best: tuple[StepEdit, StepJudgement] | None = None
        places: list[Address] = []
        for search in _rounds(chains.with_formulas(instead), current, ends_at):
            for edit in search.likeliest()[:MOST_READ_AGAIN]:
                again = judge_step(chains, number, states, {**instead, **edit.patterns})
                if _is_better(again, best[1] if best else current):
                    best = edit, again
                    if again.word == "right":
                        break
            places = places or search.deepest()
            if best and best[1].word == "right":
                break
        if best is None:
            outcome.places = places
            break
        edit, current = best
        instead |= edit.patterns
        outcome.edits.append(edit)
        outcome.after = current
        if current.word == "right":
            break
    return outcome


def _rounds(chains: SheetChains, current: StepJudgement, ends_at: float) -> Iterator[_Round]:
    """By each loss: first with its own samples, if right updates depend on these."""
    for reading in _readings(current):
        varied = _Round(chains, current, reading, ends_at)
        if len(varied.agreed) < len(reading.agreed) and not varied.is_up:
            yield _Round(chains, current, reading, ends_at, has_own_samples=True)
        if not reading.agreed and len(reading.laws) > 1:  # no law has most: any may be meant
            lawful = [n for n, law in reading.laws.items() if law is not None]
            for n in lawful[:MOST_MODELS]:
                yield _Round(chains, current, reading, ends_at, model=n)
        yield varied


def _is_better(one: StepJudgement, other: StepJudgement) -> bool:
    if other.word == "right":
        return False
    return one.word == "right" or one.share > other.share + 1e-9


def _readings(current: StepJudgement) -> Iterator[LossReading]:
    """By the loss that explains most; by stated ones, if it is only assumed or explains nothing."""
    verdict, judge = current.verdict, current.judge
    seen = []
    for reading in (verdict.stated, verdict.reading):
        if reading is not None and (reading.agreed or verdict.why):
            seen.append(reading.objective)
            yield reading
    reading = verdict.reading
    if reading and reading.agreed and not verdict.why and not reading.objective.is_assumed:
        return
    for objective in judge.step.objectives[:3]:
        if not objective.is_assumed and objective not in seen:
            other = judge.read(objective)
            if other is not None:
                yield other


class _Round:
    """The edits of one round, by one loss."""

    def __init__(
        self,
        chains: SheetChains,
        current: StepJudgement,
        reading: LossReading,
        ends_at: float,
        has_own_samples: bool = False,
        model: int | None = None,
    ) -> None:
        self.chains, self.book = chains, chains.book
        self.step, self.judge, self.reading = current.step, current.judge, reading
        self.current, self.ends_at = current, ends_at
        self.has_own_samples = has_own_samples
        self.calls = self.step.calls
        reader = self.judge.reader
        is_varied = not (reading.objective.is_assumed or has_own_samples)
        ends = reading.objective.ends if is_varied else ()
        self.points = StepPoints.drawn(chains, self.step, self.judge.worlds, reader.clocks, ends)
        self.slopes = self.points.slopes(reading.objective)
        self.is_up = current.why == "climbs"
        agreed = reading.agreed if model is None else [model]
        self.agreed = [] if self.is_up else self._still_lawful(agreed)
        if agreed and not self.agreed and not self.is_up:
            self.points = StepPoints.drawn(chains, self.step, self.judge.worlds, reader.clocks)
            self.slopes = self.points.slopes(reading.objective)
            self.agreed = list(agreed)
        self.wrong = [n for n in reading.laws if n not in self.agreed]
        if not self.wrong:
            self.wrong, self.agreed = list(reading.laws), []
        self.forward = self._cells_behind(reading.objective.ends)
        self.words = StepWords(chains, self.step, self.points.replay)
        self.targets = {n: self._target(n) for n in self.wrong}
        self.slots = {n: self._slots(n) for n in reading.laws}
        exact = {n: self._exact_slots(n) for n in self.wrong}
        self.exact = set[int]().union(*exact.values())
        self.sloping = {n for n in self.wrong if exact[n]}  # whose updates contain their slopes
        # cells that make wrong weights right if they have other numbers, and which weights
        self.places: dict[Address, tuple[int, ...]] = {}

    def _next(self, number: int) -> int:
        return self.step.states[number].next

    def _now(self, number: int) -> int:
        return self.step.states[number].now

    def _exact_slots(self, number: int) -> set[int]:
        """Values of a wrong update that are the slope that they should be."""
        exact: set[int] = set()
        one = np.ones(1, bool)
        for slot in self.slots[number]:
            slope = self.slopes.get(self._now(number))
            times = _ratios(self.points.values[slot], slope, one)[0]
            shares = self.shares or ([times] if times > 0 else [])
            if any(abs(times - share) <= NEARLY * abs(share) for share in shares):
                exact.add(slot)
        return exact

    def _cells_behind(self, ends: Iterable[int], stop: Collection[int] = ()) -> set[Address]:
        seen = behind(self.calls, ends, stop)
        return {self.step.cells[index] for index in seen}

    def _still_lawful(self, agreed: Sequence[int]) -> list[int]:
        """Those that follow their laws with other samples, too."""
        lawful = []
        for n in agreed:
            law = self.reading.laws[n]
            made = law and self._law_at(n, self._points_for(n, law.memories))
            if not made:
                return list(agreed)
            now = self._at(self.points.values[self._now(n)])
            if _all_same(self.points.values[self._next(n)], now + made[0]):
                lawful.append(n)
        return lawful

    def _points_for(self, number: int, memories: Sequence[int]) -> LawPoints:
        values, nothing = self.points.values, np.full(self.points.size, np.nan)
        return LawPoints(
            self._at(values[self._now(number)]),
            self._at(self.slopes.get(self._now(number), np.nan)),
            (*(self._at(values[self._now(m)]) for m in memories), *[nothing] * MOST_MEMORIES),
            {index: self._at(values[index]) for index in self.shared},
        )

    @cached_property
    def shared(self) -> frozenset[int]:
        return self.judge.shared(list(self.reading.laws))

    # What an update should be ------------------------------------------------------

    def _target(self, number: int) -> dict[int, Any] | None:
        """The next numbers of a weight and its memories by the law of the others."""
        laws = self.reading.laws
        model, law = next(((n, laws[n]) for n in self.agreed if laws[n]), (number, None))
        if law is None:
            return None
        values = self.points.values
        best: tuple[tuple[int, int], dict[int, Any]] | None = None
        for memories in self._memory_orders(number, len(law.memories)):
            points = self._points_for(number, memories)
            made = self._law_at(model, points)
            if made is None:
                return None
            move, outputs = made
            target = {self._next(number): points.weight + move}
            target |= {self._next(m): out for m, out in zip(memories, outputs, strict=False)}
            alike = sum(map(self._are_alike, memories, law.memories))
            equal = sum(_all_same(values[index], numbers) for index, numbers in target.items())
            met = (equal, alike)
            if best is None or met > best[0]:
                best = met, target
        return best[1] if best else None

    def _are_alike(self, one: int, other: int) -> bool:
        """Whether two states go on by formulas of one shape."""
        cells = (self.step.cells[self._next(n)] for n in (one, other))
        shapes = [self.chains.patterns[c].shape if c in self.chains.patterns else "" for c in cells]
        return shapes[0] == shapes[1]

    def _at(self, value: Any) -> Any:
        return np.broadcast_to(np.asarray(value, float), (self.points.size,))

    def _law_at(self, model: int, points: LawPoints) -> tuple[Any, tuple[Any, ...]] | None:
        reader, reading = self.judge.reader, self.reading
        slopes, ahead = reading.slopes[model], reading.ahead
        with np.errstate(all="ignore"):
            law = reader.law(model, slopes, reading.laws, ahead, points=points)
            law = law or reader.law(model, slopes, reading.laws, ahead, self.shared, points)
        return None if law is None else (law.move, law.outputs)

    def _memory_orders(self, number: int, count: int) -> Iterator[tuple[int, ...]]:
        """Which states may be a weight's memories: those that only it uses."""
        if not count:
            yield ()
            return
        laws = self.reading.laws
        used = {m for n in self.agreed if laws[n] for m in laws[n].memories}  # type: ignore[union-attr]
        update = self._cells_behind([self._next(number)])
        states = self.step.states
        near = [
            m
            for m, state in enumerate(states)
            if m not in laws and m not in used and m not in self.judge.reader.clocks
            if m in self.reading.left
            or not update.isdisjoint((self.step.cells[state.next], self.step.cells[state.now]))
        ]
        for tried, order in enumerate(permutations(near, count)):
            if tried == MOST_ORDERS:
                return
            yield order

    def _slots(self, number: int) -> list[int]:
        """Values of a weight's update that may be its slope, nearest the weight first."""
        seen: list[int] = []
        todo = [self._next(number)]
        states = {state.now for state in self.step.states}
        while todo and len(seen) < MOST_SLOTS:
            index = todo.pop(0)
            for operand in self.calls[index].operands:
                call = self.calls[operand]
                if operand in states or operand in seen or call.function is None:
                    continue
                if self.step.cells[operand] in self.forward:
                    continue
                seen.append(operand)
                todo.append(operand)
        return seen[:MOST_SLOTS]

    # Which cells -------------------------------------------------------------------

    @cached_property
    def wrong_ends(self) -> list[int]:
        """What is wrong of the next step: weights, their memories, and states that no law uses."""
        ends = [self._next(n) for n in self.wrong]
        ends += [index for target in self.targets.values() if target for index in target]
        return ends + [self._next(m) for m in self.reading.left]

    @cached_property
    def near(self) -> set[Address]:
        """The cells between these and values that are the slopes already."""
        return self._cells_behind(self.wrong_ends, self.exact)

    @cached_property
    def groups(self) -> list[list[Address]]:
        """The cells to be tried: copies of one formula together, nearest the weights first."""
        cone = self._cells_behind(self.wrong_ends)
        safe_ends = [self._next(n) for n in self.agreed]
        laws = self.reading.laws
        safe_ends += [self._next(m) for n in self.agreed if laws[n] for m in laws[n].memories]  # type: ignore[union-attr]
        safe = self._cells_behind(safe_ends)
        cells = [
            cell
            for cell in sorted(cone, key=lambda cell: -self.step.result.get(cell, 0))
            if cell in self.chains.patterns and cell in self.step.result
            if self.calls[self.step.result[cell]].function is not None
            if cell in self.forward or cell not in safe
        ]
        groups: defaultdict[object, list[Address]] = defaultdict(list)
        for cell in cells:
            pattern = self.chains.patterns[cell]
            if pattern.expression is not None and cell not in self.chains.flow.places_in_arrays:
                groups[pattern.key].append(cell)
        return [group for group in groups.values() if len(group) <= MOST_COPIES]

    def likeliest(self) -> list[StepEdit]:
        edits: list[StepEdit] = []
        backward = [g for g in self.groups if self.forward.isdisjoint(g)]
        forward = [g for g in self.groups if not self.forward.isdisjoint(g)]
        reading = self.current.verdict.reading
        is_of_loss = reading is not None and reading.is_whole and not self.reading.agreed
        if self.has_own_samples:
            forward = []
        for groups in (forward, backward) if is_of_loss else (backward, forward):
            for group in groups:
                if process_time() > self.ends_at:
                    break
                with suppress(BudgetSpent):
                    edits += self._edits_of(group)
            if any(len(edit.fixes) == len(self.wrong) for edit in edits):
                break
        return sorted(edits, key=lambda edit: edit.doubts)

    def deepest(self) -> list[Address]:
        """The places that make most right, where nothing that they are computed from does."""
        most = max(map(len, self.places.values()), default=0)
        best = [cell for cell, fixes in self.places.items() if len(fixes) == most]
        return [
            cell
            for cell in best
            if not any(other != cell and self._is_behind(other, cell) for other in best)
        ]

    def _is_behind(self, source: Address, cell: Address) -> bool:
        return source in self._cells_behind([self.step.result[cell]])

    # Edits of one formula ----------------------------------------------------------

    def _edits_of(self, group: list[Address]) -> Iterator[StepEdit]:
        with np.errstate(all="ignore"):
            is_forward = not self.forward.isdisjoint(group)
            self.tried = self.forward_points[0] if is_forward else self.points
            formulas = [self._evaluated(cell) for cell in group]
            known = [self.words.substitutes(self.tried, group[0], cell) for cell in group]
            wanted = self._needed(group[0]) if len(group) == 1 and not is_forward else None
            if wanted is not None:
                yield from self._edits_to(group[0], formulas[0], known[0], wanted)
                return
            for k in range(len(EDITS) + len(MORE)):
                if k < len(EDITS) and EDITS[k].name in OF_RANGES and len(group) > FEW_COPIES:
                    continue
                if process_time() > self.ends_at:
                    return
                each = [
                    self._proposals(k, *three) for three in zip(group, formulas, known, strict=True)
                ]
                yield from self._right_ones(group, zip(*each, strict=False))

    def _proposals(
        self, k: int, cell: Address, formula: EvaluatedFormula, known: Substitutes
    ) -> Iterator[Alternatives]:
        """The alternatives of one kind."""
        if k < len(EDITS):
            return EDITS[k].propose(formula, known)
        match MORE[k - len(EDITS)]:
            case "exchanges":
                return exchanged_parts(formula)
            case "functions":
                return missing_functions(formula, self.words.functions)
            case "other totals":
                return other_totals(formula)
            case "ranges":
                return ranges_of_others(formula, self.words.ranges(cell))
        return as_neighbours(
            formula,
            self.words.neighbours(cell),
            lambda one: self._evaluate(one, cell),
            known.references,
            [*self.words.names, *self.words.ranges(cell)],
        )

    def _edits_to(
        self, cell: Address, formula: EvaluatedFormula, known: Substitutes, wanted: Any
    ) -> Iterator[StepEdit]:
        """The edits that give a formula the numbers that it has to have."""
        fixes = self._fixes({self.step.result[cell]: wanted[None]})[:, 0]
        fixed = tuple(n for n, right in zip(self.wrong, fixes, strict=True) if right)
        if not fixed:
            return
        if not self._is_slope(cell):
            self.places[cell] = fixed
        for k in range(len(EDITS) + len(MORE)):
            if process_time() > self.ends_at:
                return
            for edit in edits_that_give(
                self._in_time(self._proposals(k, cell, formula, known)), wanted
            ):
                made = self._edit_of([cell], edit, fixed, False)
                if made is not None:
                    yield made
        offered = self.words.factors(known)
        for path, part in formula.parts.items():
            if process_time() > self.ends_at:
                return
            inside = _needed_part(formula, path, wanted)
            if inside is None:
                continue
            for edit in missing_products(part, formula.values[path], inside, offered):
                made = self._edit_of(
                    [cell], Edit(edit.kind, (path,), edit.old, edit.new), fixed, False
                )
                if made is not None:
                    yield made

    def _in_time(self, every: Iterable[Alternatives]) -> Iterator[Alternatives]:
        return takewhile(lambda _: process_time() < self.ends_at, every)

    def _is_slope(self, cell: Address) -> bool:
        """Whether it is a multiple of the slope by some value of the forward pass."""
        value, one = self.points.values[self.step.result[cell]], np.ones(1, bool)
        return any(_ratios(value, slope, one)[0] for slope in self.all_slopes)

    @cached_property
    def all_slopes(self) -> list[Any]:
        states = {state.now for state in self.step.states}
        every = self.points.all_slopes(self.reading.objective)
        return [slope for index, slope in every.items() if index not in states]

    def _needed(self, cell: Address) -> Any:
        """Which numbers of a cell make a wrong update right; nothing if none do."""
        index = self.step.result[cell]
        reached = self.points.replay.reach([index])
        for n in self.wrong:
            if self._next(n) in reached and self._now(n) in self.slopes:
                for times in self.shares:
                    slope = times * self._at(self.slopes[self._now(n)])
                    if self._fixes({index: slope[None]}).any():
                        return slope
        ends = {
            end: wanted
            for target in self.targets.values()
            for end, wanted in (target or {}).items()
            if end in reached and not _all_same(self.points.values[end], wanted)
        }
        if index in ends:
            return ends[index]
        solved = (self._solved(index, end, wanted) for end, wanted in ends.items())
        return next(solved, None)

    @cached_property
    def shares(self) -> list[float]:
        """How many times its slope a value of a right update is."""
        laws = (self.reading.laws[n] for n in self.agreed)
        return list(dict.fromkeys(round(law.share, 9) for law in laws if law))

    def _solved(self, index: int, end: int, wanted: Any) -> Any:
        numbers = self._at(self.points.values[index])
        for _ in range(MOST_ITERATIONS):
            nudge = 1e-5 * (np.abs(numbers) + 0.1)
            both = self.points.after({index: np.stack([numbers, numbers + nudge])}, [end])[end]
            if np.ndim(both) != 2:
                return None
            change = (wanted - both[0]) * nudge / (both[1] - both[0])
            numbers = numbers + change
            if np.nanmax(np.abs(change), initial=0) <= TINY * np.nanmax(np.abs(numbers)):
                return numbers
        return None

    def _evaluate(self, expression: Expression, cell: Address) -> EvaluatedFormula:
        points = self.tried
        return EvaluatedFormula(expression, lambda part: points.formula(part, cell))

    def _evaluated(self, cell: Address) -> EvaluatedFormula:
        expression = self._typed(cell).expression
        assert expression is not None
        return self._evaluate(expression, cell)

    def _typed(self, cell: Address) -> Pattern:
        return self.book.reader.read_typed(self.chains.patterns[cell].text_at(cell), cell)

    def _right_ones(
        self, group: list[Address], every: Iterable[Sequence[Alternatives]]
    ) -> Iterator[StepEdit]:
        """The edits that make weights right, of each copy the same one."""
        rows, size = ROWS, self.tried.size
        waiting: list[tuple[Alternatives, int]] = []  # and which of them
        stacks: list[list[Any]] = [[] for _ in group]
        for alternatives in every:
            first = alternatives[0]
            if process_time() > self.ends_at:
                return
            if any(len(each) != len(first) for each in alternatives):
                continue
            for start in range(0, len(first), rows):
                some = range(start, min(len(first), start + rows))
                for stack, each in zip(stacks, alternatives, strict=True):
                    values = np.asarray(each.values)[some.start : some.stop]
                    values = values[:, None] if values.ndim == 1 else values
                    stack.append(np.broadcast_to(values, (len(some), size)))
                waiting += [(first, k) for k in some]
                if len(waiting) >= rows:
                    yield from self._right_rows(group, waiting, stacks)
                    waiting, stacks = [], [[] for _ in group]
                    if process_time() > self.ends_at:
                        return
        if waiting:
            yield from self._right_rows(group, waiting, stacks)

    def _right_rows(
        self,
        group: list[Address],
        rows: list[tuple[Alternatives, int]],
        stacks: list[list[Any]],
    ) -> Iterator[StepEdit]:
        is_forward = self.tried is not self.points
        changed = {
            self.step.result[cell]: np.concatenate(stack)
            for cell, stack in zip(group, stacks, strict=True)
        }
        fixes = self._fixes_forward(changed) if is_forward else self._fixes(changed)
        for row in np.flatnonzero(fixes.any(axis=0)):
            alternatives, k = rows[int(row)]
            if self.is_up and alternatives.kind not in TURNS:
                continue
            fixed = tuple(n for n, right in zip(self.wrong, fixes, strict=True) if right[row])
            edit = self._edit_of(group, alternatives[k], fixed, is_forward)
            if edit is not None:
                yield edit

    def _fixes(self, changed: Mapping[int, Any]) -> Any:
        """Which wrong weights each alternative makes right; none where a right one breaks."""
        rows = len(next(iter(changed.values())))
        reached = self.points.replay.reach(changed)
        ends = [self._next(n) for n in self.reading.laws]
        ends += [index for target in self.targets.values() for index in target or ()]
        if not self.agreed:
            ends += [slot for n in self.wrong for slot in self.slots[n]]
        numbers = self.points.after(changed, ends)
        safe = np.ones(rows, bool)
        for index, value in changed.items():
            safe &= ~_same(value, self.points.values[index], safe)
        for n in self.agreed:
            index = self._next(n)
            if index in reached and safe.any():
                safe &= _same(numbers[index], self.points.values[index], safe)
        fixed = np.zeros((len(self.wrong), rows), bool)
        for place, n in enumerate(self.wrong):
            target = self.targets[n]
            if target is not None and not reached.isdisjoint(target):
                right = safe.copy()
                for index, wanted in target.items():
                    right &= _same(numbers[index], wanted, right)
                if len(target) == 1 and n not in self.steady:
                    right |= self._moves_right(n, numbers, safe)
            elif self.is_up:
                right = safe  # a sign may make it right: the step is read again
            elif target is None and n not in self.steady:
                right = self._moves_right(n, numbers, safe)
                for slot in self.slots[n] if not self.agreed and n not in self.sloping else ():
                    right |= _ratios(numbers[slot], self.slopes.get(self._now(n)), safe) != 0
            else:
                continue
            fixed[place] = right & safe
        return fixed

    @cached_property
    def steady(self) -> set[int]:
        """Wrong weights that move by a multiple of their slopes already, such as without a rate."""
        one = np.ones(1, bool)
        return {n for n in self.wrong if self._moves_right(n, self.points.values, one)[0]}

    def _moves_right(self, number: int, numbers: Any, rows: Any) -> Any:
        """Down the slope, by a constant multiple."""
        now = self._now(number)
        move = numbers[self._next(number)] - self.points.values[now]
        return _ratios(move, self.slopes.get(now), rows) < 0

    def _fixes_forward(self, changed: Mapping[int, Any]) -> Any:
        """The same for what the loss is computed from: its slopes are differences."""
        points, nudge, tested = self.forward_points
        rows, count = len(next(iter(changed.values()))), nudge.shape[1]
        objective = self.reading.objective
        ends = [self._next(n) for n in tested]
        ends += [slot for n in tested for slot in self.slots[n]]
        numbers = points.after(changed, [*ends, *objective.ends])
        values = [np.broadcast_to(numbers[end], (rows, points.size)) for end in objective.ends]
        factors = objective.slopes([value[:, :count] for value in values])
        every = np.ones(rows, bool)
        for index, value in changed.items():
            every &= ~_same(value, points.values[index], every)
        fixed = np.zeros((len(self.wrong), rows), bool)
        for place, n in enumerate(tested):
            more = slice(count * (1 + 2 * place), count * (2 + 2 * place))
            less = slice(count * (2 + 2 * place), count * (3 + 2 * place))
            slope = sum(
                factor * (value[:, more] - value[:, less]) / (2 * nudge[place])
                for factor, value in zip(factors, values, strict=True)
            )
            now = self._now(n)
            move = numbers[self._next(n)] - points.values[now]
            right = _ratios(_table(move)[:, :count], slope, every, ROUGHLY) < 0
            for slot in self.slots[n]:
                value = _table(numbers[slot])[:, :count]
                right |= _ratios(value, slope, every, ROUGHLY) != 0
            every &= right
        fixed[:] = every
        return fixed

    @cached_property
    def forward_points(self) -> tuple[StepPoints, Any, list[int]]:
        tested = [n for n in self.wrong if self._now(n) in self.slopes][:MOST_TESTED]
        points, nudge = self.points.nudged([self._now(n) for n in tested], FEW_POINTS)
        return points, nudge, tested

    def _edit_of(
        self, group: list[Address], edit: Edit, fixes: tuple[int, ...], is_forward: bool
    ) -> StepEdit | None:
        home = group[0]
        old = self._typed(home)
        assert old.expression is not None
        text = write(edit.apply_to(old.expression))
        reader = self.book.reader
        new = reader.read_typed(text, home)
        if new.form is None or new.key == old.key:
            return None
        patterns = {cell: reader.read_typed(new.text_at(cell), cell) for cell in group}
        unlikeness = self.words.makeups[old.makeup] - len(group) > 0
        likeness = self.words.makeups[new.makeup] > (len(group) if new.makeup == old.makeup else 0)
        return StepEdit(
            tuple(group),
            edit,
            patterns,
            fixes,
            is_forward,
            int(unlikeness) - int(likeness),
            self.is_up and edit.kind in TURNS,
            group[0] not in self.near,
        )


def _needed_part(formula: EvaluatedFormula, path: Path, wanted: Any) -> Any:
    """What a part has to be for the formula to have the wanted numbers, if it is linear in it."""
    if not path:
        return wanted
    value = formula.values[path]
    whole, more = formula.whole, formula.with_({path: np.asarray(value) + 1.0})
    needed = value + (wanted - whole) / (more - whole)
    if np.shape(needed) != np.shape(wanted) or not np.isfinite(needed).any():
        return None
    return needed if _all_same(formula.with_({path: needed}), wanted) else None


def _table(values: Any) -> Any:
    return np.atleast_2d(np.asarray(values, float))


def _some(values: Any, rows: Any) -> Any:
    """Those of some rows; one row stands for all."""
    table = _table(values)
    return table[rows] if len(table) == len(rows) else table


def _ratios(values: Any, models: Any, rows: Any, agree: float = NEARLY) -> Any:
    """In each of some rows, by which constant the models are multiplied; 0 if by none."""
    factors = np.zeros(len(rows))
    if models is None or not rows.any():
        return factors
    a, b = np.broadcast_arrays(_some(values, rows), _some(models, rows))
    known = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(known, a, 0.0), np.where(known, b, 0.0)
    cross = a[:, :-1] * b[:, 1:] - a[:, 1:] * b[:, :-1]
    size = np.abs(a).max(axis=1) * np.abs(b).max(axis=1)
    likely = (np.abs(cross).max(axis=1) <= 10 * agree * size) & (size > 1e-24)
    likely &= known.sum(axis=1) >= FEWEST_POINTS
    ratios = np.zeros(len(likely))
    if likely.any():
        a, b = a[likely], b[likely]
        times = (a * b).sum(axis=1) / (b * b).sum(axis=1)
        rest = np.abs(a - times[:, None] * b).max(axis=1)
        is_constant = (rest <= agree * np.abs(a).max(axis=1)) & np.isfinite(times)
        ratios[likely] = np.where(is_constant, times, 0.0)
    factors[rows] = ratios if len(ratios) > 1 else ratios[0]
    return factors


def _same(values: Any, wanted: Any, rows: Any) -> Any:
    """In which of some rows both are equal."""
    result = np.zeros(len(rows), bool)
    if not rows.any():
        return result
    a, b = np.broadcast_arrays(_some(values, rows), _some(wanted, rows))
    known = np.isfinite(a) & np.isfinite(b)
    apart = np.where(known, np.abs(a - b), 0.0)
    size = np.where(known, np.maximum(np.maximum(np.abs(a), np.abs(b)), 1e-3), 1.0)
    is_same = (apart <= SAME * size).all(axis=1) & (known.sum(axis=1) >= FEWEST_POINTS)
    result[rows] = is_same if len(is_same) > 1 else is_same[0]
    return result


def _all_same(values: Any, wanted: Any) -> bool:
    return bool(_same(values, wanted, np.ones(1, bool)).all())
