"""Reads a book as intended, before anything is judged: texts, references tied to one row, circles.

In a table of steps, each row is computed from itself and the rows before it. A formula that uses a
cell of a later step makes a circle through the weights, and then a program can't compute anything.
Such a formula is reported and read as if it used its own row, so that all others can be judged.

A formula that is stored as text, or tied to the first row by $ (in every reference, or in the one
to a value that each step computes anew), is read as intended; so is a text that looks like a number
in place of a formula.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from itertools import islice

from gradbook.audit.findings import (
    ANOTHER_ROW,
    NO_NETWORK,
    NUMBER_TEXT,
    PASTED,
    TIED,
    WRONG,
    Finding,
    SheetReport,
    finding_in,
    is_formula_text,
    number_in,
    tied,
    typed_in,
)
from gradbook.audit.judge.late_velocities import without_late_velocities
from gradbook.audit.training.weight_columns import bases_of
from gradbook.audit.training.why_no_training import is_gradient
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import (
    ACROSS,
    DOWN,
    ROW,
    Address,
    Axis,
    cells_of,
    name_of,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.changes import change_between
from gradbook.cells.formula.expression import Edit, EditKind, references, rename_cells
from gradbook.cells.formula.pattern import CellReference, Pattern, copy_formula, rename_cells_in
from gradbook.cells.formula.syntax import Call, Reference, read, write
from gradbook.language import mark
from gradbook.language.message import Message, change_parts

AXES = DOWN, ACROSS


@dataclass(frozen=True, eq=False)
class MeantBook:
    """A book as intended, and the findings where it differs from that."""

    book: Book
    flow: Flow
    typed: Book  # with its texts unchanged
    texts: Collection[Address]  # texts that were read as numbers
    findings: Sequence[Finding]
    iterating: str  # a note, if each recalculation of the sheet is a step

    def reports(self, sheets: Sequence[SheetReport]) -> list[SheetReport]:
        """The reports on its trainings, in terms of the original book."""
        sheets = called_as_typed(self.typed, self.texts, with_circles(sheets, self.findings))
        if self.book.typed:
            sheets = [
                replace(sheet, findings=tuple(_as_typed(self.book, f) for f in sheet.findings))
                for sheet in sheets
            ]
        return in_own_cells(sheets) if self.iterating else list(sheets)


def _as_typed(book: Book, finding: Finding) -> Finding:
    """The finding with its right formulas in the references that are typed in the sheet."""
    fixes, sheet = dict(finding.fixes), book.sheet_number(finding.sheet)
    if not fixes or sheet is None:
        return finding
    for cell in cells_of(",".join(fixes), sheet):
        if cell in book.typed and cell in book.patterns and cell not in book.arrays:
            change = change_between(f"={book.patterns[cell].text_at(cell)}", fixes[name_of(cell)])
            typed = change and change.apply_to(f"={book.typed[cell]}")
            fixes[name_of(cell)] = typed or fixes[name_of(cell)]
    first = next(iter(fixes))
    is_first = finding.expected == finding.fixes.get(first)
    return replace(finding, fixes=fixes, expected=fixes[first] if is_first else finding.expected)


def read_as_meant(book: Book, flow: Flow) -> MeantBook:
    """The book, with certain slips in its formulas read as intended."""
    typed, iterating = between_iterations(book, flow)
    flow = Flow(typed) if iterating else flow
    book, findings, texts = with_texts_read(typed, flow)
    flow = Flow(book) if findings or texts else flow
    for mended in (without_ties, without_circles, without_late_velocities):
        book, more = mended(book, flow)
        flow = Flow(book) if more else flow
        findings = [*findings, *more]
    blocks = from_block_starts(book)
    if blocks is not book:
        book, flow = blocks, Flow(blocks)
    return MeantBook(book, flow, typed, texts, findings, iterating)


# Weights that are repeated beside each sample of a step -------------------------------------


def from_block_starts(book: Book) -> Book:
    """The book with updates that continue from the first of some equal weights, not the last: in a
    block of samples, each row may repeat the weights of the row before. Formulas are shown as they
    are typed."""
    lines: defaultdict[tuple[Axis, tuple[int, int]], dict[Address, int]] = defaultdict(dict)
    bases = {pattern: bases_of(pattern) for pattern in set(book.patterns.values())}
    for cell, pattern in book.in_sight().items():
        for axis in AXES if bases[pattern] else ():
            if any(place.at(cell) == cell - axis.step for place in bases[pattern]):
                length = 1
                while _repeats_the_one_before(book, cell - length * axis.step, axis):
                    length += 1
                lines[axis, axis.line(cell)][cell] = length
    patterns, typed = dict(book.patterns), dict(book.typed)
    for (axis, _), lengths in lines.items():
        length, count = Counter(lengths.values()).most_common(1)[0]
        for cell, own in lengths.items() if count >= FEWEST and length > 1 else ():
            if own == length:
                last, first = cell - axis.step, cell - length * axis.step
                right = book.with_another_cell(cell, last, book.name_of(first, cell))
                typed.setdefault(cell, book.patterns[cell].text_at(cell))
                patterns[cell] = book.reader.pattern(right.text_at(cell), cell)
    if len(typed) == len(book.typed):
        return book
    return replace(book, patterns=patterns, typed=typed)


def _repeats_the_one_before(book: Book, cell: Address, axis: Axis) -> bool:
    pattern = book.patterns.get(cell)
    repeated = pattern.repeated_reference if pattern else None
    return repeated is not None and repeated.at(cell) == cell - axis.step


# Texts instead of formulas and numbers ----------------------------------------------------

MOST_TEXTS = 20_000
FEWEST = 3  # in a line, below each other
FEW_TIES = 2  # references to the first step


def with_texts_read(book: Book, flow: Flow) -> tuple[Book, list[Finding], Collection[Address]]:
    """Read texts that contain formulas or numbers, if formulas use them: return the book with
    these, the findings for the formulas, and the cells of the numbers."""
    texts = {
        cell: value
        for cell, value in book.values.items()
        if isinstance(value, str) and cell not in book.patterns
    }
    formulas = {
        cell: book.reader.pattern(value.lstrip(" '\u00a0")[1:], cell)
        for cell, value in islice(texts.items(), MOST_TEXTS)
        if is_formula_text(value)
    }
    used = {(axis.line(c), p) for c, p in formulas.items() if c in flow.users for axis in AXES}
    formulas = {
        cell: pattern
        for cell, pattern in formulas.items()
        if pattern.expression is not None and any((x.line(cell), pattern) in used for x in AXES)
    }
    said = {c: number for c, text in texts.items() if (number := number_in(text)) is not None}
    numbers = {cell: said[cell] for cell in _in_place_of_formulas(book, flow, said)}
    if not formulas and not numbers:
        return book, [], ()
    findings = []
    for axis, cells in _in_lines(formulas):
        name = book.label(cells[0], axis) or name_of(cells[0])
        kind, why = typed_in(book, cells[0], name)
        findings.append(finding_in(book, cells, kind, name, why, right=formulas[cells[0]]))
    values = {cell: value for cell, value in book.values.items() if cell not in formulas}
    values |= numbers
    patterns = {**book.patterns, **formulas}
    return replace(book, patterns=patterns, values=values, recalculates=True), findings, numbers


def _in_place_of_formulas(
    book: Book, flow: Flow, numbers: Mapping[Address, float]
) -> Iterator[Address]:
    """Cells with texts that look like numbers, that formulas use, and that interrupt a line of
    formulas, or form a line and differ from row to row."""
    for axis in AXES:
        for start in numbers:
            if start - axis.step in numbers:
                continue
            cells = [start]
            while cells[-1] + axis.step in numbers:
                cells.append(cells[-1] + axis.step)
            beside = {start - axis.step, cells[-1] + axis.step}
            differ = len({numbers[cell] for cell in cells}) > 1 and len(cells) >= FEWEST
            is_one = differ or not beside.isdisjoint(book.patterns)
            if is_one and any(cell in flow.users for cell in cells):
                yield from cells


def _in_lines(formulas: Mapping[Address, Pattern]) -> Iterator[tuple[Axis, list[Address]]]:
    """Cells with the same formula, by column or, if each is in a column of its own, by row."""
    alike: defaultdict[object, list[Address]] = defaultdict(list)
    for cell in sorted(formulas):
        alike[formulas[cell], DOWN.line(cell)].append(cell)
    rows: defaultdict[object, list[Address]] = defaultdict(list)
    for cells in alike.values():
        if len(cells) > 1:
            yield DOWN, cells
        else:
            rows[formulas[cells[0]], ACROSS.line(cells[0])].append(cells[0])
    for cells in rows.values():
        yield (ACROSS if len(cells) > 1 else DOWN), cells


def called_as_typed(
    book: Book, texts: Collection[Address], sheets: Sequence[SheetReport]
) -> list[SheetReport]:
    """The reports, with texts that were read as numbers described as texts; those not reported
    otherwise get findings of their own, if anything is judged."""
    if not texts or all(sheet.verdict == NO_NETWORK for sheet in sheets):
        return list(sheets)
    found, told = [], set[Address]()
    for sheet in sheets:
        findings = []
        for f in sheet.findings:
            cells = f.cells_in(book)
            told.update(cells)
            if f.kind == PASTED and cells[0] in texts:
                kind, why = typed_in(book, cells[0], f.quantity)
                findings.append(replace(f, kind=kind, why=why, formula=book.content(cells[0])))
            else:
                findings.append(f)
        found.append(replace(sheet, findings=tuple(findings)))
    lines: defaultdict[object, list[Address]] = defaultdict(list)
    for cell in sorted(set(texts) - told):
        lines[DOWN.line(cell)].append(cell)
    alone = []
    for cells in lines.values():
        why = Message(
            "{cell} contains {text}, a text that only looks like a number",
            cell=name_of(cells[0]),
            text=repr(book.values[cells[0]]),
        )
        name = book.label(cells[0], DOWN) or name_of(cells[0])
        alone.append(finding_in(book, cells, NUMBER_TEXT, name, why))
    return with_circles(found, alone)


# Formulas tied to one row ----------------------------------------------------------------


def without_ties(book: Book, flow: Flow) -> tuple[Book, list[Finding]]:
    """The book without ties to one row, and the findings: formulas whose copies all compute the
    first row again, because every reference has a $, or that continue the previous row with a value
    computed in the first."""
    instead: dict[Address, Pattern] = {}
    findings: list[Finding] = []
    homes: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell, pattern in book.patterns.items():
        homes[pattern].append(cell)
    alike: defaultdict[tuple[Axis, object, Pattern], list[Address]] = defaultdict(list)
    for pattern, same in homes.items():
        stays = _stays(pattern)
        for cell in sorted(same) if len(same) >= FEWEST else ():
            for axis in AXES:
                if stays or cell - axis.step in flow.sources(cell):
                    alike[axis, axis.line(cell), pattern].append(cell)
    for (axis, _, pattern), cells in sorted(alike.items(), key=lambda entry: entry[1][0]):
        if len(cells) < FEWEST or not any(cell in flow.users for cell in cells[1:]):
            continue
        if instead.keys() & set(cells):
            continue
        home, ties = cells[0], _ties(book, flow, axis, cells)
        if not _stays(pattern):
            ties, before = _ties_of_steps(book, flow, axis, cells), home - axis.step
            if before in book.patterns and {*ties} <= {*flow.sources(before)}:
                home = before
        if len(ties) < (FEW_TIES if _stays(pattern) else 1):
            continue
        text = rename_cells_in(pattern.text_at(home), partial(_freed, book, home, ties, axis))
        tied_cells = [cell for cell in cells if cell != home]
        freed = {c: book.reader.pattern(copy_formula(text, home, c), c) for c in tied_cells}
        instead |= freed
        name, right = book.label(home, axis) or name_of(home), freed[tied_cells[0]]
        why = tied(home, ties[0], axis, _stays(pattern))
        findings.append(finding_in(book, tied_cells, TIED, name, why, right=right))
    if not instead:
        return book, []
    return replace(book, patterns={**book.patterns, **instead}, recalculates=True), findings


def _stays(pattern: Pattern) -> bool:
    places = pattern.places
    single = [place for place in places if isinstance(place, CellReference) and not place.moves]
    return len(single) == len(places) >= FEW_TIES


def _ties(book: Book, flow: Flow, axis: Axis, cells: Sequence[Address]) -> list[Address]:
    """The cells of the first step that all copies use, although the next step has its own; none if
    these are only data."""
    first = cells[0]
    near = {axis.along(first), axis.along(first) - 1}
    found = [
        cell
        for cell in dict.fromkeys(flow.sources(first))
        if axis.along(cell) in near and not book.is_blank(cell + axis.step)
    ]
    return found if any(cell + axis.step in book.patterns for cell in found) else []


def _ties_of_steps(book: Book, flow: Flow, axis: Axis, cells: Sequence[Address]) -> list[Address]:
    """The cells that all copies of a continuing formula use, although each step computes its own
    from the results."""
    first, second, patterns = *cells[:2], book.patterns
    places = [place for place in patterns[first].places if isinstance(place, CellReference)]
    both = [(place.at(first), place.at(second)) for place in places]
    return [
        tie
        for tie, again in both
        if tie in patterns
        and tie == again
        and patterns[tie] is patterns.get(tie + axis.step)
        and first - axis.step in flow.behind([tie + axis.step])
    ]


def _freed(book: Book, home: Address, ties: Sequence[Address], axis: Axis, said: str) -> str:
    """A reference without the $ that ties it to the first step."""
    if book.reader.cell(said, home) not in ties:
        return said
    sheet, mark_, cell = said.rpartition("!")
    freed = re.sub(r"\$(?=\d)" if axis is DOWN else r"^\$", "", cell)
    return f"{sheet}{mark_}{freed}"


# References that close a circle -------------------------------------------------------

MOST_CIRCLES = 100
MOST_FORMULAS = 3  # formulas on one sheet that may cause a circle
MOST_CELLS = 20_000
MOST_NAMED = 4  # cells that depend on themselves

Later = dict[Address, dict[Address, Address]]  # formula → later cell → its own step's


BEYOND_ROWS = 500_000  # rows added for the next value of a cell that depends on itself
BEYOND = BEYOND_ROWS * ROW
FAR = re.compile(r"\b([A-Z]{1,3})([5-9]\d{5})\b")  # the name of such a cell
STARTED = 0.5  # replaces numbers that the file doesn't contain


def between_iterations(book: Book, flow: Flow) -> tuple[Book, str]:
    """The book between two steps of an iterative calculation, if it is turned on, and a note about
    it: cells that depend on themselves keep their numbers, and their next values are put far
    below."""
    circling = (cell for cell in book.patterns if cell in flow.sources(cell))
    own = [cell for cell in circling if row_of(cell) < BEYOND_ROWS] if book.iterates else []
    if not own:
        return book, ""
    patterns = {cell: p for cell, p in book.patterns.items() if cell not in set(own)}
    for cell in own:
        after = _next_value(book, cell)
        if after is not None:
            patterns[cell + BEYOND] = book.reader.read_typed(after, cell + BEYOND)
    numbers = {cell: book.values.get(cell) or STARTED for cell in own}
    names = ", ".join(book.name_of(cell) for cell in own[:MOST_NAMED])
    more = " …" if len(own) > MOST_NAMED else ""
    note = Message(
        "iterative calculation is on: {cells} depend on themselves, "
        "so each calculation of the sheet is a step",
        cells=f"{names}{more}",
    )
    return replace(book, patterns=patterns, values={**book.values, **numbers}), note


def in_own_cells(sheets: Sequence[SheetReport]) -> list[SheetReport]:
    """The reports, with findings about next values attributed to the cells themselves."""

    def own(words: str) -> str:
        return FAR.sub(lambda m: f"{m[1]}{int(m[2]) - BEYOND_ROWS}", words)

    found = []
    for sheet in sheets:
        findings = [
            replace(
                f,
                cells=own(f.cells),
                why=change_parts(f.why, own),
                expected=own(f.expected),
                fixes={},
            )
            if FAR.search(f.cells)
            else f
            for f in sheet.findings
        ]
        rows = None if sheet.rows and sheet.rows[1] > BEYOND_ROWS else sheet.rows
        found.append(replace(sheet, findings=tuple(findings), rows=rows))
    return found


def _next_value(book: Book, cell: Address) -> str | None:
    """The next value of a cell, without the choice to start over."""
    said = book.reader.read_typed(book.patterns[cell].text_at(cell), cell).expression
    own = name_of(cell)
    if isinstance(said, Call) and said.function == "IF":
        branches = (p for p in said.arguments[1:] if p and own in map(write, references(p)))
        said = next(branches, said)
    return None if said is None else write(said)


def without_circles(book: Book, flow: Flow) -> tuple[Book, list[Finding]]:
    """The book with every formula restricted to its own step, and findings for the changed ones."""
    instead: dict[Address, Pattern] = {}
    findings: list[Finding] = []
    for circle in _circles(book, flow):
        for axis in AXES:
            later = _later(book, circle, axis)
            if later and later.keys() <= instead.keys():
                break  # copies in another circle
            if later and _opens(flow, circle, later):
                found = {home: _corrected(book, home, cells) for home, cells in later.items()}
                instead |= found
                findings += _findings(book, axis, later, found)
                break
    if not findings:
        return book, []
    return replace(book, patterns={**book.patterns, **instead}, recalculates=True), findings


def with_circles(sheets: Sequence[SheetReport], findings: Sequence[Finding]) -> list[SheetReport]:
    """The reports with these findings, each on its sheet: root causes come first."""
    by_sheet: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_sheet[finding.sheet].append(finding)
    found = []
    for sheet in sheets:
        own = [_of_weight(f, sheet.weights) for f in by_sheet.pop(sheet.sheet, [])]
        verdict = WRONG if own else sheet.verdict
        found.append(replace(sheet, verdict=verdict, findings=(*own, *sheet.findings)))
    more = (SheetReport(title, WRONG, findings=tuple(own)) for title, own in by_sheet.items())
    return [*found, *more]


def _of_weight(finding: Finding, weights: Sequence[str]) -> Finding:
    """A finding under the heading of a weight or its gradient, attributed to that weight."""
    heading = finding.quantity
    if heading in weights:
        return replace(finding, weight=heading)
    longest = max((name for name in weights if heading.endswith(name)), key=len, default="")
    if not longest or not is_gradient(heading):
        return finding
    return replace(finding, weight=longest, quantity=f"∂E/∂{longest}")


def _circles(book: Book, flow: Flow) -> Iterator[set[Address]]:
    """The groups of cells that all depend on each other."""
    left, found = set(book.patterns), set[Address]()
    for _ in range(MOST_CIRCLES):
        cell = flow.circle(left, found)
        if cell is None:
            return
        group = flow.below([cell], found) & flow.behind([cell], found)
        if len(group) > 1:
            yield group
        found |= group
        left -= group


def _later(book: Book, circle: Collection[Address], axis: Axis) -> Later:
    """Return the formulas of a circle that use cells of later steps; none if most formulas do."""
    if len(circle) > MOST_CELLS:
        return {}
    ahead: defaultdict[object, dict[CellReference, int]] = defaultdict(dict)
    formulas: defaultdict[int, set[Pattern]] = defaultdict(set)
    for home in circle:
        pattern = book.patterns[home]
        for place in pattern.places:
            at = place.at(home) if isinstance(place, CellReference) else None
            if at is None or at not in circle or sheet_of(at) != sheet_of(home):
                continue
            steps = axis.along(at) - axis.along(home)
            if steps > 0 and isinstance(place, CellReference):
                ahead[axis.line(home), pattern][place] = steps * axis.step
                formulas[sheet_of(home)].add(pattern)
    if any(len(some) > MOST_FORMULAS for some in formulas.values()):
        return {}
    found: Later = {}
    for home, pattern in book.patterns.items():  # copies further down are wrong, too
        places = ahead.get((axis.line(home), pattern), {})
        for place, steps in places.items():
            at = place.at(home)
            if at is not None:
                found.setdefault(home, {})[at] = at - steps
    own = {cell for cells in found.values() for cell in cells.values()}
    return found if own <= book.patterns.keys() | book.values.keys() else {}


def _opens(flow: Flow, circle: Collection[Address], later: Later) -> bool:
    """Whether no cell depends on itself any longer."""

    def sources(cell: Address) -> set[Address]:
        instead = later.get(cell, {})
        return {instead.get(source, source) for source in flow.sources(cell)}.intersection(circle)

    try:
        TopologicalSorter({cell: sources(cell) for cell in circle}).prepare()
    except CycleError:
        return False
    return True


def _corrected(book: Book, home: Address, cells: Mapping[Address, Address]) -> Pattern:
    reader = book.reader

    def name(reference: Reference) -> str:
        instead = cells.get(reader.cell(reference.text, home) or -1)
        return reference.text if instead is None else book.name_of(instead, home)

    return reader.read_typed(
        write(rename_cells(read(book.patterns[home].text_at(home)), name)), home
    )


LATER_ROW = mark("{cell} is in a later row, which makes the sheet circular; {right} belongs there")
LATER_COLUMN = mark(
    "{cell} is in a later column, which makes the sheet circular; {right} belongs there"
)


def _findings(
    book: Book, axis: Axis, later: Later, right: Mapping[Address, Pattern]
) -> Iterator[Finding]:
    """One finding for each formula of a sheet."""
    alike: defaultdict[object, list[Address]] = defaultdict(list)
    for home in sorted(later):
        alike[axis.line(home), book.patterns[home]].append(home)
    for homes in alike.values():
        first = homes[0]
        wrong, own = next(iter(later[first].items()))
        what, right_one = book.label(own, axis), book.name_of(own, first)
        yield finding_in(
            book,
            homes,
            ANOTHER_ROW,
            quantity=book.label(first, axis) or name_of(first),
            why=Message(
                LATER_ROW if axis is DOWN else LATER_COLUMN,
                cell=book.name_of(wrong, first),
                right=f"{right_one} ({what})" if what else right_one,
            ),
            right=right[first],
            edits=[
                Edit(EditKind.REFERENCE, (), Reference(book.name_of(wrong, first)), Reference(what))
            ],
        )
