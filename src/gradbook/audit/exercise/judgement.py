"""Judges an exercise of ours: what it gave is an axiom, each column that it asks for is judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from math import isfinite, nan

from gradbook.audit.budget import A_SHARE, note_if_spent, within_budget
from gradbook.audit.copies.correct import loss_curve
from gradbook.audit.exercise.causes import (
    Respelling,
    Slip,
    SlipCause,
    WaysBack,
    common_factor,
    of_factor,
)
from gradbook.audit.exercise.own_columns import OwnColumns, right_elsewhere
from gradbook.audit.exercise.places import Place, find_places
from gradbook.audit.exercise.verdicts import (
    CIRCLE,
    NAN,
    CellVerdict,
    OwnExercise,
    OwnFormulas,
    ReturnedExercise,
)
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
    UNFINISHED,
    WRONG,
    AskedColumn,
    Finding,
    LossCurves,
    SheetReport,
    typed_in,
)
from gradbook.audit.formula.address import (
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
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import copy_formula
from gradbook.audit.workbook.book import Book, quote_title, show_value
from gradbook.audit.workbook.evaluate import Evaluation
from gradbook.audit.workbook.flow import Flow
from gradbook.errors import GradbookError
from gradbook.graph.node import Array, Node
from gradbook.language.message import Message, WrittenNumber, message_count
from gradbook.net import parse
from gradbook.targets.excel.language import write
from gradbook.targets.excel.plan.columns import ExerciseRecord

SAME = 1e-9  # relative: numbers that were given and saved again
CHANGED_SHOWN = 6  # given numbers that are named


LONGEST_NET = 60_000  # characters
MOST_PARAMETERS = 5_000


def exercise_report(book: Book, flow: Flow, record: ExerciseRecord) -> SheetReport | None:
    """The report on an exercise of ours; None where it can't be known as one any more."""
    own = _exercise(record)
    places = find_places(book, own.solution) if own else None
    if own is None or places is None:
        return None
    flow = Flow(book) if places.has_named_again else flow

    def meant(plain: OwnFormulas, wrong: Mapping[Address, Place]) -> Mapping[Address, Place]:
        return OwnColumns(plain, trial.places, trial.numbers).meant(wrong)

    trial = ReturnedExercise(book, flow, own, places, meant)
    if not all(trial.columns.values()):
        return None
    try:
        return _Judgement(trial).report()
    except RecursionError:
        return None  # helper cells that follow each other by the thousand


def _exercise(record: ExerciseRecord) -> OwnExercise | None:
    """The exercise that a book says it is."""
    if len(record.network) > LONGEST_NET:
        return None
    from gradbook.targets.excel.plan.book import Solution  # a writer: slow to load, seldom needed

    try:
        net = parse(record.network)
        solution = Solution(net, record.words) if net.count() <= MOST_PARAMETERS else None
    except GradbookError:
        solution = None
    if solution is None:
        return None
    usual = [(GRADIENTS, str(node.name)) for node in solution.gradients]
    nodes = solution.nodes
    asked = {nodes[name]: kind for kind, name in record.asked or usual if name in nodes}
    return OwnExercise(solution, asked, record.rate) if asked else None


@dataclass(frozen=True, eq=False)
class _Judgement:
    trial: ReturnedExercise

    @property
    def book(self) -> Book:
        return self.trial.book

    def report(self) -> SheetReport:
        trial, step = self.trial, self.trial.own.solution.step
        asked = tuple(map(self._asked, trial.columns))
        findings = (*self._wrong(), *self._changed(), *self._blank())
        losses = [[cell] for cell in trial.places.over(step.loss)]
        weights = [c for weight in step.trained for c in trial.places.over(weight)]
        curve: LossCurves | None = None
        with note_if_spent(lambda: Message("how its loss would go on")):
            curve = loss_curve(self.book, trial.flow, losses, findings)
        rate = next((c for c, p in trial.places.given_cells.items() if p.node is step.rate), None)
        return SheetReport(
            sheet=self.book.sheets[sheet_of(losses[0][0])].title,
            verdict=_verdict(findings, asked),
            loss=name_of(losses[0][0]),
            rate=self.book.name_of(rate, losses[0][0]) if rate is not None else "",
            weights=tuple(str(weight.name) for weight in step.trained),
            rows=(min(map(row_of, weights)) + 1, max(map(row_of, weights)) + 1),
            findings=findings,
            notes=(
                *self._stand_elsewhere(asked),
                *self._not_understood(),
                *self._changed_numbers(),
            ),
            curve=curve,
            asked=asked,
        )

    # What became of each column -------------------------------------------------------

    def _asked(self, node: Node) -> AskedColumn:
        cells = self.trial.columns[node]
        verdicts = [self.trial.verdicts[cell] for cell in cells]
        title = self.book.sheets[sheet_of(cells[0])].title
        column = AskedColumn(
            str(node.name), title, ranges(cells), self.trial.own.questions[node], RIGHT
        )
        states = {v.state for v in verdicts}
        if states == {RIGHT} or node in self._by_convention:
            return column
        if UNFINISHED in states:
            return replace(column, state=UNFINISHED)
        causes = {c for verdict in verdicts for c in verdict.made_of}
        made_of = tuple(str(n.name) for n in self._nodes_of(causes))
        if states <= {RIGHT, CARRIED}:
            return replace(column, state=CARRIED, made_of=made_of)
        blank = states <= {RIGHT, CARRIED, TO_FILL_IN}
        column = replace(column, state=TO_FILL_IN if blank else WRONG, made_of=made_of)
        there = self._elsewhere.get(node)
        if there is None:
            return column
        sheets = [self.book.sheets[sheet_of(same[0])].title for same in by_sheet(there)]
        named = zip(sheets, by_sheet(there), strict=True)
        said = ", ".join(f"{quote_title(title)}!{ranges(same)}" for title, same in named)
        return replace(column, elsewhere=said, elsewhere_rows=len(there) / len(cells))

    @cached_property
    def _elsewhere(self) -> dict[Node, list[Address]]:
        """Where right formulas stand of columns that are blank."""
        columns, verdicts = self.trial.columns, self.trial.verdicts
        blank = {n: c for n, c in columns.items() if {verdicts[x].state for x in c} == {TO_FILL_IN}}
        return within_budget(lambda: right_elsewhere(self.trial.formulas, blank)) or {}

    def _stand_elsewhere(self, asked: Sequence[AskedColumn]) -> Iterator[str]:
        there = [column for column in asked if column.elsewhere]
        if there:
            yield Message(
                "right formulas stand elsewhere, which a rubric may count "
                "(accept_elsewhere): {columns}",
                columns=", ".join(f"{column.quantity} in {column.elsewhere}" for column in there),
            )

    def _nodes_of(self, cells: Iterable[Address]) -> list[Node]:
        """The columns of some cells, in their order."""
        found = {self.trial.place(cell).node for cell in cells}
        every = [*self.trial.columns, *(node for node, _ in self.trial.own_columns)]
        return [node for node in dict.fromkeys(every) if node in found]

    def _spoilt_by(self, node: Node) -> tuple[str, ...]:
        """The weights whose gradients a column's mistake is carried into."""
        step = self.trial.own.solution.step
        found = []
        for weight in step.trained:
            cells = self.trial.columns.get(step.gradients[weight], ())
            causes = {c for cell in cells for c in self.trial.verdicts[cell].made_of}
            if node in self._nodes_of(causes):
                found.append(str(weight.name))
        return tuple(found)

    # What is wrong ----------------------------------------------------------------------

    def _wrong(self) -> Iterator[Finding]:
        yield from self._common()
        slips = {
            node: list(self._slips(node, self.trial.columns[node]))
            for node in self.trial.columns
            if node not in self._common_nodes | self._by_convention
        }
        held = {
            node: cause.other_column
            for node, some in slips.items()
            for cause, _ in some
            if cause.other_column
        }
        for node, some in slips.items():
            for cause, cells in some:
                told = cause
                if cause.other_column is not None and held.get(cause.other_column) is node:
                    told = self._swapped(cause, node)
                elif cause.other_column is not None:
                    told = self._slip(cells[0]).small_edit() or cause
                yield self._finding(node, cells, told)
        for node, column in self.trial.own_columns:
            for cause, cells in self._slips(node, column):
                yield self._finding(node, cells, cause)

    def _slips(
        self, node: Node, column: list[Address]
    ) -> Iterator[tuple[SlipCause, list[Address]]]:
        """A column's mistakes with the cells in which each is made."""
        groups: defaultdict[object, list[Address]] = defaultdict(list)
        for cell in column:
            verdict = self.trial.verdicts[cell]
            if verdict.state in (WRONG, PASTED, CIRCLE):
                group = verdict.group or typed_in(self.book, cell, "")[:1]
                groups[verdict.state, group].append(cell)
        same: dict[tuple[str, str], tuple[SlipCause, list[Address]]] = {}
        for cells in groups.values():
            cause = self._cause(node, cells[0])
            key = cause.kind, str(cause.edits) or cause.why
            same.setdefault(key, (cause, []))[1].extend(cells)
        yield from ((cause, sorted(cells)) for cause, cells in same.values())

    def _cause(self, node: Node, cell: Address) -> SlipCause:
        verdict = self.trial.verdicts[cell]
        if verdict.state == PASTED:
            kind, why = typed_in(self.book, cell, str(node.name))
            return SlipCause(kind, why, edits=(kind,))
        if verdict.state == CIRCLE:
            return SlipCause(
                CIRCULAR, Message("{cell} is computed from itself", cell=name_of(cell))
            )
        return self._slip(cell).cause()

    def _slip(self, cell: Address) -> Slip:
        trial, place = self.trial, self.trial.place(cell)
        wanted, spelling, ways = trial.right_value(place), self._spelling, self._ways
        try:
            value = trial.formulas.value(cell)
        except NotUnderstood:  # it takes a text for a number
            value = NAN
        return Slip(trial.formulas, trial.numbers, spelling, cell, place, value, wanted, ways)

    @cached_property
    def _ways(self) -> Callable[[int], WaysBack]:
        """The ways back from the loss in an epoch, which all columns share."""
        return cache(partial(WaysBack, self.trial.numbers))

    def _swapped(self, cause: SlipCause, node: Node) -> SlipCause:
        """Two columns, each with what belongs into the other."""
        other = cause.other_column
        assert other is not None
        there = letters(column_of(self.trial.columns[other][0]))
        both = ", ".join(sorted((str(other.name), str(node.name))))
        why = Message(
            "this is {other}, and {name} stands in {column}: the two are exchanged",
            other=str(other.name),
            name=str(node.name),
            column=there,
        )
        return replace(cause, kind=SWAPPED_COLUMNS, why=why, edits=(f"exchanged {both}",))

    def _finding(self, node: Node, cells: list[Address], cause: SlipCause) -> Finding:
        book, first = self.book, cells[0]
        fixes = self._fixes(node, cells, cause)
        gradients = self.trial.own.solution.step.gradients
        weight = next((str(w.name) for w, g in gradients.items() if g is node), "")
        spoilt = self._spoilt_by(node)
        both = tuple(dict.fromkeys((*([weight] if weight else []), *spoilt)))
        place = self.trial.place(first)
        start = 1 if node in self.trial.own.solution.step.next else 0
        return Finding(
            kind=cause.kind,
            quantity=str(node.name),
            weight=weight,
            cells=ranges(cells),
            formula=book.content(first),
            expected=fixes[first],
            why=cause.why,
            relative_error=self._off(first, fixes[first]),
            sheet=book.sheets[sheet_of(first)].title,
            fixes={name_of(cell): fix for cell, fix in fixes.items()},
            spoils=both if spoilt else (),
            edits=cause.edits or (str(cause.why),),
            first_step=place.epoch - start,
        )

    @cached_property
    def _as_made(self) -> Evaluation:
        return Evaluation(self.book, self.trial.flow)

    def _off(self, cell: Address, right: str) -> float | None:
        """How far off a cell is from what the right formula gives there, in the book as it is."""
        pattern = self.book.reader.read_typed(right.removeprefix("="), cell)
        made, corrected = self._as_made, Evaluation(self.book, self.trial.flow, {cell: pattern})

        def off() -> float:
            value = made.value(cell)
            corrected.known |= {other: x for other, x in made.known.items() if other != cell}
            wanted = corrected.value(cell)
            return abs(value / wanted - 1) if wanted else nan

        share = within_budget(off, A_SHARE)
        return share if share is not None and isfinite(share) else None

    # The right formulas -------------------------------------------------------------------

    @cached_property
    def _spelling(self) -> Respelling:
        """Nothing that is still blank may be in a right formula."""
        blank = (
            node
            for node, cells in self.trial.columns.items()
            if any(self.trial.verdicts[cell].state == TO_FILL_IN for cell in cells)
        )
        memory = self.trial.own.solution.memory
        return Respelling(self.book, self.trial.places, frozenset(blank), memory)

    def right(self, cell: Address) -> str:
        """The right formula of a cell of a table, with its =."""
        place, step = self.trial.place(cell), self.trial.own.solution.step
        node, epoch = place.node, place.epoch
        following = step.next.get(node)
        spell = self._spelling.formula
        if following is not None and epoch:
            node, epoch = following, epoch - 1
            if following.name is not None:
                spell = self._spelling.mention
        return f"={spell(node, cell, epoch, place.sample)}"

    def _fixes(self, node: Node, cells: list[Address], cause: SlipCause) -> dict[Address, str]:
        """The right formula of each cell: the student's own with a small edit, where one helps."""
        first = cells[0]
        if node.each or cause.right_expression is None:
            return {cell: self.right(cell) for cell in cells}
        text = write(cause.right_expression)
        like = self.book.patterns[first]
        return {
            cell: f"={copy_formula(text, first, cell)}"
            if self.book.patterns.get(cell) is like
            else self.right(cell)
            for cell in cells
        }

    @cached_property
    def _by_convention(self) -> frozenset[Node]:
        """Columns on the way to gradients that are so many times what we call them, where every
        gradient is right: as where a mean over samples is taken in the end."""
        step, found = self.trial.own.solution.step, set[Node]()
        ends = set(step.gradients.values())
        if not ends <= self.trial.columns.keys():
            return frozenset()
        for node in self.trial.columns.keys() - ends:
            verdicts = [self.trial.verdicts[cell] for cell in self.trial.columns[node]]
            wrong = {id(v): v for v in verdicts if v.state == WRONG}.values()
            times = {common_factor(v.value, v.right_value) for v in wrong}
            is_even = len(times) == 1 and times.isdisjoint((None, self._common_times))
            if is_even and {v.state for v in verdicts} == {WRONG} and not self._spoilt_by(node):
                found.add(node)
        return frozenset(found)

    # One sign or factor in all ------------------------------------------------------------

    @cached_property
    def _common_times(self) -> float | None:
        """How many times what it should be every gradient is; None where that differs."""
        trial, gradients = self.trial, set(self.trial.own.solution.step.gradients.values())
        times: set[float | None] = set()
        filled = 0
        for node, cells in trial.columns.items():
            own = [cell for cell in cells if trial.verdicts[cell].state in (WRONG, CARRIED)]
            if node not in gradients or not any(c in self.book.patterns for c in cells):
                continue
            filled += 1
            if len(own) < sum(cell in self.book.patterns for cell in cells):
                return None
            times |= {self._times(cell) for cell in {own[0], own[-1]}}
        return next(iter(times)) if len(times) == 1 and filled > 1 else None

    def _times(self, cell: Address) -> float | None:
        try:
            value: Array = self.trial.carried_formulas.value(cell)
        except Exception:
            return None
        return common_factor(value, self.trial.right_value(self.trial.places.cells[cell]))

    @cached_property
    def _common_nodes(self) -> frozenset[Node]:
        """The columns in which the factor that all gradients have is their own."""
        times, found = self._common_times, set[Node]()
        if times is None:
            return frozenset()
        for node, cells in self.trial.columns.items():
            states = map(self.trial.verdicts.__getitem__, cells)
            own = {id(v): v for v in states if v.state == WRONG}.values()
            factors = {common_factor(v.value, v.right_value) for v in own}
            if factors == {times} and self.trial.own.questions[node] == GRADIENTS:
                found.add(node)
        return frozenset(found) if len(found) > 1 else frozenset()

    def _common(self) -> Iterator[Finding]:
        """One sign, or one factor, said once for all columns that have it."""
        nodes = [node for node in self.trial.columns if node in self._common_nodes]
        if not nodes or self._common_times is None:
            return
        states = self.trial.verdicts
        cells = [c for node in nodes for c in self.trial.columns[node] if states[c].state == WRONG]
        names = [str(node.name) for node in nodes]
        is_all = all(self.trial.own.questions[node] == GRADIENTS for node in nodes)
        subject = (
            message_count("all {count} gradient", "all {count} gradients", len(nodes))
            if is_all
            else ", ".join(names)
        )
        kind, why = of_factor(self._common_times, subject, columns=max(len(nodes), 2))
        for here in by_sheet(cells):
            fixes = {cell: self.right(cell) for cell in here}
            own = [n for n in nodes if any(self.trial.places.cells[c].node is n for c in here)]
            yield Finding(
                kind=kind,
                quantity=_named([str(node.name) for node in own]),
                weight="",
                cells=_whole(here),
                formula=self.book.content(here[0]),
                expected=fixes[here[0]],
                why=why,
                relative_error=abs(self._common_times - 1),
                sheet=self.book.sheets[sheet_of(here[0])].title,
                fixes={name_of(cell): fix for cell, fix in fixes.items()},
                edits=(str(why),),
            )

    def _not_understood(self) -> Iterator[str]:
        """Columns that have to be looked at by somebody."""
        for node, cells in self.trial.columns.items():
            problems = (self.trial.verdicts[cell].problem for cell in cells)
            problem = next(filter(None, problems), "")
            if problem:
                yield Message(
                    "{name} can't be judged: {problem}", name=str(node.name), problem=problem
                )

    # What was given, and what is blank ------------------------------------------------------

    def _changed(self) -> Iterator[Finding]:
        """Cells of the tables that aren't what the exercise gave."""
        trial = self.trial
        asked = {cell for cells in trial.columns.values() for cell in cells}
        known: dict[object, CellVerdict] = {}
        for node in trial.places.columns:
            changed = [
                cell
                for cell in trial.places.over(node)
                if cell not in asked
                and not self._begins(cell)
                and trial.judge_alone(cell, known).state != RIGHT
            ]
            if changed:
                yield self._changed_column(node, changed)

    def _begins(self, cell: Address) -> bool:
        """Whether a cell is the number that a memory begins with."""
        place, solution = self.trial.places.cells[cell], self.trial.own.solution
        is_first = place.epoch == 0 and place.node in solution.memory
        return is_first and self.book.values.get(cell) == float(solution.step.start[place.node])

    def _changed_column(self, node: Node, cells: list[Address]) -> Finding:
        book, first = self.book, cells[0]
        fixes = {cell: self._given(cell) for cell in cells}
        now = book.content(first) or "nothing"
        return Finding(
            kind=CHANGED,
            quantity=str(node.name),
            weight="",
            cells=ranges(cells),
            formula=now,
            expected=fixes[first],
            why=Message(
                "{cell} was changed: the exercise gave {given}",
                cell=name_of(first),
                given=_as_part(fixes[first]),
            ),
            sheet=book.sheets[sheet_of(first)].title,
            fixes={name_of(cell): fix for cell, fix in fixes.items()},
            edits=(f"given {node.name}",),
            first_step=self.trial.places.cells[first].epoch,
        )

    def _given(self, cell: Address) -> str:
        """The formula that the exercise gave: a first value refers to where that is given."""
        place, step = self.trial.places.cells[cell], self.trial.own.solution.step
        is_leaf = place.node in (*step.inputs, *step.targets)
        if not is_leaf and (place.epoch or place.node not in step.start):
            return self.right(cell)
        wanted = Place(place.node, 0, place.sample)
        given = next((c for c, p in self.trial.places.given_cells.items() if p == wanted), None)
        if given is not None:
            return f"={self.book.name_of(given, cell)}"
        return show_value(float(self.trial.numbers.target(*_args(place))[-1]))

    def _changed_numbers(self) -> Iterator[str]:
        """Given numbers that are others now: what is computed with them may well be right."""
        step, changed = self.trial.own.solution.step, []
        for cell, place in sorted(self.trial.places.given_cells.items()):
            there = self.book.values.get(cell)
            if place.node is step.rate:
                wanted = self.trial.own.rate
            else:
                wanted = float(self.trial.numbers.target(*_args(place))[-1])
            if wanted is None or cell in self.book.patterns:
                continue
            if not isinstance(there, float) or abs(there - wanted) > SAME * abs(wanted):
                now = _as_part(show_value(there)) or Message("nothing")
                changed.append(
                    Message(
                        "{cell} ({name}) was changed: {now}, and the exercise gave {given}",
                        cell=self.book.name_of(cell),
                        name=str(place.node.name),
                        now=now,
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
        """What is still to be filled in."""
        gradients = self.trial.own.solution.step.gradients
        for node, cells in self.trial.columns.items():
            blank = [c for c in cells if self.trial.verdicts[c].state == TO_FILL_IN]
            if not blank:
                continue
            yield Finding(
                kind=TO_FILL_IN,
                quantity=str(node.name),
                weight=next((str(w.name) for w, g in gradients.items() if g is node), ""),
                cells=ranges(blank),
                formula="",
                expected="",
                why=Message("{name} is still to be filled in", name=str(node.name)),
                sheet=self.book.sheets[sheet_of(blank[0])].title,
                first_step=cells.index(blank[0]),
            )


def _as_part(content: str) -> str:
    """A formula as it is, a number as the reader's language writes it."""
    return content if content.startswith("=") else WrittenNumber(content)


def _args(place: Place) -> tuple[Node, int, int]:
    return place.node, place.epoch, place.sample


def _whole(cells: Sequence[Address]) -> str:
    """Cells of one sheet as ranges: as one, where columns stand side by side."""
    rows, columns = sorted(map(row_of, cells)), sorted(map(column_of, cells))
    down, across = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    if len(set(cells)) < down * across:
        return ranges(cells)
    sheet = sheet_of(cells[0])
    first, last = (pack(sheet, rows[end], columns[end]) for end in (0, -1))
    return f"{name_of(first)}:{name_of(last)}"


def _named(names: Sequence[str]) -> str:
    """∂E/∂w1 … ∂E/∂w8"""
    return " … ".join(dict.fromkeys((names[0], names[-1])))


def _verdict(findings: Sequence[Finding], asked: Sequence[AskedColumn]) -> str:
    kinds = {finding.kind for finding in findings}
    if not kinds:
        return UNFINISHED if any(c.state == UNFINISHED for c in asked) else RIGHT
    if kinds == {TO_FILL_IN}:
        return UNFINISHED
    columns = {finding.quantity for finding in findings}
    if kinds == {PASTED} and columns >= {column.quantity for column in asked}:
        return FROZEN
    return WRONG
