import json
from dataclasses import replace

import pytest

from gradbook.lab.study.run_study import (
    DIVERGED,
    DONE,
    PRUNED,
    REFUSED,
    SLOW,
    TrialTask,
    read_result,
    result_of,
    write_result,
)
from gradbook.lab.training.train import train
from tests.cases import for_each
from tests.lab import made

pytestmark = pytest.mark.witness("cc")


@pytest.fixture
def task(tmp_path):
    return TrialTask(str(made.recipe(f"data {made.archive(tmp_path)}")), seed=3, fold=1)


def test_a_trial_is_the_training_that_the_command_does(task):
    found = result_of(task)
    same = train(task.recipe + "\nseed 3", "hold back 1", show=False)
    assert found.state == DONE
    assert found.accuracy == same.validation_accuracy
    assert [e.train_loss for e in found.epochs] == [e.train_loss for e in same.history]


def test_the_same_task_has_the_same_bits_with_any_number_of_threads(task):
    first = result_of(task, threads=1)
    assert first.bits == result_of(task, threads=2).bits
    assert first.bits != result_of(replace(task, seed=4)).bits
    assert first.bits != result_of(replace(task, fold=2)).bits


def test_every_part_of_a_task_is_in_its_name(task):
    others = (
        replace(task, recipe=task.recipe + "# more"),
        replace(task, seed=4),
        replace(task, fold=2),
        replace(task, bars=(0.5,)),
        replace(task, seconds=9.0),
    )
    assert len({task.key, *(other.key for other in others)}) == 6


def test_what_is_kept_is_read_again(task, tmp_path):
    assert read_result(task, tmp_path) is None
    found = result_of(task)
    write_result(task, found, tmp_path)
    assert read_result(task, tmp_path) == found


@for_each(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: "",
        lambda text: text.replace('"done"', '"dome"'),
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace('"seed": 3', '"seed": 4'),
        lambda text: "[" * 100_000,
        lambda text: json.dumps([1]),
    ],
    ids=["cut", "empty", "state", "version", "another's", "deep", "a list"],
)
def test_a_damaged_result_is_none(task, tmp_path, damage):
    write_result(task, result_of(task), tmp_path)
    path = tmp_path / f"{task.key}.json"
    path.write_text(damage(path.read_text()))
    assert read_result(task, tmp_path) is None


def test_a_training_that_lags_behind_ends(task):
    slow = task.recipe.replace("one cycle 0.1", "one cycle 0.0001")
    found = result_of(replace(task, recipe=slow, bars=(1.0,)))
    assert (found.state, len(found.epochs), found.accuracy) == (PRUNED, 1, None)
    assert "100.00 %" in found.why


def test_a_bar_that_is_reached_ends_nothing(task):
    assert result_of(replace(task, bars=(0.0, 0.0))).state == DONE


def test_a_training_that_takes_too_long_ends(task):
    slow = replace(task, recipe=task.recipe.replace("epochs 3", "epochs 90000"), seconds=0.5)
    assert result_of(slow).state == SLOW


def test_a_rate_that_is_too_high_is_told(task):
    assert result_of(replace(task, recipe=task.recipe.replace("0.1", "1e30", 1))).state in (
        DIVERGED,
        REFUSED,
    )


def test_what_cant_be_trained_is_refused_with_the_reason(task):
    found = result_of(replace(task, recipe=task.recipe.replace("made.npz", "gone.npz")))
    assert found.state == REFUSED
    assert "gone.npz" in found.why
