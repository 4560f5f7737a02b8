"""One output of exactly ½ says class 1, whoever is asked: weights of 0 and a sigmoid make it."""

import csv
import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data.formats import idx
from gradbook.data.formats.cells import CellRow
from gradbook.data.tables import Column, ColumnTable
from gradbook.lab.models.answers import Answers, likeliest_classes, probabilities
from gradbook.lab.models.model import Model
from gradbook.lab.models.predict import readings
from gradbook.lab.models.table_columns import TableColumns
from gradbook.net import Net
from gradbook.report.prediction import row_records, rows_csv
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.whole_makers import quantise
from tests.formats.torch.test_program import folder_of, run
from tests.targets.portable.compiled import called
from tests.trained import drawn

NET = Net.parse("input 1x2x2; flatten; dense 1; sigmoid; loss binary cross-entropy")
IMAGES = np.zeros((3, 1, 2, 2), np.uint8)


def at_rest(net: Net) -> dict[str, np.ndarray]:
    return {name: 0 * value for name, value in drawn(net).items()}


@pytest.fixture
def model() -> Model:
    return Model(NET, at_rest(NET), [0.3], [0.2], ["0", "1"])


@given(st.lists(st.sampled_from([0.0, 0.25, 0.49999997, 0.5, 0.50000003, 1.0]), min_size=1))
def test_probabilities_say_the_class_that_the_output_says(said):
    outputs = np.array(said, np.float32)[:, None]
    sure = probabilities(NET, outputs)
    np.testing.assert_array_equal(likeliest_classes(NET, sure), likeliest_classes(NET, outputs))
    found = Answers(sure, np.zeros(len(said), int), alone=True)
    np.testing.assert_array_equal(found.read, likeliest_classes(NET, outputs))
    np.testing.assert_array_equal(found.runner_up, 1 - found.read)


def test_images(model, tmp_path):
    assert model.classify(IMAGES).tolist() == [1, 1, 1]
    (tmp_path / "seen-idx3-ubyte").write_bytes(idx.write(IMAGES[:, 0]))
    assert [one.ranking for one in readings(model, [tmp_path / "seen-idx3-ubyte"])] == 3 * [[1, 0]]


def test_rows_for_scikit_learn():
    rows = np.array([[0.0, 1.0], [1.0, 0.0]])
    from gradbook.sklearn import NetClassifier

    own = NetClassifier("input 2; dense 1; sigmoid; loss binary cross-entropy", epochs=1)
    own.fit(rows, ["no", "yes"])
    own.model_ = replace(own.model_, values=at_rest(own.model_.net))
    own = pickle.loads(pickle.dumps(own))  # opens its engine anew
    assert own.predict(rows).tolist() == ["yes", "yes"]


def test_rows_of_a_table():
    net = Net.parse("input 1; dense 1; sigmoid; loss binary cross-entropy")
    target, one = Column("sort", ("no", "yes")), np.ones(1)
    columns = TableColumns((Column("x"),), target)
    model = Model(net, at_rest(net), one, one, target.words, columns=columns)
    table = ColumnTable("x.csv", ("x",), (CellRow(1, ("3",)),))
    predicted = model.predict(table)
    assert row_records(model, table, predicted)[0]["predicted"] == "yes"
    line = list(csv.reader(io.StringIO("".join(rows_csv(model, table, predicted)))))[1]
    assert line[1] == "yes"


@pytest.mark.witness("cc")
def test_c(model):
    trained = model.trained()
    given = IMAGES.reshape(3, -1)
    classes, _ = called(c_file(trained, "net", None).text, "net", given, 2)
    assert classes.tolist() == [1, 1, 1]
    whole = quantise(trained, IMAGES)
    classes, _ = called(c_file(trained, "net", whole).text, "net", given, 1, np.int32)
    assert classes.tolist() == whole.classify(IMAGES).tolist() == [1, 1, 1]


@pytest.mark.witness("torch")
def test_a_module_of_pytorch(model, tmp_path):
    model.export(tmp_path / "net.py")
    pictures = folder_of(IMAGES, np.array([0, 1, 1]), tmp_path / "pictures")
    assert run(tmp_path / "net.py", pictures) == "66.67% of 3 images are classified correctly\n"
