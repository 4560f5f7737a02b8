"""What is said against trainings that learned nothing, or of which a part learns nothing more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradbook.lab.doubts import (
    Ending,
    doubts,
    early_doubt,
    find_dead_units,
    is_time,
)
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.run_training import Listener
from gradbook.lab.training.train import train
from gradbook.net import Net
from gradbook.report.training_report import write_report
from tests.cases import for_each
from tests.lab import made

TELLING = "input 1x8x8; flatten; dense 8; tanh; dense 4; softmax; update descent"
LABELS = np.arange(400, dtype=np.int32) % 4
OUTPUTS = np.random.default_rng(0).random((20, 4))


class Doubting(Listener):
    def __init__(self) -> None:
        self.said: list[str] = []

    def on_doubt(self, doubt: str) -> None:
        self.said.append(doubt)


def said_of(changes: str) -> list[str]:
    heard = Doubting()
    train(recipe(TELLING), changes, data=made.dataset(), listener=heard)
    return heard.said


def early(losses: tuple[float, ...], labels=LABELS, outputs=OUTPUTS, net=TELLING, right=0.25):
    return early_doubt(Net.parse(net), len(losses), losses, right, labels, outputs)


def test_a_rate_that_is_too_low_is_doubted_once():
    said, at_the_end = said_of("epochs 9; batch 32; schedule constant 0.00001")
    assert said.startswith("after 7 epochs ")
    assert "no more than by always naming the same class (25.00 %)" in said
    assert "the rate is too low" in said
    assert "the rate is too low" in at_the_end


def test_a_loss_far_above_that_of_guessing_comes_of_too_high_a_rate():
    assert str(early((9.0, 8.0))).endswith("use a tenth of it, or put batchnorm behind sums")


def test_a_training_that_learns_is_not_doubted():
    assert said_of("epochs 8; batch 32; schedule constant 0.3") == []


def test_answers_that_are_all_the_same_are_told_from_a_low_rate():
    same = np.repeat(OUTPUTS[:1], 20, axis=0)
    assert "the same answer for every image" in str(early((1.4, 1.386), outputs=same))
    assert "hardly falls" in str(early((1.4, 1.386)))
    assert "more epochs may help" in str(early((1.9, 1.5)))


def test_classes_without_balance_are_guessed_better_than_by_their_number():
    skewed = np.repeat(np.arange(2, dtype=np.int32), (360, 40))
    two = TELLING.replace("dense 4", "dense 2")
    assert early((0.4, 0.3), skewed, net=two, right=0.9)
    assert early((0.4, 0.3), skewed, net=two, right=0.97) is None


@for_each(("steps", "epochs", "when"), [(196, 3, 2), (5, 50, 20), (5, 10, 10), (900, 1, 1)])
def test_it_is_looked_at_once_after_the_first_hundred_steps(steps, epochs, when):
    assert [e for e in range(1, epochs + 1) if is_time(e, steps, epochs)] == [when]


# At the end.

NET = Net.parse("input 2; dense 4; relu; dense 3; softmax")
ENDING = Ending(net=NET, first_loss=1.1, last_loss=1.0, scored="90 test rows", classes=tuple("abc"))


def of(*rows: tuple[int, ...], **known: object) -> tuple[str, ...]:
    return doubts(replace(ENDING, confusion=np.array(rows), **known))


def test_one_class_for_everything_is_said():
    (said,) = of((0, 30, 0), (0, 30, 0), (0, 30, 0), last_loss=1.099)
    assert said.startswith("it answers 'b' for all 90 test rows (33.33 % right): ")
    assert "hardly falls" in said


@for_each(
    ("rows", "is_doubted"),
    [
        (((10, 10, 10), (10, 11, 9), (10, 9, 11)), True),  # 32 of 90, about a third
        (((20, 5, 5), (5, 20, 5), (5, 5, 20)), False),
        (((0, 50), (0, 0)), False),  # there is one class only
        (((96, 0), (4, 0)), True),
        (((95, 1), (1, 3)), False),  # hardly more than 96, but the rare are known
        (((90, 6), (1, 3)), True),  # 93: always the first would do better
    ],
)
def test_what_chance_may_give_is_doubted(rows, is_doubted):
    assert bool(of(*rows)) is is_doubted


def test_what_was_learned_by_heart_is_told_from_what_was_not_learned():
    rows = ((10, 10, 10), (10, 11, 9), (10, 9, 11))
    assert "samples by heart" in of(*rows, last_loss=0.1)[0]
    assert "the rate is too high" in of(*rows, last_loss=3.0)[0]
    assert "weigh the classes" in of((96, 0), (4, 0), last_loss=0.2)[0]


def test_numbers_and_letters_are_held_against_one_who_knows_how_frequent_they_are():
    numbers = replace(ENDING, net=Net.parse("input 2; dense 1"))
    assert doubts(replace(numbers, r2=0.1)) == ()
    assert "R² is -0.1 on the 90 test rows" in doubts(replace(numbers, r2=-0.1))[0]
    assert doubts(replace(ENDING, letters=(2.3, 2.8))) == ()
    assert "the loss is 2.900 per letter" in doubts(replace(ENDING, letters=(2.9, 2.8)))[0]


def test_dead_units_are_counted_by_what_they_make_of_samples():
    rows = np.random.default_rng(0).normal(size=(500, 2))
    net = Net.parse("input 2; dense 3; relu; dense 2; sigmoid; dense 1")
    kept = {
        "w_layer_0": np.array([[1.0, 0], [1, 1], [0, 1]]),
        "b_layer_0": np.array([0.0, -50, 0]),
        "w_layer_2": np.ones((2, 3)),
        "b_layer_2": np.zeros(2),
        "w_layer_4": np.ones((1, 2)),
        "b_layer_4": np.zeros(1),
    }
    (found,) = find_dead_units(net, kept, rows)
    assert (found.layer, found.dead, found.units) == ("layer 2 ('relu')", 1, 3)
    kept["b_layer_0"][1] = -1
    assert find_dead_units(net, kept, rows) == ()


def test_channels_are_dead_where_they_are_so_at_every_place():
    net = Net.parse("input 1x4x4; conv 2 3x3; relu; flatten; dense 1")
    kept = {
        "w_layer_0": np.ones((2, 1, 3, 3)),
        "b_layer_0": np.array([-100.0, 0]),
        "w_layer_3": np.ones((1, 8)),
        "b_layer_3": np.zeros(1),
    }
    (found,) = find_dead_units(net, kept, np.random.default_rng(0).random((30, 16)))
    assert (found.dead, found.units) == (1, 2)


KILLED = "input 1x8x8; flatten; dense 8; relu; dense 4; log softmax; update descent"


def test_a_training_on_images_that_diverges_says_so_in_all_it_leaves(tmp_path):
    heard, data = Doubting(), made.dataset()
    rate = "epochs 1; batch 8; schedule constant 3"
    with pytest.warns(RuntimeWarning, match="diverges"):
        trained = train(recipe(KILLED), rate, data=data, folder=tmp_path / "run", listener=heard)
    (said,) = [doubt for doubt in trained.doubts if "a tenth of" in doubt]
    assert said in heard.said
    assert list(trained.doubts) == trained.event["doubts"] == load_result(tmp_path / "run")
    assert said in repr(trained)
    page = write_report(tmp_path / "run", data).read_text()
    assert "diverges" in page


def load_result(folder) -> list[str]:
    return RunFolder(folder).result()["doubts"]
