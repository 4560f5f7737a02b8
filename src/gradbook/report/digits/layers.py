"""What each layer makes, as a page's table: its shape, what it reads, by which weights.

The table also says where its values, and the gradients that arrive at them, lie among all that the
page's module gives of an image.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from math import prod
from typing import Any

from gradbook.engine.wasm import reached_names, shown_names
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node
from gradbook.graph.window import Shape
from gradbook.layers import (
    BatchNorm,
    Concat,
    GoBack,
    GroupNorm,
    Layer,
    LayerNorm,
    LayerSite,
    Loss,
    PlaceNorm,
    Residual,
    Role,
    SampleNorm,
)
from gradbook.net import Activation, Conv, Dense, Net, Pool
from gradbook.net.names import leaf_name, statistics_names, value_name
from gradbook.net.work.at_work import last_value
from gradbook.palette import colour_of
from gradbook.targets.drawing.layout import spelled
from gradbook.targets.page.lines import written

IMAGE = -1  # the number of what the first layer reads
KINDS = {
    Conv: "conv",
    Dense: "dense",
    BatchNorm: "batchnorm",
    GroupNorm: "groupnorm",
    LayerNorm: "layernorm",
    PlaceNorm: "placenorm",
    Residual: "add",
    Concat: "concat",
    GoBack: "concat",  # of one value
}
ERROR = 0  # where the error lies; the gradients follow it, and then the values


def layer_table(net: Net) -> list[dict[str, Any]]:
    """A row for each layer that makes values of its own, in order."""
    rows: list[dict[str, Any]] = []
    places, numbers = _places(net), row_numbers(net)
    for index, layer in enumerate(net.layers):
        if layer.passes_on:
            continue
        name = str(value_name(net, index))
        rows.append(
            {
                **_name(net, index),
                "words": layer.text,
                "shape": _as_maps(net.shapes[index + 1]),
                "first": places[name],
                "gradient": places.get(f"∂E/∂{name}"),
                "reads": [numbers[value] for value in layer.reads(index)],
                **_computed(net, index),
            }
        )
    return rows


def error_table(net: Net) -> dict[str, Any]:
    """Where the page finds the error and the image's gradient, and what the error is made of."""
    return {
        "words": str(net.objective),
        "place": ERROR,
        "image": _places(net)["∂E/∂i"],
        "last": row_numbers(net)[last_value(net)],
        "smoothing": net.smoothing,
        "isEntropy": net.objective.is_entropy,
        "over": net.outputs if net.objective is Loss.BINARY else 1,  # so many errors it is the mean
    }


def row_numbers(net: Net) -> list[int]:
    """Of each value of the network the row in which it stands."""
    numbers = [IMAGE]
    for layer in net.layers:
        numbers.append(numbers[-1] if layer.passes_on else max(numbers) + 1)
    return numbers


def _places(net: Net) -> dict[str, int]:
    """Where each value begins, and each gradient, among all that the module gives of an image."""
    sizes = {"i": prod(net.input)}
    sizes |= {
        str(value_name(net, k)): prod(net.shapes[k + 1])
        for k, layer in enumerate(net.layers)
        if not layer.passes_on
    }
    order = [(f"∂E/∂{name}", sizes[name]) for name in reached_names(net)]
    order += [(name, sizes[name]) for name in shown_names(net)]
    begins = accumulate((size for _, size in order), initial=ERROR + 1)
    return dict(zip([name for name, _ in order] + ["end"], begins, strict=True))


def values_given(net: Net) -> int:
    """How many values the module gives of an image."""
    return _places(net)["end"]


def _as_maps(shape: Shape) -> tuple[int, int, int]:
    channels, rows, columns = (*shape, 1, 1)[:3]
    return channels, rows, columns


def _name(net: Net, index: int) -> dict[str, str]:
    name = value_name(net, index)
    letter, below = spelled(name)
    kind = colour_of(name.stem, owned=name.of is not None).key
    return {"name": str(name), "letter": letter, "below": below, "colour": kind}


def _computed(net: Net, index: int) -> dict[str, Any]:
    """By which rule, and with what."""
    layer = net.layers[index]
    own = {p.role: str(leaf_name(p.role, p.layer)) for p in net.taken(index)}
    shape = net.shapes[index]
    window = layer.window(shape) if len(shape) == 3 else None
    return {
        "kind": _kind(layer),
        "weights": own.get(Role.WEIGHT, ""),
        "biases": own.get(Role.BIAS, ""),
        "groups": _groups(layer, shape),
        "window": window
        and {
            "size": window.size,
            "stride": window.stride,
            "pad": window.pad[:2],
            "dilation": window.dilation,
            "counted": layer.counted_padding(shape) if isinstance(layer, Pool) else (0, 0, 0, 0),
        },
        "statistics": _statistics(net, index, layer, own),
        "epsilon": layer.epsilon if isinstance(layer, BatchNorm | SampleNorm) else 0,
        "slope": _slope(net, index),
    }


def _groups(layer: Layer, shape: Shape) -> int:
    if isinstance(layer, SampleNorm):
        return layer.groups_in(shape)
    return layer.groups if isinstance(layer, Conv) else 1


def _kind(layer: Layer) -> str:
    match layer:
        case Pool():
            return f"{layer.kind}pool"
        case Activation():
            return layer.kind if layer.is_softmax else "activation"
    return KINDS[type(layer)]


def _statistics(net: Net, index: int, layer: Layer, own: dict[Role, str]) -> list[str]:
    """Scale and shift of a normalisation by their arrays' names; of a batch's its mean and
    variance before them."""
    if isinstance(layer, SampleNorm):
        return [own[Role.SCALE], own[Role.SHIFT]]
    if not isinstance(layer, BatchNorm):
        return []
    return [*map(str, statistics_names(net, index)), own[Role.SCALE], own[Role.SHIFT]]


def _slope(net: Net, index: int) -> dict[str, Any] | None:
    """How the values at its own place change one that a layer makes, with what it keeps: lines for
    the page's machine."""
    layer = net.layers[index]
    if not (layer.elementwise or layer.mixes_samples):
        return None
    graph = Graph()
    given = [graph.leaf(Name("x", (k,))) for k, _ in enumerate(layer.reads(index))]
    owned = [graph.leaf(Name(it.role)) for it in net.taken(index)]
    names = Name("y"), Name("x")
    site = LayerSite(graph, index, None, *names, (), 1, outside=False, training=False)
    made = layer.ops(site, given, owned)
    slopes = gradients(made, given)
    kept = [*site.statistics, *owned]
    lines = written([*given, *kept, *slopes.values()])

    def places(nodes: Iterable[Node]) -> list[int]:
        return [lines.places[node] for node in nodes]

    return {
        "lines": lines.lines,
        "given": places(given),
        "kept": places(kept),
        "slopes": places(slopes[value] for value in given),
    }
