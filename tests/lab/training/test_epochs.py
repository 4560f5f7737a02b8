"""Epochs: how they are told, kept and read again."""

from __future__ import annotations

import pytest

from gradbook.errors import ShapeError
from gradbook.lab.problem import require_last_batch
from gradbook.lab.training.epochs import (
    COLUMNS,
    Epoch,
    csv_table,
    epoch_of,
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


def test_a_last_row_alone_is_refused_where_batches_are_normalised():
    """Its variance would be no number, and so would the running statistics."""
    plain = Net.parse("input 3; dense 4; relu; dense 2; log softmax")
    normalised = Net.parse("input 3; dense 4; batchnorm; relu; dense 2; log softmax")
    said = r"layer 2: batchnorm .*, but 30 in batches of 29 leave one over: choose another"
    with pytest.raises(ShapeError, match=said):
        require_last_batch(normalised, 30, 29)
    for net, batch in ((plain, 29), (normalised, 28), (normalised, 30)):
        require_last_batch(net, 30, batch)
