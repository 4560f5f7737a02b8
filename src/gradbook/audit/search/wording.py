"""Puts a mistake into words: why an edit is needed, as a teacher would say it, and its finding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradbook.audit.findings import ANOTHER_ROW, BLANK_REFERENCE, DEPARTING_ROW, Finding
from gradbook.audit.search.hypotheses import Hypothesis, MissingPart
from gradbook.audit.training.training_steps import is_loss_word
from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import (
    ACROSS,
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
from gradbook.cells.formula.expression import Edit, EditKind, factors, references, rename_cells
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    write,
)
from gradbook.language.message import Message, joined

OPERATIONS = {
    "+": Message("a sum"),
    "-": Message("a difference"),
    "*": Message("a product"),
    "/": Message("a quotient"),
    "^": Message("a power"),
}
SHORT = 24  # characters of a part that can be repeated
LOGARITHM = Message("LOG is the logarithm to base 10: LN, the natural logarithm, belongs there")


@dataclass(frozen=True)
class Surroundings:
    """What must be known about a step to describe a mistake in one of its formulas."""

    book: Book
    flow: Flow
    axis: Axis
    weight_cells: Collection[Address]  # the weights' cells in all steps
    own_weights: Collection[Address | None]
    computed_cells: Collection[Address]


class Wording:
    """Describes mistakes in the formula of a cell."""

    def __init__(self, step: Surroundings, home: Address) -> None:
        self.step, self.book, self.home = step, step.book, home

    def label(self, cell: Address | None) -> str:
        if cell is None:
            return ""
        return self.book.label(cell, self.step.axis)

    def in_names(self, edits: Iterable[Edit]) -> tuple[str, ...]:
        """Return descriptions of the edits, with each cell's label or, if it has none, its
        distance: so they are the same in every book with this mistake."""

        def name(mention: Reference) -> str:
            cell = self._cell(mention)
            if cell is None:
                return mention.text
            down, right = row_of(cell) - row_of(self.home), column_of(cell) - column_of(self.home)
            return self.label(cell) or f"[{down},{right}]"

        return tuple(edit.with_names(name).description for edit in edits)

    def kind_and_reason(self, hypothesis: Hypothesis, weight: str = "") -> tuple[str, str]:
        """The kind of mistake, and why it is one; `weight` names the chain that it is part of."""
        missing = hypothesis.missing
        if hypothesis.like:
            differs = Message(
                "{cell} differs from {others}, which are copies of one formula",
                cell=name_of(self.home),
                others=self.book.ranges(hypothesis.like, self.home),
            )
            return DEPARTING_ROW, differs
        if missing:
            is_term = any(part.kind is EditKind.TERM for part in missing)
            kind = EditKind.TERM if is_term else EditKind.FACTOR
            return kind.value, joined("; ", map(self._lacks, missing))
        return self.kind(hypothesis.edits), self.why(hypothesis.edits, weight)

    def _lacks(self, part: MissingPart) -> str:
        said, beside = write(part.formula), "" if part.beside is None else _short(part.beside)
        if part.kind is EditKind.TERM:
            name = self.label(part.cell) or (
                self.book.name_of(part.cell, self.home) if part.cell else Message("a cell")
            )
            lacks = Message("it lacks the path through {name}", name=name)
            add = (
                Message("add {part} to {beside}", part=said, beside=beside)
                if beside
                else Message("add {part}", part=said)
            )
        else:
            named = rename_cells(part.formula, lambda m: self.label(self._cell(m)) or m.text)
            factor = write(named).replace("*", "·").replace("-", "−")
            lacks = (  # an output's error isn't called a slope
                Message("it lacks the factor {factor}", factor=factor)
                if part.cell is not None and is_loss_word(self.label(part.cell).lower())
                else Message("it lacks the slope {factor}", factor=factor)
            )
            add = (
                Message("multiply {beside} by {part}", beside=beside, part=said)
                if beside
                else Message("multiply by {part}", part=said)
            )
        return (
            Message("{mistake}: {remedy}", mistake=lacks, remedy=add) if part.is_put_in else lacks
        )

    # The kind of mistake

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
        if (other_step or self._same_line(old, new)) and not _are_fixed(first.old, first.new):
            return "frozen row" if "$" in write(first.old) else ANOTHER_ROW
        return "pre-activation" if self.step.flow.sources(new) == (old,) else ""

    def _is_blank(self, cell: Address | None) -> bool:
        return cell is not None and self.book.is_blank(cell)

    def _same_line(self, a: Address | None, b: Address) -> bool:
        beside = self.step.axis.beside
        return a is not None and a != b and beside(a) == beside(b)

    # Why it is a mistake

    def why(self, edits: Iterable[Edit], weight: str = "") -> str:
        """The reasons for the edits; `weight` names the chain that they are part of."""
        return joined("; ", (self._because(edit, weight) for edit in edits))

    def _because(self, edit: Edit, weight: str) -> str:
        old, new = edit.old, edit.new
        reason = REASONS.get(edit.kind)
        if reason is not None:
            return reason(self, old, new, weight)
        return whole_formula(weight)

    def _missing_term(self, _: Expression, new: Expression, weight: str) -> str:
        assert isinstance(new, Infix)
        return Message("the term {term} is missing", term=self._named(new.right))

    def _missing_factor(self, part: Expression, new: Expression, weight: str) -> str:
        assert isinstance(new, Infix)
        factor = new.right if new.left == part else factors(new).parts[0].part
        both = {"part": _short(part), "factor": self._named(factor)}
        remedy = (
            Message("{part} must be multiplied by {factor}", **both)
            if new.operator == "*"
            else Message("{part} must be divided by {factor}", **both)
        )
        if not weight:
            return remedy
        return Message(
            "a factor is missing from the chain to {weight}: {remedy}", weight=weight, remedy=remedy
        )

    def _superfluous(self, part: Expression, _: Expression, weight: str) -> str:
        if not weight:
            return Message("{part} doesn't belong there", part=self._named(part))
        return Message(
            "{part} doesn't belong there: the chain to {weight} has no such part",
            part=self._named(part),
            weight=weight,
        )

    def _reference(self, old: Expression, new: Expression, weight: str) -> str:
        old_cell, new_cell = self._cell(old), self._cell(new)
        if self._is_blank(old_cell):
            return Message(
                "{old} is blank: {new} belongs there", old=write(old), new=self._named(new)
            )
        if isinstance(new, Number) or new_cell is None:
            return Message("{old} should be {new}", old=self._named(old), new=write(new))
        if self._same_line(old_cell, new_cell) and not _are_fixed(old, new):
            both = {"old": write(old), "new": self._named(new)}
            if "$" in write(old) and self.step.axis is ACROSS:
                return Message(
                    "{old} always refers to the same column: {new} belongs there", **both
                )
            if "$" in write(old):
                return Message("{old} always refers to the same row: {new} belongs there", **both)
            return Message("{old} is in another row: {new} belongs there", **both)
        called, name = self.label(old_cell), self.label(new_cell) or write(new)
        if not called and name == write(new):
            return Message("{old} should be {new}", old=write(old), new=write(new))
        needed = {"weight": weight, "name": name, "new": write(new)}
        if name == write(new):
            right = Message("{name} belongs there", name=name)
        elif weight in ("", name):
            right = Message("{name} belongs there, so {new}", name=name, new=write(new))
        elif new_cell in self.step.computed_cells:
            right = Message("the chain to {weight} goes through {name}, so {new}", **needed)
        else:
            right = Message("the chain to {weight} needs {name}, so {new}", **needed)
        if not called:
            return Message("not {old}: {reason}", old=write(old), reason=right)
        return Message("{old} is {name}; {reason}", old=write(old), name=called, reason=right)

    def _exchange(self, old: Expression, new: Expression, weight: str) -> str:
        both = (old, new), (new, old)
        return joined("; ", (self._reference(*pair, weight) for pair in both))

    def _range(self, old: Expression, new: Expression, _: str) -> str:
        """Compare two ranges by the headings of their columns, if those differ."""
        corners = [Reference(write(part).partition(":")[0]) for part in (old, new)]
        said, name = (self.label(self._cell(corner)) for corner in corners)
        if not name or said == name:
            return Message("{old} should be {new}", old=write(old), new=write(new))
        right = Message("{name} belongs there, so {new}", name=name, new=write(new))
        if not said:
            return Message("{old} is another range; {reason}", old=write(old), reason=right)
        return Message("{old} is {name}; {reason}", old=write(old), name=said, reason=right)

    def _parentheses(self, old: Expression, new: Expression, _: str) -> str:
        parts = [factor.part for factor in factors(new).parts]
        sums = [part for part in parts if _is_sum(part)]
        rest = [part for part in parts if part not in sums[:1]]
        if not (sums and rest and _is_sum(old)):
            return Message("the parentheses are in the wrong place")
        names = "·".join(map(self._bare, rest))
        return Message(
            "the sum needs parentheses: without them, "
            "only one of its terms is multiplied by {factors}",
            factors=names,
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


def whole_formula(weight: str) -> Message:
    """The message that a formula isn't ∂E/∂weight or, without one, what gradients need there."""
    if weight:
        return Message(
            "this isn't ∂E/∂{weight}: the chain rule gives the formula below", weight=weight
        )
    return Message("this isn't the slope that the chain rule needs here: the formula below is")


def other_slope(taken: str, names: str, kind: str, slopes: str) -> Message:
    """The message that the slope of one activation is used instead of another's."""
    return Message(
        "uses the slope of {other} at {names}, where the slope of {kind} belongs: {slopes}",
        other=taken,
        names=names,
        kind=kind,
        slopes=slopes,
    )


def _operator(_: Wording, old: Expression, new: Expression, weight: str) -> str:
    assert isinstance(old, Infix)
    assert isinstance(new, Infix)
    both = {"old": _short(old), "new": _short(new)}
    if old.operator != new.operator and old.right == new.right and len(write(old)) > SHORT:
        signs = {"old": old.operator, "new": new.operator}
        return Message("before {part}, {new} belongs, not {old}", part=_short(old.right), **signs)
    if old.operator != new.operator and new.operator in OPERATIONS:
        return Message(
            "{old} should be {new}: {right}, not {wrong}",
            **both,
            right=OPERATIONS[new.operator],
            wrong=OPERATIONS[old.operator],
        )
    return Message("{old} should be {new}", **both)  # a comparison needs no explanation


def _order(_: Wording, old: Expression, new: Expression, weight: str) -> str:
    if isinstance(new, Infix):
        both = {"old": _short(old), "new": _short(new)}
        return Message("{old} should be {new}: the two sides are exchanged", **both)
    return Message("the two branches of {part} are exchanged", part=_short(old))


def _sign(_: Wording, old: Expression, new: Expression, weight: str) -> str:
    if isinstance(old, Prefix):
        return Message("the minus sign before {part} doesn't belong", part=_short(old.operand))
    return Message("a minus sign is missing before {part}", part=_short(old))


def _function(_: Wording, old: Expression, new: Expression, weight: str) -> str:
    """Why a function doesn't belong there; x represents each cell that it is applied to."""
    if isinstance(old, Call) and isinstance(new, Call) and old.arguments == new.arguments:
        return Message("{old} should be {new}", old=write(old), new=write(new))
    if not any(reference.text == "x" for reference in references(old)):
        return LOGARITHM
    return Message("{part} is applied once too often: x itself belongs there", part=write(old))


def _activation(_: Wording, old: Expression, new: Expression, weight: str) -> str:
    """Several sums that should be their activations."""
    both = zip(references(old), references(new), strict=True)
    pairs = dict.fromkeys((a.text, b.text) for a, b in both if a != b)
    sums, activations = (", ".join(column) for column in zip(*pairs, strict=True))
    return Message(
        "{sums} aren't activated yet: {activations} belong there",
        sums=sums,
        activations=activations,
    )


REASONS: dict[EditKind, Callable[[Wording, Expression, Expression, str], str]] = {
    EditKind.REFERENCE: Wording._reference,
    EditKind.RANGE: Wording._range,
    EditKind.EXCHANGE: Wording._exchange,
    EditKind.ACTIVATION: _activation,
    EditKind.NUMBER: Wording._reference,
    EditKind.OPERATOR: _operator,
    EditKind.PARENTHESES: Wording._parentheses,
    EditKind.ORDER: _order,
    EditKind.SIGN: _sign,
    EditKind.FUNCTION: _function,
    EditKind.OMISSION: Wording._superfluous,
    EditKind.FACTOR: Wording._missing_factor,
    EditKind.TERM: Wording._missing_term,
}
"""For each kind of edit, the function that explains the mistake."""


def _are_fixed(old: Expression, new: Expression) -> bool:
    """Whether both are settings or samples that every step uses: then rows don't matter."""
    return "$" in write(old) and "$" in write(new)


def _is_sum(part: Expression) -> bool:
    return isinstance(part, Infix) and part.operator in "+-"


def _short(part: Expression) -> str:
    text = write(part)
    return text if len(text) <= 40 else f"{text[:24]} … {text[-12:]}"


# Faults -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A finding for single cells, before equal ones are combined."""

    weight: int  # -1 if it concerns no weight in particular
    finding: Finding
    owners: tuple[Address, ...]
    right: Pattern | None = None
    first_step: int = 0  # the first step with this fault
    fixes: Mapping[Address, str] = field(default_factory=dict)  # the right formula of every owner
    wrong: Pattern | None = None  # the wrong formula, if no right one was looked for


def findings_of(book: Book, faults: Iterable[Fault], axis: Axis = DOWN) -> list[Finding]:
    """One finding for all equal faults of a line, with all their cells."""
    found: defaultdict[object, list[Fault]] = defaultdict(list)
    for fault in faults:
        pattern = fault.right or fault.wrong
        key = pattern.key if pattern else (fault.finding.formula, fault.finding.why)
        found[fault.weight, fault.finding.kind, key, axis.line(fault.owners[0])].append(fault)
    return [finding for same in found.values() for finding in _together(book, same)]


def _together(book: Book, same: Sequence[Fault]) -> Iterator[Finding]:
    """The findings for equal faults: one for each sheet that has them."""
    first = min(same, key=lambda fault: min(fault.owners))
    fixes = {owner: f"={text}" for fault in same for owner, text in fault.fixes.items()}
    first_step = min(fault.first_step for fault in same)
    for own in by_sheet(owner for fault in same for owner in fault.owners):
        here = {name_of(cell): fixes[cell] for cell in own if cell in fixes}
        finding = replace(first.finding, cells=ranges(own), fixes=here, first_step=first_step)
        if min(first.owners) not in own:  # on another sheet
            finding = replace(
                finding,
                sheet=book.sheets[sheet_of(own[0])].title,
                formula=book.content(own[0]),
                expected=here.get(name_of(own[0]), finding.expected),
            )
        yield finding
