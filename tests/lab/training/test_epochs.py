"""Training on rows at hand: every row once an epoch, going on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.engine.engines import PlainEngine
from gradbook.errors import ShapeError
from gradbook.lab.problem import require_last_batch
from gradbook.lab.recipes.recipe import parse_schedule
from gradbook.lab.training.epochs import (
    COLUMNS,
    Diverged,
    Epoch,
    csv_table,
    epoch_of,
    fit,
    json_lines,
)
from gradbook.net import Net
from gradbook.schema import SchemaError
from tests.cases import for_each

EPOCH = Epoch(3, 0.1, 0.03057, 0.99028, 0.03259, 0.9897, 5.23, 12345.6)
ALONE = Epoch(12, 0.1, 0.5, 1.0, None, None, 5.0, 1.0)


@for_each(
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


@for_each("record", [{}, {"epoch": 1}, []])
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
