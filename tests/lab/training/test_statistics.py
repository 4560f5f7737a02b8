"""Batchnorm's running statistics, taken at the end from images as they are."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.lab.problem import order_samples
from gradbook.lab.recipes.recipe import SETTLING
from gradbook.lab.training.train import Trained, train
from tests.cases import for_each
from tests.lab import made
from tests.lab.training.test_early_stop import StoppingAfter

DATA = made.dataset(120)
NET = (
    "input 1x8x8; conv 4 3x3 no bias; batchnorm; relu; flatten; dense 4; log softmax; "
    "update momentum 0.9; decay 0.01; schedule constant 0.1; batch 20; epochs 4; "
    "warp rotate 30, shift 3"
)
BLIND = "input 1x8x8; flatten; dense 4; softmax; schedule constant 0.1; epochs 1"


def run(changes: str = "", **settings) -> Trained:
    return train(NET, changes, data=DATA, threads=1, **settings)


def values(trained: Trained, *, running: bool) -> dict[str, np.ndarray]:
    """Of its model the running statistics, or all but these."""
    found = trained.model.values
    return {name: found[name] for name in found if name.startswith("r_") == running}


def test_nothing_else_is_another():
    usual, settled = run(), run("statistics unwarped")
    for name, weights in values(usual, running=False).items():
        np.testing.assert_array_equal(values(settled, running=False)[name], weights)
    for name, known in values(usual, running=True).items():
        assert not np.allclose(values(settled, running=True)[name], known, rtol=0.02)
    assert [e.train_loss for e in settled.history] == [e.train_loss for e in usual.history]
    scores = [[e.validation_loss for e in trained.history] for trained in (usual, settled)]
    assert scores[0][:-1] == scores[1][:-1]
    assert scores[0][-1] != scores[1][-1]


def test_the_last_epoch_is_scored_as_the_model_reads():
    found, held_back = run("statistics unwarped"), DATA.validation
    score = found.model.score(held_back.pixels, held_back.labels)
    assert score == found.history[-1].validation_accuracy


def test_they_are_those_that_pytorch_takes():
    torch = pytest.importorskip("torch")
    usual, settled = run(), run("statistics unwarped")
    numbers = np.flatnonzero(DATA.folds != 0)
    order = np.resize(order_samples(0, 3, numbers), SETTLING * 20)
    model = usual.model
    pixels = torch.tensor(DATA.training_and_validation.pixels[order] / 255)
    images = (pixels - float(model.mean[0])) / float(model.deviation[0])
    conv = torch.nn.Conv2d(1, 4, 3, bias=False).double()
    norm = torch.nn.BatchNorm2d(4).double()
    weights = next(w for w in model.values.values() if w.ndim == 4)
    conv.weight.data = torch.tensor(weights, dtype=torch.float64)
    buffers = {"r_μ": norm.running_mean, "r_σ²": norm.running_var}
    for name, buffer in buffers.items():
        buffer.copy_(torch.tensor(usual.model.values[name], dtype=torch.float64))
    with torch.no_grad():
        for batch in images.split(20):
            norm(conv(batch))
    for name, buffer in buffers.items():
        np.testing.assert_allclose(settled.model.values[name], buffer, rtol=2e-5, atol=2e-6)


def test_an_interrupted_training_comes_to_the_same(tmp_path):
    whole = run("statistics unwarped")
    assert run("statistics unwarped", folder=tmp_path, listener=StoppingAfter(2)).stopped
    again = train(folder=tmp_path, resume=True, data=DATA, threads=1)
    for name, known in whole.model.values.items():
        np.testing.assert_array_equal(again.model.values[name], known)


@for_each("said", ["keep best", "early stop 1"])
def test_every_epoch_that_may_be_kept_is_scored_so(said):
    usual, settled = run(f"{said}; epochs 2"), run(f"{said}; epochs 2; statistics unwarped")
    assert usual.history[0].validation_loss != settled.history[0].validation_loss


def test_without_batchnorm_there_is_nothing_to_do():
    usual, settled = (train(BLIND + said, data=DATA) for said in ("", "; statistics unwarped"))
    for name, known in usual.model.values.items():
        np.testing.assert_array_equal(settled.model.values[name], known)
    assert usual.history[-1].validation_loss == settled.history[-1].validation_loss
