import pytest

from gradbook.lab.training.history import COLUMNS, Epoch, csv_table, epoch_of, json_lines
from gradbook.schema import SchemaError

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
