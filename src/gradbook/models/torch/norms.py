"""Which normalisation within a sample an operator of PyTorch is, of values of some size."""

from __future__ import annotations

from gradbook.graph.window import Shape
from gradbook.models.imported import NoLayer
from gradbook.models.torch.content import AtenCall
from gradbook.net.layers import spell
from gradbook.net.norms import GroupNorm, LayerNorm, PlaceNorm, SampleNorm


def sample_norm(call: AtenCall, size: Shape, turned: bool) -> SampleNorm:
    """`turned` says that the values have their channels last."""
    told = call.arguments
    epsilon = told["eps"]
    if call.operator == "instance_norm" and not told["use_input_stats"]:
        raise NoLayer("it takes the mean and variance of its training")
    if call.operator != "layer_norm":
        return GroupNorm(told["num_groups"] if call.operator == "group_norm" else size[0], epsilon)
    over = tuple(told["normalized_shape"])
    if turned and over == size[:1]:
        return PlaceNorm(epsilon)
    if turned or over != size:
        raise NoLayer(
            f"it normalises over {spell(over)} of {spell(size)}: all values of a sample are read, "
            "or with channels last those of each place"
        )
    return LayerNorm(epsilon)
