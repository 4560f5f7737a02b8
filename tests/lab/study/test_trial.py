from dataclasses import replace

import pytest

from gradbook.lab.study.run_study import DIVERGED, DONE, REFUSED, TrialTask, result_of
from gradbook.lab.training.train import train
from tests.lab import made

pytestmark = pytest.mark.witness("cc")


@pytest.fixture
def task(tmp_path):
    return TrialTask(str(made.recipe(f"data {made.archive(tmp_path)}")), (3,), (1,))


def test_a_trial_is_the_training_that_the_command_does(task):
    found = result_of(task)
    same = train(task.recipe + "\nseed 3", "hold back 1", show=False)
    assert found.state == DONE
    assert found.accuracy == same.validation_accuracy
    assert found.accuracies == tuple(e.validation_accuracy for e in same.history)


def test_the_same_task_has_the_same_bits_with_any_number_of_threads(task):
    first = result_of(task, threads=1)
    assert first.bits == result_of(task, threads=2).bits
    assert first.bits != result_of(replace(task, seeds=(4,))).bits
    assert first.bits != result_of(replace(task, folds=(2,))).bits


def test_every_part_of_a_task_is_in_its_name(task):
    others = (
        replace(task, recipe=task.recipe + "# more"),
        replace(task, seeds=(3, 4)),
        replace(task, folds=(2,)),
    )
    assert len({task.key, *(other.key for other in others)}) == 4


def test_seeds_and_folds_are_trained_one_after_the_other(task):
    several = result_of(replace(task, seeds=(3, 4), folds=(1, 2)))
    one = [result_of(replace(task, seeds=(s,), folds=(f,))) for f in (1, 2) for s in (3, 4)]
    assert several.bits == tuple(it.bits[0] for it in one)
    assert several.accuracy == pytest.approx(sum(it.accuracy for it in one) / 4)
    curves = [it.accuracies[-1] for it in one]
    assert several.accuracies[-1] == pytest.approx(sum(curves) / 4)


def test_a_rate_that_is_too_high_is_told(task):
    assert result_of(replace(task, recipe=task.recipe.replace("0.1", "1e30", 1))).state in (
        DIVERGED,
        REFUSED,
    )


def test_what_cant_be_trained_is_refused_with_the_reason(task):
    found = result_of(replace(task, recipe=task.recipe.replace("made.npz", "gone.npz")))
    assert found.state == REFUSED
    assert "gone.npz" in found.why
