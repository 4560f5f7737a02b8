"""Proposes corrections of what differs: a row from most rows, an update with another's gradient.

Corrections that worked in other rows are tried again, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from gradbook.audit.formulas.points import agree
from gradbook.audit.repair.repaired_step import repair_step
from gradbook.audit.repair.symptoms import EarlierRows, Symptoms
from gradbook.audit.repair.wrong_formula import WrongFormula
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.tested_step import Positions, StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep
from gradbook.cells.formula.address import ROW, SHEET, Address, name_of, row_of, sheet_of
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import copy_formula, move_formula, rename_cells_in
from gradbook.cells.formula.syntax import Expression, Reference, read, write

# Other steps


class Move:
    """The correspondence between the cells of one step and those of another.

    Epochs and samples may have different distances, even on one sheet, but a column contains only
    one of them.
    """

    def __init__(self, training: SheetTraining, usual: SheetStep, step: SheetStep) -> None:
        self.training = training
        self.weights = dict(zip(usual.weights, step.weights, strict=True))
        self.inside = set(usual.cells)
        self.losses = {
            sheet_of(here): there - here
            for here, there in zip(usual.loss.cells, step.loss.cells, strict=False)
        }
        here, there = self._columns(usual), self._columns(step)
        self.by = {
            line: min(there[line]) - min(cells)
            for line, cells in here.items()
            if len(there.get(line, ())) == len(cells) and min(there[line]) != min(cells)
        }

    def _columns(self, step: SheetStep) -> dict[tuple[int, int], list[Address]]:
        """The cells of a step that move with it, by column."""
        training, positions = self.training, Positions(self.training, step)
        found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        for cell in dict.fromkeys([*step.cells, *step.own]):
            moves = cell in training.computed_cells and not positions.is_of_other_steps(cell)
            if cell in step.weights or moves:
                found[self._line(cell)].append(cell)
        return found

    def _line(self, cell: Address) -> tuple[int, int]:
        return self.training.axis.line(cell)

    def distance(self, cell: Address) -> int:
        """The distance from a cell to its counterpart, according to the nearest column."""
        sheet, place = self._line(cell)
        near = [line for line in self.by if line[0] == sheet]
        if not near:  # no cell there depends on that step's weights
            return self.losses.get(sheet, 0)
        return self.by[min(near, key=lambda line: abs(line[1] - place))]

    def to(self, cell: Address) -> Address:
        return cell + self.distance(cell)

    def text(self, cell: Address, formula: str) -> str:
        """A formula of the cell, adapted to the other step."""
        reader, own = self.training.book.reader, self.distance(cell)
        sources = self.training.flow.sources
        both = zip(sources(cell), sources(cell + own), strict=False)
        beside = {(sheet_of(x), row_of(x)): y - x for x, y in both}

        def follow(reference: str) -> str:
            at = reader.cell(reference, cell)
            by = own
            if at is not None and at in self.inside and at in self.training.varying:
                by = self.distance(at)
            elif at is not None and sheet_of(at) != sheet_of(cell):
                by = beside.get((sheet_of(at), row_of(at)), 0)
            if at is not None and "!" in reference and sheet_of(at + by) != sheet_of(at):
                return self.training.book.name_of(at + by, cell + own)
            within = by - round(by / SHEET) * SHEET  # the reference has no sheet
            down = round(within / ROW)
            return move_formula(reference, down, within - down * ROW)

        return rename_cells_in(formula, follow)

    def same(self, cell: Address, there: Address) -> bool:
        """Whether the two formulas are equivalent, each in its own step."""
        book, flow = self.training.book, self.training.flow
        a, b = book.patterns[cell], book.patterns.get(there)
        if a is b:
            return True
        if b is None or a.shape != b.shape:
            return False
        here, other = flow.sources(cell), flow.sources(there)
        own = self.distance(cell)
        return len(here) == len(other) and all(
            self.weights[x] == y if x in self.weights else y in (x, x + self.distance(x), x + own)
            for x, y in zip(here, other, strict=True)
        )


# Repairs of other rows ----------------------------------------------------------------


def known_columns(tested: StepUnderTest, earlier: EarlierRows) -> Iterator[Hypothesis]:
    """Corrections of columns that worked in other rows, for the same formulas, unless something
    here becomes wrong by them: a mistake remains one where the numbers hide it."""
    shares = () if any(tested.step.claims) else earlier.shares  # which no sum here adds up
    for step, hypothesis in (*earlier.columns, *shares):
        again = _in_this_step(tested, step, hypothesis)
        if again is None:
            continue
        repaired = repair_step(tested, again)
        if not repaired.leads_on() or repaired.wrong_weights() - tested.wrong_weights():
            continue
        if tested.right_weights() - repaired.right_weights():
            continue
        values = (
            [one.random.of(one.graph.node(c)) for c in again.cells] for one in (tested, repaired)
        )
        if not all(map(agree, *values)):
            yield again


def _in_this_step(
    tested: StepUnderTest, step: SheetStep, hypothesis: Hypothesis
) -> Hypothesis | None:
    """A hypothesis of another step for the corresponding cells of this one; None if these have
    different formulas."""
    patterns = tested.training.book.patterns
    move = Move(tested.training, step, tested.step)
    there = tuple(map(move.to, hypothesis.cells))
    for cell, other in zip(hypothesis.cells, there, strict=True):
        both = cell in patterns and other in patterns
        if not (move.same(cell, other) if both else (cell in patterns) == (other in patterns)):
            return None

    def part(expression: Expression) -> Expression:
        return read(move.text(hypothesis.home, write(expression)))

    edits = (replace(one, old=part(one.old), new=part(one.new)) for one in hypothesis.edits)
    formulas = tuple(map(move.text, hypothesis.cells, hypothesis.formulas))
    like = tuple(map(move.to, hypothesis.like))
    return replace(hypothesis, cells=there, formulas=formulas, edits=tuple(edits), like=like)


# Cells that only repeat others ----------------------------------------------------------


def repeated_cell(wrong: WrongFormula) -> Hypothesis | None:
    """A hypothesis for the cell that a formula uses, if it only repeats a wrong cell and nothing
    else uses it: such a cell would be useless if the formula should use another."""
    tested, training = wrong.under_test, wrong.under_test.training
    flow, patterns = training.flow, training.book.patterns
    repeating = {
        cell
        for cell in flow.sources(wrong.home)
        if cell in patterns
        and flow.plain(cell, training.weight_cells) != cell
        and set(flow.users[cell]) == {wrong.home}
        and tested.positions.row(cell) == tested.positions.row(wrong.home)
    }
    repair = wrong.repair if repeating and wrong.is_slight else None
    edit = repair.edits[0] if repair is not None and len(repair.edits) == 1 else None
    if edit is None or edit.kind is not EditKind.REFERENCE:
        return None
    taken, right = (training.book.reader.cell(write(p), wrong.home) for p in (edit.old, edit.new))
    if taken is None or right is None or taken not in repeating:
        return None
    said, old = tested.mentions.reference(right, taken), training.book.patterns[taken].expression
    if old is None:
        return None
    of_cell = Edit(EditKind.REFERENCE, ((),), old, said)
    return Hypothesis(Cause.COLUMN, (taken,), (write(said),), (of_cell,))


# Gradients of other weights -----------------------------------------------------------

ITSELF = -1  # not a weight: the loss itself, used as its slope


def other_gradients(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The updates that should refer to another cell."""
    tested, book = symptoms.under_test, symptoms.under_test.training.book
    claims = tested.step.claims
    row, is_foreign = tested.positions.row, tested.positions.is_of_other_steps
    computed = tested.training.computed_cells.intersection(tested.step.cells)
    own_rows = {row(cell) for cell in computed if not is_foreign(cell)}
    for weight, claim in symptoms.wrong.items():
        other = whose(tested, weight, claim) if claim.via and claim.whole else None
        is_late = is_foreign(claim.owner) and row(claim.owner) not in own_rows
        if other is None and claim.via and claim.whole and is_late:
            other = weight
        if other is None:
            continue
        astray = claim.owner
        if not is_late:  # the first cell on the trail that belongs to the other weight's update
            options = claims[other] if other != ITSELF else ()
            theirs = {cell for option in options for cell in (*option.via, option.owner)}
            astray = next((cell for cell in claim.via[1:] if cell in theirs), claim.owner)
        home = claim.via[claim.via.index(astray) - 1] if astray in claim.via else claim.via[-1]
        right = _right_one(tested, weight, claim, astray)
        if right is None or home == astray:
            continue
        if astray == claim.owner and other != ITSELF and not is_late:
            others = {o.owner for j, some in enumerate(claims) if j != weight for o in some}
            if right not in others and astray not in others | tested.made_of(others):
                continue  # the update rightly uses its own cell, whose formula is wrong
        taken, said = (
            tested.mentions.on_its_sheet(name_of(cell), cell, home) for cell in (astray, right)
        )

        def follow(word: str, home: Address = home, old: Address = astray, new: str = said) -> str:
            return new if book.reader.cell(word, home) == old else word

        text = rename_cells_in(book.patterns[home].text_at(home), follow)
        edit = Edit(EditKind.REFERENCE, ((),), Reference(taken), Reference(said))
        yield Hypothesis(Cause.UPDATE, (home,), (text,), (edit,), frozenset({weight}), other)


def serving_others(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> set[int]:
    """The weights in a last row, which no update follows, that seem to claim another's gradient, or
    claim nothing there."""
    seeming = {
        weight
        for weight, claim in wrong.items()
        if not claim.via and claim.whole and whose(tested, weight, claim) is not None
    }
    is_last = tested.step.number == tested.training.steps
    claims = tested.step.claims if is_last else ()
    return seeming.union(weight for weight, options in enumerate(claims) if not options)


def going_on(
    last: StepUnderTest, known: Sequence[tuple[StepUnderTest, Hypothesis]], weights: set[int]
) -> Iterator[tuple[StepUnderTest, Hypothesis]]:
    """Hypotheses about a last row, which no update follows: a velocity or a mean that earlier steps
    used as these weights' gradients, and that continues there."""
    training, found = last.training, set[Address]()
    patterns = training.book.patterns
    for tested, update in known:
        (weight,) = update.explains
        steps = last.step.number - tested.step.number
        there = update.home + steps * training.weights[weight].stride
        before, here = patterns.get(update.home), patterns.get(there)
        if before is None or here is None or weight not in weights or there in found:
            continue
        if there in training.weight_cells or here.shape != before.shape:
            continue
        found.add(there)
        right = training.book.reader.read_typed(update.formulas[0], update.home)
        text = copy_formula(right.text, update.home, there)
        if sheet_of(there) != sheet_of(update.home):
            text = training.on_sheet_of(there, right).text_at(there)
        yield (
            replace(tested, alike=(tested.step,)),
            replace(update, cells=(there,), formulas=(text,)),
        )


def whose(tested: StepUnderTest, weight: int, claim: Claim) -> int | None:
    """The other weight whose gradient a claim is, or ITSELF for the loss; None if there is none."""
    if claim.owner in tested.loss_cells:
        return ITSELF
    if claim.owner not in tested.training.book.patterns:
        return None
    with suppress(NotUnderstood):
        claimed = tested.claim_node(claim)
        for other, true in tested.gradients.items():
            if other != weight and not true.is_constant() and tested.same(claimed, true):
                return other
    return None


def _right_one(tested: StepUnderTest, weight: int, claim: Claim, astray: Address) -> Address | None:
    """The cell that should replace a gradient, or a memory of it: a cell of the step that equals
    the gradient, preferably beside the claim."""
    training, true = tested.training, tested.gradients[weight]
    links = claim.via[claim.via.index(astray) :] if astray in claim.via else ()
    for cell in _near(tested, claim.owner, training.book.patterns):
        if cell not in training.computed_cells:
            continue
        with suppress(NotUnderstood):
            node = tested.graph.node(cell)
            if tested.same(node if claim.sign > 0 else -node, true):
                right = _corresponding(tested, cell, links)
                if right is not None:
                    return right
    return None


def _corresponding(
    tested: StepUnderTest, gradient: Address, links: Sequence[Address]
) -> Address | None:
    """What a gradient's own velocity, or mean, is, if another's is reached by these links."""
    patterns, cell = tested.training.book.patterns, gradient
    for link in reversed(links):
        alike = (
            user
            for user in _near(tested, link, tested.training.flow.users.get(cell, ()))
            if user in patterns
            and user not in tested.training.weight_cells
            and patterns[user].shape == patterns[link].shape
        )
        following = next(alike, None)
        if following is None:
            return None
        cell = following
    return cell


def _near(tested: StepUnderTest, home: Address, cells: Iterable[Address]) -> list[Address]:
    """Return the cells beside one first, then the others of its step."""
    along = tested.training.axis.along
    own = {*tested.step.cells, *tested.positions.unused_formulas}
    near = {cell for cell in cells if cell in own or along(cell) == along(home)}

    def distance(cell: Address) -> tuple[bool, bool, Address]:
        return along(cell) != along(home), sheet_of(cell) != sheet_of(home), cell

    return sorted(near, key=distance)
