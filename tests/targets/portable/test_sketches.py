"""A sketch that hears signals, compiled for this machine: it says what the model says, smoothed."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from gradbook.data.signals import Recording, Signals, Windows, read_signals
from gradbook.errors import TargetError
from gradbook.lab.models.exporting import in_places
from gradbook.lab.models.model import Model
from gradbook.lab.signals import WindowsAsked, signal_problem, usual_signal_recipe, windows_for
from gradbook.lab.training.train import train
from gradbook.net import parse
from gradbook.net.trained import Scaling, trained_net
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.sketches import (
    SMOOTHING,
    SURE,
    WHOLE_SHARE,
    signal_sketch,
)
from gradbook.targets.portable.whole_makers import quantise_windows
from tests.cases import for_each
from tests.targets.portable.heard import heard_classes, move, shares_of
from tests.trained import model_of

BOARD = """\
#include <cstdio>
static unsigned long passed;
unsigned long micros() { return passed += 1000; }
struct {
    void begin(long) {}
    int peek() { const int c = getchar(); ungetc(c, stdin); return c; }
    int read() { return getchar(); }
    int available() { const int c = getchar(); ungetc(c, stdin); return c != EOF; }
    float parseFloat() { float x = 0; return scanf("%f ", &x) == 1 ? x : 0; }
    void println(const char *text) { puts(text); }
} Serial;
#include "hear.ino"
int main() { setup(); for (long k = 0; k < ROUNDS_OF_LOOP; k++) loop(); }
"""
STRICT = ("-std=gnu++11", "-O1", "-Wall", "-Wextra", "-Werror")


def signals(rate: float | None = 50.0) -> Signals:
    """Three classes of two channels with an offset, which the header has to take away."""
    random = np.random.default_rng(1)
    found = []
    for k in range(4):
        for label, pace in (("fast", 1.2), ("slow", 0.4), ("still", 0.0)):
            turn = np.arange(80) * pace + random.uniform(0, 6)
            values = np.stack([9 + np.sin(turn), -300 + 50 * np.cos(turn)], axis=1)
            values[:, 0] += random.normal(0, 0.2, 80)
            found.append(Recording("s", f"{label} {k}", np.round(values, 3), label))
    return Signals("s", ("a", "b"), tuple(found), rate)


def recorded(folder: Path, source: Signals) -> Signals:
    """The same, read from a table, so that a model of it knows where to read it again."""
    lines = ["recording,a,b,label"]
    for one in source.recordings:
        lines += [f"{one.name},{a:g},{b:g},{one.label}" for a, b in one.values.tolist()]
    (folder / "moves.csv").write_text("\n".join(lines))
    return read_signals(folder / "moves.csv")


def learned(source: Signals, step: int, net: str = "") -> Model:
    found = signal_problem(source, WindowsAsked(16, step))
    recipe = usual_signal_recipe(found, "s", parse(net) if net else None, held_back=None)
    return train(replace(recipe, epochs=60), data=found).model


def heard(folder, rows: np.ndarray) -> list[str]:
    """What the sketch prints of these rows."""
    (folder / "main.cpp").write_text(BOARD)
    turns = f"-DROUNDS_OF_LOOP={60 * len(rows)}"
    command = ["g++", *STRICT, turns, "main.cpp", "-o", "hear"]
    built = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert not built.returncode, built.stderr
    played = "\n".join(" ".join(map(str, row)) for row in rows.tolist())
    done = subprocess.run(
        [folder / "hear"], input=played, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def expected(model: Model, source: Signals, rows: np.ndarray) -> list[str]:
    """The same from the model's own answers."""
    whole = replace(source, recordings=(Recording("s", "all", rows),))
    smooth, found = np.zeros(len(model.classes)), list[str]()
    for each in model.answers(windows_for(model, whole)[1]):
        smooth += SMOOTHING * (each - smooth)
        best = model.classes[smooth.argmax()]
        if smooth.max() >= SURE and found[-1:] != [best]:
            found.append(best)
    return found


def expected_in_whole_numbers(model: Model, source: Signals, rows: np.ndarray) -> list[str]:
    """The same from what C in whole numbers answers, as it is reckoned here."""
    fitting = in_places(model.recorded_windows().fitting)
    whole = quantise_windows(model.trained(), fitting, rows.shape[1])
    assert whole.sensor
    apart = replace(source, recordings=(Recording("s", "all", rows),))
    scores = whole.scores(whole.sensor.of(windows_for(model, apart)[1]))
    return [model.classes[k] for k, _ in groupby(heard_classes(scores, whole.score_bits))]


@pytest.mark.witness("gcc")
@for_each(("step", "rate"), [(4, 50.0), (1, None), (16, 50.0), (21, 50.0)])
def test_it_says_what_the_model_says(tmp_path, step, rate):
    source = signals(rate)
    model = learned(source, step)
    order = np.random.default_rng(2).permutation(len(source.recordings))
    rows = np.concatenate([source.recordings[k].values for k in order])
    model.export(tmp_path / "hear.ino")
    said = expected(model, source, rows)
    assert len(said) >= 5
    assert heard(tmp_path, rows) == said


@pytest.mark.witness("gcc")
def test_a_recurrent_network_hears_too(tmp_path):
    """Its header has a step at a time beside it, and names for that."""
    source = signals()
    model = learned(source, 4, "input 16x2; gru 4; dense 3; log softmax; update adam; rate 0.03")
    model.export(tmp_path / "hear.ino")
    rows = np.concatenate([one.values for one in source.recordings])
    said = expected(model, source, rows)
    assert len(said) >= 5
    assert heard(tmp_path, rows) == said


@pytest.mark.witness("gcc")
@for_each(
    ("step", "net"),
    [
        (4, ""),
        (21, ""),
        (4, "input 16x2; gru 4; dense 3; log softmax; update adam; rate 0.03"),
        (4, "input 16x2; conv1d 4 3; groupnorm 2; relu; flatten; dense 3; softmax; rate 0.03"),
    ],
)
def test_in_whole_numbers_it_says_what_is_reckoned_here(tmp_path, step, net):
    source = recorded(tmp_path, signals())
    model = learned(source, step, net)
    order = np.random.default_rng(2).permutation(len(source.recordings))
    rows = np.concatenate([source.recordings[k].values for k in order])
    exported = model.export(tmp_path / "hear.ino", int8=True)
    assert re.search(r" % of \d+ test windows told right, .* before rounding", str(exported))
    said = expected_in_whole_numbers(model, source, rows)
    assert len(said) >= 5
    assert heard(tmp_path, rows) == said


@pytest.mark.witness("gcc")
def test_two_classes_by_one_output_are_heard_in_whole_numbers(tmp_path):
    source = signals()
    two = tuple(one for one in source.recordings if one.label != "slow")
    source = recorded(tmp_path, replace(source, recordings=two))
    net = "input 16x2; conv1d 4 3; relu; flatten; dense 1; sigmoid; update adam; rate 0.03"
    model = learned(source, 4, net)
    rows = np.concatenate([one.values for one in source.recordings])
    model.export(tmp_path / "hear.ino", int8=True)
    said = expected_in_whole_numbers(model, source, rows)
    assert len(said) >= 5
    assert heard(tmp_path, rows) == said


def test_shares_are_those_of_softmax():
    scores = np.random.default_rng(1).normal(size=(200, 4)) * np.geomspace(0.1, 30, 200)[:, None]
    for bits in (0, 7, 16):
        whole = np.rint(scores * 2**bits).astype(np.int64)
        exact = np.exp(whole / 2**bits - whole.max(axis=1, keepdims=True) / 2**bits)
        exact /= exact.sum(axis=1, keepdims=True)
        off = shares_of(whole, bits) / WHOLE_SHARE - exact
        assert abs(off).max() < 4e-4


def test_a_mean_of_shares_reaches_what_does_not_change():
    smooth, latest = np.array([0, WHOLE_SHARE, 5]), np.array([WHOLE_SHARE, 0, 5])
    for _ in range(20):
        smooth = move(smooth, latest)
    assert abs(smooth - latest).max() <= 1


def test_scores_that_are_no_likelihoods_are_refused():
    net = parse("input 4x1; flatten; dense 3; sigmoid; loss binary cross-entropy")
    model = model_of(str(net))
    names = ("a", "b", "c")
    scaling = Scaling(1, np.zeros(4), np.ones(4))
    trained = trained_net(model.net, model.values, scaling, classes=names)
    whole = quantise_windows(trained, np.random.default_rng(1).normal(size=(9, 4)), 1)
    with pytest.raises(TargetError, match="ends in a softmax, or in one sigmoid"):
        signal_sketch(trained, Windows(4, 2, ("a",)), "n", "n", whole)


def test_what_brings_a_channel_to_like_size_is_stored_once_for_all_steps():
    model = learned(signals(), 4)
    own = model.trained()
    assert len({*own.scaling.mean.tolist()}) == 2
    plain = replace(own, scaling=Scaling(1, np.zeros(32), np.ones(32)))
    assert c_file(own, "n", None).constants == c_file(plain, "n", None).constants


def test_what_says_no_class_of_a_window_is_refused():
    windows = Windows(4, 2, ("a", "b"))
    numbers = model_of("input 8; dense 1")
    trained = trained_net(numbers.net, numbers.values, Scaling(1, np.zeros(8), np.ones(8)))
    with pytest.raises(TargetError, match="one class of each window"):
        signal_sketch(trained, windows, "n", "n")


def test_names_cant_end_a_remark(tmp_path):
    net = parse("input 4x1; flatten; dense 2; softmax")
    model = model_of(str(net))
    trained = trained_net(
        model.net, model.values, Scaling(1, np.zeros(4), np.ones(4)), classes=("*/ x", 'a"b\n')
    )
    said = signal_sketch(trained, Windows(4, 2, ("c*/d",)), "n", "n")
    remarks = said.replace('"*/ x"', "")
    assert remarks.count("*/") == remarks.count("/*")
    assert r'"a\"b\n"' in said
