"""Training on rows at hand: every row once an epoch, going on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.engine.plain import PlainEngine
from gradbook.errors import ShapeError
from gradbook.lab.recipes.schedule import parse
from gradbook.lab.training.rows import Diverged, fit, require_last_batch
from gradbook.net import Net

NET = Net.parse("input 3; dense 4; relu; dense 2; log softmax; loss cross-entropy; seed 5")
RANDOM = np.random.default_rng(1)
ROWS = RANDOM.normal(size=(30, 3))
WANTED = np.eye(2)[(ROWS.sum(1) > 0).astype(int)]


def trained(*parts: int) -> tuple[list[float], bytes]:
    engine, losses = PlainEngine(NET, 8), []
    for epochs in parts:
        done = fit(engine, ROWS, WANTED, parse("constant 0.3"), epochs, len(losses))
        losses += [epoch.loss for epoch in done]
    return losses, b"".join(array.tobytes() for array in engine.carried().values())


def test_it_learns():
    losses, _ = trained(20)
    assert losses[-1] < losses[0] / 2


def test_a_loss_that_is_no_number_ends_it():
    net = Net.parse("input 3; dense 2; loss mean squared error")
    said = "^the loss is no longer a number: take a smaller rate$"
    with np.errstate(all="ignore"), pytest.raises(Diverged, match=said):
        list(fit(PlainEngine(net, 8), ROWS, WANTED, parse("constant 1e9"), 40))


def test_in_two_parts_it_is_the_same_training():
    assert trained(2, 3) == trained(5)


def test_a_last_row_alone_is_refused_where_batches_are_normalised():
    """Its variance would be no number, and so would the running statistics."""
    normalised = Net.parse("input 3; dense 4; batchnorm; relu; dense 2; log softmax")
    said = r"layer 2: batchnorm .*, but of 30 in batches of 29 one is left over: take batches of"
    with pytest.raises(ShapeError, match=said):
        next(fit(PlainEngine(normalised, 29), ROWS, WANTED, parse("constant 0.1"), 1))
    for net, batch in ((NET, 29), (normalised, 28), (normalised, 30)):
        require_last_batch(net, len(ROWS), batch)
