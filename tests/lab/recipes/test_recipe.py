"""Recipes: what a network gets that doesn't say how it is trained, and what can't be one."""

import pytest

from gradbook.data.warp import Warp
from gradbook.errors import ShapeError, UsageError
from gradbook.lab.recipes.builtin import recipe
from gradbook.lab.recipes.schedule import Schedule
from gradbook.lab.recipes.text import parse
from gradbook.net import Loss, Net, Update

NET = "input 1x8x8; flatten; dense 4; log softmax; loss cross-entropy"
ENDS = "input 1x8x8; flatten; dense 4"


def test_a_network_alone_has_the_usual_settings():
    found = recipe(NET)
    assert found.net == Net.parse(f"{NET}; update momentum 0.9 nesterov")
    assert found.schedule == Schedule("one cycle", 0.1)
    assert (found.data, found.epochs, found.batch, found.held_back) == ("digits", 10, 128, 0)
    assert found.warp == Warp()
    assert recipe(Net.parse(NET)) == found


@pytest.mark.parametrize(
    ("said", "update", "schedule"),
    [
        ("rate 0.5", Update(), Schedule("constant", 0.5)),
        ("update descent", Update(), Schedule("one cycle", 1)),
        ("update adamw", Update("adamw"), Schedule("one cycle", 0.01)),
        ("update adam; rate 0.3", Update("adam"), Schedule("constant", 0.3)),
        ("schedule cosine 0.2", Update("momentum", nesterov=True), Schedule("cosine", 0.2)),
        ("schedule cosine 0.2; update descent", Update(), Schedule("cosine", 0.2)),
    ],
)
def test_what_a_network_says_is_kept(said, update, schedule):
    found = recipe(f"{NET}; {said}")
    assert (found.net.update, found.schedule) == (update, schedule)


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("softmax", None),
        ("softmax; loss half squared error", Loss.HALF_SQUARED),
        ("sigmoid; loss binary cross-entropy", Loss.BINARY),
    ],
)
def test_a_loss_that_is_said_is_kept_and_another_is_left_open(text, loss):
    found = recipe(f"{ENDS}; {text}")
    assert found.net.loss is loss
    assert parse(str(found)) == found
    assert recipe(Net.parse(f"{ENDS}; {text}")).net.loss is loss


def test_the_rate_is_the_schedules_alone():
    assert recipe(f"{NET}; rate 0.5").net.rate is None


def test_samples_of_its_own_are_no_images():
    with pytest.raises(ShapeError, match="samples of its own"):
        recipe("worked")


def test_a_data_set_whose_name_cannot_be_written_is_refused():
    with pytest.raises(UsageError, match="without ';' and '#'"):
        recipe("flat").__class__(recipe("flat").net, Schedule("constant", 1), data="a#b")
