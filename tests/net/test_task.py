"""The loss that a network means which says none."""

import pytest

from gradbook.errors import NetTextError
from gradbook.layers.card import AnswerKind
from gradbook.net import Loss, Net, builtin
from gradbook.net.description import Task, default_loss
from tests.cases import for_each

SAMPLE = "sample 1 2 -> 0.4 0.5"


@for_each(
    ("ending", "answer", "samples", "classes"),
    [
        ("softmax", AnswerKind.SHARES, Loss.CROSS, Loss.CROSS),
        ("log softmax", AnswerKind.LOGARITHMS, Loss.CROSS, Loss.CROSS),
        ("sigmoid", AnswerKind.CHANCES, Loss.HALF_SQUARED, Loss.BINARY),
        ("tanh", AnswerKind.NUMBERS, Loss.HALF_SQUARED, Loss.HALF_SQUARED),
        ("", AnswerKind.NUMBERS, Loss.HALF_SQUARED, Loss.HALF_SQUARED),
    ],
)
def test_the_end_of_a_network_means_a_loss(ending, answer, samples, classes):
    assert default_loss(answer, Task.SAMPLES) is samples
    assert default_loss(answer, Task.CLASSES) is classes
    assert default_loss(answer, Task.NUMBERS) is Loss.SQUARED
    assert Net.parse(f"input 2; dense 2; {ending}").objective is samples


def test_the_exercise_written_without_its_loss_is_the_same_exercise():
    worked = builtin("worked")
    unsaid = Net.parse(str(worked).replace("loss half squared error\n", ""))
    assert unsaid.loss is None
    assert unsaid.objective is worked.objective is Loss.HALF_SQUARED


def test_a_loss_that_is_said_is_kept_whatever_the_end():
    said = Net.parse(f"input 2; dense 2; softmax; loss half squared error; {SAMPLE}")
    assert said.objective is Loss.HALF_SQUARED


def test_targets_that_are_no_shares_are_refused_after_softmax_with_a_way_out():
    with pytest.raises(NetTextError, match="not 0.9: one 1, the rest 0, or 'loss half squared"):
        Net.parse(f"input 2; dense 2; softmax; {SAMPLE}")
