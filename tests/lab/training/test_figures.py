"""Every figure of a training, of each kind of data, against one that is computed here by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest

from gradbook.lab.problem import order_samples
from gradbook.lab.recipes.recipe_text import change_recipe, recipe
from gradbook.lab.signals import signal_problem, usual_signal_recipe
from gradbook.lab.tables import problem, usual_recipe
from gradbook.lab.texts import LineProblem
from gradbook.lab.training.train import train
from gradbook.layers import BatchNorm, Dropout
from gradbook.net import parse
from tests.lab import made, made_tables
from tests.lab.test_signals import HOW, waves
from tests.lab.test_texts import KNOWN, SMALL

QUIET = "schedule constant 1e-12"  # so that weights are throughout what they are at the end


def mean(numbers) -> float:
    numbers = list(map(float, numbers))
    return sum(numbers) / len(numbers)


def entropies(shares, labels) -> list[float]:
    """What each sample costs by the probability of its class."""
    return [-log(float(row[label])) for row, label in zip(shares, labels, strict=True)]


def check_classes(trained, shares, labels) -> None:
    """The loss, the accuracy and each class's figures, by counting."""
    test, names = trained.test, trained.problem.classes
    read = [max(range(len(row)), key=row.__getitem__) for row in shares.tolist()]
    pairs = list(zip(labels, read, strict=True))
    assert test.loss == pytest.approx(mean(entropies(shares, labels)), rel=1e-5)
    assert test.score == trained.test_accuracy == mean(a == b for a, b in pairs)
    f1 = []
    for k, name in enumerate(names):
        hit, there, told = pairs.count((k, k)), labels.count(k), read.count(k)
        own = test.classes[name]
        assert own.images == there
        assert own.recall == pytest.approx(hit / there)
        assert own.precision == (pytest.approx(hit / told) if told else None)
        assert own.f1 == pytest.approx(2 * hit / (there + told))
        assert test.confusion[k].tolist() == [pairs.count((k, j)) for j in range(len(names))]
        f1.append(own.f1)
    assert trained.event["macro_f1"] == pytest.approx(mean(f1))


def check_epochs(trained, shares_of, labels, training, held_back, numbers) -> None:
    """The epochs of a training whose weights stay what they are; samples go by these numbers."""
    batch, epoch = trained.recipe.batch, trained.history[-1]
    order = order_samples(trained.recipe.net.seed, epoch.epoch - 1, numbers)
    costs = dict(
        zip(numbers.tolist(), entropies(shares_of(training), labels(training)), strict=True)
    )
    steps = [order[k : k + batch].tolist() for k in range(0, len(order), batch)]
    assert epoch.train_loss == pytest.approx(mean(mean(costs[k] for k in step) for step in steps))
    for part, loss, accuracy in (
        (held_back, epoch.validation_loss, epoch.validation_accuracy),
        (training, None, epoch.train_accuracy),
    ):
        shares = shares_of(part)
        assert accuracy == pytest.approx(mean(shares.argmax(axis=1) == labels(part)))
        if loss:
            assert loss == pytest.approx(mean(entropies(shares, labels(part))), rel=1e-5)


def test_classes_of_a_table(tmp_path):
    learned = problem(made_tables.table(tmp_path, "side"))
    usual = usual_recipe(learned, "made")
    trained = train(change_recipe(usual, f"epochs 3; {QUIET}"), data=learned)

    def shares_of(rows):
        return trained.model.answers(learned.rows[rows])

    def labels(rows):
        return learned.targets[rows].astype(int).tolist()

    check_classes(trained, shares_of(learned.test_rows), labels(learned.test_rows))
    training, held_back = learned.parts(0)
    check_epochs(trained, shares_of, labels, training, held_back, np.arange(len(training)))


def test_one_output_that_tells_two_classes_apart(tmp_path):
    learned = problem(made_tables.table(tmp_path, "side"))
    trained = train(recipe("input 5; dense 4; tanh; dense 1", "epochs 2"), data=learned)
    rows = learned.test_rows
    labels = learned.targets[rows].astype(int).tolist()
    check_classes(trained, trained.model.answers(learned.rows[rows]), labels)


def test_numbers_of_a_table(tmp_path):
    learned = problem(made_tables.table(tmp_path, "area"))
    trained = train(change_recipe(usual_recipe(learned, "made"), "epochs 20"), data=learned)
    training, held_back = learned.parts(0)
    own = learned.targets[training].tolist()
    middle = mean(own)
    spread = mean((x - middle) ** 2 for x in own) ** 0.5

    def squares(rows, scale=1.0):
        answers = trained.model.answers(learned.rows[rows])[:, 0]
        return [((a - b) / scale) ** 2 for a, b in zip(answers, learned.targets[rows], strict=True)]

    def r2(rows):
        numbers = learned.targets[rows].tolist()
        return 1 - mean(squares(rows)) / mean((x - mean(numbers)) ** 2 for x in numbers)

    rows, test = learned.test_rows, trained.test
    assert test.loss == pytest.approx(mean(squares(rows, spread)))
    assert test.root_mean_squared_error == pytest.approx(mean(squares(rows)) ** 0.5)
    assert test.mean_absolute_error == pytest.approx(mean(x**0.5 for x in squares(rows)))
    assert test.score == trained.test_accuracy == pytest.approx(r2(rows))
    kept = trained.kept_epoch
    assert kept.validation_loss == pytest.approx(mean(squares(held_back, spread)))
    assert kept.validation_accuracy == trained.validation_accuracy == pytest.approx(r2(held_back))
    assert kept.validation_loss == min(epoch.validation_loss for epoch in trained.history)
    assert kept.train_accuracy is None


def test_windows_of_signals():
    signals = waves()
    found = signal_problem(signals, HOW)
    trained = train(
        change_recipe(usual_signal_recipe(found, "w"), f"epochs 2; {QUIET}"), data=found
    )
    rows = found.test_rows
    labels = found.targets[rows].astype(int).tolist()
    check_classes(trained, trained.model.answers(found.rows[rows]), labels)
    windows = found.windows
    figures = trained.event
    assert figures["latency_seconds"] == windows.latency
    assert (figures["window"], figures["step"]) == (windows.length, windows.step)


def test_letters_of_texts():
    found = LineProblem(KNOWN, 40, seed=1)
    trained = train(found.recipe(parse(SMALL.format(8))), data=found)
    held_out, training = found.parts
    writer, costs, frequency = trained.model, [], {}
    context, known = writer.context, writer.lines
    for line in training:
        for token in known.encode(line)[1 : context + 1]:
            frequency[token] = frequency.get(token, 0) + 1
    by_frequency, total = [], sum(frequency.values()) + known.tokens
    for line in held_out:
        tokens = known.encode(line)[: context + 1]
        given = [[[0.0] * known.tokens for _ in range(context)]]
        for k, token in enumerate(tokens[:-1]):
            given[0][k][token] = 1.0
        shares = writer.engine.predict(np.array(given, np.float32))
        shares = shares.reshape(context, known.tokens)
        costs.append(mean(-log(shares[k][token]) for k, token in enumerate(tokens[1:])))
        by_frequency += [-log((frequency.get(t, 0) + 1) / total) for t in tokens[1:]]
    assert trained.test.loss == trained.test.score == pytest.approx(mean(costs), rel=1e-5)
    assert trained.event["held_out_loss"] == trained.test.loss
    assert trained.event["loss_by_frequency"] == pytest.approx(mean(by_frequency))


@pytest.mark.witness("cc")
def test_classes_of_images():
    dataset = made.dataset()
    own = change_recipe(made.recipe(), f"epochs 2; warp none; {QUIET}; decay 0")
    alike = (BatchNorm, Dropout)  # which do otherwise while they learn
    layers = tuple(layer for layer in own.net.layers if not isinstance(layer, alike))
    trained = train(replace(own, net=replace(own.net, layers=layers)), data=dataset)
    test = dataset.test_for_reporting
    check_classes(trained, trained.model.predict(test.pixels), test.labels.tolist())
    images, folds = dataset.training_and_validation, dataset.folds
    training, held_back = ((folds != 0).nonzero()[0], (folds == 0).nonzero()[0])

    def shares_of(places):
        return trained.model.predict(images.pixels[places])

    def labels(places):
        return images.labels[places].tolist()

    check_epochs(trained, shares_of, labels, training, held_back, training)
    speeds = [epoch.images_per_second for epoch in trained.history]
    assert trained.images_per_second == pytest.approx(2 / sum(1 / speed for speed in speeds))
    assert trained.seconds == trained.history[-1].seconds
