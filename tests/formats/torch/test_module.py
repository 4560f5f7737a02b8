"""The classes that are written, run by PyTorch, held against the graph's own evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given

from gradbook.errors import TargetError
from gradbook.formats.torch.program import WEIGHTS, torch_files
from gradbook.formats.torch.write import class_name, module_source, state_dict
from gradbook.net import Gru, Net
from gradbook.net.trained import TrainedNet
from tests.cases import for_each
from tests.families import networks
from tests.trained import by_the_graph, drawn, is_rounded_alike, trained_of

pytestmark = pytest.mark.witness("torch")


def module_of(trained: TrainedNet) -> Any:
    """The class as PyTorch has it, with the weights of its file, strictly by their names."""
    import torch
    from safetensors.torch import load

    space: dict[str, Any] = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    exec(module_source(trained), space)
    made = space[class_name(trained)]()
    made.load_state_dict(load(torch_files(trained, "net")[WEIGHTS]))
    return made.eval()


def has_modules_for(net: Net) -> bool:
    """Whether PyTorch has modules for it: none resets a state before it weighs it."""
    return not any(isinstance(layer, Gru) and layer.reset_before for layer in net.layers)


@example(Net.parse("input 2x2; rnn 2; multiply back 1; flatten; dense 1"))
@given(networks(dropout=True).filter(has_modules_for))
def test_the_module_says_what_the_graph_says(net):
    import torch

    given = np.random.default_rng(1).uniform(-1, 1, (5, *net.input)).astype(np.float32)
    assume(is_rounded_alike(net, drawn(net), given))
    with torch.no_grad():
        found = module_of(trained_of(net))(torch.tensor(given)).numpy()
    expected = by_the_graph(net, drawn(net), given)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1, abs(expected).max()))


@given(networks(dropout=True).filter(has_modules_for))
def test_the_weights_go_by_pytorchs_own_names(net):
    trained = trained_of(net)
    own = module_of(trained).state_dict()
    assert own.keys() == state_dict(trained).keys()
    assert {n: tuple(a.shape) for n, a in own.items()} == {
        name: array.shape for name, array in state_dict(trained).items()
    }


def source(text: str) -> str:
    return module_source(trained_of(Net.parse(text)))


def test_an_average_with_gaps_is_a_convolution_that_nothing_trains():
    text = source("input 2x6x6; avgpool 2 stride 1 dilation 2; flatten; dense 2")
    kept = '"avgpool1", torch.full((2, 1, 2, 2), 1 / 4), persistent=False\n'
    assert kept in text
    assert "F.conv2d(x, self.avgpool1, dilation=2, groups=2)" in text


def test_it_reads_as_a_person_would_write_it():
    assert source(
        "name small one; input 1x8x8; conv 4 3x3 pad 1 no bias; batchnorm; relu; maxpool 2;"
        "dropout 0.1 channels; flatten; dense 10; log softmax"
    ) == (
        "class SmallOneNet(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv1 = nn.Conv2d(1, 4, 3, padding=1, bias=False)\n"
        "        self.bn1 = nn.BatchNorm2d(4)\n"
        "        self.dropout1 = nn.Dropout2d(0.1)\n"
        "        self.fc1 = nn.Linear(64, 10)\n"
        "\n"
        "    def forward(self, x):\n"
        "        x = self.dropout1(F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2))\n"
        "        x = x.flatten(1)\n"
        "        return F.log_softmax(self.fc1(x), dim=1)\n"
    )


def test_a_residual_sum_keeps_what_it_comes_back_to():
    written = source(
        "input 2x4x4; conv 2 3x3 pad 1; relu; conv 2 3x3 pad 1; add back 2; relu; flatten; dense 2"
    )
    assert written.endswith(
        "        x = self.conv1(x)\n"
        "        skip1 = x\n"
        "        x = F.relu(x)\n"
        "        x = self.conv2(x)\n"
        "        x = F.relu(x + skip1).flatten(1)\n"
        "        return self.fc1(x)\n"
    )


def test_channels_side_by_side_are_put_there_in_their_order():
    written = source(
        "input 2x4x4; conv 2 3x3 pad 1; relu; concat back 2; conv 2 1x1; concat back 4 0; flatten; "
        "dense 2"
    )
    assert written.endswith(
        "        skip1 = x\n"
        "        x = F.relu(self.conv1(x))\n"
        "        x = torch.cat((x, skip1), 1)\n"
        "        x = self.conv2(x)\n"
        "        x = torch.cat((skip1, x), 1).flatten(1)\n"
        "        return self.fc1(x)\n"
    )


def test_what_mel_bands_weigh_with_stays_in_pytorch():
    written = source("input 40x1; mel 3 frame 16 step 8 low 200; flatten; dense 2")
    assert "self.conv1 = nn.Conv2d(1, 18, (1, 16), stride=(1, 8), bias=False)" in written
    assert "self.conv1.weight.requires_grad_(False)" in written
    assert "self.conv2.weight.requires_grad_(False)" in written
    assert "self.fc1.weight" not in written


def test_sequences_are_read_by_pytorchs_own_modules():
    assert source(
        "input 6x2; gru 4 all; conv1d 4 1; positions; attention heads 2 causal; add back 1; "
        "rmsnorm; lstm 3; dense 2"
    ) == (
        "class Network(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.gru1 = nn.GRU(2, 4, batch_first=True)\n"
        "        self.conv1 = nn.Linear(4, 4)\n"
        "        self.positions1 = nn.Parameter(torch.zeros(6, 4))\n"
        "        self.attention1 = nn.MultiheadAttention(4, 2, batch_first=True)\n"
        "        self.rmsnorm1 = nn.RMSNorm(4, eps=1e-05)\n"
        "        self.lstm1 = nn.LSTM(4, 3, batch_first=True)\n"
        "        self.fc1 = nn.Linear(3, 2)\n"
        "        self.register_buffer(\n"
        '            "attention1_later", torch.ones(6, 6).triu(1) > 0, persistent=False\n'
        "        )\n"
        "        self.lstm1.bias_hh_l0.requires_grad_(False)\n"
        "\n"
        "    def forward(self, x):\n"
        "        x, _ = self.gru1(x)\n"
        "        x = self.conv1(x) + self.positions1\n"
        "        skip1 = x\n"
        "        x, _ = self.attention1(\n"
        "            x, x, x, need_weights=False, attn_mask=self.attention1_later\n"
        "        )\n"
        "        x, _ = self.lstm1(self.rmsnorm1(x + skip1))\n"
        "        x = x[:, -1]\n"
        "        return self.fc1(x)\n"
    )


def test_a_gru_that_pytorch_has_no_module_for_is_refused():
    with pytest.raises(TargetError, match="gru1 can't be written in PyTorch.*'reset_before'"):
        source("input 3x2; gru 2 reset_before; dense 1")


def test_a_fixed_bias_stays_so():
    assert "self.fc1.bias.requires_grad_(False)" in source("input 2; dense 2 fixed bias")
    assert "requires_grad" not in source("input 2; dense 2 shared bias")


@for_each(
    ("name", "expected"),
    [("quick", "QuickNet"), ("my net-2", "MyNet2Net"), ("", "Network"), ("2nd", "Network")],
)
def test_the_class_goes_by_the_networks_name(name, expected):
    text = f"name {name}; input 2; dense 2" if name else "input 2; dense 2"
    assert class_name(trained_of(Net.parse(text))) == expected


@for_each(
    "text",
    [
        "input 1x9x9; conv 4 3x3; relu; conv 4 3x3; batchnorm; relu; again 2; flatten; dense 3",
        "input 4; dense 4; layernorm; tanh; again 3; dense 2",
        "input 4; dense 4; batchnorm; dense 4; again 2; softmax",
    ],
)
def test_a_layer_that_is_applied_again_is_one_module(text):
    net = Net.parse(text)
    module = module_of(trained_of(net))
    assert sum(weights.numel() for weights in module.parameters()) == net.count()


def test_a_module_pads_itself_only_where_it_pads_the_same_each_time():
    """Beside 'pad same' a stride of 2 pads 9 rows by one on both sides, and 5 likewise, but 6 …"""
    written = source("input 1x9x9; conv 1 3x3 stride 2 pad same; again 2; flatten; dense 1")
    assert "nn.Conv2d(1, 1, 3, stride=2, padding=1)" in written
    written = source("input 1x6x6; conv 1 3x3 stride 2 pad same; again 2; flatten; dense 1")
    assert "nn.Conv2d(1, 1, 3, stride=2)" in written
    assert written.count("F.pad(x, ") == 2


def test_weights_of_few_bits_are_made_anew_and_their_slopes_go_straight_through():
    import torch

    trained = trained_of(Net.parse("input 3; dense 2 no bias ternary"))
    module = module_of(trained)
    floats = module.fc1.parametrizations.weight.original
    np.testing.assert_array_equal(floats.detach(), trained.layers[0].floats.astype(np.float32))
    read = trained.layers[0].tensors["weight"]
    np.testing.assert_allclose(module.fc1.weight.detach(), read, rtol=1e-6)
    module(torch.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    np.testing.assert_array_equal(floats.grad, [[1, 2, 3]] * 2)


def test_sums_of_few_bits_at_each_step_are_made_anew_too():
    import torch

    net = Net.parse("input 3x2; conv1d 4 1 bits 4; tanh; conv1d 2 1 no bias ternary; softmax")
    given = np.random.default_rng(1).uniform(-1, 1, (5, *net.input)).astype(np.float32)
    trained = trained_of(net)
    module = module_of(trained)
    floats = next(own.floats for own in trained.layers if own.name == "conv1")
    kept = module.conv1.parametrizations.weight.original.detach()
    np.testing.assert_array_equal(kept, floats[..., 0, 0].astype(np.float32))
    found = module(torch.tensor(given)).detach().numpy()
    np.testing.assert_allclose(found, by_the_graph(net, drawn(net), given), rtol=1e-5, atol=1e-6)


def test_values_are_rounded_and_their_slopes_go_straight_through():
    import torch

    trained = trained_of(Net.parse("input 4; quantize 2; quantize 3 signed; dense 2"))
    module = module_of(trained)
    rounding = module.quantize1
    with torch.no_grad():
        rounding.range.fill_(3)
    given = torch.tensor([[-1.0, 0.6, 1.4, 7.0]], requires_grad=True)
    made = rounding(given)
    np.testing.assert_allclose(made.detach(), [[0, 1, 1, 3]], rtol=1e-6)
    made.sum().backward()
    np.testing.assert_array_equal(given.grad, [[0, 1, 1, 0]])
    np.testing.assert_allclose(rounding.range.grad, [(0.4 - 0.4) / 3 + 1], rtol=1e-5)
    assert (module.quantize2.lowest, module.quantize2.highest) == (-4, 3)


@for_each("limit", [0.0, -1.0])
def test_a_range_that_shrank_too_far_leaves_nothing(limit):
    import torch

    rounding = module_of(trained_of(Net.parse("input 3; quantize 3; dense 2"))).quantize1
    with torch.no_grad():
        rounding.range.fill_(limit)
    given = torch.tensor([[-1.0, 0.0, 2.0]], requires_grad=True)
    made = rounding(given)
    np.testing.assert_array_equal(made.detach(), [[0, 0, 0]])
    made.sum().backward()
    np.testing.assert_array_equal(given.grad, [[0, 0, 0]])
    assert rounding.range.grad == 0
