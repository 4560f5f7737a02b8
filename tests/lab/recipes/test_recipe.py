"""Recipes: what a network gets that doesn't say how it is trained, and what can't be one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data.warp import Warp
from gradbook.errors import GradbookError, UsageError
from gradbook.lab.recipes.recipe import OWN_SETTINGS, Schedule, read_schedule
from gradbook.lab.recipes.recipe_text import parse, recipe
from gradbook.net import Loss, Net, Update
from gradbook.net.text import statements
from tests.cases import for_each

NET = "input 1x8x8; flatten; dense 4; log softmax; loss cross-entropy"
ENDS = "input 1x8x8; flatten; dense 4"


def test_a_network_alone_has_the_usual_settings():
    found = recipe(NET)
    assert found.net == Net.parse(f"{NET}; update momentum 0.9 nesterov")
    assert found.schedule == Schedule("one cycle", 0.1)
    assert (found.data, found.epochs, found.batch, found.held_back) == ("digits", 10, 128, 0)
    assert found.warp == Warp()
    assert recipe(Net.parse(NET)) == found


@for_each(
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


@for_each(
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


def test_a_data_set_whose_name_cannot_be_written_is_refused():
    with pytest.raises(UsageError, match="without ';' and '#'"):
        recipe("flat").__class__(recipe("flat").net, Schedule("constant", 1), data="a#b")


POSITIVE = st.floats(1e-6, 1e3)
SCHEDULES = st.builds(
    Schedule,
    st.sampled_from(sorted(OWN_SETTINGS)),
    POSITIVE,
    factor=st.floats(0.01, 0.99),
    every=st.integers(1, 30),
    patience=st.integers(0, 10),
    warm=st.none() | st.floats(0, 0.9),
)


def parsed(text: str) -> Schedule:
    (line,) = statements(text, "here")
    found = read_schedule(line)
    line.end()
    return found


def all_rates(schedule: Schedule, steps: int, epochs: int, losses: list[float] | None = None):
    seen = losses or []
    return np.concatenate([schedule.rates(e, steps, epochs, seen[:e]) for e in range(epochs)])


@given(SCHEDULES)
def test_a_schedule_reads_back_as_it_is_written(schedule):
    assert parsed(str(schedule)) == schedule


@given(SCHEDULES, st.integers(1, 40), st.integers(1, 12))
def test_every_rate_lies_between_its_bounds(schedule, steps, epochs):
    rates = all_rates(schedule, steps, epochs, [1.0] * epochs)
    assert rates.shape == (steps * epochs,)
    assert rates.min() > 0
    assert rates.max() <= schedule.rate * (1 + 1e-12)


@for_each(
    ("text", "schedule"),
    [
        ("constant 0.01", Schedule("constant", 0.01)),
        ("step 0.01 by 0.1 every 5", Schedule("step", 0.01, factor=0.1, every=5)),
        ("step 0.01 every 3 by 0.5", Schedule("step", 0.01, factor=0.5, every=3)),
        ("plateau 0.01 by 0.1 patience 1", Schedule("plateau", 0.01, factor=0.1, patience=1)),
        ("cosine 0.1 to 0.001 warm 0.1", Schedule("cosine", 0.1, end=0.001, warm=0.1)),
        ("one cycle 0.2", Schedule("one cycle", 0.2, warm=0.25)),
        ("one cycle 0.2 warm 0", Schedule("one cycle", 0.2, warm=0)),
    ],
)
def test_what_a_schedule_says_is_what_it_means(text, schedule):
    assert parsed(text) == schedule


def test_settings_of_other_kinds_do_not_tell_two_apart():
    assert Schedule("constant", 1, factor=0.3, patience=7) == Schedule("constant", 1)


def test_plateau_falls_after_more_epochs_without_progress_than_its_patience():
    schedule = Schedule("plateau", 1, factor=0.1, patience=1)
    losses = [5.0, 4.0, 4.0, 3.99999, 3.0, 3.5]
    #         best best  bad  bad → ↓  best  bad
    rates = all_rates(schedule, 1, 6, losses)
    assert rates == pytest.approx([1, 1, 1, 1, 0.1, 0.1])
    assert schedule.reductions([*losses, 3.2]) == 2


def test_a_loss_that_is_no_number_is_no_progress():
    assert Schedule("plateau", 1, patience=0).reductions([1.0, float("nan")]) == 1


def test_a_single_step_still_trains():
    for kind in OWN_SETTINGS:
        assert all_rates(Schedule(kind, 1), 1, 1)[0] > 0


@for_each(
    ("text", "column", "said"),
    [
        ("cosin 0.1", 1, "unknown schedule 'cosin': did you mean 'cosine'?"),
        ("constant", 9, "the rate is missing"),
        ("constant 0,1", 10, "with a point"),
        ("constant 0", None, "above 0"),
        ("constant -1", None, "above 0"),
        ("constant 1 by 0.5", 12, "constant can be followed by warm"),
        ("constant 1 warm 1", None, "below 1"),
        ("one 0.1", 5, "expected 'one cycle'"),
        ("one cycle 0.2 wram 0.2", 15, "did you mean 'warm'?"),
        ("one cycle 0.2 warm 0.2 warm 0.3", 24, "'warm' is given twice: write it once"),
        ("cosine 0.1 to 0.2", None, "it can't go from 0.1 to 0.2"),
        ("step 0.1 every 2.5", 16, "a whole number"),
        ("step 0.1 every 0", None, "from 1 up"),
        ("step 0.1 by 1", None, "below 1"),
        ("plateau 0.1 patience -1", 22, "a whole number"),
    ],
)
def test_a_schedule_that_is_none_is_told_where_and_why(text, column, said):
    with pytest.raises(GradbookError, match=said.replace("?", r"\?")) as caught:
        parsed(text)
    assert getattr(caught.value, "column", None) == column


def test_an_unknown_kind_is_refused_in_python_too():
    with pytest.raises(UsageError, match="did you mean 'one cycle'"):
        Schedule("onecycle", 0.1)
