"""Judges an exercise of ours: given cells are taken as right, each column asked for is judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import chain, groupby
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from gradbook.audit.copies.correct import loss_curve
from gradbook.audit.exercise.causes import (
    Respelling,
    Slip,
    SlipCause,
    WaysBack,
    common_factor,
    of_factor,
    turns_a_difference,
)
from gradbook.audit.exercise.cell_verdicts import (
    CIRCLE,
    CellVerdict,
    OwnFormulas,
    StepNumbers,
    find_meant,
    right_elsewhere,
)
from gradbook.audit.exercise.places import Place, Places, find_places
from gradbook.audit.findings import (
    CARRIED,
    CHANGED,
    CIRCULAR,
    FROZEN,
    GRADIENTS,
    PASTED,
    RIGHT,
    SWAPPED_COLUMNS,
    TO_FILL_IN,
    TYPED_RIGHT,
    UNFINISHED,
    UNJUDGED,
    WRONG,
    AskedColumn,
    Finding,
    LossCurves,
    SheetReport,
    finding_in,
    typed_in,
)
from gradbook.cells.book import Book, quote_title, show_value
from gradbook.cells.budget import A_SHARE, note_if_spent, within_budget
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import (
    Address,
    by_sheet,
    column_of,
    letters,
    name_of,
    pack,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.pattern import copy_formula
from gradbook.cells.formula.syntax import write
from gradbook.errors import GradbookError
from gradbook.graph.node import Node
from gradbook.language.message import Message, WrittenNumber, message_count
from gradbook.net import parse
from gradbook.net.formulas import parse_formulas, reads_as_formulas
from gradbook.targets.excel.plan.record import ExerciseRecord

if TYPE_CHECKING:
    from gradbook.targets.excel.plan.workbook_plan import WorkbookContents

SAME = 1e-9  # relative, of given numbers after they were saved again
TYPED_DIGITS = 1e-3  # relative, of numbers typed from a calculator
CHANGED_SHOWN = 6  # changed numbers to name
LONGEST_NET = 60_000  # characters
MOST_PARAMETERS = 5_000


def exercise_report(book: Book, flow: Flow, record: ExerciseRecord) -> SheetReport | None:
    """The report on an exercise of ours; None if it can no longer be recognised as one."""
    solution = _solution(record)
    if solution is None:
        return None
    usual = [(GRADIENTS, str(node.name)) for node in solution.gradients]
    nodes = solution.nodes
    asked = {nodes[name]: kind for kind, name in record.asked or usual if name in nodes}
    places = find_places(book, solution, asked, record.epochs)
    if places is None:
        return None
    flow = Flow(book) if places.has_named_again else flow
    exercise = _ReturnedExercise(book, flow, solution, asked, record.rate, places)
    if not asked or not all(exercise.columns.values()):
        return None
    try:
        return exercise.report()
    except RecursionError:
        return None  # a chain of thousands of helper cells


def _solution(record: ExerciseRecord) -> WorkbookContents | None:
    """The solution for the network that a book names; None if there is none."""
    if len(record.network) > LONGEST_NET:
        return None
    from gradbook.targets.excel.plan.workbook_plan import (
        WorkbookContents,  # a writer: slow to load, seldom needed
    )

    try:
        if reads_as_formulas(record.network):
            formulas = parse_formulas(record.network)
            fits = len(formulas.numbers) <= MOST_PARAMETERS
            return WorkbookContents(formulas, record.words) if fits else None
        net = parse(record.network)
        return WorkbookContents(net, record.words) if net.count() <= MOST_PARAMETERS else None
    except GradbookError:
        return None


@dataclass(frozen=True, eq=False)
class _ReturnedExercise:
    """An exercise that was handed in."""

    book: Book
    flow: Flow
    solution: WorkbookContents
    questions: Mapping[Node, str]  # the values to be filled in, each with its kind
    rate: float | None  # given by the exercise
    places: Places

    def report(self) -> SheetReport:
        step, places = self.solution.step, self.places
        asked = tuple(map(self._asked, self.columns))
        findings = (*self._wrong(), *self._changed(), *self._blank())
        losses = [[cell] for cell in places.over(step.loss)]
        weights = [c for weight in step.trained for c in places.over(weight)]
        curve: LossCurves | None = None
        with note_if_spent(lambda: Message("how its loss would continue")):
            curve = loss_curve(self.book, self.flow, losses, findings)
        rate = next((c for c, p in places.given_cells.items() if p.node is step.rate), None)
        notes = (*self._stand_elsewhere(asked), *self._changed_numbers())
        return SheetReport(
            sheet=self._title(losses[0][0]),
            verdict=_verdict(findings, asked),
            loss=name_of(losses[0][0]),
            rate=self.book.name_of(rate, losses[0][0]) if rate is not None else "",
            weights=tuple(str(weight.name) for weight in step.trained),
            rows=(min(map(row_of, weights)) + 1, max(map(row_of, weights)) + 1),
            findings=findings,
            notes=notes,
            curve=curve,
            asked=asked,
        )

    def _title(self, cell: Address) -> str:
        return self.book.sheets[sheet_of(cell)].title

    # What each cell is ------------------------------------------------------------------

    @cached_property
    def numbers(self) -> StepNumbers:
        return StepNumbers(self.solution, self.places.epochs)

    @cached_property
    def columns(self) -> dict[Node, list[Address]]:
        """The cells of each value asked for, without a weight's first cell, which is given."""
        cells, later = self.places.cells, self.solution.step.next
        return {
            node: [c for c in self.places.over(node) if cells[c].epoch or node not in later]
            for node in self.places.columns
            if node in self.questions
        }

    @cached_property
    def gradients(self) -> dict[Node, str]:
        """The weight of each gradient."""
        return {node: str(weight.name) for weight, node in self.solution.step.gradients.items()}

    @cached_property
    def formulas(self) -> OwnFormulas:
        """The formulas with all other cells right; the student's own cells, too, if it is known
        what they should contain."""
        plain = OwnFormulas(self.book, self.flow, self.places, self.numbers)
        wrong = {
            cell: self.places.cells[cell]
            for cell in self._computed
            if any(map(plain.is_own, self.flow.sources(cell)))
            and plain.verdict(cell).state == WRONG
        }
        meant = find_meant(plain, wrong) if wrong else {}
        return plain.with_taken(meant) if meant else plain

    @cached_property
    def carried(self) -> OwnFormulas:
        """The formulas with the student's other cells as they are, but with right weights."""
        taken = self.formulas.taken
        return self.formulas.with_taken(taken, {*self._computed, *taken})

    @property
    def _computed(self) -> list[Address]:
        """The cells asked for, without weights."""
        later = self.solution.step.next
        return [c for node, cells in self.columns.items() if node not in later for c in cells]

    @cached_property
    def own_columns(self) -> list[tuple[Node, list[Address]]]:
        """The student's own columns, if it is known what they should contain."""
        found: defaultdict[tuple[Node, int, int], list[Address]] = defaultdict(list)
        for cell, place in sorted(self.formulas.taken.items()):
            found[place.node, sheet_of(cell), column_of(cell)].append(cell)
        return [(node, cells) for (node, _, _), cells in found.items()]

    @cached_property
    def verdicts(self) -> Mapping[Address, CellVerdict]:
        """The verdict on each cell to fill in: first by itself, then with the student's other cells
        as they are."""
        every = [*self.columns.values(), *(cells for _, cells in self.own_columns)]
        alone = {cell: self._alone(cell) for cells in every for cell in cells}
        bad = {cell for cell, verdict in alone.items() if verdict.state != RIGHT}
        return {cell: self._followed(cell, verdict, bad) for cell, verdict in alone.items()}

    def _alone(self, cell: Address) -> CellVerdict:
        """The verdict on a cell by itself: with a slip in one name, it is wrong as any other."""
        verdict = self.formulas.verdict(cell)
        if verdict.state == UNJUDGED and self._name_slip(cell):
            return replace(verdict, state=WRONG, problem="")
        return verdict

    def _name_slip(self, cell: Address) -> SlipCause | None:
        group = self.formulas.verdict(cell).group
        if group not in self._name_slips:
            slip = Slip(self.formulas, self._spelling, self._ways, cell)
            self._name_slips[group] = within_budget(lambda: next(slip.of_a_name(), None))
        return self._name_slips[group]

    @cached_property
    def _name_slips(self) -> dict[object, SlipCause | None]:
        return {}

    def _followed(self, cell: Address, alone: CellVerdict, bad: set[Address]) -> CellVerdict:
        if alone.state not in (RIGHT, WRONG):
            return alone
        through = self.carried.verdict(cell)
        if through.state in (RIGHT, CIRCLE):  # a different way of computing it is right, too
            return replace(alone, state=through.state)
        if alone.state == WRONG:
            return alone
        made_of = self.carried.behind(cell) & self.carried.followed & bad - {cell}
        return replace(alone, state=CARRIED, made_of=frozenset(made_of))

    # What became of each column -------------------------------------------------------

    def _asked(self, node: Node) -> AskedColumn:
        cells = self.columns[node]
        states = {self.verdicts[cell].state for cell in cells}
        kind = self.questions[node]
        column = AskedColumn(str(node.name), self._title(cells[0]), ranges(cells), kind, RIGHT)
        if states == {RIGHT} or node in self._by_convention:
            return column
        if UNJUDGED in states:
            return replace(column, state=UNFINISHED)
        made_of = tuple(str(n.name) for n in self._causes_of(cells))
        blank = states <= {RIGHT, CARRIED, TO_FILL_IN}
        state = TO_FILL_IN if TO_FILL_IN in states and blank else CARRIED if blank else WRONG
        column = replace(column, state=state, made_of=made_of)
        there = [self._elsewhere[cell] for cell in cells if cell in self._elsewhere]
        if not there:
            return column
        named = (f"{quote_title(self._title(c[0]))}!{ranges(c)}" for c in by_sheet(there))
        return replace(column, elsewhere=", ".join(named), elsewhere_rows=len(there) / len(cells))

    @cached_property
    def _elsewhere(self) -> dict[Address, Address]:
        """Cells of blank columns, and the cells in which their right formulas are."""
        blank = [
            cells
            for cells in self.columns.values()
            if {self.verdicts[cell].state for cell in cells} == {TO_FILL_IN}
        ]
        every = chain.from_iterable(blank)
        return within_budget(lambda: right_elsewhere(self.formulas, every)) or {}

    def _stand_elsewhere(self, asked: Sequence[AskedColumn]) -> Iterator[str]:
        there = [column for column in asked if column.elsewhere]
        if there:
            yield Message(
                "right formulas are elsewhere, and a rubric may count them "
                "(accept_elsewhere): {columns}",
                columns=", ".join(f"{column.quantity} in {column.elsewhere}" for column in there),
            )

    def _causes_of(self, cells: Iterable[Address]) -> list[Node]:
        """The columns whose mistakes are carried into some cells, in their order."""
        causes = {cause for cell in cells for cause in self.verdicts[cell].made_of}
        found = {self.formulas.place(cell).node for cell in causes}
        every = [*self.columns, *(node for node, _ in self.own_columns)]
        return [node for node in dict.fromkeys(every) if node in found]

    def _spoilt_by(self, node: Node) -> list[str]:
        """The weights whose gradients a column's mistake is carried into."""
        return [
            weight
            for gradient, weight in self.gradients.items()
            if node in self._causes_of(self.columns.get(gradient, ()))
        ]

    # What is wrong ----------------------------------------------------------------------

    def _finding(
        self,
        kind: str,
        node: Node,
        cells: list[Address],
        why: str,
        fixes: Mapping[Address, str],
        **more: Any,
    ) -> Finding:
        found = finding_in(
            self.book, cells, kind, str(node.name), why, weight=self.gradients.get(node, "")
        )
        named = {name_of(cell): fix for cell, fix in fixes.items()}
        return replace(found, expected=fixes.get(cells[0], ""), fixes=named, **more)

    def _wrong(self) -> Iterator[Finding]:
        yield from self._common()
        found = [
            (node, cause, cells)
            for node, column in (*self.columns.items(), *self.own_columns)
            if node not in self._common_nodes | self._by_convention
            for cause, cells in self._slips(node, column)
        ]
        held = {node: cause.other_column for node, cause, _ in found if cause.other_column}
        for node, cause, cells in found:
            other = cause.other_column
            is_swapped = other is not None and held.get(other) is node
            told = self._swapped(node, other) if other and is_swapped else cause
            yield self._of_slip(node, cells, told)

    def _slips(
        self, node: Node, column: list[Address]
    ) -> Iterator[tuple[SlipCause, list[Address]]]:
        """A column's mistakes, each with its cells."""
        groups: defaultdict[object, list[Address]] = defaultdict(list)
        for cell in column:
            verdict = self.verdicts[cell]
            if verdict.state in (WRONG, PASTED, CIRCLE, UNJUDGED):
                group = verdict.group or typed_in(self.book, cell, "")[:1]
                groups[verdict.state, group].append(cell)
        same: dict[tuple[str, str], tuple[SlipCause, list[Address]]] = {}
        for cells in groups.values():
            cause = self._cause(node, cells[0])
            key = cause.kind, str(cause.edits) or cause.why
            same.setdefault(key, (cause, []))[1].extend(cells)
        yield from ((cause, sorted(cells)) for cause, cells in same.values())

    def _cause(self, node: Node, cell: Address) -> SlipCause:
        state = self.verdicts[cell].state
        if state == PASTED:
            kind, why = typed_in(self.book, cell, str(node.name))
            return SlipCause(kind, why, edits=(kind,))
        if state == CIRCLE:
            circular = Message("{cell} is computed from itself", cell=name_of(cell))
            return SlipCause(CIRCULAR, circular)
        if state == UNJUDGED:
            problem = self.verdicts[cell].problem
            why = Message("{name} can't be judged: {problem}", name=str(node.name), problem=problem)
            return SlipCause(UNJUDGED, why)
        return Slip(self.formulas, self._spelling, self._ways, cell).cause()

    @cached_property
    def _ways(self) -> Callable[[int], WaysBack]:
        """The paths back from the loss in an epoch, which all columns share."""
        return cache(partial(WaysBack, self.numbers))

    def _swapped(self, node: Node, other: Node) -> SlipCause:
        """The slip of two columns that contain each other's values."""
        why = Message(
            "this is {other}, and {name} is in {column}: the two are exchanged",
            other=str(other.name),
            name=str(node.name),
            column=letters(column_of(self.columns[other][0])),
        )
        both = ", ".join(sorted((str(other.name), str(node.name))))
        return SlipCause(SWAPPED_COLUMNS, why, edits=(f"exchanged {both}",))

    def _of_slip(self, node: Node, cells: list[Address], cause: SlipCause) -> Finding:
        fixes = self._fixes(node, cells, cause)
        off = self._off(cells[0], fixes[cells[0]])
        each = (self._off(cell, fixes[cell]) for cell in cells if cause.kind == PASTED)
        if cause.kind == PASTED and all(x is not None and x <= TYPED_DIGITS for x in each):
            why = Message(
                "{cell} contains a typed number, not a formula: the number is right, but a "
                "formula must compute it",
                cell=name_of(cells[0]),
            )
            off, cause = None, replace(cause, why=why, edits=(TYPED_RIGHT,))
        spoilt = self._spoilt_by(node)
        both = dict.fromkeys((self.gradients.get(node, ""), *spoilt))
        start = 1 if node in self.solution.step.next else 0
        return self._finding(
            cause.kind,
            node,
            cells,
            cause.why,
            fixes,
            relative_error=off,
            spoils=tuple(filter(None, both)) if spoilt else (),
            edits=cause.edits or (str(cause.why),),
            first_step=self.formulas.place(cells[0]).epoch - start,
        )

    @cached_property
    def _as_made(self) -> Evaluation:
        return Evaluation(self.book, self.flow)

    def _off(self, cell: Address, right: str) -> float | None:
        """The relative error of a cell against the right formula, in the book as it is."""
        pattern = self.book.reader.read_typed(right.removeprefix("="), cell)

        def off() -> float:
            value, wanted = self._as_made.value(cell), self._as_made.value_of(pattern, cell)
            return abs(value / wanted - 1) if wanted else nan

        share = within_budget(off, A_SHARE)
        return share if share is not None and isfinite(share) else None

    # The right formulas -------------------------------------------------------------------

    @cached_property
    def _spelling(self) -> Respelling:
        """Writes right formulas, without references to columns that are still blank."""
        blank = frozenset(
            node for node, cells in self.columns.items() if any(map(self.book.is_blank, cells))
        )
        return Respelling(self.flow, self.places, blank, self.solution)

    def _right(self, cell: Address) -> str:
        """The right formula of a cell of a table, with its =."""
        place = self.formulas.place(cell)
        following = self.solution.step.next.get(place.node)
        if following is None or not place.epoch:
            return f"={write(self._spelling.speller(cell, place).formula(place.node))}"
        speller = self._spelling.speller(cell, replace(place, epoch=place.epoch - 1))
        say = speller.formula if following.name is None else speller.mention
        return f"={write(say(following))}"

    def _fixes(self, node: Node, cells: list[Address], cause: SlipCause) -> dict[Address, str]:
        """The right formula of each cell: the student's own if a small edit corrects it."""
        first, patterns = cells[0], self.book.patterns
        like = None if node.each or cause.right_expression is None else patterns[first]
        text = write(cause.right_expression) if cause.right_expression else ""
        return {
            cell: f"={copy_formula(text, first, cell)}"
            if like is not None and patterns.get(cell) is like
            else self._right(cell)
            for cell in cells
        }

    # One sign or factor in all ------------------------------------------------------------

    def _factors(self, node: Node) -> set[float | None]:
        """The factors by which a column differs from the right one where it is wrong by itself."""
        verdicts = [self.verdicts[cell] for cell in self.columns[node]]
        wrong = {id(v): v for v in verdicts if v.state == WRONG}.values()
        return {common_factor(v.value, v.right_value) for v in wrong}

    @cached_property
    def _by_convention(self) -> frozenset[Node]:
        """Columns before the gradients that differ from ours by one factor while every gradient is
        right, for example if the mean over samples is taken at the end."""
        if not self.gradients.keys() <= self.columns.keys():
            return frozenset()
        cells = chain.from_iterable(self.columns[node] for node in self.gradients)
        if any(self.verdicts[cell].state != RIGHT for cell in cells):
            return frozenset()
        found = set[Node]()
        for node in self.columns.keys() - self.gradients.keys():
            is_all_wrong = {self.verdicts[cell].state for cell in self.columns[node]} == {WRONG}
            times = self._factors(node) if is_all_wrong else set()
            is_even = len(times) == 1 and times.isdisjoint((None, self._common_times))
            if is_even and not self._spoilt_by(node):
                found.add(node)
        return frozenset(found)

    @cached_property
    def _common_times(self) -> float | None:
        """The one factor by which all gradients are wrong; None if there is no such factor."""
        times: set[float | None] = set()
        filled = 0
        for node in self.gradients.keys() & self.columns.keys():
            there = [cell for cell in self.columns[node] if cell in self.book.patterns]
            if any(self.verdicts[cell].state not in (WRONG, CARRIED) for cell in there):
                return None
            made = {id(v): v for v in map(self.carried.verdict, there)}.values()
            times |= {common_factor(v.value, v.right_value) for v in made}
            filled += bool(there)
        return next(iter(times)) if len(times) == 1 and filled > 1 else None

    @cached_property
    def _common_nodes(self) -> frozenset[Node]:
        """The gradient columns that are themselves wrong by the common factor."""
        found = {
            node
            for node in self.columns
            if self._common_times is not None
            and self.questions[node] == GRADIENTS
            and self._factors(node) == {self._common_times}
        }
        return frozenset(found) if len(found) > 1 else frozenset()

    def _common(self) -> Iterator[Finding]:
        """One wrong sign or factor, reported once for all columns that have it."""
        nodes = [node for node in self.columns if node in self._common_nodes]
        if not nodes or self._common_times is None:
            return
        cells = [c for n in nodes for c in self.columns[n] if self.verdicts[c].state == WRONG]
        subject = message_count("all {count} gradient", "all {count} gradients", len(nodes))
        is_turned = all(turns_a_difference(self.formulas, self.columns[n][0]) for n in nodes)
        kind, why = of_factor(self._common_times, subject, len(nodes), is_turned)
        for here in by_sheet(cells):
            names = [str(self.places.cells[cell].node.name) for cell in here]
            both = " … ".join(dict.fromkeys((names[0], names[-1])))  # ∂E/∂w1 … ∂E/∂w8
            found = self._finding(
                kind,
                nodes[0],
                here,
                why,
                {cell: self._right(cell) for cell in here},
                relative_error=abs(self._common_times - 1),
                edits=(str(why),),
            )
            yield replace(found, quantity=both, weight="", cells=_ranges_across(here))

    # Given cells, and blank ones ------------------------------------------------------------

    def _changed(self) -> Iterator[Finding]:
        """Given cells of the tables that were changed."""
        asked = {cell for cells in self.columns.values() for cell in cells}
        for node in self.places.columns:
            changed = [
                cell
                for cell in self.places.over(node)
                if cell not in asked
                and not self._begins(cell)
                and self.formulas.verdict(cell).state != RIGHT
            ]
            if not changed:
                continue
            fixes, first = {cell: self._given(cell) for cell in changed}, changed[0]
            why = Message(
                "{cell} was changed: the exercise gave {given}",
                cell=name_of(first),
                given=_as_part(fixes[first]),
            )
            yield replace(
                self._finding(CHANGED, node, changed, why, fixes),
                weight="",
                formula=self.book.content(first) or "nothing",
                edits=(f"given {node.name}",),
                first_step=self.places.cells[first].epoch,
            )

    def _begins(self, cell: Address) -> bool:
        """Whether a cell is the first value of a memory."""
        place, solution = self.places.cells[cell], self.solution
        is_first = place.epoch == 0 and place.node in solution.memory
        return is_first and self.book.values.get(cell) == float(solution.step.start[place.node])

    def _given(self, cell: Address) -> str:
        """The formula that the exercise gave; a first value refers to its given cell."""
        place, step = self.places.cells[cell], self.solution.step
        is_leaf = place.node in (*step.inputs, *step.targets)
        if not is_leaf and (place.epoch or place.node not in step.start):
            return self._right(cell)
        wanted = replace(place, epoch=0)
        given = next((c for c, p in self.places.given_cells.items() if p == wanted), None)
        return (
            show_value(self._number(place))
            if given is None
            else f"={self.places.names.get(given) or self.book.name_of(given, cell)}"
        )

    def _number(self, place: Place) -> float:
        """The exercise's own number, which is the last of the points."""
        return float(self.numbers.target(place)[-1])

    def _changed_numbers(self) -> Iterator[str]:
        """Remarks on given numbers that were changed: results computed from them may be right."""
        changed = []
        for cell, place in sorted(self.places.given_cells.items()):
            there = self.book.values.get(cell)
            is_rate = place.node is self.solution.step.rate
            wanted = self.rate if is_rate else self._number(place)
            if wanted is None or cell in self.book.patterns:
                continue
            if not isinstance(there, float) or abs(there - wanted) > SAME * abs(wanted):
                changed.append(
                    Message(
                        "{cell} ({name}) was changed: it is {now}, not {given}",
                        cell=self.book.name_of(cell),
                        name=str(place.node.name),
                        now=_as_part(show_value(there)) or Message("nothing"),
                        given=WrittenNumber(show_value(wanted)),
                    )
                )
        yield from changed[:CHANGED_SHOWN]
        if len(changed) > CHANGED_SHOWN:
            yield message_count(
                "{count} more given number changed",
                "{count} more given numbers changed",
                len(changed) - CHANGED_SHOWN,
            )

    def _blank(self) -> Iterator[Finding]:
        """The columns that are still to be filled in."""
        for node, cells in self.columns.items():
            blank = [cell for cell in cells if self.verdicts[cell].state == TO_FILL_IN]
            if blank:
                first = cells.index(blank[0])
                why = self._why_blank(node, cells, blank)
                yield self._finding(TO_FILL_IN, node, blank, why, {}, first_step=first)

    def _why_blank(self, node: Node, cells: list[Address], blank: list[Address]) -> str:
        """Deleted cells are beside or below the table, which needs a word."""
        name = str(node.name)
        if self.places.deleted.isdisjoint(blank):
            return Message("{name} is still to be filled in", name=name)
        if self.places.deleted.issuperset(cells):
            return Message("the column of {name} was deleted", name=name)
        gone = {self.places.cells[c].epoch + 1 for c in blank if c in self.places.deleted}
        return Message(
            "{name} is still to be filled in; the rows of these epochs were deleted: {epochs}",
            name=name,
            epochs=_spans(sorted(gone)),
        )


def _as_part(content: str) -> str:
    """A formula unchanged, a number as the reader's language writes it."""
    return content if content.startswith("=") else WrittenNumber(content)


def _ranges_across(cells: Sequence[Address]) -> str:
    """Cells of one sheet as ranges; neighbouring columns are joined."""
    rows, columns = sorted(map(row_of, cells)), sorted(map(column_of, cells))
    down, across = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    if len(set(cells)) < down * across:
        return ranges(cells)
    sheet = sheet_of(cells[0])
    first, last = (pack(sheet, rows[end], columns[end]) for end in (0, -1))
    return f"{name_of(first)}:{name_of(last)}"


def _spans(numbers: Sequence[int]) -> str:
    """2–5, 8: whole numbers in order, with those that follow each other joined."""
    runs = groupby(enumerate(numbers), lambda at: at[1] - at[0])
    each = [[number for _, number in run] for _, run in runs]
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in each)


def _verdict(findings: Sequence[Finding], asked: Sequence[AskedColumn]) -> str:
    kinds = {finding.kind for finding in findings}
    if not kinds:
        return RIGHT
    if kinds <= {TO_FILL_IN, UNJUDGED}:
        return UNFINISHED
    columns = {finding.quantity for finding in findings}
    if kinds == {PASTED} and columns >= {column.quantity for column in asked}:
        return FROZEN
    return WRONG
