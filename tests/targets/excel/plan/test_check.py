"""How far a gradient may be from what is measured: never so near that rounding turns it red."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from gradbook.errors import TargetError
from gradbook.graph.node import ancestors
from gradbook.graph.reference import evaluate
from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.targets.excel.live import LiveValue
from gradbook.targets.excel.plan.column_order import Exercise
from gradbook.targets.excel.plan.gradient_check import (
    AGREES,
    DIFFERS,
    NO_NUMBER,
    NUDGE,
    OF_ALL,
    OPEN,
    SAYS,
    Tolerance,
    epochs_summary,
    measured,
    summary,
)
from gradbook.targets.excel.plan.workbook_plan import WorkbookPlan
from tests.cases import for_each
from tests.families import networks

ZEROS = str(builtin("worked")).replace("0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55", " 0" * 8)
AT_THE_CORNER = (
    "input 1; dense 1; relu; loss half squared error; weights 0; biases 0; sample 1 -> 1"
)
LARGE = (
    "input 2; dense 1; loss half squared error; seed 2; sample 300 5 -> 2e5; sample 500 7 -> 3e5"
)
TINY = "input 1; dense 2; tanh; dense 1; loss half squared error; seed 2; sample 1 -> 1e-9"


def plan(text, epochs=12, rate=0.5, **more):
    net = builtin(text) if text in ("worked", "xor", "mazur") else parse(text)
    return WorkbookPlan(scalar_step(net), epochs, rate, (), **more)


def verdicts(lines):
    return [line.verdict.value for line in lines]


def all_verdicts(book):
    return verdicts([*book.check.weight_lines, *book.check.epoch_lines])


def with_record(book, changed):
    """The check of the same book, had some quantities these numbers."""
    record = {**book.record.values, **changed}
    epochs = replace(book.check.epoch_nudges, record=record)
    return replace(book.check, record=record, epoch_nudges=epochs)


@for_each(
    ("text", "rate", "epochs"),
    [
        ("worked", 1.0, 12),
        ("worked", 10.0, 70),  # ends at 7E-26
        ("worked", 1000.0, 70),  # saturated
        ("xor", 1.0, 12),
        ("mazur", 0.5, 12),
        (ZEROS, 0.5, 12),
        (AT_THE_CORNER, 0.5, 5),
        ("input 1; dense 1; batchnorm; elu; loss half squared error", 0.05, 3),
        (
            "input 1; dense 1 no bias; batchnorm; leaky relu 0.015; loss half squared error; "
            "sample 0 -> 0",
            0.05,
            3,
        ),
        ("input 1x1x2; conv1d 1 1 no bias; batchnorm; loss half squared error; weights 0", 0.05, 3),
        (LARGE, 1e-7, 12),
        (TINY, 0.5, 12),
    ],
)
def test_right_gradients_agree_however_small_the_error(text, rate, epochs):
    book = plan(text, epochs, rate)
    assert set(all_verdicts(book)) == {AGREES}
    assert book.check.summary.value == f"all {len(book.step.gradients)} gradients agree in epoch 1"
    assert book.check.epochs_summary.value == f"the gradients agree in all {epochs} epochs"


def at_corners(step):
    """How many values stand exactly at a corner. Where one opens upwards and another downwards, the
    slope that both are taken to have is on neither side of a nudge, which a sheet can't know."""
    every = SAYS.complete(ancestors([step.loss]))
    bent = [node.inputs[0] for node in every if node.op.name in ("relu", "choose")]
    values = evaluate(bent, {**step.data, **step.start})
    return sum(int(np.sum(values[x] == 0)) for x in bent)


@given(networks(depth=2, width=2, samples=2), st.sampled_from([0.05, 1.0, 20.0]))
def test_no_network_of_ours_is_accused(net, rate):
    step = scalar_step(net)
    try:
        measured(step)
    except TargetError:  # a nudge shows nothing of any of its weights
        reject()
    assume(at_corners(step) < 2)
    assert DIFFERS not in all_verdicts(WorkbookPlan(step, 3, rate, ()))


def test_a_weight_that_only_sets_the_scale_of_others_is_not_nudged():
    net = parse(
        "input 2x1; rnn 1 all no bias; conv 1 3x3 stride 2 pad 1 no bias bits 8; flatten; "
        "dense 1 no bias; loss half squared error"
    )
    step = scalar_step(net)
    assert [str(weight.name) for weight in measured(step)] == ["w1", "w2", "w12"]
    assert DIFFERS not in all_verdicts(WorkbookPlan(step, 3, 0.05, ()))


@for_each("factor", [1.0003, 0.99, -1.0, 0.0])
def test_a_gradient_that_is_off_differs(factor):
    book = plan("worked")
    wrong = {it: factor * book.record.values[it] for it in book.step.gradients.values()}
    assert set(verdicts(with_record(book, wrong).weight_lines)) == {DIFFERS}


@for_each("epoch", [0, 19, 69])
def test_one_spoilt_gradient_of_one_epoch_spoils_that_epoch(epoch):
    book = plan("worked", 70, 1.0)
    for gradient in book.step.gradients.values():
        wrong = book.record.values[gradient].copy()
        wrong[epoch] *= 1.01
        found = verdicts(with_record(book, {gradient: wrong}).epoch_lines)
        assert [k for k, verdict in enumerate(found) if verdict != AGREES] == [epoch]


def test_two_gradients_that_are_swapped_spoil_the_sum():
    parts = plan("worked").check.epoch_nudges.direction.values()
    assert len(set(parts)) == len(parts)
    assert all(part > 0 for part in parts)
    assert sum(part**2 for part in parts) == pytest.approx(1)


def test_an_error_that_is_spoilt_spoils_its_epoch():
    book = plan("worked")
    wrong = {book.step.loss: 1.01 * book.record.values[book.step.loss]}
    assert set(verdicts(with_record(book, wrong).epoch_lines)) == {DIFFERS}


@for_each(("share", "verdict"), [(1, AGREES), (0, AGREES), (1 / 3, DIFFERS)])
def test_at_a_corner_the_slope_of_either_side_is_right(share, verdict):
    book = plan(AT_THE_CORNER)
    line, loss = book.check.weight_lines[0], book.record.values[book.step.loss][0]
    right = (line.above.value - loss) / NUDGE
    gradient = book.step.gradients[book.check.nudges.weights[0]]
    claimed = with_record(book, {gradient: np.full(12, share * right)})
    assert claimed.weight_lines[0].verdict.value == verdict


@for_each(("error", "verdict"), [(float("nan"), NO_NUMBER), (1.0, DIFFERS)])
def test_numbers_that_break_are_no_mistake_but_a_broken_gradient_is(error, verdict):
    smooth = Tolerance(squares=True, has_corners=False)
    gradient, *cells = (
        LiveValue.at(f"A{k}", value)
        for k, value in enumerate((float("nan"), error - NUDGE, error + NUDGE, error, 1.0))
    )
    below, above, middle, size = cells
    assert smooth.line(1, gradient, (below, above), middle, size).verdict.value == verdict


def test_an_exercise_is_to_be_filled_in():
    book = plan("worked", exercise=Exercise())
    assert set(all_verdicts(book)) == {OPEN}
    assert book.check.summary.value == "8 of 8 gradients to fill in"
    assert book.check.epochs_summary.value == "12 of 12 epochs to fill in"


def test_of_a_long_run_some_epochs_are_checked_the_first_and_the_last_among_them(monkeypatch):
    monkeypatch.setattr("gradbook.targets.excel.plan.gradient_check.MOST_OF_EPOCHS", 200)
    chosen = plan("worked", 70).check.epoch_nudges.chosen
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 69, 5)
    assert plan("worked", 70).check.epochs_summary.value == "the gradients agree in 5 of 70 epochs"


@for_each(
    ("found", "epoch", "words"),
    [
        ([AGREES, DIFFERS], 3, "1 of 2 gradients differ in epoch 3"),
        ([AGREES, NO_NUMBER], 3, "no numbers in epoch 3"),
        ([AGREES, AGREES], 13, "there is no epoch 13: type a number from 1 to 12"),
        ([AGREES, AGREES], "", "type an epoch"),
    ],
)
def test_what_it_all_comes_to_is_said_with_its_epoch(found, epoch, words):
    asked = LiveValue.at("epoch", epoch)
    assert summary(LiveValue.at("J1:J2", found), OF_ALL, asked, 12).value == words


@for_each(
    ("found", "words"),
    [
        ([AGREES, DIFFERS], "1 of 2 epochs differs, the first is epoch 20"),
        ([AGREES, NO_NUMBER], "the gradients agree in 1 epochs; the others have no numbers"),
    ],
)
def test_the_first_epoch_that_differs_is_named(found, words):
    numbers = LiveValue.at("B1:B2", [1, 20])
    assert epochs_summary(LiveValue.at("J1:J2", found), numbers, 2).value == words


def test_weights_of_few_bits_have_no_part_in_the_direction():
    """The sum of slopes along it goes over all gradients, which stand side by side."""
    book = plan("input 2; dense 2 ternary; tanh; dense 1; seed 2; sample 0.3 -0.5 -> 0.4")
    parts = {str(weight.name): part for weight, part in book.check.epoch_nudges.direction.items()}
    assert list(parts) == [str(weight.name) for weight in book.step.gradients]
    assert [name for name, part in parts.items() if not part] == ["w1", "w2", "w3", "w4"]
    assert sum(part**2 for part in parts.values()) == pytest.approx(1)
    assert book.check.epochs_summary.value == "the gradients agree in all 12 epochs"
