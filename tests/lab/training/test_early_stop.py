"""Trainings that end early, and models that keep the best epoch's weights."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.errors import UsageError
from gradbook.lab.training.epochs import Epoch, best_epoch, is_over, kept_epoch
from gradbook.lab.training.run_training import Listener, TrainingRun
from gradbook.lab.training.train import Trained, train
from tests.cases import for_each
from tests.lab import made

SET = made.dataset(120)
OVERFIT = (  # it learns 100 noisy images by heart, and is the worse for it
    "input 1x8x8; flatten; dense 40; tanh; dense 4; softmax; update adam; "
    "schedule constant 0.003; batch 20; epochs 40"
)


def history(*losses: float) -> list[Epoch]:
    return [Epoch(k, 0.1, 1.0, 0.5, loss, 0.5, 1.0, 1.0) for k, loss in enumerate(losses, 1)]


def run(changes: str, **settings) -> Trained:
    return train(OVERFIT, changes, data=noisy(), threads=1, **settings)


def noisy():
    data = made.dataset(120)
    random = np.random.default_rng(0)
    data.training_and_validation.labels.flags.writeable = True
    wrong = random.random(len(data.training_and_validation)) < 0.3
    data.training_and_validation.labels[wrong] = random.integers(0, 4, wrong.sum())
    return data


class StoppingAfter(Listener):
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_start(self, training: TrainingRun) -> None:
        self.training = training

    def on_epoch(self, epoch: Epoch) -> None:
        if epoch.epoch == self.epochs:
            self.training.stop()


@for_each(
    ("losses", "over"),
    [((3, 2, 1), False), ((1, 2), False), ((1, 2, 3), True), ((2, 1, 1, 1), True)],
)
def test_it_is_over_once_the_loss_has_not_fallen_for_so_many_epochs(losses, over):
    assert is_over(made.recipe("epochs 9; early stop 2"), history(*losses)) is over
    assert not is_over(made.recipe("epochs 9"), history(*losses))
    assert is_over(made.recipe(f"epochs {len(losses)}"), history(*losses))


def test_the_best_is_the_first_of_the_lowest_losses():
    found = history(3, 1, 2, 1)
    assert best_epoch(found).epoch == 2
    assert kept_epoch(made.recipe("keep best"), found).epoch == 2
    assert kept_epoch(made.recipe(), found).epoch == 4


def test_a_training_ends_early_and_is_done():
    found = run("early stop 4")
    assert not found.stopped
    assert len(found.history) == best_epoch(found.history).epoch + 4 < 40
    assert found.test_accuracy is not None


def test_the_model_is_that_of_the_best_epoch():
    found, last = run("keep best"), run("")
    best = best_epoch(found.history)
    assert best.epoch < 40
    assert found.event["kept_epoch"] == best.epoch
    held_back = noisy().validation
    assert found.model.score(held_back.pixels, held_back.labels) == best.validation_accuracy
    shorter = run(f"epochs {best.epoch}")
    for name, values in found.model.values.items():
        np.testing.assert_array_equal(values, shorter.model.values[name])
        assert not np.array_equal(values, last.model.values[name])


@for_each("after", [3, 20])
def test_the_best_is_kept_across_an_interruption(tmp_path, after):
    whole = run("keep best; epochs 30")
    assert 3 < best_epoch(whole.history).epoch < 20
    stopped = run("keep best; epochs 30", folder=tmp_path, listener=StoppingAfter(after))
    assert stopped.stopped
    again = train(folder=tmp_path, resume=True, data=noisy(), threads=1)
    for name, values in again.model.values.items():
        np.testing.assert_array_equal(values, whole.model.values[name])


@for_each("said", ["early stop 3", "keep best"])
def test_both_need_images_held_back(said):
    with pytest.raises(UsageError, match="needs images that are held back"):
        made.recipe(f"hold back none; {said}")


def test_how_each_class_is_read_is_told_as_scikit_learn_tells_it():
    metrics = pytest.importorskip("sklearn.metrics")
    found = run("epochs 2")
    test = noisy().test_for_reporting
    read = found.model.classify(test.pixels)
    wanted = metrics.precision_recall_fscore_support(test.labels, read, zero_division=0)
    for k, score in enumerate(found.event["classes"].values()):
        said = [score[name] or 0.0 for name in ("precision", "recall", "f1", "images")]
        assert said == pytest.approx([float(figure[k]) for figure in wanted])
    f1 = metrics.f1_score(test.labels, read, average="macro")
    assert found.event["macro_f1"] == pytest.approx(f1)
