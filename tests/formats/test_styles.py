"""Modules in many styles come in and say the same, or are refused: never a wrong number."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from gradbook.formats.file_kinds import read_network
from gradbook.net import Loss, Sample
from gradbook.net.build import training_step
from gradbook.net.step import run
from tests.cases import for_each

pytestmark = pytest.mark.witness("onnx", "torch")
NAMES = (
    *("h - f(h)", "highway", "slices of maps", "chunked gate", "GLU of maps", "SwiGLU"),
    *("nn.ChannelShuffle", "space to depth", "flipped", "rolled", "cropped", "reflecting pad"),
    *("replicating pad", "circular convolution", "padded and added", "channels padded", "SELU"),
    *("CELU", "clips", "log sigmoid", "tanhshrink", "causal mask in forward"),
    *("GRU both ways, two layers", "middle steps", "every second step", "steps joined"),
    *("mean over features", "decoder", "einsum", "one map gates all", "patches by views"),
    *("shifted maps", "negative slope", "rows as channels", "softmax over channels"),
    *("a mean beside", "more steps cut off than padded"),
)
UNREAD = {  # by this door, and why
    ("log sigmoid", "ONNX, traced"): "Log '/Log': gradbook has no activation that computes this",
    ("nn.ChannelShuffle", "ONNX, traced"): "PyTorch can't write it",
}
OF_OTHER_PARAMETERS = {
    "causal mask in forward",  # attention's output sums are added
    "shifted maps",  # its convolution is called twice, so there are two here
}


def made(name: str):
    import torch

    from tests.formats.wide.styles import STYLES

    torch.manual_seed(3)
    style = STYLES[name]
    return style.make().eval(), torch.randn(3, *style.shape)


def test_the_list_is_whole():
    from tests.formats.wide.styles import STYLES

    assert [*STYLES] == [*NAMES]


@for_each("name", NAMES)
@for_each("door", ["ONNX, traced", ".pt2"])
def test_a_style_comes_in_and_says_the_same_or_is_refused(name, door, tmp_path):
    from tests.formats.wide.doors import judged

    why = judged(name, door, tmp_path, made)
    assert why.startswith(UNREAD.get((name, door), "")) if why else (name, door) not in UNREAD


@for_each("name", [name for name in NAMES if name not in OF_OTHER_PARAMETERS])
def test_its_gradients_are_pytorchs(name, tmp_path):
    import torch

    from tests.formats.wide.doors import by_program

    module, inputs = made(name)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_program(module, inputs, tmp_path / "net.pt2")
    net = read_network(tmp_path / "net.pt2").net
    said = module(inputs)
    targets = torch.randn(said.shape)
    ((said - targets) ** 2).mean().backward()
    samples = tuple(
        Sample(tuple(x.ravel().tolist()), tuple(t.ravel().tolist()))
        for x, t in zip(inputs, targets, strict=True)
    )
    step = training_step(replace(net, samples=samples, loss=Loss.SQUARED))
    values = next(run(step, 1))
    found = np.sort(np.concatenate([values[slope].ravel() for slope in step.gradients.values()]))
    of_gru = any(isinstance(part, torch.nn.GRU) for part in module.modules())
    own = [(key, p.grad.numpy()) for key, p in module.named_parameters() if p.grad is not None]
    expected = np.sort(np.concatenate([_kept(key, slope, of_gru) for key, slope in own]))
    nothing = np.abs(found) < 1e-7  # of parameters that PyTorch has none of
    rest = np.delete(found, np.flatnonzero(nothing)[: len(found) - len(expected)])
    np.testing.assert_allclose(rest, expected, rtol=1e-4, atol=1e-5)


def _kept(name: str, slope: np.ndarray, of_gru: bool) -> np.ndarray:
    """Without a second bias that is only added to the first."""
    if "bias_hh" not in name:
        return slope.ravel()
    return slope[len(slope) * 2 // 3 :] if of_gru else slope[:0]
