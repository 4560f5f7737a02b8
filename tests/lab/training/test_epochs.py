"""Training on rows at hand: every row once an epoch, going on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.engine.engines import PlainEngine
from gradbook.errors import ShapeError
from gradbook.lab.recipes.recipe import parse_schedule
from gradbook.lab.recipes.text import recipe
from gradbook.lab.training.epochs import (
    COLUMNS,
    Diverged,
    Epoch,
    csv_table,
    doubt,
    epoch_of,
    fit,
    is_time,
    json_lines,
    require_last_batch,
)
from gradbook.lab.training.train import train
from gradbook.lab.training.training import Listener
from gradbook.net import Net
from gradbook.schema import SchemaError
from tests.lab import made

EPOCH = Epoch(3, 0.1, 0.03057, 0.99028, 0.03259, 0.9897, 5.23, 12345.6)
ALONE = Epoch(12, 0.1, 0.5, 1.0, None, None, 5.0, 1.0)


@pytest.mark.parametrize(
    ("epoch", "said"),
    [
        (EPOCH, "epoch 3: loss 0.0306, 99.03 % right; held back 0.0326, 98.97 %; 5.2 s"),
        (ALONE, "epoch 12: loss 0.5000, 100.00 % right; 5.0 s"),
    ],
)
def test_an_epoch_is_told_in_a_line(epoch, said):
    assert str(epoch) == said


def test_an_epoch_comes_back_from_its_record():
    assert epoch_of(vars(EPOCH)) == EPOCH


@pytest.mark.parametrize("record", [{}, {"epoch": 1}, []])
def test_what_is_no_epoch_is_refused(record):
    with pytest.raises(SchemaError):
        epoch_of(record)


def test_without_epochs_there_are_headings_alone():
    assert csv_table([]) == ",".join(COLUMNS) + "\n"
    assert json_lines([]) == ""


NET = Net.parse("input 3; dense 4; relu; dense 2; log softmax; loss cross-entropy; seed 5")
RANDOM = np.random.default_rng(1)
ROWS = RANDOM.normal(size=(30, 3))
WANTED = np.eye(2)[(ROWS.sum(1) > 0).astype(int)]


def trained(*parts: int) -> tuple[list[float], bytes]:
    engine, losses = PlainEngine(NET, 8), []
    for epochs in parts:
        done = fit(engine, ROWS, WANTED, parse_schedule("constant 0.3"), epochs, len(losses))
        losses += [epoch.loss for epoch in done]
    return losses, b"".join(array.tobytes() for array in engine.state().values())


def test_it_learns():
    losses, _ = trained(20)
    assert losses[-1] < losses[0] / 2


def test_a_loss_that_is_no_number_ends_it():
    net = Net.parse("input 3; dense 2; loss mean squared error")
    said = "^the loss is no longer a number: use a smaller rate$"
    with np.errstate(all="ignore"), pytest.raises(Diverged, match=said):
        list(fit(PlainEngine(net, 8), ROWS, WANTED, parse_schedule("constant 1e9"), 40))


def test_in_two_parts_it_is_the_same_training():
    assert trained(2, 3) == trained(5)


def test_a_last_row_alone_is_refused_where_batches_are_normalised():
    """Its variance would be no number, and so would the running statistics."""
    normalised = Net.parse("input 3; dense 4; batchnorm; relu; dense 2; log softmax")
    said = r"layer 2: batchnorm .*, but 30 in batches of 29 leave one over: choose another"
    with pytest.raises(ShapeError, match=said):
        next(fit(PlainEngine(normalised, 29), ROWS, WANTED, parse_schedule("constant 0.1"), 1))
    for net, batch in ((NET, 29), (normalised, 28), (normalised, 30)):
        require_last_batch(net, len(ROWS), batch)


TELLING = "input 1x8x8; flatten; dense 8; tanh; dense 4; softmax; update descent"
LABELS = np.arange(400, dtype=np.int32) % 4
OUTPUTS = np.random.default_rng(0).random((20, 4))


class Doubting(Listener):
    def __init__(self) -> None:
        self.said: list[str] = []

    def on_doubt(self, doubt: str) -> None:
        self.said.append(doubt)


def doubts(changes: str) -> list[str]:
    heard = Doubting()
    train(recipe(TELLING), changes, data=made.dataset(), listener=heard)
    return heard.said


def history(*losses: float, right: float = 0.25) -> list[Epoch]:
    return [Epoch(k, 0.1, loss, right, None, None, 1, 1) for k, loss in enumerate(losses, 1)]


def test_a_rate_that_is_too_low_is_doubted_once():
    (said,) = doubts("epochs 9; batch 32; schedule constant 0.00001")
    assert said.startswith("after 7 epochs ")
    assert "no more than by always saying the same class (25.00 %)" in said
    assert "the rate is too low" in said


def test_a_loss_far_above_that_of_guessing_comes_of_too_high_a_rate():
    said = doubt(Net.parse(TELLING), history(9.0, 8.0), LABELS, OUTPUTS)
    assert str(said).endswith("the rate is too high: use a tenth of it")


def test_a_training_that_learns_is_not_doubted():
    assert doubts("epochs 8; batch 32; schedule constant 0.3") == []


def test_answers_that_are_all_the_same_are_told_from_a_low_rate():
    same = np.repeat(OUTPUTS[:1], 20, axis=0)
    assert "the same answer for every image" in str(
        doubt(Net.parse(TELLING), history(1.4, 1.386), LABELS, same)
    )
    told = doubt(Net.parse(TELLING), history(1.4, 1.386), LABELS, OUTPUTS)
    assert "hardly falls" in str(told)


def test_a_loss_that_falls_needs_more_epochs():
    assert "more epochs may help" in str(
        doubt(Net.parse(TELLING), history(1.9, 1.5), LABELS, OUTPUTS)
    )


def test_classes_without_balance_are_guessed_better_than_by_their_number():
    skewed = np.repeat(np.arange(2, dtype=np.int32), (360, 40))
    two = Net.parse(TELLING.replace("dense 4", "dense 2"))
    assert doubt(two, history(0.4, 0.3, right=0.9), skewed, OUTPUTS)
    assert doubt(two, history(0.4, 0.3, right=0.97), skewed, OUTPUTS) is None


@pytest.mark.parametrize(
    ("steps", "epochs", "when"), [(196, 3, 2), (5, 50, 20), (5, 10, 10), (900, 1, 1)]
)
def test_it_is_looked_at_once_after_the_first_hundred_steps(steps, epochs, when):
    assert [e for e in range(1, epochs + 1) if is_time(e, steps, epochs)] == [when]
