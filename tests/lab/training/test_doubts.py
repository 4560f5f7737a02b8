"""Trainings that learn nothing in their first epochs, and the likely cause that is said."""

import numpy as np
import pytest

from gradbook.lab.recipes.builtin import recipe
from gradbook.lab.training.doubts import doubt, is_time
from gradbook.lab.training.history import Epoch
from gradbook.lab.training.train import train
from gradbook.lab.training.training import Listener
from gradbook.net import Net
from tests.lab import made

NET = "input 1x8x8; flatten; dense 8; tanh; dense 4; softmax; update descent"
LABELS = np.arange(400, dtype=np.int32) % 4
OUTPUTS = np.random.default_rng(0).random((20, 4))


class Doubting(Listener):
    def __init__(self) -> None:
        self.said: list[str] = []

    def doubted(self, doubt: str) -> None:
        self.said.append(doubt)


def doubts(changes: str) -> list[str]:
    heard = Doubting()
    train(recipe(NET), changes, data=made.dataset(), listener=heard)
    return heard.said


def history(*losses: float, right: float = 0.25) -> list[Epoch]:
    return [Epoch(k, 0.1, loss, right, None, None, 1, 1) for k, loss in enumerate(losses, 1)]


def test_a_rate_that_is_too_low_is_doubted_once():
    (said,) = doubts("epochs 9; batch 32; schedule constant 0.00001")
    assert said.startswith("after 7 epochs ")
    assert "no more than by always saying the same class (25.00 %)" in said
    assert "the rate is too low" in said


def test_a_loss_far_above_that_of_guessing_comes_of_too_high_a_rate():
    said = doubt(Net.parse(NET), history(9.0, 8.0), LABELS, OUTPUTS)
    assert str(said).endswith("the rate is too high, take a tenth of it")


def test_a_training_that_learns_is_not_doubted():
    assert doubts("epochs 8; batch 32; schedule constant 0.3") == []


def test_answers_that_are_all_the_same_are_told_from_a_low_rate():
    same = np.repeat(OUTPUTS[:1], 20, axis=0)
    assert "the same of every image" in str(
        doubt(Net.parse(NET), history(1.4, 1.386), LABELS, same)
    )
    told = doubt(Net.parse(NET), history(1.4, 1.386), LABELS, OUTPUTS)
    assert "hardly falls" in str(told)


def test_a_loss_that_falls_needs_more_epochs():
    assert "more epochs may do" in str(doubt(Net.parse(NET), history(1.9, 1.5), LABELS, OUTPUTS))


def test_classes_without_balance_are_guessed_better_than_by_their_number():
    skewed = np.repeat(np.arange(2, dtype=np.int32), (360, 40))
    two = Net.parse(NET.replace("dense 4", "dense 2"))
    assert doubt(two, history(0.4, 0.3, right=0.9), skewed, OUTPUTS)
    assert doubt(two, history(0.4, 0.3, right=0.97), skewed, OUTPUTS) is None


@pytest.mark.parametrize(
    ("steps", "epochs", "when"), [(196, 3, 2), (5, 50, 20), (5, 10, 10), (900, 1, 1)]
)
def test_it_is_looked_at_once_after_the_first_hundred_steps(steps, epochs, when):
    assert [e for e in range(1, epochs + 1) if is_time(e, steps, epochs)] == [when]
