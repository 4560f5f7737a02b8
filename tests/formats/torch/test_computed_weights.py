"""Weights that a module computes from others are read as what they are worth, and it stays as it
was."""

from __future__ import annotations

import numpy as np
import pytest

import gradbook as gb
from tests.cases import for_each


def modules():
    """Each computes weights in another way: parametrisations, one of its own, and older hooks."""
    from torch import nn
    from torch.nn.utils import parametrizations as new
    from torch.nn.utils import parametrize, spectral_norm, weight_norm

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).T

    symmetric = nn.Linear(5, 5)
    parametrize.register_parametrization(symmetric, "weight", Symmetric())
    return {
        "new": nn.Sequential(
            new.weight_norm(nn.Linear(5, 7)),
            nn.Tanh(),
            new.spectral_norm(nn.Linear(7, 6)),
            new.orthogonal(nn.Linear(6, 6)),
            nn.Linear(6, 3),
        ),
        "own": nn.Sequential(symmetric, nn.Tanh(), nn.Linear(5, 2)),
        "old": nn.Sequential(
            spectral_norm(nn.Linear(5, 4)), nn.ReLU(), weight_norm(nn.Linear(4, 2))
        ),
    }


@pytest.mark.witness("torch")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@for_each("name", ["new", "own", "old"])
def test_computed_weights_are_read_as_numbers(name):
    import torch

    torch.manual_seed(3)
    module = modules()[name].eval()
    rows = torch.randn(6, 5)
    with torch.no_grad():
        said = module(rows).numpy()
    model = gb.from_torch(module, rows[:1], task="numbers")
    np.testing.assert_allclose(model.predict(rows.numpy()), said, atol=1e-5)
    with torch.no_grad():
        assert np.array_equal(module(rows).numpy(), said)


@pytest.mark.witness("torch")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_other_hooks_of_such_a_module_stay():
    """A hook of one's own changes what the layer reads, and isn't lost beside `weight_norm`."""
    import torch
    from torch import nn
    from torch.nn.utils import weight_norm

    layer = weight_norm(nn.Linear(5, 2))
    layer.register_forward_pre_hook(lambda _, inputs: (inputs[0] * 3,))
    module, rows = nn.Sequential(layer).eval(), torch.randn(4, 5)
    with torch.no_grad():
        said = module(rows).numpy()
    model = gb.from_torch(module, rows[:1], task="numbers")
    np.testing.assert_allclose(model.predict(rows.numpy()), said, atol=1e-5)
