"""A model of signals finds its recordings again, and whole numbers are fitted to them."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.signals import Recording, SignalColumns, Signals, read_signals
from gradbook.errors import GradbookError, UsageError
from gradbook.lab.models.model import Model
from gradbook.lab.signals import SignalProblem, WindowsAsked, signal_problem, usual_signal_recipe
from gradbook.lab.training.train import train
from gradbook.net import parse
from tests.cases import for_each
from tests.data.signal_table import as_csv

NET = "input 8x1; conv1d 2 3; relu; flatten; dense 2; softmax; rate 0.01"


def written(folder, name="moves.csv", label="what", classes=("up", "down")):
    """Six people, each with a recording of either class, under headings that say nothing."""
    random, lines = np.random.default_rng(1), [f"who,nr,level,{label}"]
    for person in range(6):
        for k, way in enumerate(classes):
            slope = 1 if k else -1
            values = 0.25 * np.rint(slope * np.arange(20) + random.normal(size=20))
            lines += [f"p{person},{person}{k},{value},{way}" for value in values]
    (folder / name).write_text("\n".join(lines))
    return folder / name


def problem(file, **asked) -> SignalProblem:
    columns = SignalColumns(label="what", recording="nr", subject="who")
    return signal_problem(read_signals(file, columns), WindowsAsked(8, 4, **asked))


def model_of(found: SignalProblem, held_back: int | None = 0) -> Model:
    recipe = usual_signal_recipe(found, "m", parse(NET), held_back)
    return train(recipe, data=found).model


@for_each("way", ["subject", "recording"])
@for_each("held_back", [0, 1, None])
def test_the_windows_trained_on_and_those_of_the_test_are_found_again(tmp_path, way, held_back):
    learned = problem(written(tmp_path), way=way)
    model_of(learned, held_back).save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors").recorded_windows()
    np.testing.assert_array_equal(again.fitting, learned.rows[learned.parts(held_back)[0]])
    np.testing.assert_array_equal(again.scored, learned.rows[learned.test_rows])
    np.testing.assert_array_equal(again.labels, learned.targets[learned.test_rows])
    assert again.what == "test windows"


def test_without_a_test_all_windows_are_those_trained_on(tmp_path):
    columns = SignalColumns(label="what", recording="nr", subject="who")
    signals = read_signals(written(tmp_path), columns)
    found = signal_problem(signals, WindowsAsked(8, 4), everything=True)
    again = model_of(found, None).recorded_windows()
    np.testing.assert_array_equal(again.fitting, found.rows)
    assert (len(again.scored), again.what) == (len(found.rows), "windows trained on")


def test_other_recordings_are_named(tmp_path):
    learned = problem(written(tmp_path))
    other = written(tmp_path, "other.csv", classes=("down", "up"))
    again = model_of(learned).recorded_windows(str(other))
    assert again.what == "windows of other.csv"
    np.testing.assert_array_equal(again.labels, 1 - learned.targets)
    exported = model_of(learned).export(tmp_path / "a.h", int8=True, data=str(other))
    assert "48 windows of other.csv told right" in exported.remarks[-1]


def test_recordings_that_are_gone_or_unlike_are_refused_in_a_line(tmp_path):
    file = written(tmp_path)
    model = model_of(problem(file))
    strange = written(tmp_path, "strange.csv", classes=("up", "left"))
    with pytest.raises(GradbookError, match="class 'left' isn't one of the model's: down, up"):
        model.recorded_windows(str(strange))
    with pytest.raises(GradbookError, match="no column 'what'"):
        model.recorded_windows(str(written(tmp_path, "else.csv", label="other")))
    with pytest.raises(UsageError, match="did you mean 'gestures'"):
        model.recorded_windows("gesture")
    file.unlink()
    with pytest.raises(UsageError, match="no recordings in .*: name the recordings with --data"):
        model.export(tmp_path / "a.ino", int8=True)
    assert not (tmp_path / "a.ino").exists()


def test_made_recordings_are_made_again_where_they_are_other_channels_are_refused(tmp_path):
    model = model_of(problem(written(tmp_path)))
    with pytest.raises(GradbookError, match="its channels are ax, ay, az, but the model reads"):
        model.recorded_windows("gestures")


def test_a_folder_of_recordings_is_read_again(tmp_path):
    for label in ("a", "b"):
        for k in range(3):
            folder = tmp_path / "set" / label
            folder.mkdir(parents=True, exist_ok=True)
            one = Recording("s", "r", np.arange(20.0)[:, None] * (k + 1), "x", "p")
            lines = as_csv(Signals("s", ("level",), (one,), 10.0))
            (folder / f"{k}.csv").write_text(
                "".join(line.rsplit(",", 1)[0] + "\n" for line in lines)
            )
    signals = signal_problem(read_signals(tmp_path / "set"), WindowsAsked(8, 4))
    again = model_of(signals).recorded_windows()
    np.testing.assert_array_equal(again.scored, signals.rows[signals.test_rows])
