"""What speaks against a hypothesis, and which is believed first."""

from __future__ import annotations

import pytest

from gradbook.audit.judge.loss import find_loss
from gradbook.audit.repair.gradients import GENERATORS
from gradbook.audit.repair.repaired_step import RepairedStep, doubts, rank
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.sheet_training import find_trainings
from gradbook.audit.training.training_steps import group_steps, steps_of
from gradbook.cells.flow import Flow
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.syntax import Reference
from gradbook.cells.read import read_book
from tests.audit.material.lookalikes import book, letter


@pytest.fixture
def step(tmp_path):
    """The first step of a right book, and how its cells are found by their names."""
    found = read_book(book(tmp_path / "book.xlsx"))
    (training,) = find_trainings(found, Flow(found))
    (group,) = group_steps(training, steps_of(training, find_loss(training)[0]))
    return StepUnderTest.of(training, group)


def cell(step, name):
    row = step.training.axis.along(step.step.own[0]) + 1
    return step.training.book.reader.cell(f"{letter(name)}{row}", step.step.own[0])


def another(step, name, old, new, explains=()):
    """The hypothesis that a cell should mention another one."""
    home = cell(step, name)
    text = step.formula(home).text.replace(letter(old), letter(new))
    edit = Edit(EditKind.REFERENCE, ((),), Reference(letter(old)), Reference(letter(new)))
    return Hypothesis(Cause.COLUMN, (home,), (text,), (edit,), frozenset(explains))


def test_every_claim_of_a_right_step_is_right(step):
    for weight, options in enumerate(step.step.claims):
        assert step.best(weight, options)[0] is ClaimVerdict.RIGHT
    assert step.wrong_weights() == set()
    assert all(step.is_known_right(weight) for weight, some in enumerate(step.step.claims) if some)


def test_one_mistake_is_likelier_than_several(step):
    few, many = (another(step, "∂E/∂w5", "a_h1", "a_h2", some) for some in ({1}, {1, 2}))
    assert rank(step, [few, many])[0] is many


def test_what_comes_to_nothing_is_never_believed(step):
    home = cell(step, "o1")
    edit = Edit(EditKind.FORMULA, ((),), Reference("A1"), Reference("A1"))
    nothing = Hypothesis(Cause.COLUMN, (home,), (f"{letter('a_h1')}6*0",), (edit,))
    assert RepairedStep(step, nothing).is_pointless
    assert rank(step, [nothing]) == []


def test_an_edit_that_spoils_a_weighted_sum_is_unconventional(step):
    spoilt = RepairedStep(step, another(step, "o1", "a_h1", "w5"))
    assert spoilt.is_forward
    assert doubts(spoilt).unconventional


def test_generators_have_names_of_their_own():
    assert len({generator.name for generator in GENERATORS}) == len(GENERATORS)
