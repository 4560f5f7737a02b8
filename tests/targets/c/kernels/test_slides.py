"""Which convolutions go Winograd's way, and which gradients share a loop."""

from __future__ import annotations

from gradbook.targets.c.kernels.slides import forward
from gradbook.targets.c.kernels.tiling import tiling
from tests.targets.c.networks import planned, text


def by_winograd(line: str, **sizes: int) -> bool:
    """Whether the only convolution goes his way."""
    made = planned(text(line, **sizes))
    (node,) = [p.heavy for p in made.passes if p.heavy and p.heavy.op.name == "conv"]
    return tiling(forward(node)) is not None


def test_winograd_takes_small_windows_that_slide_by_one():
    assert by_winograd("conv 8 3x3 pad 1", side=8)
    assert by_winograd("conv 8 3x3", side=5)
    assert not by_winograd("conv 8 5x5")
    assert not by_winograd("conv 8 3x3 stride 2")
    assert not by_winograd("depthwise 3x3")
    assert not by_winograd("conv 8 1x1")
    assert not by_winograd("conv 8 3x3", channels=1)


def pairs(network: str) -> list[bool]:
    """Of each gradient of a convolution's weights: whether the input's comes with it."""
    made = planned(network)
    return [
        p.beside is not None for p in made.passes if p.heavy and p.heavy.op.name == "conv_weights"
    ]


def test_both_gradients_share_a_loop_where_winograd_is_used():
    network = text("conv 8 3x3", "relu", "conv 8 3x3", "relu", "conv 8 1x1", side=16)
    assert pairs(network) == [
        False,  # 1×1
        True,
        False,  # nobody asks for the gradient of the images
    ]


def test_the_input_s_gradient_is_made_once():
    made = planned(text("conv 8 3x3", "relu", "conv 8 3x3", side=16))
    heavy = [x for p in made.passes for x in (p.heavy, p.beside) if x]
    back = [x for x in heavy if x.op.name == "conv_back"]
    assert len(back) == len(set(back)) == 1
