"""A loss with LOG, the logarithm to base ten, whose gradients are those of LN."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import EditKind, once, parts, replace_parts
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.loss import name_of_loss
from gradbook.audit.step.under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.steps import StepLoss, group_steps, steps_of
from gradbook.audit.training.training import SheetTraining
from gradbook.language.message import Message
from gradbook.targets.excel.language import Call, Expression, read, write

WHY = Message("LOG is the logarithm to base ten; the gradients are those of the natural one, LN")


def decimal_logarithms(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[Finding]:
    """The cells of a loss in which LN belongs for LOG: with it a step's gradients are right."""
    book, flow = training.book, training.flow
    plain = [step and replace(step, scale=1.0) for step in loss]
    steps = steps_of(training, plain)
    made_of = [
        flow.behind(step.loss.cells, training.weight_cells, training.plain).union(step.loss.cells)
        for step in steps
    ]
    found: defaultdict[Pattern, list[Address]] = defaultdict(list)
    for cell in sorted(set().union(*made_of) & book.patterns.keys()):
        if _has_log(book.patterns[cell]):
            found[book.patterns[cell]].append(cell)
    if not found:
        return []
    right = {
        cell: _with_ln(book.patterns[cell], cell, training) for c in found.values() for cell in c
    }
    healed: set[Pattern] = set()
    for group in group_steps(training, steps):
        tested = StepUnderTest.of(training, group)
        here = {cell: right[cell] for cell in tested.forward & right.keys()}
        if here and _is_right(tested):
            return []
        if here and _is_right(tested.with_formulas(here)):
            healed.update(book.patterns[cell] for cell in here)
    return [
        finding_in(
            book,
            cells,
            EditKind.FUNCTION.value,
            name_of_loss(training, plain[0]) if plain[0] else "",
            WHY,
            right=right[cells[0]],
        )
        for pattern, cells in found.items()
        if pattern in healed
    ]


def _has_log(pattern: Pattern) -> bool:
    return pattern.form is not None and _logs(pattern.form.expression)


@once
def _logs(form: Expression) -> bool:
    return any(map(_is_log, parts(form)))


def _is_log(part: Expression) -> bool:
    is_call = isinstance(part, Call) and part.function in ("LOG", "LOG10")
    return is_call and isinstance(part, Call) and len(part.arguments) == 1


def _with_ln(pattern: Pattern, cell: Address, training: SheetTraining) -> Pattern:
    def ln(part: Expression) -> Expression:
        return Call("LN", part.arguments) if isinstance(part, Call) and _is_log(part) else part

    text = pattern.text_at(cell).removeprefix("+")
    changed = write(replace_parts(read(text), lambda part: None, ln))
    return training.book.reader.read_typed(changed, cell)


def _is_right(tested: StepUnderTest) -> bool:
    """Whether every claim is the gradient, at least for the sheet's own inputs and targets."""
    claims = [(weight, options) for weight, options in enumerate(tested.step.claims) if options]
    try:
        verdicts = [tested.best(weight, options)[0] for weight, options in claims]
    except NotUnderstood:
        return False
    return bool(verdicts) and set(verdicts) <= {ClaimVerdict.RIGHT, ClaimVerdict.RIGHT_HERE}
