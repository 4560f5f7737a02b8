"""Answers: what is right, wrong, sure; the loss and the probabilities they follow from."""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from gradbook.errors import DataError
from gradbook.lab.models.answers import (
    Answers,
    aimed_probability,
    class_numbers,
    least_loss_of_classes,
    likeliest_classes,
    probabilities,
    score,
    targets,
)
from gradbook.net import Net, parse
from gradbook.net.build import training_step
from gradbook.net.step import follow
from tests.cases import for_each

SAID = Answers(
    np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.3, 0.3, 0.4], [0.1, 0.1, 0.8]]),
    np.array([0, 2, 2, 1], np.int32),
)


def test_what_is_likeliest_was_read_and_the_next_is_the_runner_up():
    assert SAID.read.tolist() == [0, 1, 2, 2]
    assert SAID.runner_up.tolist() == [1, 0, 0, 0]
    assert SAID.sure.tolist() == [0.7, 0.9, 0.4, 0.8]


def test_the_surest_mistake_comes_first():
    assert SAID.wrong().tolist() == [1, 3]
    assert SAID.accuracy == 0.5


def test_the_least_sure_right_answer_comes_first():
    assert SAID.unsure(5).tolist() == [2, 0]
    assert SAID.unsure(1).tolist() == [2]


def test_being_sure_can_be_held_against_being_right():
    assert SAID.surer_than(0.8) == (2, 2)
    assert SAID.surer_than(0.7) == (3, 2)
    assert SAID.surer_than(0.95) == (0, 0)


def test_rows_are_what_it_is_and_columns_what_was_read():
    assert SAID.confusion().tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 1]]


def test_of_one_class_alone_the_runner_up_is_itself():
    alone = Answers(np.ones((2, 1)), np.zeros(2, int))
    assert alone.runner_up.tolist() == [0, 0]
    assert len(alone.wrong()) == 0


ENDS = {
    "log softmax": "log softmax; loss cross-entropy",
    "softmax": "softmax; loss cross-entropy",
    "squared": "sigmoid; loss half squared error",
    "mean squared": "identity; loss mean squared error",
    "binary": "sigmoid; loss binary cross-entropy",
}


@for_each("end", ENDS.values(), ids=ENDS)
@for_each("classes", [2, 3])
def test_the_loss_is_the_graphs(end, classes):
    net = parse(f"input 4; dense {classes}; {end}; rate 0")
    random = np.random.default_rng(0)
    images, labels = random.normal(size=(9, 4)), random.integers(0, classes, 9)
    step = training_step(net, batch=9)
    given = {step.inputs[0]: images, step.targets[0]: np.eye(classes)[labels]}
    (values,) = follow(step, [given])
    scored = score(net, values[step.outputs[0]], labels)
    assert scored.loss == pytest.approx(float(values[step.loss]))
    assert scored.accuracy == (values[step.outputs[0]].argmax(axis=1) == labels).mean()


def test_smoothing_is_for_training_only():
    plain = parse("input 4; dense 3; log softmax; loss cross-entropy")
    smoothed = parse("input 4; dense 3; log softmax; loss cross-entropy smoothing 0.3")
    outputs, labels = np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]), np.array([0, 1])
    assert score(smoothed, outputs, labels) == score(plain, outputs, labels)
    assert score(plain, outputs, labels).loss == pytest.approx(-np.log(0.7 * 0.1) / 2)
    assert score(plain, outputs, labels).accuracy == 0.5


def test_a_class_that_was_ruled_out_costs_much_but_not_without_end():
    net = parse("input 4; dense 2; softmax; loss cross-entropy")
    assert 600 < score(net, np.array([[1.0, 0.0]]), np.array([1])).loss < 1000


def test_one_output_alone_tells_two_classes_apart():
    net = parse("input 4; dense 1; sigmoid; loss binary cross-entropy")
    outputs, labels = np.array([[0.9], [0.2], [0.6]]), np.array([1, 0, 0], np.int32)
    assert likeliest_classes(net, outputs).tolist() == [1, 0, 1]
    np.testing.assert_allclose(probabilities(net, outputs), [[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
    assert targets(net, labels).tolist() == [[1], [0], [0]]
    assert score(net, outputs, labels).loss == pytest.approx(-np.log(0.9 * 0.8 * 0.4) / 3)


def test_several_outputs_are_told_the_classes():
    net = parse("input 4; dense 2; log softmax; loss cross-entropy")
    labels = np.array([1, 0], np.int32)
    assert targets(net, labels) is labels


def test_a_log_softmax_gives_back_its_probabilities():
    net = parse("input 4; dense 3; log softmax; loss cross-entropy")
    shares = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(probabilities(net, np.log(shares)), shares)


def test_sigmoids_that_are_all_nothing_still_have_shares():
    net = parse("input 4; dense 3; sigmoid; loss half squared error")
    assert np.isfinite(probabilities(net, np.zeros((1, 3)))).all()


@for_each("smoothing", [0.0, 0.05, 0.3])
def test_smoothed_targets_leave_a_loss_that_nothing_falls_below(smoothing):
    net = Net.parse(f"input 2; dense 5; softmax; loss cross-entropy smoothing {smoothing}")
    wanted = np.full(5, smoothing / 5)
    wanted[2] += 1 - smoothing
    least = -sum(p * np.log(p) for p in wanted if p)
    assert least_loss_of_classes(net) == pytest.approx(least)
    assert aimed_probability(net) == pytest.approx(wanted.max())


@for_each(
    "net", ["input 4; dense 6; tanh; dense 3", "input 4; dense 6; relu; dense 3; relu"], ids=str
)
def test_several_numbers_are_scored_each_for_itself_whatever_their_units(net, tmp_path):
    """Changing the unit of one changes nothing but its own errors."""
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    rows = random.random((90, 4))
    wanted = rows @ random.random((4, 3)) + 0.05 * random.random((90, 3))
    units = np.array([1000, 1, 0.001])
    trained = gb.train(net, rows, wanted * units, epochs=3, seed=1, show=False)
    test, model = trained.test, trained.model
    real, said = (wanted * units)[test.rows], model.predict(rows[test.rows])
    assert list(test.numbers) == ["y1", "y2", "y3"]
    for k, figures in enumerate(test.numbers.values()):
        both = real[:, k], said[:, k]
        assert figures.r2 == pytest.approx(metrics.r2_score(*both))
        assert figures.mean_absolute_error == pytest.approx(metrics.mean_absolute_error(*both))
        root = metrics.root_mean_squared_error(*both)
        assert figures.root_mean_squared_error == pytest.approx(root)
    assert test.score == pytest.approx(np.mean([each.r2 for each in test.numbers.values()]))
    assert test.mean_absolute_error is test.root_mean_squared_error is None
    assert trained.event["numbers"]["y3"]["r2"] == test.numbers["y3"].r2
    model.save(tmp_path / "three.safetensors")
    for each in (model, gb.load(tmp_path / "three.safetensors")):
        again = each.evaluate(rows[test.rows], real)
        assert again.loss == pytest.approx(test.loss)
        assert again.numbers["y1"].r2 == pytest.approx(test.numbers["y1"].r2)
    if net.endswith("dense 3"):  # it learns on scales of its own, so units make no difference
        same = gb.train(net, rows, wanted, epochs=3, seed=1, show=False)
        assert same.test.loss == pytest.approx(test.loss, rel=1e-3)
        losses = [[epoch.validation_accuracy for epoch in it.history] for it in (same, trained)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)
        shown = repr(same.test), repr(trained.test)
        assert all(len(lines.splitlines()) == 7 and "y3" in lines for lines in shown)


def test_one_number_is_scored_as_before():
    rows = np.random.default_rng(0).random((60, 2))
    test = gb.train(None, rows, rows.sum(axis=1), epochs=2, seed=1, show=False).test
    assert test.numbers["y"].mean_absolute_error == test.mean_absolute_error
    assert "mean absolute error" in repr(test)


def test_labels_of_one_kind_are_looked_up_once_and_others_by_their_names():
    classes = ("1", "True", "a")
    assert class_numbers(np.array(["a", "1", "a"]), classes).tolist() == [2, 0, 2]
    assert class_numbers(np.array([1, True, "a"], object), classes).tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="'b' isn't one of the classes"):
        class_numbers(np.array(["a", "b"]), classes)
