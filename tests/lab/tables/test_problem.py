"""What is learned of a table, and from which rows."""

import numpy as np
import pytest

from gradbook.data.columns import read_columns
from gradbook.errors import DataError, ShapeError
from gradbook.lab.tables.problem import problem, require_fit, usual_recipe
from gradbook.net import Net
from gradbook.net.task import Task
from tests.lab.tables import made


def of(tmp_path, numbers, **asked):
    file = tmp_path / "t.csv"
    file.write_text("x,t\n" + "".join(f"{k},{t}\n" for k, t in enumerate(numbers)))
    return problem(read_columns(file), **asked)


def test_the_last_column_is_learned_from_all_others(tmp_path):
    found = problem(made.table(tmp_path, "side"))
    assert [column.name for column in found.inputs] == ["width", "colour", "height"]
    assert found.target.words == ("large", "small")
    assert found.rows.shape == (240, 5)


def test_another_one_may_be_learned_and_some_left_out(tmp_path):
    found = problem(made.table(tmp_path, "area"), "width", ["colour"])
    assert (found.target.name, found.task) == ("width", Task.NUMBERS)
    assert [column.name for column in found.inputs] == ["height", "area"]


@pytest.mark.parametrize(
    ("numbers", "task"),
    [
        ([0, 1, 2] * 20, Task.CLASSES),
        ([0.5, 1, 2] * 20, Task.NUMBERS),
        (range(60), Task.NUMBERS),
        (list(range(18)) * 2, Task.NUMBERS),  # too few rows of each
    ],
)
def test_a_few_whole_numbers_are_classes(tmp_path, numbers, task):
    assert of(tmp_path, numbers).task is task


def test_what_they_are_can_be_said(tmp_path):
    assert of(tmp_path, [0, 1, 2] * 20, task="numbers").task is Task.NUMBERS
    assert of(tmp_path, [1.5, 10, 2] * 20, task="classes").target.words == ("1.5", "2", "10")
    with pytest.raises(DataError, match="has words: they can only be classes"):
        problem(made.table(tmp_path, "side"), task="numbers")


def test_numbers_that_are_equal_are_one_class(tmp_path):
    found = of(tmp_path, ["1", "1.0", "2", "+2", "1e0", "−1"] * 10, task="classes")
    assert found.target.words == ("−1", "1", "2")
    assert found.wanted[:6].tolist() == [1, 1, 2, 2, 1, 0]


def test_each_part_has_as_many_of_each_class_to_one(tmp_path):
    found = of(tmp_path, [0, 0, 0, 1] * 36)
    training, held_back = found.parts(0)
    everything = np.concatenate([training, held_back, found.test])
    assert sorted(everything) == list(range(144))
    for part in (held_back, found.test):
        assert abs((found.wanted[part] == 1).mean() - 0.25) < 0.03
    assert len(found.parts(None)[0]) == len(training) + len(held_back)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([1] * 60, "all rows have the same 't': there is nothing to learn"),
        ([1, 2, 3], "only 3 rows to train on, hold back and test"),
    ],
)
def test_a_table_that_nothing_can_be_learned_of_is_refused(tmp_path, numbers, said):
    with pytest.raises(DataError, match=said):
        of(tmp_path, numbers)


def test_a_network_that_does_not_fit_is_told_what_would(tmp_path):
    found = problem(made.table(tmp_path, "side"))
    with pytest.raises(ShapeError, match="gives 5 numbers a row, so begin .* 'input 5'"):
        require_fit(Net.parse("input 4; dense 2; softmax"), found)
    with pytest.raises(ShapeError, match="'side' has 2 classes, .* end it with 'dense 2'"):
        require_fit(Net.parse("input 5; dense 3; softmax"), found)
    require_fit(Net.parse("input 5; dense 1; sigmoid"), found)
    require_fit(usual_recipe(found, "side").net, found)
