"""What may be wrong with a row: what most rows say otherwise, and what put other rows right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from gradbook.audit.formula.address import ROW, SHEET, Address, column_of, row_of, sheet_of
from gradbook.audit.formula.expression import Edit, EditKind
from gradbook.audit.formula.pattern import Pattern, move_formula, rename_cells_in
from gradbook.audit.repair.repaired_step import meaning_of
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.points import agree
from gradbook.audit.step.under_test import ClaimVerdict, Positions, StepUnderTest
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.training.training import SheetTraining
from gradbook.targets.excel.language import Expression, Number, read, write

# Rows unlike most ---------------------------------------------------------------------

SEVERAL = 3  # steps that are alike


def outlier_rows(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The formulas of most rows, where they put these right but for what is wrong in all; or where
    the loss of one row is another one by its own formulas, though its gradients go with that."""
    if not symptoms.usual:
        return
    tested = symptoms.under_test
    cells = _outliers(tested.training, symptoms.usual[0], tested.step)
    wrong = tested.wrong_weights() - symptoms.earlier.usually_wrong
    if wrong:
        cells = _to_blame(symptoms, cells)
    else:
        cells = _otherwise_computed(tested, cells) if _is_alone(symptoms) else {}
    if cells:
        whole = (p.expression or Number(0.0) for p in cells.values())
        edits = tuple(Edit(EditKind.FORMULA, ((),), Number(0.0), right) for right in whole)
        texts = tuple(pattern.text for pattern in cells.values())
        yield Hypothesis(Cause.ROW, tuple(cells), texts, edits, frozenset(wrong))


def _to_blame(symptoms: Symptoms, cells: dict[Address, Pattern]) -> dict[Address, Pattern]:
    """As few of the formulas as put the step right; none where all of them don't."""
    tested, anyway = symptoms.under_test, symptoms.earlier.usually_wrong
    if not cells or not _are_right(tested, cells, anyway):
        return {}
    for cell in list(cells):
        without = {other: pattern for other, pattern in cells.items() if other != cell}
        if without and _are_right(tested, without, anyway):
            cells = without
    return cells


def _is_alone(symptoms: Symptoms) -> bool:
    """Whether a single step isn't like several others."""
    return len(symptoms.under_test.alike) == 1 and len(symptoms.usual) >= SEVERAL


def _otherwise_computed(
    tested: StepUnderTest, cells: Mapping[Address, Pattern]
) -> dict[Address, Pattern]:
    """Keep the formulas on the way to the loss that compute another loss from the same cells."""
    loss = tested.random.of(tested.loss)

    def matters(cell: Address, right: Pattern) -> bool:
        there = tested.with_formulas({cell: right})
        return not agree(loss, there.random.of(there.loss))

    own = {cell: right for cell, right in cells.items() if cell in tested.forward}
    slips = {
        cell: right for cell, right in own.items() if _is_row_slip(tested.training, cell, right)
    }
    return {cell: right for cell, right in slips.items() if matters(cell, right)}


def _is_row_slip(training: SheetTraining, cell: Address, right: Pattern) -> bool:
    """Whether a formula computes something else of the same cells, or goes on as an update does:
    of other cells, it may be meant so."""
    has = training.flow.sources(cell)
    meant = set(training.flow.mentioned_cells(right.places, cell))
    return set(has) == meant or any(map(training.is_rate, has))


def _are_right(
    tested: StepUnderTest, formulas: Mapping[Address, Pattern], wrong_anyway: set[int]
) -> bool:
    """Whether all claims but those are right with these formulas."""
    again = StepUnderTest.of(tested.training, [tested.step]).with_formulas(formulas)
    return again.wrong_weights() <= wrong_anyway


def _outliers(training: SheetTraining, usual: SheetStep, step: SheetStep) -> dict[Address, Pattern]:
    """Return the cells of a step whose formula differs from the usual one, with the usual one."""
    move = Move(training, usual, step)
    found: dict[Address, Pattern] = {}
    for cell in usual.cells:
        pattern = training.book.patterns.get(cell)
        if pattern is None or cell not in training.computed_cells:
            continue
        there = move.to(cell)
        if not move.same(cell, there):
            text = move.text(cell, pattern.text_at(cell))
            found[there] = training.book.reader.read_typed(text, there)
    return found


class Move:
    """The way from the cells of one step to those of another.

    Epochs and samples may be differently far apart, even on one sheet, but a column holds either.
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
        self.by |= self._as_mentioned(usual)

    def _columns(self, step: SheetStep) -> dict[tuple[int, int], list[Address]]:
        """The cells of a step that move with it, by the column they stand in."""
        training, foreign = self.training, Positions(self.training, step).of_other_steps
        found: defaultdict[tuple[int, int], list[Address]] = defaultdict(list)
        for cell in dict.fromkeys([*step.cells, *step.own]):
            moves = cell in training.computed_cells and cell not in foreign
            if cell in step.weights or moves:
                found[self._line(cell)].append(cell)
        return found

    def _as_mentioned(self, usual: SheetStep) -> dict[tuple[int, int], int]:
        """How far columns of sheets on which the other step lacks cells are apart, by the formulas
        of both steps that mention them: a sum of its samples."""
        flow, known = self.training.flow, {sheet for sheet, _ in self.by}
        found: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        for cell in usual.cells:
            if sheet_of(cell) in known:
                for x, y in zip(flow.sources(cell), flow.sources(self.to(cell)), strict=False):
                    if sheet_of(x) not in known and self._line(x) == self._line(y) and x != y:
                        found[self._line(x)][y - x] += 1
        return {line: by.most_common(1)[0][0] for line, by in found.items()}

    def _line(self, cell: Address) -> tuple[int, int]:
        return self.training.axis.line(cell)

    def distance(self, cell: Address) -> int:
        """How far the other step's cell is from this one's, as the nearest column has it."""
        sheet, place = self._line(cell)
        near = [line for line in self.by if line[0] == sheet]
        if not near:  # nothing of that step depends on weights there
            return self.losses.get(sheet, 0)
        return self.by[min(near, key=lambda line: abs(line[1] - place))]

    def to(self, cell: Address) -> Address:
        return cell + self.distance(cell)

    def text(self, cell: Address, formula: str) -> str:
        """A formula of the cell as it belongs in the other step."""
        reader, own = self.training.book.reader, self.distance(cell)

        def follow(reference: str) -> str:
            at = reader.cell(reference, cell)
            by = own
            if at is not None and at in self.inside and at in self.training.varying:
                by = self.distance(at)
            elif at is not None and sheet_of(at) != sheet_of(cell):
                by = 0
            if at is not None and "!" in reference and sheet_of(at + by) != sheet_of(at):
                return self.training.book.name_of(at + by, cell + own)
            within = by - round(by / SHEET) * SHEET  # its sheet isn't said
            down = round(within / ROW)
            return move_formula(reference, down, within - down * ROW)

        return rename_cells_in(formula, follow)

    def same(self, cell: Address, there: Address) -> bool:
        """Whether the two formulas say the same of their own steps."""
        book, flow = self.training.book, self.training.flow
        a, b = book.patterns[cell], book.patterns.get(there)
        if a is b:
            return True
        if b is None or a.shape != b.shape:
            return False
        here, other = flow.sources(cell), flow.sources(there)
        own = self.distance(cell)
        fits = all(self._fits(x, y, own) for x, y in zip(here, other, strict=False))
        return fits and len(here) == len(other)

    def _fits(self, x: Address, y: Address, own: int) -> bool:
        if x in self.weights:
            return self.weights[x] == y
        return y in (x, x + self.distance(x), x + own)


# Repairs of other rows ----------------------------------------------------------------


def known_columns(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """What put a column right in other rows."""
    for step, hypothesis in symptoms.earlier.columns:
        again = _in_this_step(symptoms.under_test, step, hypothesis)
        if again is not None:
            yield again


def known_claim(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The repair of the same formula in another place, where it helps here too."""
    wrong = symptoms.formula(symptoms.looked_at)
    if wrong is None:
        return
    known = symptoms.earlier.claims.get(wrong.pattern.key)
    if known is None:
        return
    down = row_of(wrong.home) - row_of(known.home)
    across = column_of(wrong.home) - column_of(known.home)

    def follow(cell: Address, text: str) -> str:
        return move_formula(text, down, across)

    again = _moved(known, (wrong.home,), follow)
    meant = meaning_of(wrong.under_test, again.formulas[0], wrong.home)
    if meant is None or wrong.under_test.compare(meant, wrong.target) is not ClaimVerdict.RIGHT:
        return
    yield again


def _in_this_step(
    tested: StepUnderTest, step: SheetStep, hypothesis: Hypothesis
) -> Hypothesis | None:
    """A hypothesis of another step for the cells that stand in their places in this one; None
    where these say another thing."""
    patterns = tested.training.book.patterns
    move = Move(tested.training, step, tested.step)
    there = tuple(map(move.to, hypothesis.cells))
    for cell, other in zip(hypothesis.cells, there, strict=True):
        both = cell in patterns and other in patterns
        if not (move.same(cell, other) if both else (cell in patterns) == (other in patterns)):
            return None
    return _moved(hypothesis, there, move.text)


def _moved(
    hypothesis: Hypothesis, cells: tuple[Address, ...], follow: Callable[[Address, str], str]
) -> Hypothesis:
    """A hypothesis for other cells, its formulas as they belong there."""

    def part(expression: Expression) -> Expression:
        return read(follow(hypothesis.home, write(expression)))

    def edit(one: Edit) -> Edit:
        return replace(one, old=part(one.old), new=part(one.new))

    both = zip(hypothesis.cells, hypothesis.formulas, strict=True)
    formulas = tuple(follow(cell, text) for cell, text in both)
    edits = tuple(map(edit, hypothesis.edits))
    return replace(hypothesis, cells=cells, formulas=formulas, edits=edits)
