"""Which networks tell classes apart, what those are called, and how they are read from cells."""

from __future__ import annotations

from gradbook.data.tables import read_table
from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.targets.excel.live import LiveValue
from gradbook.targets.excel.sheets.answers import Classes, OwnPass
from tests.cases import for_each

SOFTMAX = "input 2; dense 3; softmax; loss cross-entropy"
TABLE = "length,width,species\n1,2,rose\n3,4,tulip\n5,6,iris\n"


def classes_of(text):
    return Classes.of(scalar_step(parse(text)))


def test_a_table_names_columns_and_classes(tmp_path):
    (tmp_path / "flowers.csv").write_text(TABLE)
    net = read_table(tmp_path / "flowers.csv", parse(SOFTMAX))
    assert net.columns == ("length", "width", "species")
    assert net.classes == ("iris", "rose", "tulip")
    assert Classes.of(scalar_step(net)).names == ("iris", "rose", "tulip")


def test_columns_of_targets_name_the_classes_too(tmp_path):
    (tmp_path / "flowers.csv").write_text("length,width,rose,tulip\n1,2,1,0\n3,4,0,1\n")
    net = read_table(tmp_path / "flowers.csv", parse(SOFTMAX.replace("3", "2")))
    assert Classes.of(scalar_step(net)).names == ("rose", "tulip")


@for_each(
    ("text", "names"),
    [
        ("input 1; dense 2; softmax; sample 1 -> 0 1", ("class 1", "class 2")),
        ("input 1; dense 1; sigmoid; sample 1 -> 1; sample 2 -> 0", ("0", "1")),
    ],
)
def test_classes_without_names_are_numbered(text, names):
    assert classes_of(text).names == names


@for_each(
    "text",
    [
        "input 1; dense 2; softmax; sample 1 -> 0.2 0.8",
        "input 1; dense 2; sigmoid; loss half squared error; sample 1 -> 1 1",
        "input 1; dense 1; sample 1 -> 1",
    ],
)
def test_numbers_are_no_classes(text):
    assert classes_of(text) is None


@for_each(
    ("names", "cells", "values", "name", "formula"),
    [
        (
            ("a", "b", 'c"d'),
            "B2:D2",
            [0.1, 0.7, 0.2],
            "b",
            '=CHOOSE(MATCH(MAX(B2:D2),B2:D2,0),"a","b","c""d")',
        ),
        (("0", "1"), "B2", [0.5], "1", '=IF(B2>=0.5,"1","0")'),
        (("0", "1"), "B2", [0.4], "0", '=IF(B2>=0.5,"1","0")'),
    ],
)
def test_a_class_is_read_from_cells_as_from_numbers(names, cells, values, name, formula):
    read = Classes(names).read(LiveValue.at(cells, values))
    assert (read.value, read.formula) == (name, formula)


def test_a_pass_of_ones_own_follows_the_typed_input():
    step = scalar_step(builtin("worked"))
    typed = {node: f"Answers!$C${k}" for k, node in enumerate(step.inputs, 9)}
    own = OwnPass(step, "Answers work", typed, frozenset())
    assert [str(node.name) for node in own.known] == [f"w{k}" for k in range(1, 9)]
    first = own.computed[0]
    assert str(first.name) == "h1"
    assert own.formula(first) == "=$B$5*Answers!$C$9+$B$6*Answers!$C$10"


def test_normalisation_takes_the_means_of_the_training():
    text = "input 1; dense 1; batchnorm; tanh; sample 1 -> 1; sample 2 -> 0"
    own = OwnPass(scalar_step(parse(text)), "Answers work", {}, frozenset())
    assert {"μ1", "w1"} <= {str(node.name) for node in own.known}
    assert all(node.each for node in own.computed)
