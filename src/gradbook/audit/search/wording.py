"""A mistake in words: why an edit is one, as a teacher would say it, and a finding for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradbook.audit.findings import ANOTHER_ROW, BLANK_REFERENCE, Finding
from gradbook.audit.formula.address import (
    DOWN,
    Address,
    Axis,
    by_sheet,
    column_of,
    name_of,
    ranges,
    row_of,
    sheet_of,
)
from gradbook.audit.formula.expression import Edit, EditKind, factors, references, rename_cells
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.search.hypotheses import Hypothesis, MissingPart
from gradbook.audit.training.steps import is_loss_word
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.targets.excel.language import Expression, Infix, Number, Reference, write

OPERATIONS = {
    "+": "a sum",
    "-": "a difference",
    "*": "a product",
    "/": "a quotient",
    "^": "a power",
}
LOGARITHM = "LOG is the logarithm to the base 10: LN, the natural one, belongs there"


@dataclass(frozen=True)
class Surroundings:
    """What has to be known of a step to say what is wrong with one of its formulas."""

    book: Book
    flow: Flow
    axis: Axis
    weight_cells: Collection[Address]  # of all steps
    own_weights: Collection[Address | None]
    computed_cells: Collection[Address]


class Wording:
    """The words for a formula in some cell."""

    def __init__(self, step: Surroundings, home: Address) -> None:
        self.step, self.book, self.home = step, step.book, home

    def label(self, cell: Address | None) -> str:
        """What the sheet calls a cell."""
        if cell is None:
            return ""
        return self.book.label(cell, self.step.axis)

    def in_names(self, edits: Iterable[Edit]) -> tuple[str, ...]:
        """Return the edits with each cell by its name in the sheet or, where it has none, by its
        distance: so they read the same in every book with the mistake."""

        def name(mention: Reference) -> str:
            cell = self._cell(mention)
            if cell is None:
                return mention.text
            down, right = row_of(cell) - row_of(self.home), column_of(cell) - column_of(self.home)
            return self.label(cell) or f"[{down},{right}]"

        return tuple(edit.with_names(name).description for edit in edits)

    def kind_and_reason(self, hypothesis: Hypothesis, weight: str = "") -> tuple[str, str]:
        """What sort of mistake it is, and why it is one, the chain being that to a weight."""
        if hypothesis.missing:
            return self._of_missing(hypothesis.missing)
        return self.kind(hypothesis.edits), self.why(hypothesis.edits, weight)

    def _of_missing(self, parts: Sequence[MissingPart]) -> tuple[str, str]:
        kinds = [part.kind for part in parts]
        kind = EditKind.TERM if EditKind.TERM in kinds else EditKind.FACTOR
        return kind.value, "; ".join(map(self._lacks, parts))

    def _lacks(self, part: MissingPart) -> str:
        said, beside = write(part.formula), "" if part.beside is None else _short(part.beside)
        if part.kind is EditKind.TERM:
            name = self.label(part.cell) or (name_of(part.cell) if part.cell else "a cell")
            lacks = f"it lacks the path through {name}"
            add = f"add {said} to {beside}" if beside else f"add {said}"
        else:
            what = "factor" if self._is_error(part.cell) else "slope"
            lacks = f"it lacks the {what} {self._algebra(part.formula)}"
            add = f"multiply {beside} by {said}" if beside else f"multiply by {said}"
        return f"{lacks}: {add}" if part.is_put_in else lacks

    def _is_error(self, cell: Address | None) -> bool:
        """Whether a cell is an output's error, whose slope nobody calls one."""
        return cell is not None and is_loss_word(self.label(cell).lower())

    def _algebra(self, part: Expression) -> str:
        """An expression in the sheet's own names."""
        named = rename_cells(part, lambda mention: self.label(self._cell(mention)) or mention.text)
        return write(named).replace("*", "·").replace("-", "−")

    # What sort of mistake it is

    def kind(self, edits: Sequence[Edit]) -> str:
        first, last = edits[0], edits[-1]
        if first.kind is not EditKind.REFERENCE:
            return str(first.kind.value)
        if last.kind is EditKind.REFERENCE and (last.old, last.new) == (first.new, first.old):
            return EditKind.EXCHANGE.value
        return self._kind_of_reference(first) or EditKind.REFERENCE.value

    def _kind_of_reference(self, first: Edit) -> str:
        old, new = self._cell(first.old), self._cell(first.new)
        if self._is_blank(old):
            return BLANK_REFERENCE
        if old is None or new is None:
            return ""
        if isinstance(self.book.values.get(old), str):
            return "text reference"
        other_step = old in self.step.weight_cells and old not in self.step.own_weights
        if other_step or self._same_line(old, new):
            return "frozen row" if "$" in write(first.old) else ANOTHER_ROW
        return "pre-activation" if self.step.flow.sources(new) == (old,) else ""

    def _is_blank(self, cell: Address | None) -> bool:
        return cell is not None and self.book.is_blank(cell)

    def _same_line(self, a: Address | None, b: Address) -> bool:
        beside = self.step.axis.beside
        return a is not None and a != b and beside(a) == beside(b)

    # Why it is one

    def why(self, edits: Iterable[Edit], weight: str = "") -> str:
        """The edits with their reasons, the chain being that to a weight."""
        return "; ".join(self._because(edit, weight) for edit in edits)

    def _because(self, edit: Edit, weight: str) -> str:
        old, new = edit.old, edit.new
        match edit.kind, new:
            case ((EditKind.REFERENCE | EditKind.NUMBER | EditKind.EXCHANGE), _):
                both = [(old, new), (new, old)]
                some = both if edit.kind is EditKind.EXCHANGE else both[:1]
                return "; ".join(self._reference(*pair, weight) for pair in some)
            case ((EditKind.OPERATOR | EditKind.ORDER), Infix(operator)):
                assert isinstance(old, Infix)
                known = operator in OPERATIONS  # a comparison speaks for itself
                other = f": {OPERATIONS[operator]}, not {OPERATIONS[old.operator]}" if known else ""
                turned = edit.kind is EditKind.ORDER
                same = ": the two sides are exchanged" if turned else ""
                reason = same if old.operator == operator else other
                return f"{_short(old)} should be {_short(new)}{reason}"
            case ((EditKind.ORDER | EditKind.SIGN | EditKind.FUNCTION), _):
                of = {
                    EditKind.ORDER: _branches,
                    EditKind.SIGN: _turned,
                    EditKind.FUNCTION: _of_function,
                }
                return of[edit.kind](old)
            case ((EditKind.PARENTHESES | EditKind.RANGE | EditKind.ACTIVATION), _):
                said = {
                    EditKind.PARENTHESES: self._parentheses,
                    EditKind.RANGE: self._range,
                    EditKind.ACTIVATION: _activations,
                }
                return said[edit.kind](old, new)
            case EditKind.FACTOR, Infix(operator, _, factor):
                verb = "multiplied" if operator == "*" else "divided"
                chain = f"the chain to {weight} has one factor more: " if weight else ""
                return f"{chain}{_short(old)} must be {verb} by {self._named(factor)}"
            case EditKind.TERM, Infix(_, _, term):
                return f"the term {self._named(term)} is left out"
            case EditKind.OMISSION, _:
                chain = f": the chain to {weight} has no such part" if weight else ""
                return f"{self._named(old)} doesn't belong there{chain}"
        return (
            "no small change makes this the gradient; "
            f"the chain rule gives the formula below for {weight}"
        )

    def _reference(self, old: Expression, new: Expression, weight: str) -> str:
        old_cell, new_cell = self._cell(old), self._cell(new)
        if self._is_blank(old_cell):
            return f"{write(old)} is blank: {self._named(new)} belongs there"
        if isinstance(new, Number) or new_cell is None:
            return f"{self._named(old)} should be {write(new)}"
        if self._same_line(old_cell, new_cell):
            where = "stays with one row" if "$" in write(old) else "is of another row"
            return f"{write(old)} {where}: {self._named(new)} belongs there"
        said, name = self.label(old_cell), self.label(new_cell) or write(new)
        what = f"{write(old)} is {said}; " if said else f"not {write(old)}: "
        if not weight:
            return f"{what}it is {name} that belongs there, so {write(new)}"
        through = "goes through" if new_cell in self.step.computed_cells else "needs"
        return f"{what}the chain to {weight} {through} {name}, so {write(new)}"

    def _range(self, old: Expression, new: Expression) -> str:
        """What the columns of two ranges are called, where that tells them apart."""
        corners = [Reference(write(part).partition(":")[0]) for part in (old, new)]
        said, name = (self.label(self._cell(corner)) for corner in corners)
        if not name or said == name:
            return f"{write(old)} should be {write(new)}"
        return (
            f"{write(old)} is {said or 'another'}; it is {name} that belongs there, so {write(new)}"
        )

    def _parentheses(self, old: Expression, new: Expression) -> str:
        parts = [factor.part for factor in factors(new).parts]
        sums = [part for part in parts if _is_sum(part)]
        rest = [part for part in parts if part not in sums[:1]]
        if not (sums and rest and _is_sum(old)):
            return "the parentheses stand in the wrong place"
        names = "·".join(map(self._bare, rest))
        return (
            "the sum needs its parentheses: as it stands, "
            f"only one of its terms is multiplied by {names}"
        )

    def _bare(self, part: Expression) -> str:
        if isinstance(part, Infix) and _is_sum(part):
            sign = part.operator.replace("-", "−")
            return f"({self._bare(part.left)}{sign}{self._bare(part.right)})"
        return self.label(self._cell(part)) or write(part)

    def _named(self, part: Expression) -> str:
        name = self.label(self._cell(part))
        return f"{write(part)} ({name})" if name else write(part)

    def _cell(self, part: Expression) -> Address | None:
        if not isinstance(part, Reference):
            return None
        return self.book.reader.cell(part.text, self.home)


def _branches(old: Expression) -> str:
    return f"the two branches of {_short(old)} are exchanged"


def _turned(old: Expression) -> str:
    return f"the sign of {_short(old)} is wrong"


def _of_function(old: Expression) -> str:
    """Why a function doesn't belong there; x stands for each cell that it is taken of."""
    too_often = any(reference.text == "x" for reference in references(old))
    return (
        f"{write(old)} is taken once too often: x itself belongs there" if too_often else LOGARITHM
    )


def _activations(old: Expression, new: Expression) -> str:
    """Several sums where their activations belong."""
    both = zip(references(old), references(new), strict=True)
    pairs = dict.fromkeys((a.text, b.text) for a, b in both if a != b)
    sums, activations = (", ".join(column) for column in zip(*pairs, strict=True))
    return f"{sums} aren't activated yet: {activations} belong there"


def _is_sum(part: Expression) -> bool:
    return isinstance(part, Infix) and part.operator in "+-"


def _short(part: Expression) -> str:
    text = write(part)
    return text if len(text) <= 40 else f"{text[:24]} … {text[-12:]}"


# Faults -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A finding before its cells are gathered."""

    weight: int  # -1 where it isn't one's own
    finding: Finding
    owners: tuple[Address, ...]
    right: Pattern | None = None
    first_step: int = 0  # in which it is made
    fixes: Mapping[Address, str] = field(default_factory=dict)  # the right formula of every owner
    wrong: Pattern | None = None  # the wrong formula, where no right one was looked for


def findings_of(book: Book, faults: Iterable[Fault], axis: Axis = DOWN) -> list[Finding]:
    """A finding for equal faults of one line, with all their cells."""
    found: defaultdict[object, list[Fault]] = defaultdict(list)
    for fault in faults:
        pattern = fault.right or fault.wrong
        key = pattern.key if pattern else (fault.finding.formula, fault.finding.why)
        found[fault.weight, fault.finding.kind, key, axis.line(fault.owners[0])].append(fault)
    return [finding for same in found.values() for finding in _together(book, same)]


def _together(book: Book, same: Sequence[Fault]) -> Iterator[Finding]:
    """Equal faults reported once: on each sheet where they stand."""
    first = min(same, key=lambda fault: min(fault.owners))
    fixes = {owner: f"={text}" for fault in same for owner, text in fault.fixes.items()}
    first_step = min(fault.first_step for fault in same)
    for own in by_sheet(owner for fault in same for owner in fault.owners):
        here = {name_of(cell): fixes[cell] for cell in own if cell in fixes}
        found = replace(first.finding, cells=ranges(own), fixes=here, first_step=first_step)
        yield found if min(first.owners) in own else _elsewhere(book, found, own[0])


def _elsewhere(book: Book, finding: Finding, cell: Address) -> Finding:
    """Return the same finding as it stands on another sheet."""
    formula, expected = book.content(cell), finding.fixes.get(name_of(cell), finding.expected)
    title = book.sheets[sheet_of(cell)].title
    return replace(finding, sheet=title, formula=formula, expected=expected)
