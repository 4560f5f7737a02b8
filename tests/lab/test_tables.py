"""What is learned of a table, and from which rows."""

from dataclasses import replace

import numpy as np
import pytest

from gradbook.data.tables import read_columns
from gradbook.errors import DataError, ShapeError
from gradbook.lab.tables import problem, require_fit, usual_recipe
from gradbook.net import Net
from gradbook.net.description import Task
from tests.cases import for_each
from tests.lab import made_tables as made


def of(tmp_path, numbers, **asked):
    file = tmp_path / "t.csv"
    file.write_text("x,t\n" + "".join(f"{k},{t}\n" for k, t in enumerate(numbers)))
    return problem(read_columns(file), **asked)


def test_the_last_column_is_learned_from_all_others(tmp_path):
    learned = problem(made.table(tmp_path, "side"))
    assert [column.name for column in learned.inputs] == ["width", "colour", "height"]
    assert learned.target.words == ("large", "small")
    assert learned.rows.shape == (240, 5)


def test_another_one_may_be_learned_and_some_left_out(tmp_path):
    learned = problem(made.table(tmp_path, "area"), "width", ["colour"])
    assert (learned.target.name, learned.task) == ("width", Task.NUMBERS)
    assert [column.name for column in learned.inputs] == ["height", "area"]


@for_each(
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
    with pytest.raises(DataError, match="contains words, which can only be classes"):
        problem(made.table(tmp_path, "side"), task="numbers")


def test_numbers_that_are_equal_are_one_class(tmp_path):
    found = of(tmp_path, ["1", "1.0", "2", "+2", "1e0", "−1"] * 10, task="classes")
    assert found.target.words == ("−1", "1", "2")
    assert found.targets[:6].tolist() == [1, 1, 2, 2, 1, 0]


def test_each_part_has_as_many_of_each_class_to_one(tmp_path):
    found = of(tmp_path, [0, 0, 0, 1] * 36)
    training, held_back = found.parts(0)
    everything = np.concatenate([training, held_back, found.test_rows])
    assert sorted(everything) == list(range(144))
    for part in (held_back, found.test_rows):
        assert abs((found.targets[part] == 1).mean() - 0.25) < 0.03
    assert len(found.parts(None)[0]) == len(training) + len(held_back)


@for_each(
    ("numbers", "said"),
    [
        ([1] * 60, "all rows have the same 't': there is nothing to learn"),
        ([1, 2, 3], "only 3 rows to train on, hold back and test"),
    ],
)
def test_a_table_that_nothing_can_be_learned_of_is_refused(tmp_path, numbers, said):
    with pytest.raises(DataError, match=said):
        of(tmp_path, numbers)


HOLES = np.random.default_rng(1)


def with_holes(tmp_path, target="area", share=0.2):
    """A table in which every fifth cell but the target's is missing."""
    table = made.table(tmp_path, target)
    rows = [
        row._replace(
            cells=(
                *(
                    HOLES.choice(["", "NA", "?"]) if HOLES.random() < share else cell
                    for cell in row.cells[:-1]
                ),
                row.cells[-1],
            ),
        )
        for row in table.rows
    ]
    return replace(table, rows=tuple(rows))


@for_each("way", ["mean", "median"])
def test_missing_values_are_filled_in_as_scikit_learn_fills_them_in(tmp_path, way):
    impute = pytest.importorskip("sklearn.impute")
    table = with_holes(tmp_path)
    learned = problem(table, missing=way)
    training, _ = learned.parts(0)
    filling = learned.filling(0)
    numbers = impute.SimpleImputer(strategy=way).fit(learned.rows[training][:, [0, 4]])
    np.testing.assert_allclose(filling[[0, 4]], numbers.statistics_, rtol=1e-12)
    place = table.place("colour")
    words = np.array([[w] for w in table.column("colour").words], object)
    cells = [table.rows[k].cells[place] for k in training]
    known = np.array([[cell if cell in "rgb" and cell else np.nan] for cell in cells], object)
    commonest = impute.SimpleImputer(strategy="most_frequent").fit(known).statistics_
    assert words[filling[1:4].argmax()] == commonest
    assert filling[1:4].sum() == 1


def test_what_is_filled_in_is_told(tmp_path):
    found = of(tmp_path, [*range(57), "NA", "", "?"])
    assert "3 rows have no t: left out" in found.remarks
    assert len(found.table) == 57
    file = tmp_path / "holes.csv"
    file.write_text(
        "x,c,t\n" + "".join(f"{k or ''},{'' if k == 3 else 'a'},{k}\n" for k in range(60))
    )
    found = problem(read_columns(file))
    told = found.remarks_for(usual_recipe(found, "holes"))
    assert len(told) == 1
    assert told[0].startswith("2 missing values are filled in: 1 of x with ")
    assert ", 1 of c with 'a' (by the mean of the training rows, words by the commonest)" in told[0]


def test_missing_values_can_be_refused(tmp_path):
    with pytest.raises(DataError, match="row 59, column t: a missing value .'NA'.: fill it in or"):
        of(tmp_path, [*range(57), "NA"], missing="refuse")
    with pytest.raises(DataError, match=r"row \d+, column .*: (a missing|an empty)"):
        problem(with_holes(tmp_path), missing="refuse")


def test_a_column_in_which_nothing_stands_is_left_out(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("x,gap,t\n" + "".join(f"{k},,{k}\n" for k in range(60)))
    learned = problem(read_columns(file))
    assert [column.name for column in learned.inputs] == ["x"]
    assert learned.remarks == ("gap has no values: left out",)


def test_dates_are_not_learned(tmp_path):
    with pytest.raises(DataError, match="the target 't' contains dates: convert them to numbers"):
        of(tmp_path, [f"2024-01-{k % 28 + 1:02}" for k in range(60)])


def test_classes_that_are_few_are_told(tmp_path):
    found = of(tmp_path, ["often"] * 50 + ["seldom"] * 10)
    recipe = usual_recipe(found, "t")
    assert found.remarks_for(recipe) == [
        "'seldom' has 10 rows, 'often' 50: 'class weights balanced' "
        "gives each class the same weight"
    ]
    assert not found.remarks_for(replace(recipe, class_weights="balanced"))


def test_with_everything_no_row_is_left_for_anything_else(tmp_path):
    found = of(tmp_path, range(60), everything=True)
    training, held_back = found.parts(None)
    assert len(training) == len(found.scored_rows) == 60
    assert len(held_back) == len(found.test_rows) == 0
    assert "its score on others isn't known" in found.remarks_for(usual_recipe(found, "t", None))[0]


def test_a_network_that_does_not_fit_is_told_what_would(tmp_path):
    learned = problem(made.table(tmp_path, "side"))
    with pytest.raises(ShapeError, match="gives 5 numbers per row, so begin .* 'input 5'"):
        require_fit(Net.parse("input 4; dense 2; softmax"), learned)
    with pytest.raises(ShapeError, match="'side' has 2 classes, .* end it with 'dense 2'"):
        require_fit(Net.parse("input 5; dense 3; softmax"), learned)
    require_fit(Net.parse("input 5; dense 1; sigmoid"), learned)
    require_fit(usual_recipe(learned, "side").net, learned)
