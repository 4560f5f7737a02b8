from __future__ import annotations

import numpy as np
import pytest

from gradbook.lab.models.answers import Answers

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


def test_the_confusion_counts_every_image_once():
    random = np.random.default_rng(0)
    answers = Answers(random.random((500, 7)), random.integers(0, 7, 500))
    counts = answers.confusion()
    assert counts.sum(axis=1).tolist() == np.bincount(answers.labels, minlength=7).tolist()
    assert counts.sum(axis=0).tolist() == np.bincount(answers.read, minlength=7).tolist()
    assert np.trace(counts) / 500 == pytest.approx(answers.accuracy)


def test_of_one_class_alone_the_runner_up_is_itself():
    alone = Answers(np.ones((2, 1)), np.zeros(2, int))
    assert alone.runner_up.tolist() == [0, 0]
    assert len(alone.wrong()) == 0
