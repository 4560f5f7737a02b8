"""Lines learned letter by letter: what is given and wanted, that it is learned, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.data.sources import load
from gradbook.engine.engines import PlainEngine
from gradbook.errors import DataError, ShapeError
from gradbook.lab.models.model import Model, untrained_model
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.lab.texts import (
    LineMaterial,
    LineProblem,
    LineWriter,
    arrays,
    lines_of,
    read_lines,
    usual_lines,
    usual_network,
)
from gradbook.lab.training.run_training import Telling, TrainingRun, set_up
from gradbook.lab.training.train import Trained, train
from gradbook.net import parse
from tests.cases import for_each
from tests.lab.training.test_early_stop import StoppingAfter

WORDS = "\n".join(["aba", "bab", "abab", "baba", "ababa", "babab", "ab", "ba", "abababa", "bababa"])
SMALL = "input {}x3; gru 8 all; conv1d 3 1; softmax; loss cross-entropy; update adam; rate 0.02"


KNOWN = lines_of(WORDS, "words")


def learned(steps: int, net: str = SMALL.format(8)) -> Trained:
    problem = LineProblem(KNOWN, steps, seed=1)
    return train(problem.recipe(parse(net)), data=problem)


def test_each_letter_is_given_and_the_next_is_wanted():
    given, wanted = arrays(["ab"], KNOWN, 8)
    assert given[0].argmax(axis=1)[:3].tolist() == [0, 1, 2]  # the beginning, a, b
    wanted = wanted.reshape(given.shape)
    assert wanted[0].argmax(axis=1)[:3].tolist() == [1, 2, 0]  # a, b, the end
    assert not given[0, 3:].any()
    assert not wanted[0, 3:].any()


def test_a_line_that_is_too_long_is_cut_and_counted():
    given, wanted = arrays(["ababa"], KNOWN, 4)
    assert given.shape == (1, 4, 3)
    assert wanted.reshape(given.shape)[0].argmax(axis=1).tolist() == [1, 2, 1, 2]
    assert LineWriter(KNOWN, PlainEngine(parse(SMALL.format(4)), 1)).cut == 6


def test_what_alternates_is_learned_to_alternate():
    """Each letter but the first and the end follows from the one before."""
    trained = learned(400)
    before = LineWriter(KNOWN, PlainEngine(parse(SMALL.format(8)), 1))
    held_out, _ = trained.problem.parts
    assert trained.test.score < before.loss(held_out) - 0.3
    assert trained.model.loss(held_out) == pytest.approx(trained.test.score, rel=1e-5)
    random = np.random.default_rng(0)
    written = [trained.model.write(random, 0.5) for _ in range(30)]
    assert all("aa" not in line and "bb" not in line for line in written)
    assert len(set(written)) > 3
    first, other = (trained.model.write(np.random.default_rng(seed), 0.0) for seed in (1, 2))
    assert first == other


@for_each(("steps", "epochs"), [(7, 7), (25, 9), (40, 10)])
def test_every_step_has_a_line_in_turn(steps, epochs):
    problem = LineProblem(KNOWN, steps)
    recipe = problem.recipe(parse(SMALL.format(8)))
    material = problem.material(recipe)
    seen = np.concatenate([material.order(0, k) for k in range(epochs)])
    assert recipe.epochs == epochs
    assert seen.tolist() == [k % len(problem.parts[1]) for k in range(steps)]


def test_a_training_that_stopped_goes_on_to_the_same_bits():
    problem = LineProblem(KNOWN, 25, seed=1)
    ready = problem.adapt(problem.recipe(parse(SMALL.format(8))))
    whole, first, again = (TrainingRun(set_up(ready, None), 0.0) for _ in range(3))
    whole.run()
    first.run(listener=Telling(lambda epoch: first.stop() if epoch.epoch == 4 else None))
    again.go_on_from(first.checkpoint())
    again.run()
    for name, value in whole.engine.state().items():
        np.testing.assert_array_equal(again.engine.state()[name], value)
    assert [e.train_loss for e in again.history] == [e.train_loss for e in whole.history]


def test_a_training_that_is_over_goes_on_to_what_it_was(monkeypatch):
    problem = LineProblem(KNOWN, 25)
    ready = problem.adapt(problem.recipe(parse(SMALL.format(8))))
    whole = TrainingRun(set_up(ready, None), 0.0)
    whole.run()
    monkeypatch.setattr(LineMaterial, "order", None)  # no line is left
    again = TrainingRun(set_up(ready, None), 0.0)
    again.go_on_from(whole.checkpoint())
    again.run()
    assert (again.history, again.progress().seconds_left) == (whole.history, 0)
    for name, value in whole.engine.state().items():
        np.testing.assert_array_equal(again.engine.state()[name], value)


def test_a_folder_keeps_it_and_goes_on_where_it_was_stopped(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(WORDS, encoding="utf-8")
    problem = LineProblem(read_lines(path), 25, seed=1)
    asked = problem.recipe(parse(SMALL.format(8)))
    whole = train(asked, data=problem)
    held = train(asked, data=problem, folder=tmp_path / "run", listener=StoppingAfter(4))
    assert held.stopped
    again = train(folder=tmp_path / "run", resume=True)
    assert again.problem.record == problem.record
    kept = LineWriter.load(tmp_path / "run" / "model.safetensors")
    for name, value in whole.model.engine.weights().items():
        np.testing.assert_array_equal(again.model.engine.weights()[name], value)
        np.testing.assert_array_equal(kept.engine.weights()[name], value)
    assert kept.lines.alphabet == "ab"


def test_a_file_of_something_else_is_no_writer(tmp_path):
    learned(5).model.save(tmp_path / "words.safetensors")
    with pytest.raises(DataError, match="not a model of gradbook's"):
        Model.load(tmp_path / "words.safetensors")
    untrained_model(parse("input 1x8x8; flatten; dense 10; softmax"), load("digits8")).save(
        tmp_path / "m"
    )
    with pytest.raises(DataError, match="not a writer of gradbook's"):
        LineWriter.load(tmp_path / "m")


def test_the_loss_is_pytorchs():
    torch = pytest.importorskip("torch")
    trained = learned(10)
    held_out, _ = trained.problem.parts
    given, wanted = arrays(held_out, KNOWN, 8)
    shares = torch.tensor(trained.model.engine.predict(given).reshape(given.shape))
    labels = torch.tensor(wanted.reshape(given.shape)).argmax(2)
    labels[~torch.tensor(wanted.reshape(given.shape).any(2))] = -100
    each = torch.nn.functional.nll_loss(shares.log().movedim(2, 1), labels, reduction="none")
    counts = (labels >= 0).sum(1)
    assert trained.model.loss(held_out) == pytest.approx(float((each.sum(1) / counts).mean()))


def test_the_names_that_come_along_are_for_microgpt():
    lines = usual_lines()
    net = usual_network(lines.tokens, 16)
    assert (len(lines.lines), lines.tokens, net.count()) == (1511, 27, 4192)
    assert max(map(len, lines.lines)) < 16


@for_each(
    ("text", "said"),
    [
        ("one\ntwo\n", "has 2 different lines: give at least 10"),
        ("\n".join(chr(0x4E00 + k) for k in range(300)), "has 300 different letters: at most 299"),
    ],
)
def test_lines_that_can_not_be_learned_are_refused(tmp_path, text, said):
    file = tmp_path / "lines.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_lines(file)


@for_each(
    ("text", "said"),
    [
        ("input 2; dense 2", "begin the network with 'input tokens 16 of 3', not 'input 2'"),
        ("input 8x3; gru 3; dense 3; softmax", "predict the next letter at each step: end it with"),
        ("input 8x3; gru 3 all; tanh", "predict the next letter at each step"),
    ],
)
def test_a_network_that_says_no_letters_is_refused(text, said):
    with pytest.raises(ShapeError, match=said):
        LineProblem(KNOWN, 5).adapt(recipe(text))
