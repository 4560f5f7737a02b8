"""What put the same formulas right in other rows, tried again in these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gradbook.audit.formula.address import Address, column_of, row_of
from gradbook.audit.formula.expression import Edit
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import moved
from gradbook.audit.judge.step_under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.repair.generators.outlier_rows import Move
from gradbook.audit.repair.hypotheses import Hypothesis
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.repair.wrong_formula import WrongFormula
from gradbook.audit.training.steps import SheetStep
from gradbook.targets.excel.language.grammar import Expression, read, write


def known_columns(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """What put a column right in other rows."""
    for step, hypothesis in symptoms.earlier.columns:
        again = _in_this_step(symptoms.under_test, step, hypothesis)
        if again is not None:
            yield again


def known_claim(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The repair of the same formula in another place, where it helps here too."""
    assert symptoms.weight is not None
    wrong = symptoms.formula(symptoms.weight)
    if wrong is None:
        return
    known = symptoms.earlier.claims.get(wrong.pattern.key)
    if known is None:
        return
    down = row_of(wrong.home) - row_of(known.home)
    across = column_of(wrong.home) - column_of(known.home)

    def follow(cell: Address, text: str) -> str:
        return moved(text, down, across)

    again = _moved(known, (wrong.home,), follow)
    if _restores(wrong, again):
        yield again


def _restores(wrong: WrongFormula, hypothesis: Hypothesis) -> bool:
    """Whether the repaired formula, written and read again, is what is wanted."""
    tested = wrong.under_test
    pattern = tested.training.book.reader.typed(hypothesis.formulas[0], wrong.home)
    if pattern.expression is None:
        return False
    try:
        node = tested.graph.expression(pattern.expression, wrong.home, pattern)
    except NotUnderstood:
        return False
    return tested.compare(node, wrong.target) is ClaimVerdict.RIGHT


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
