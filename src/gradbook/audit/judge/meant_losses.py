"""A loss that isn't the one that the gradients belong to, though they are right.

The slope of the usual cross-entropy is so simple that it is written from memory: if every gradient
is that of the usual loss, the loss itself has the wrong logarithm, its sign, or one term too few.
And whoever writes -x^2 as on paper doesn't know that a spreadsheet squares -x.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import copysign

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.judge.loss import has_peak, is_right, name_of_loss
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import StepLoss, group_steps, steps_of
from gradbook.cells.book import Book
from gradbook.cells.formula.address import Address, by_sheet, name_of
from gradbook.cells.formula.expression import (
    DECIMAL,
    NATURAL,
    EditKind,
    factors,
    once,
    parts,
    replace_parts,
    terms,
    total,
    with_natural_logarithms,
)
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    read,
    write,
)
from gradbook.language.message import Message

LOGARITHMS = (*DECIMAL, NATURAL)
KEPT = 64  # steps under test, since all remedies need the same ones
WHY_NATURAL = Message(
    "LOG is the logarithm to base 10; the gradients are those of the natural logarithm, LN"
)
WHY_NEGATIVE = Message("the loss lacks its minus sign: the gradients are those with it")
WHY_BOTH = Message(
    "the loss omits the term for targets of 0, (1-y)*LN(1-p), which the gradients rightly include"
)
WHY_AFTER = Message(
    "in a spreadsheet -x^2 is (-x)^2, which is positive: the gradients are those of -(x^2)"
)
POWER = "^"
Remedy = Callable[[Expression], Expression | None]


def meant_loss_findings(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[Finding]:
    """Findings for a loss with which no gradient is right, though with one change of its formulas
    all are: of its logarithms, or of a minus before a power."""
    book = training.book
    marked = {
        pattern: _marks(pattern.form.expression)
        for pattern in set(book.patterns.values())
        if pattern.form and not _marks(pattern.form.expression).isdisjoint((*LOGARITHMS, POWER))
    }
    if not marked:
        return []
    plain = [step and replace(step, scale=copysign(1.0, step.scale)) for step in loss]
    name = name_of_loss(training, plain[0]) if plain and plain[0] else ""
    groups = group_steps(training, steps_of(training, plain))
    tested = lru_cache(KEPT)(lambda k: StepUnderTest.of(training, groups[k]))
    right = lru_cache(KEPT)(lambda k: is_right(tested(k)))
    for kind, why, remedy, functions in (
        (EditKind.FUNCTION, WHY_NATURAL, with_natural_logarithms, DECIMAL),
        (EditKind.TERM, WHY_BOTH, _with_both_terms, (NATURAL,)),
        (EditKind.SIGN, WHY_NEGATIVE, _negative, (NATURAL,)),
        (EditKind.PARENTHESES, WHY_AFTER, _minus_after_powers, (POWER,)),
    ):
        if kind is EditKind.SIGN and not (groups and has_peak(tested(0))):
            continue  # it has its minus sign, or is climbed
        own = {pattern for pattern, has in marked.items() if not has.isdisjoint(functions)}
        rights = dict[Address, Pattern]()
        for k in range(len(groups)) if own else ():
            there = [cell for cell in sorted(tested(k).forward) if book.patterns.get(cell) in own]
            mended = {cell: said for cell in there if (said := _mended(book, cell, remedy))}
            if mended and right(k):
                rights.clear()
                break
            if mended and is_right(tested(k).with_formulas(mended)):
                copies = (there for cell in mended for there in _copies(training, cell))
                both = ((there, _mended(book, there, remedy)) for there in copies)
                rights |= {there: said for there, said in both if said}
        lines: defaultdict[object, list[Address]] = defaultdict(list)
        for cell in sorted(rights):
            lines[why if why is WHY_AFTER else book.patterns[cell]].append(cell)
        if lines:
            return [
                _finding(training, cells, kind, name, why, rights)
                for alike in lines.values()
                for cells in by_sheet(alike)
            ]
    return []


def _finding(
    training: SheetTraining,
    cells: Sequence[Address],
    kind: EditKind,
    loss: str,
    why: Message,
    rights: Mapping[Address, Pattern],
) -> Finding:
    book, first = training.book, cells[0]
    name = training.name_of(first) if why is WHY_AFTER else loss
    finding = finding_in(book, cells, kind.value, name, why, right=rights[first])
    return replace(finding, fixes={name_of(c): f"={rights[c].text_at(c)}" for c in cells})


def _copies(training: SheetTraining, cell: Address) -> Iterator[Address]:
    """The cells of a line with the same formula, also in the last step, which has no update."""
    pattern, line = training.book.patterns[cell], training.axis.line
    return (
        other
        for other, said in training.book.patterns.items()
        if said is pattern and line(other) == line(cell)
    )


@once
def _marks(form: Expression) -> frozenset[str]:
    """The functions in a formula, and a power if there is one of a negative base."""
    called = (part.function for part in parts(form) if isinstance(part, Call))
    return frozenset([*called, *(POWER for part in parts(form) if _base_of_power(part))])


def _base_of_power(part: Expression) -> Expression | None:
    """The x in -x^2, which is read as (-x)^2."""
    is_power = isinstance(part, Infix) and part.operator == POWER
    base = part.left if is_power and isinstance(part, Infix) else None
    return base.operand if isinstance(base, Prefix) and base.operator == "-" else None


def _mended(book: Book, cell: Address, remedy: Remedy) -> Pattern | None:
    right = remedy(read(book.patterns[cell].text_at(cell).removeprefix("+")))
    return None if right is None else book.reader.read_typed(write(right), cell)


# Remedies ---------------------------------------------------------------------------------


def _with_both_terms(said: Expression) -> Expression | None:
    """y·LN(p) with (1−y)·LN(1−p) beside it."""
    (sign, product), *others = terms(said)
    split = factors(product)
    targets = [f.part for f in split.parts if f.above and isinstance(f.part, Reference)]
    logs = [f.part for f in split.parts if f.above and isinstance(f.part, Call)]
    if others or len(split.parts) != 2 or not targets or not logs:
        return None
    (target,), (log,) = targets, logs
    output = log.arguments[0]
    if log.function != NATURAL or output is None:
        return None
    other = Infix("*", _complement(target), Call(NATURAL, (_complement(output),)))
    whole = Infix("+", Infix("*", target, log), other)
    return Prefix("-", whole) if sign * split.sign < 0 else whole


def _minus_after_powers(said: Expression) -> Expression | None:
    def after(part: Expression) -> Expression | None:
        base = _base_of_power(part)
        if base is None or not isinstance(part, Infix):
            return None
        return Prefix("-", Infix(POWER, base, part.right))

    return replace_parts(said, after)


def _complement(part: Expression) -> Expression:
    return Infix("-", Number(1.0), part)


def _negative(said: Expression) -> Expression:
    """The same with the other sign."""
    split = terms(said)
    if len(split) > 1 and all(sign > 0 for sign, _ in split):
        return Prefix("-", said)
    return total([(-sign, part) for sign, part in split])
