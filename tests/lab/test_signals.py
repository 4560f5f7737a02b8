"""Windows of signals: what goes together, how it is scaled, what is told of time."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest

from gradbook.data.made_signals import gestures
from gradbook.data.signals import Recording, Signals
from gradbook.errors import DataError, UsageError
from gradbook.lab import tables
from gradbook.lab.models.model import Model
from gradbook.lab.problem import FinalScore
from gradbook.lab.signals import (
    WindowsAsked,
    most_expected,
    signal_problem,
    usual_network,
    usual_signal_recipe,
    windows_for,
)
from gradbook.lab.training.train import train
from gradbook.net import parse
from tests.cases import for_each

HOW = WindowsAsked(32, 8)


def waves(recordings=6, rows=100, people=3) -> Signals:
    """Two classes that differ in their pace, and a third in which nothing happens."""
    random = np.random.default_rng(0)
    found = []
    for k in range(recordings):
        for label, pace in (("fast", 0.9), ("slow", 0.3), ("none", 0)):
            t = np.arange(rows) * pace + random.uniform(0, 6)
            values = np.stack([5 + np.sin(t), 100 * np.cos(t)], axis=1) * (pace > 0)
            values = values + random.normal(0, 0.05, values.shape) + [7, 0]
            found.append(Recording("w", f"{label} {k}", values, label, f"person {k % people}"))
    return Signals("w", ("a", "b"), tuple(found), 50.0, "subject")


@for_each("way", ["recording", "subject"])
@for_each("fold", [0, 1])
def test_nothing_stands_on_both_sides(way, fold):
    """No row of a recording, or of a person, is in a window trained on and in another part."""
    signals = waves(people=6)
    found = signal_problem(signals, replace(HOW, way=way))
    training, held_back = found.parts(fold)
    parts = (training, held_back, found.test_rows)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(found.rows)))

    def rows_of(windows):
        """Each row of each recording in these windows; of a person, all theirs."""
        cut, there = found.pieces, set()
        for window in windows:
            which, first = cut.recording[window], cut.first[window]
            if way == "subject":
                there.add(signals.recordings[which].subject)
            else:
                there |= {(which, row) for row in range(first, first + HOW.length)}
        return there

    apart = [rows_of(part) for part in parts]
    assert all(apart)
    for k, one in enumerate(apart):
        for other in apart[k + 1 :]:
            assert not one & other


def test_people_are_kept_apart_where_they_are_known():
    assert signal_problem(waves(), HOW).way == "subject"
    assert signal_problem(replace(waves(), subjects=""), HOW).way == "recording"
    with pytest.raises(UsageError, match="name no person"):
        signal_problem(replace(waves(), subjects=""), replace(HOW, way="subject"))


def test_every_class_is_in_every_part():
    signals = signal_problem(waves(), replace(HOW, way="recording"))
    for part in (*signals.parts(0), signals.test_rows):
        assert set(signals.targets[part]) == {0, 1, 2}


def test_a_channel_is_scaled_by_what_is_trained_on_alone():
    signals = waves()
    trained = train(_short(signals), data=signal_problem(signals, HOW))
    training, _ = trained.problem.parts(0)
    values = trained.problem.rows[training].reshape(-1, 2)
    np.testing.assert_allclose(trained.model.mean, np.tile(values.mean(axis=0), 32))
    np.testing.assert_allclose(trained.model.deviation, np.tile(values.std(axis=0), 32))
    every = trained.problem.rows.reshape(-1, 2).mean(axis=0)
    assert abs(trained.model.mean[:2] - every).min() > 1e-6


def _short(signals, epochs=60):
    problem = signal_problem(signals, HOW)
    return replace(usual_signal_recipe(problem, "w"), epochs=epochs)


def test_it_learns_and_the_model_keeps_its_windows(tmp_path):
    signals = waves()
    trained = train(_short(signals), data=signal_problem(signals, HOW))
    assert trained.test.score > 0.9
    trained.model.save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors")
    assert again.windows == trained.problem.windows
    placed, rows = windows_for(again, replace(signals, recordings=signals.recordings[:1]))
    assert [one.first for one in placed] == list(range(0, 100 - 31, 8))
    np.testing.assert_array_equal(rows, trained.problem.rows[: len(rows)])
    np.testing.assert_array_equal(again.answers(rows), trained.model.answers(rows))


def test_windows_go_through_fixed_layers_once_and_learn_as_in_every_epoch(monkeypatch):
    many = waves()
    alone = tuple(replace(one, values=one.values[:, :1]) for one in many.recordings)
    signals = signal_problem(replace(many, channels=("a",), recordings=alone), HOW)
    hears = "mel 4 frame 16 step 8 rate 50 low 1 high 24"
    net = parse(f"input 32x1; {hears}; conv1d 3 2; batchnorm; relu; flatten; dense 3; log softmax")
    recipe = replace(usual_signal_recipe(signals, "w"), net=net, epochs=3)
    once = train(recipe, data=signals)
    monkeypatch.setattr(tables, "fixed_beginning", lambda net: None)
    again = train(recipe, data=signals)
    for ours, theirs in zip(once.history, again.history, strict=True):
        assert ours.train_loss == pytest.approx(theirs.train_loss, 1e-4)
    assert once.model.values.keys() == again.model.values.keys()
    rows = signals.rows[:20]
    np.testing.assert_allclose(once.model.answers(rows), again.model.answers(rows), atol=1e-4)


def test_other_channels_or_rates_are_refused():
    signals = waves()
    model = train(_short(signals, 1), data=signal_problem(signals, HOW)).model
    with pytest.raises(DataError, match="100 rows a second, but the model was trained on 50"):
        windows_for(model, replace(signals, rate=100.0))
    with pytest.raises(DataError, match=r"1 channel \(a\), but the model reads a, b"):
        windows_for(model, replace(signals, channels=("a",)))


def test_false_alarms_are_counted_once_for_each_time_that_something_is_heard():
    signals = signal_problem(waves(), replace(HOW, background="none"))
    nothing, fast, slow = (signals.target.words.index(name) for name in ("none", "fast", "slow"))
    rows = np.flatnonzero(signals.pieces.recording == 2)  # one recording of nothing: 9 windows
    said = [nothing, fast, fast, nothing, nothing, slow, fast, fast, nothing]
    told = signals.figures(FinalScore(loss=0, score=0, rows=rows, read=np.array(said)))
    assert told["false_alarms"] == 3
    assert told["background_seconds"] == (32 + 8 * 8) / 50
    assert told["false_alarms_an_hour"] == pytest.approx(3 * 3600 / told["background_seconds"])
    assert told["latency_seconds"] == (32 + 8) / 50


def test_how_many_are_expected_at_most():
    assert exp(-most_expected(0)) == pytest.approx(0.05)
    m = most_expected(2)
    assert exp(-m) * (1 + m + m * m / 2) == pytest.approx(0.05)


def test_unknown_background_is_refused():
    with pytest.raises(UsageError, match="no class 'nothing': the classes are fast, none, slow"):
        signal_problem(waves(), replace(HOW, background="nothing"))


def test_too_few_to_split_are_refused():
    few = signal_problem(waves(3), replace(HOW, way="recording"))
    assert len(few.test_rows)
    with pytest.raises(DataError, match="class 'fast' is in 2 recordings: give at least 3"):
        signal_problem(waves(2), replace(HOW, way="recording"))
    everything = signal_problem(waves(2), HOW, everything=True)
    assert len(everything.parts(None)[0]) == len(everything.rows)


def test_a_fold_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="make only 2 folds, 0 to 1"):
        signal_problem(waves(3), replace(HOW, way="recording")).parts(2)


@for_each("length", [2, 5, 16, 17, 128, 1000, 16_000])
def test_the_usual_network_takes_any_window(length):
    signals = Signals("w", ("x", "y", "z"), ())
    windows = replace(
        signal_problem(waves(), HOW).windows, length=length, channels=signals.channels
    )
    net = usual_network(windows, 4)
    assert (net.input, net.outputs) == ((length, 3), 4)
    assert net.count() < 10_000


@for_each(
    ("rate", "length", "line"),
    [
        (8000, 8000, "mel 16 step 160 high 4000"),
        (16_000, 16_000, "mel 16 frame 512 step 320 rate 16000 high 8000"),
        (44_100, 44_100, "mel 16 frame 1024 step 882 rate 44100 high 8000"),
        (4000, 2000, "mel 16 frame 128 step 80 rate 4000 high 2000"),
        (8000, 1000, ""),
        (3000, 8000, ""),
        (None, 8000, ""),
    ],
)
def test_the_usual_network_hears_sound(rate, length, line):
    windows = replace(
        signal_problem(waves(), HOW).windows, length=length, channels=("sound",), rate=rate
    )
    net = usual_network(windows, 4)
    assert (net.input, net.outputs) == ((length, 1), 4)
    assert (line or "conv1d") == net.layers[0].text[: len(line) or 6]
    assert usual_network(replace(windows, channels=("left", "right")), 4).layers[0].word == "conv"


def test_the_gestures_are_the_same_every_time_and_of_five_kinds():
    made = gestures()
    assert len({one.label for one in made.recordings}) == 5
    assert len({one.subject for one in made.recordings}) == 48
    whole = np.concatenate([one.values for one in made.recordings])
    assert whole.shape == (72_000, 3)
    still = np.concatenate([one.values for one in made.recordings if one.label == "still"])
    np.testing.assert_allclose(np.linalg.norm(still, axis=1).mean(), 1, atol=0.02)  # gravity
