"""A training that was stopped goes on to the same bits, and only as the run it was."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from gradbook.errors import UsageError
from gradbook.lab.training import run_training as loop
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import train
from tests.cases import for_each
from tests.lab import made
from tests.lab.made import recipe
from tests.lab.training.strokes import SET, Stopping, content, run, told

pytestmark = pytest.mark.witness("cc")


@for_each("after", [1, 3, 9])
def test_a_stopped_run_goes_on_in_the_middle_of_an_epoch(undisturbed, tmp_path, monkeypatch, after):
    trained, folder = undisturbed
    monkeypatch.setattr(loop, "SAVED_EVERY", 0.0)  # after each step, or few of them
    first = run(folder=tmp_path / "run", listener=Stopping(monkeypatch, after))
    assert first.stopped
    assert first.test_accuracy is None
    assert first.event["event"] == "stopped"
    assert not (tmp_path / "run" / "result.json").exists()
    assert len(first.model.values) > 0
    again = train(folder=tmp_path / "run", resume=True, data=SET, threads=2)
    assert told(again) == told(trained)
    assert content(tmp_path / "run") == content(folder)


@for_each("update", ["descent", "adam", "adamw"])
def test_whatever_an_update_remembers_goes_on(tmp_path, monkeypatch, update):
    changes = f"update {update}; rate 0.01; batch 100"
    trained = run(changes)
    run(changes, folder=tmp_path, listener=Stopping(monkeypatch, 1))
    again = train(folder=tmp_path, resume=True, data=SET)
    assert told(again) == told(trained)
    for name, value in trained.model.values.items():
        np.testing.assert_array_equal(again.model.values[name], value)


def test_the_clock_goes_on_where_it_stopped(tmp_path, monkeypatch):
    first = run(folder=tmp_path, listener=Stopping(monkeypatch, 2))
    again = train(folder=tmp_path, resume=True, data=SET)
    assert again.seconds > first.history[-1].seconds
    assert again.history[:2] == first.history


def test_resuming_what_is_done_changes_nothing(undisturbed):
    trained, folder = undisturbed
    before = content(folder)
    for named in (None, recipe()):
        assert train(named, folder=folder, resume=True, data=SET).event == trained.event
    assert content(folder) == before


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders there")
def test_of_two_runs_begun_in_a_folder_at_once_one_is_refused(tmp_path):
    waiting = RunFolder(tmp_path / "run")
    Path(waiting.path).mkdir()
    with waiting.lock(), pytest.raises(UsageError, match="being trained by another process"):
        run(folder=waiting.path)
    assert list(Path(waiting.path).iterdir()) == []


def test_there_is_nothing_to_resume_where_no_run_is(tmp_path):
    with pytest.raises(UsageError, match="no run in"):
        train(folder=tmp_path, resume=True)
    with pytest.raises(UsageError, match="name the folder"):
        train(resume=True)


@for_each(
    "settings",
    [
        {"set": "epochs 9"},
        {"seed": 5},
        {"recipe": "flat"},
        {"held_back": False},
        {"recipe": recipe("batch 64")},
    ],
    ids=str,
)
def test_a_run_is_not_resumed_as_another(undisturbed, settings):
    _, folder = undisturbed
    with pytest.raises(UsageError, match="contains a different run"):
        train(folder=folder, resume=True, data=SET, **settings)


def test_other_images_are_another_run(undisturbed):
    _, folder = undisturbed
    others = made.dataset()
    others.training_and_validation.pixels.flags.writeable = True
    others.training_and_validation.pixels[0, 0, 0, 0] ^= 1
    with pytest.raises(UsageError, match="the images of made have changed"):
        train(folder=folder, resume=True, data=others)
