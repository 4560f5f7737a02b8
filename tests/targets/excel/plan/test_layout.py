"""Which cell each value has, and what a formula calls it from where."""

from __future__ import annotations

import pytest

from gradbook.net import builtin
from gradbook.net.lower import scalar_step
from gradbook.targets.excel.plan.workbook_plan import TRAINING, WorkbookPlan

EPOCHS = 3


@pytest.fixture(scope="module")
def book():
    return WorkbookPlan(scalar_step(builtin("xor")), EPOCHS, 0.5, ())


def named(book, name):
    nodes = [node for group in book.groups for node in group.nodes]
    return next(node for node in nodes if str(node.name) == name)


def test_a_step_has_a_row_an_epoch_and_its_samples_have_theirs(book):
    run, samples = book.training, book.step.samples
    assert run.table(named(book, "w1")) is run.of_step
    assert run.table(named(book, "h1")) is run.of_sample
    assert run.of_step.row(2) - run.of_step.row(1) == 1
    assert run.of_sample.row(2) - run.of_sample.row(1) == samples


def test_a_value_is_called_by_its_sheet_from_another_one_alone(book):
    w1 = named(book, "w1")
    at_home, abroad = (book.training.refer(w1, sheet) for sheet in (TRAINING, "Samples"))
    assert abroad.text == f"{TRAINING}!{at_home.text}"


def test_the_rate_and_the_data_are_called_by_what_the_network_sheet_calls_them(book):
    assert book.training.refer(book.step.rate, TRAINING).text == "eta"


def test_formulas_of_neighbouring_samples_are_never_quite_the_same(book):
    pins = [book.training.rows(epoch, sample)["p"] for epoch in range(2) for sample in range(2)]
    assert pins in (["", "$", "", "$"], ["$", "", "$", ""])


def test_all_epochs_of_a_value_are_one_block(book):
    w1 = named(book, "w1")
    column = book.training.of_step.column(w1)
    block = book.training.of_step.over_epochs(w1, EPOCHS)
    assert block == f"{TRAINING}!${column}$5:${column}${4 + EPOCHS}"
