"""Training goes the same way however it is done, and however it is interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

import gradbook as gb
from gradbook.data.dataset import TRAINING, Part, assemble
from gradbook.engine.compilers import why_numpy
from gradbook.engine.engines import PlainEngine
from gradbook.errors import GradbookError, ShapeError, UsageError
from gradbook.lab.training import run_training as loop
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.run_training import Listener, TrainingRun
from gradbook.lab.training.train import train
from tests.cases import for_each
from tests.lab import made
from tests.lab.made import recipe
from tests.lab.training.strokes import SET, Stopping, content, run, told

pytestmark = pytest.mark.witness("cc")

# What comes out.


def test_with_all_images_trained_on_what_is_told_is_of_those():
    trained = run("epochs 1; batch 600; hold back none; test none")
    others = run("epochs 1; batch 600; hold back none")
    assert trained.event["tested_on"] == "images trained on"
    assert "tested_on" not in others.event
    assert trained.history[0].train_loss != others.history[0].train_loss
    assert trained.recipe.tests is False
    assert "test none\n" in str(trained.recipe)
    with pytest.raises(
        GradbookError, match="'test none' trains on everything: add 'hold back none'"
    ):
        run("test none")


def test_a_training_tells_how_it_went(undisturbed):
    trained, folder = undisturbed
    assert not trained.stopped
    assert trained.test_accuracy > 0.9
    assert [epoch.epoch for epoch in trained.history] == [1, 2, 3]
    assert trained.history[-1].train_loss < trained.history[0].train_loss
    assert 0.8 < trained.history[-1].train_accuracy <= 1
    assert trained.history[-1].validation_accuracy > 0.9
    assert trained.history[0].seconds < trained.history[1].seconds < trained.history[2].seconds
    assert trained.history[2].rate == recipe().schedule.rates(2, 16, 3)[-1]
    result = RunFolder(folder).result()
    assert result.pop("made_with")["gradbook"] == gb.__version__
    assert result == trained.event
    assert trained.event["event"] == "done"
    assert trained.event["parameters"] == recipe().net.count()
    assert trained.event["model"] == str(folder / "model.safetensors")


def test_the_run_folder_holds_all_of_it(undisturbed):
    trained, folder = undisturbed
    held = RunFolder(folder)
    assert held.recipe() == trained.recipe
    assert held.history() == trained.history
    assert held.result()["test_accuracy"] == trained.test_accuracy
    assert sorted(path.name for path in folder.rglob("*")) == [
        "000032.safetensors",
        "000048.safetensors",
        "checkpoints",
        "metrics.csv",
        "metrics.jsonl",
        "model.safetensors",
        "recipe.txt",
        "result.json",
    ]
    test = SET.test_for_reporting
    assert gb.load(folder).score(test.pixels, test.labels) == trained.test_accuracy


def test_an_image_held_back_is_not_trained_on():
    fewer = run("epochs 1; batch 600; hold back 2").history[0]
    assert fewer.validation_accuracy is not None
    assert run("epochs 1", held_back=False).history[0].validation_accuracy is None
    assert run("epochs 1; hold back none").history[0].validation_loss is None
    others = made.dataset()
    others.training_and_validation.pixels.flags.writeable = True
    others.training_and_validation.pixels[others.folds == 2] = 0
    assert run("epochs 1; batch 600; hold back 2", data=others).history[0].train_loss == (
        fewer.train_loss
    )


def test_the_validation_score_is_the_models_on_the_images_held_back():
    trained = run("hold back 3")
    held = SET.training_and_validation[SET.folds == 3]
    assert trained.model.score(held.pixels, held.labels) == trained.validation_accuracy


def test_the_test_images_decide_nothing(undisturbed):
    trained, _ = undisturbed
    others = made.dataset()
    others.test_for_reporting.pixels.flags.writeable = True
    others.test_for_reporting.pixels[:] = 0
    again = run(data=others)
    assert told(again) == told(trained)
    assert again.test_accuracy != trained.test_accuracy


def test_a_plateau_reads_the_training_loss_where_nothing_is_held_back():
    text = "epochs 4; schedule plateau 3 by 0.5 patience 0; update descent"
    trained = run(text, held_back=False)
    losses = [epoch.train_loss for epoch in trained.history]
    schedule = trained.recipe.schedule
    assert [epoch.rate for epoch in trained.history] == [
        3 * 0.5 ** schedule.reductions(losses[:done]) for done in range(4)
    ]


def test_seeds_tell_trainings_apart_and_stand_in_the_recipe():
    one, two = run(seed=1), run(seed=2)
    assert one.recipe.net.seed == one.event["seed"] == 1
    assert told(one) != told(two)
    assert told(one) == told(run("seed 1"))


# The same bits.


@for_each("threads", [0, -1, 1.5, "2"])
def test_threads_are_a_whole_number(threads):
    with pytest.raises(UsageError, match="threads is a whole number from 1 up, not"):
        run(threads=threads)


@for_each("threads", [2, 3])
def test_any_number_of_threads_gives_the_same_bits(undisturbed, tmp_path, threads):
    trained, folder = undisturbed
    again = run(folder=tmp_path / "run", threads=threads)
    assert told(again) == told(trained)
    assert content(tmp_path / "run") == content(folder)


def test_numpy_trains_the_same_network_where_nothing_compiles(monkeypatch):
    monkeypatch.setattr("gradbook.engine.engines.find_compiler", lambda: None)
    heard = Hearing()
    again = run("epochs 1", listener=heard)
    assert isinstance(heard.training.engine, PlainEngine)
    assert heard.training.remarks == (why_numpy(),)
    assert told(run("epochs 1", listener=heard)) == told(again)
    monkeypatch.undo()
    native = run("epochs 1").history[0]
    assert again.history[0].train_loss == pytest.approx(native.train_loss, rel=1e-4)


def test_a_run_begun_in_numpy_goes_on_in_c_and_says_so(tmp_path, monkeypatch):
    with monkeypatch.context() as without:
        without.setattr("gradbook.engine.engines.find_compiler", lambda: None)
        run(folder=tmp_path, listener=Stopping(without, 1))
    heard = Hearing()
    again = train(folder=tmp_path, resume=True, data=SET, listener=heard)
    assert heard.training.remarks == (loop.OTHER_PRECISION,)
    assert again.test_accuracy > 0.9


# Being told, and interrupted.


class Hearing(Listener):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_start(self, training: TrainingRun) -> None:
        self.training = training
        self.heard.append(training.progress())

    def on_epoch(self, epoch) -> None:
        self.heard.append((epoch, self.training.progress()))


def test_a_listener_hears_of_each_epoch_and_may_ask_for_progress():
    heard = Hearing()
    trained = run(listener=heard)
    began, *epochs = heard.heard
    assert (began.epoch, began.epochs, began.step, began.steps) == (1, 3, 0, 16)
    assert began.rate == recipe().schedule.rates(0, 16, 3)[0]
    assert [epoch for epoch, _ in epochs] == list(trained.history)
    assert [progress.epoch for _, progress in epochs] == [2, 3, 3]
    assert epochs[-1][1].seconds_left == 0
    assert epochs[-1][1].step == epochs[-1][1].steps


def test_a_listener_that_fails_is_heard():
    class Failing(Listener):
        def on_epoch(self, epoch):
            raise RuntimeError("no paper left")

    with pytest.raises(RuntimeError, match="no paper left"):
        run(listener=Failing())


# What can't be.


def test_a_flat_network_reads_images_too():
    text = "input 64; dense 4; log softmax; loss cross-entropy"
    assert train(text, "epochs 4", data=SET).test_accuracy > 0.9


def test_one_output_learns_to_tell_two_classes_apart():
    pixels, labels = made.arrays()
    part = Part(pixels[:, None], labels // 2, "images", "labels", str)
    level_or_upright = assemble("two", "made for a test", {TRAINING: part})
    text = "input 1x8x8; conv 6 3x3; relu; maxpool 2; flatten; dense 1; sigmoid"
    trained = train(f"{text}; loss binary cross-entropy", data=level_or_upright)
    assert trained.test_accuracy > 0.95
    assert trained.model.predict(pixels[:5]).shape == (5, 2)


def test_a_network_that_takes_no_images_cannot_have_them_warped():
    text = "input 64; dense 4; log softmax; loss cross-entropy; warp rotate 5"
    with pytest.raises(ShapeError, match="begin it with 'input 1x8x8' and 'flatten', or remove"):
        train(text, data=SET)


def test_a_loss_that_is_no_number_ends_the_training_and_is_not_kept(tmp_path):
    with pytest.raises(GradbookError, match="no longer a number at epoch 1, step .* of 16: use"):
        run("rate 1e30; update descent", folder=tmp_path)
    assert [path.name for path in tmp_path.rglob("*.safetensors")] == []


def test_a_last_step_that_leaves_no_numbers_is_found_out_by_the_test_images(tmp_path):
    text = "input 1x8x8; flatten; dense 4; relu; dense 4; log softmax; update descent; batch 600"
    last = gb.recipe(text, "schedule constant 1e300; epochs 1; hold back none")
    with pytest.raises(GradbookError, match="no longer a number at epoch 1, on the test images"):
        train(last, data=SET, folder=tmp_path / "run", threads=1)
    assert not RunFolder(tmp_path / "run").is_done
    assert not Path(RunFolder(tmp_path / "run").model_file).exists()
