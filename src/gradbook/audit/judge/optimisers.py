"""The rule by which weights go on: velocities, squares, changes of one weight unlike the others'.

From the update of each weight the same way is walked for all of them: to a velocity, to a mean of
squares, to the gradient. What a formula says, and where it points, is what most weights' say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradbook.audit.findings import OTHER_GRADIENT, Finding, finding_in
from gradbook.audit.formula.address import Address, by_sheet, name_of, sheet_of
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import CellReference, Pattern, rename_cells_in
from gradbook.audit.judge.moments import Cells, Moments, OddUpdate
from gradbook.audit.judge.updates import says_the_same
from gradbook.audit.step.under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.language.message import Message

FEWEST = 3  # weights of which most can be right
Meaning = tuple[str, object]  # what a reference means, whatever weight it is of


def optimiser_findings(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]], steps: Sequence[SheetStep]
) -> list[Finding]:
    """What is wrong with how single weights go on, if they go by more than their gradients."""
    if not _goes_by_more(training, steps):
        return []
    odd: list[OddUpdate] = []
    last: _Walk | None = None
    moments: Moments | None = None
    for step, gradients in sorted(_right_gradients(training, groups), key=lambda s: s[0].number):
        if last is None or not last.is_repeated(step, gradients):
            last = _Walk(training, step, gradients)
            last.go()
        found = [one for one in last.odd_in(step) if _is_odd(training, step, one)]
        known = {one.cell for one in found}
        if moments is None or not moments.is_repeated(step, gradients):
            moments = Moments(training, step, gradients)
        odd += [*found, *(one for one in moments.odd_in(step) if one.cell not in known)]
    return list(_findings(training, odd))


def _is_odd(training: SheetTraining, step: SheetStep, one: OddUpdate) -> bool:
    """Whether a cell says something else than it should, and not the same in other words."""
    tested, right = (
        StepUnderTest.of(training, [step]),
        training.book.reader.read_typed(one.right, one.cell),
    )
    return not says_the_same(tested, one.cell, right)


def _goes_by_more(training: SheetTraining, steps: Sequence[SheetStep]) -> bool:
    """Whether anything stands between an update and its gradient."""
    claims = (claim for step in steps[:2] for options in step.claims for claim in options)
    return bool(training.remembering) or any(len(claim.via) > 1 for claim in claims)


def _right_gradients(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]]
) -> Iterator[tuple[SheetStep, Cells]]:
    """Each step with the cells of those gradients that are right."""
    for group in groups:
        tested = StepUnderTest.of(training, group)
        places = {}
        for j, options in enumerate(tested.step.claims):
            try:
                verdict, claim = tested.best(j, options)
            except NotUnderstood:
                continue
            sure = claim is not None and claim.whole and claim.owner in training.varying
            if claim is not None and sure and verdict <= ClaimVerdict.RIGHT_HERE:
                places[j] = options.index(claim)
        for step in group:
            claims = ((j, step.claims[j][k : k + 1]) for j, k in places.items())
            yield step, {j: claim.owner for j, few in claims for claim in few}


# One step ----------------------------------------------------------------------------


@dataclass
class _Walk:
    """The way from the updates of one step to its gradients, for all weights at once."""

    training: SheetTraining
    step: SheetStep
    gradients: Cells
    roles: list[Cells] = field(default_factory=list)
    settings: set[Address] = field(default_factory=set)
    odd: list[OddUpdate] = field(default_factory=list)

    def go(self) -> None:
        weights, k = self.training.weights, self.step.number
        if len(self.gradients) < FEWEST:
            return
        numbers = [j for j in self.gradients if k < len(weights[j].updates)]
        self.roles.append({j: weights[j].updates[k] for j in numbers})
        for role in self.roles:
            self._compare(role)
        self.odd = [
            one for one in self.odd if one.stand_in is None or one.stand_in in self.settings
        ]

    def is_repeated(self, step: SheetStep, gradients: Cells) -> bool:
        """Whether a later step says the same everywhere."""
        patterns, away = self.training.book.patterns, step.number - self.step.number
        if gradients.keys() != self.gradients.keys() or not self.roles:
            return False
        return all(
            patterns.get(cell + away * self._stride(j)) is patterns.get(cell)
            for role in [*self.roles, self.gradients]
            for j, cell in role.items()
        )

    def odd_in(self, step: SheetStep) -> list[OddUpdate]:
        """What is odd in a step that repeats this one."""
        away = step.number - self.step.number
        book = self.training.book
        return [one.later(book, away * self._stride(one.weight)) for one in self.odd]

    def _stride(self, weight: int) -> int:
        return self.training.weights[weight].stride

    # What the cells of one role say

    def _compare(self, role: Cells) -> None:
        patterns = self.training.book.patterns
        said = {j: patterns[cell] for j, cell in role.items() if cell in patterns}
        if len(said) < FEWEST:
            return
        places = {j: _cells(pattern, role[j]) for j, pattern in said.items()}
        others = {j: cells or [] for j, cells in places.items()}
        forms = {j: (said[j].shape, len(cells)) for j, cells in others.items()}
        form, count = Counter(forms.values()).most_common(1)[0]
        if count < 2 or len(said) - count > max(1, len(said) // 4):
            return
        usual = [j for j in said if forms[j] == form]
        known = {j: cells for j in usual if (cells := places[j]) is not None}
        if len(known) < len(usual):
            return
        meanings = self._meanings(known, others)
        if meanings is None:
            return
        model = next(j for j, m in known.items() if self._all_mean(j, m, meanings))
        for j in said:
            right = self._formula(role, model, known[model], meanings, j)
            if right is None:
                continue
            if j not in known:
                self._odd_shape(role, j, model, right)
            else:
                self._odd_places(role, j, known[j], meanings, right)

    def _meanings(
        self, places: Mapping[int, list[Address]], others: Mapping[int, Sequence[Address]]
    ) -> list[Meaning] | None:
        """What each reference means, by most weights; None where nobody can say."""
        count = len(next(iter(places.values())))
        there = [{j: cells[k] for j, cells in places.items()} for k in range(count)]
        like = {j: cells for j, cells in others.items() if len(cells) == count}
        every = [
            self._meaning(cells) or self._new_role(cells, {j: c[k] for j, c in like.items()})
            for k, cells in enumerate(there)
        ]
        for k, cells in enumerate(there):  # of a new role, a first number may be one step before
            every[k] = every[k] or self._meaning(cells)
        found = [meaning for meaning in every if meaning]
        complete = len(found) == count and any(
            self._all_mean(j, cells, found) for j, cells in places.items()
        )
        return found if complete else None

    def _new_role(self, there: Cells, others: Cells) -> Meaning | None:
        """Cells on the way to the gradients that are to be compared as well."""
        if not self._is_of_rule(there):
            return None
        fits = {j: cell for j, cell in others.items() if self._is_of_rule({j: cell})}
        self.roles.append({**fits, **there})
        return "role", len(self.roles) - 1

    def _meaning(self, there: Cells) -> Meaning | None:
        least = len(there) - max(1, len(there) // 4)
        votes = Counter(self._direct(j, cell) for j, cell in there.items())
        votes += Counter(("setting", c) for c in there.values() if c not in self.training.varying)
        for other, members in enumerate(self.roles):
            votes[("role", other)] += sum(members.get(j) == cell for j, cell in there.items())
            before = (members.get(j, -1) == cell + self._stride(j) for j, cell in there.items())
            votes[("before", other)] += sum(before)
        del votes[("", None)]
        meaning, count = votes.most_common(1)[0] if votes else (("", None), 0)
        if count >= max(2, least):
            if meaning[0] == "setting" and isinstance(meaning[1], int):
                self.settings.add(meaning[1])
            return meaning
        return None

    def _is_of_rule(self, there: Cells) -> bool:
        """Whether cells, one of each weight, stand on the way to the gradients."""
        patterns = self.training.book.patterns
        if len(set(there.values())) < len(there):
            return False
        return all(c in patterns and c not in self.training.weight_cells for c in there.values())

    def _direct(self, weight: int, cell: Address) -> Meaning:
        """What a cell means to a weight by itself."""
        owner, when = self.training.weight_cells.get(cell, (-1, 0))
        if owner == weight:
            return ("weight", when - self.step.number)
        if cell == self.gradients[weight]:
            return ("gradient", None)
        return ("", None)

    def _expected(self, weight: int, meaning: Meaning) -> Address | None:
        """The cell that a reference with some meaning points to."""
        match meaning:
            case ("weight", int(away)):
                cells, k = self.training.weights[weight].cells, self.step.number + away
                return cells[k] if k < len(cells) else None
            case ("gradient", _):
                return self.gradients[weight]
            case ("setting", int(cell)):
                return cell
            case ("role", int(other)):
                return self.roles[other].get(weight)
            case ("before", int(other)):
                found = self.roles[other].get(weight)
                return None if found is None else found - self._stride(weight)
        return None

    def _all_mean(self, weight: int, cells: Sequence[Address], meanings: Sequence[Meaning]) -> bool:
        both = zip(cells, meanings, strict=True)
        return all(self._expected(weight, meaning) == cell for cell, meaning in both)

    # What is odd

    def _formula(
        self,
        role: Cells,
        model: int,
        places: Sequence[Address],
        meanings: Sequence[Meaning],
        weight: int,
    ) -> str | None:
        """The formula of one weight as another's would be there."""
        book = self.training.book
        home, cell = role[model], role[weight]
        instead = {
            at: self._expected(weight, meaning)
            for at, meaning in zip(places, meanings, strict=True)
        }
        if None in instead.values():
            return None

        def follow(reference: str) -> str:
            at = book.reader.cell(reference, home)
            there = instead.get(at) if at is not None else None
            same = there == at and sheet_of(home) == sheet_of(cell)
            return reference if there is None or same else book.name_of(there, cell)

        return rename_cells_in(book.patterns[home].text_at(home), follow)

    def _odd_shape(self, role: Cells, weight: int, model: int, right: str) -> None:
        if self._mentions(weight, role) != self._mentions(model, role):
            return  # biases seldom decay
        names, cell = self.training.names, role[weight]
        why = Message(
            "{cell} is unlike {other}, which is {weight}'s",
            cell=name_of(cell),
            other=name_of(role[model]),
            weight=names[model],
        )
        self.odd.append(OddUpdate(weight, cell, EditKind.FORMULA.value, right, why))

    def _mentions(self, weight: int, role: Cells) -> int:
        """How often a formula mentions its own weight."""
        cells = _cells(self.training.book.patterns[role[weight]], role[weight]) or []
        known = self.training.weight_cells
        return sum(known.get(cell, (-1, 0))[0] == weight for cell in cells)

    def _odd_places(
        self,
        role: Cells,
        weight: int,
        cells: Sequence[Address],
        meanings: Sequence[Meaning],
        right: str,
    ) -> None:
        for cell, meaning in zip(cells, meanings, strict=True):
            expected = self._expected(weight, meaning)
            if expected in (None, cell):
                continue
            assert expected is not None
            kind, home = EditKind.REFERENCE.value, role[weight]
            if meaning[0] == "gradient" and cell in self.gradients.values():
                kind = OTHER_GRADIENT
            right_one, name = name_of(expected), self.training.names[weight]
            why = Message(
                "{cell} isn't what the other weights take: {weight} needs {right}",
                cell=name_of(cell),
                weight=name,
                right=right_one,
            )
            taken = cell if meaning[0] == "setting" else None
            self.odd.append(OddUpdate(weight, home, kind, right, why, taken))
            return


def _cells(pattern: Pattern, home: Address) -> list[Address] | None:
    """The cells that a formula mentions, in order; None where it mentions something else."""
    found = [p.at(home) for p in pattern.places if isinstance(p, CellReference)]
    known = [cell for cell in found if cell is not None]
    return known if len(known) == len(pattern.places) else None


# Findings --------------------------------------------------------------------------------


def _findings(training: SheetTraining, odd: Sequence[OddUpdate]) -> Iterator[Finding]:
    """OddUpdate cells of one line together, sheet by sheet."""
    lines: defaultdict[object, dict[Address, OddUpdate]] = defaultdict(dict)
    for one in odd:
        place = one.cell % training.weights[one.weight].stride
        lines[one.weight, one.kind, place].setdefault(one.cell, one)
    for line in lines.values():
        first = next(iter(line.values()))
        right = {
            cell: training.book.reader.read_typed(one.right, cell) for cell, one in line.items()
        }
        right |= _going_on(training, first.weight, right)
        name = training.names[first.weight]
        for cells in by_sheet(right):
            yield _finding(training, first, name, cells, right)


def _going_on(
    training: SheetTraining, weight: int, right: Mapping[Address, Pattern]
) -> dict[Address, Pattern]:
    """Return the same formula in the step before the first, where memory begins, and after the last
    update, where nothing uses it any more."""
    stride, found = training.weights[weight].stride, {}
    for cell, step in ((min(right), -stride), (max(right), stride)):
        beside = cell + step
        if beside not in training.weight_cells and training.repeats(beside, cell):
            found[beside] = training.on_sheet_of(beside, right[cell])
    return found


def _finding(
    training: SheetTraining,
    odd: OddUpdate,
    name: str,
    cells: Sequence[Address],
    right: Mapping[Address, Pattern],
) -> Finding:
    book = training.book
    quantity = training.name_of(cells[0])
    found = finding_in(book, cells, odd.kind, quantity, odd.why, name, right[cells[0]])
    return replace(found, fixes={name_of(c): f"={right[c].text_at(c)}" for c in cells})
