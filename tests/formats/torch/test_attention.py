"""Attention and sequences of PyTorch's: what comes in says the same, and what can't is told."""

import numpy as np
import pytest

from gradbook.errors import GradbookError
from gradbook.formats.torch.read import torch_net
from tests.cases import for_each
from tests.trained import by_the_graph

pytestmark = pytest.mark.witness("torch")


def attending(torch, attend):
    """Three weighted sums of a sequence, what is made of them, and a mean over the steps."""

    class Attending(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.o = (torch.nn.Linear(6, 6) for _ in range(4))
            self.last = torch.nn.Linear(6, 3)

        def forward(self, x):
            return self.last(self.o(attend(x, self.q(x), self.k(x), self.v(x))).mean(1))

    return Attending().eval()


def held(torch, module, inputs):
    imported = torch_net(module, inputs)
    with torch.no_grad():
        expected = module(inputs).numpy()
    outputs = by_the_graph(imported.net, dict(imported.values), inputs.numpy())
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    return imported.net


def by_heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def together(x):
    return x.transpose(1, 2).flatten(2)


def test_heads_that_lie_turn_about_come_side_by_side(torch):
    """The features of a head are every third, not three in a row."""
    dot = torch.nn.functional.scaled_dot_product_attention

    def attend(x, *parts):
        q, k, v = (one.unflatten(-1, (-1, 3)).permute(0, 3, 1, 2) for one in parts)
        return dot(q, k, v).permute(0, 2, 3, 1).flatten(2)

    net = held(torch, attending(torch, attend), torch.rand(4, 5, 6) - 0.5)
    assert [layer.text for layer in net.layers[:1]] == ["attention heads 3"]


@for_each("factor", [1.0, 0.5, 3**-0.5])
def test_scores_may_have_any_factor(torch, factor):
    def attend(x, *parts):
        q, k, v = (by_heads(one, 2) for one in parts)
        return together((q @ k.mT * factor).softmax(-1) @ v)

    held(torch, attending(torch, attend), torch.rand(4, 5, 6) - 0.5)


def test_a_mask_of_later_steps_is_causal_however_it_is_made(torch):
    dot = torch.nn.functional.scaled_dot_product_attention
    low = torch.full((5, 5), float("-inf")).triu(1)
    for told in ({"attn_mask": low}, {"attn_mask": low == 0}, {"is_causal": True}):

        def attend(x, *parts, told=told):
            return together(dot(*(by_heads(one, 2) for one in parts), **told))

        net = held(torch, attending(torch, attend), torch.rand(4, 5, 6) - 0.5)
        assert net.layers[0].text == "attention heads 2 causal"


def test_any_other_mask_is_refused(torch):
    dot = torch.nn.functional.scaled_dot_product_attention

    def attend(x, *parts):
        return together(dot(*(by_heads(one, 2) for one in parts), attn_mask=torch.eye(5) > 0))

    with pytest.raises(
        GradbookError, match="its mask isn't the causal one, which hides later steps"
    ):
        torch_net(attending(torch, attend), torch.rand(4, 5, 6))


def test_attention_of_one_sequence_to_another_is_refused(torch):
    dot = torch.nn.functional.scaled_dot_product_attention

    def attend(x, q, k, v):
        return dot(q, k, torch.tanh(v))

    with pytest.raises(GradbookError, match="must be sums of one sequence"):
        torch_net(attending(torch, attend), torch.rand(4, 5, 6))


def test_features_that_come_first_are_said(torch):
    nn = torch.nn
    module = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)).eval()
    inputs = torch.rand(4, 2, 8)
    imported = torch_net(module, inputs)
    assert imported.remarks == (
        "its input is 2 features x 8 steps in the file, and 8x2 here: the steps come first",
    )
    with torch.no_grad():
        expected = module(inputs).numpy()
    outputs = by_the_graph(imported.net, dict(imported.values), inputs.numpy().swapaxes(1, 2))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)


def test_a_transposed_window_that_is_larger_than_what_is_spread_is_refused(torch):
    module = torch.nn.ConvTranspose2d(1, 2, 2, 3, output_padding=1)
    with pytest.raises(GradbookError, match="no window covers"):
        torch_net(torch.nn.Sequential(module, torch.nn.Flatten()), torch.rand(2, 1, 4, 4))


def test_a_gate_may_weigh_rows_instead_of_channels(torch):
    class Gated(torch.nn.Module):
        def forward(self, x):
            return (x * x.mean((2, 3)).view(-1, 1, 2, 1)).flatten(1)

    held(torch, torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), Gated()), torch.rand(2, 1, 4, 4))
