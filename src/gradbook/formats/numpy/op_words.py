"""A table of the NumPy expression for each op, and the lines that a layer becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from gradbook.formats.expressions import ARITHMETIC, Expression, literal, places, put_into
from gradbook.formats.layer_ops import LayerOps, as_slice
from gradbook.graph.node import Node, ancestors, same_shape
from gradbook.graph.window import NOWHERE, Window
from gradbook.lowering import OTHER_FORMAT, Vocabulary

WIDEST_PART = 44  # characters of a nested expression; a longer one gets a name
OF_EACH = {
    **ARITHMETIC,
    "exp": "np.exp({0})",
    "log": "np.log({0})",
    "sqrt": "np.sqrt({0})",
    "floor": "np.floor({0})",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "atan": "np.arctan({0})",
    "choose": "np.where({0} > 0, {1}, {2})",
    "tanh": "np.tanh({0})",
    "relu": "np.maximum({0}, 0)",
    "softplus": "np.logaddexp(0, {0})",
    "sigmoid": "sigmoid({0})",
    "normal_share": "normal_share({0})",
    "largest": "{largest}",
}
CALLS = {  # {shape} is the shape of a sample; {a} are the op's own settings
    "copy": "{0}",
    "reshape": "{0}.reshape({n}{shape})",
    "spread": "{0}[..., {tail}]",
    "spread_channels": "np.repeat({0}, {a[0]}, axis=-3)",
    "sum": "{0}.sum({last})",
    "sum_channels": "{0}.sum(-3, keepdims=True)",
    "log_sum_exp_all": "np.logaddexp.reduce({0}, -1)",
    "concat": "np.concatenate([{all}], -{a[0]})",
    "pick": "{picked}",
    "by_feature": "{0}.swapaxes(-1, -2)[..., None, :]",
    "by_step": "{0}[..., 0, :].swapaxes(-1, -2)",
    "step": "{0}[..., 0, {a[0]}]",
    "stack": "np.stack([{all}], -1)[..., None, :]",
    "unpooled": "{0}.repeat({w.size[0]}, -2).repeat({w.size[1]}, -1)",
    "linear": "{1} @ {0}.T",
    "conv": "conv({1}, {0}{window}{groups})",
    "conv_back": "conv_back({1}, {0}, {a[0]}{window}{groups})",
    "maxpool": "maxpool({0}, {w.size}{window})",
    "avgpool": "avgpool({0}, {w.size}{window}{counted})",
    "scores": "scores({0}, {1}, {a[0]})",
    "shares": "shares({0}, causal={a[0]})",
    "weigh": "weigh({0}, {1})",
}
SAYS = Vocabulary("NumPy", frozenset({*OF_EACH, *CALLS, "leaf", "constant"}), OTHER_FORMAT)


@dataclass
class NumpyOps:
    """Writes a layer as assignments. A value that is long or read more than once gets a name."""

    ops: LayerOps
    name: str
    written: dict[Node, Expression]  # the values that it reads, and the layer's tensors
    lines: list[tuple[str, Expression]] = field(default_factory=list)  # each name and its value

    def write(self) -> list[tuple[str, Expression]]:
        """Return the assignments; the last is the layer's value."""
        order = list(self._order())
        uses = Counter(x for node in order for x in node.inputs)
        for node in order:
            value = self._value(node, order)
            if node is self.ops.output:
                self.lines.append((self.name, value))
            elif uses[node] > 1 or len(value.text) > WIDEST_PART:
                name = f"{self.name}_{len(self.lines) + 1}"
                self.lines.append((name, value))
                value = Expression(name)
            self.written[node] = value
        return self.lines

    def _order(self) -> Iterator[Node]:
        """List all nodes to write, with every op expanded to those that NumPy has."""
        nodes = ancestors([self.ops.output], stop=self.written, sources=SAYS.sources)
        return (node for node in SAYS.complete(nodes) if node not in self.written)

    def _value(self, node: Node, order: Sequence[Node]) -> Expression:
        if node.is_constant():
            return literal(node.number)
        if simpler := SAYS.simpler(node):
            return self.written[simpler]
        inputs = [self.written[x] for x in node.inputs]
        if node.op.name in OF_EACH and node.shape:
            axes = ", ".join(["None"] * len(node.shape))
            for k, source in enumerate(node.inputs):
                if source.each and not source.shape:  # a single value per sample meets larger ones
                    inputs[k] = put_into(f"{{0}}[..., {axes}]", inputs[k])
        pattern = OF_EACH.get(node.op.name) or CALLS[node.op.name]
        value = put_into(pattern, *inputs, **_settings(node))
        if node.op.name == "spread" and not _repeats_by_itself(node, order, self.ops.output):
            sides = [*(["len({1})"] if node.each else []), *map(str, node.shape)]
            return put_into(f"np.broadcast_to({{0}}, ({', '.join(sides)},))", value, inputs[0])
        return value


def _repeats_by_itself(node: Node, order: Sequence[Node], result: Node) -> bool:
    """Whether each reader combines it with values of the whole shape."""
    return node is not result and all(
        reader.op.shape is same_shape
        and any(x.shape == node.shape and x.op.name != "spread" for x in reader.inputs)
        for reader in order
        if node in reader.inputs
    )


def _settings(node: Node) -> Mapping[str, Any]:
    """The values of the placeholders in the table, beside the inputs."""
    inputs = places(len(node.inputs))
    window = next((x for x in node.attributes if isinstance(x, Window)), Window((1, 1)))
    usual = Window(window.size)
    moves = (
        f", {name}={getattr(window, name)}"
        for name in ("stride", "pad", "dilation")
        if getattr(window, name) != getattr(usual, name)
    )
    groups = node.attributes[-1] if node.op.name in ("conv", "conv_back") else 1
    counts = node.op.name == "avgpool" and node.attributes[1] != NOWHERE
    more = len(node.shape) - len(node.inputs[0].shape)
    return {
        "a": node.attributes,
        "all": ", ".join(inputs),
        "counted": f", counted={node.attributes[1]}" if counts else "",
        "groups": f", groups={groups}" if groups != 1 else "",
        "largest": reduce(lambda x, y: f"np.maximum({x}, {y})", inputs),
        "last": tuple(range(more, 0)),
        "n": "-1, " * node.each,
        "picked": _picked(inputs[0], *node.attributes) if node.op.name == "pick" else "",
        "shape": ", ".join(map(str, node.shape)) or "()" * (not node.each),
        "tail": ", ".join(["None"] * more),
        "w": window,
        "window": "".join(moves),
    }


def _picked(x: str, axis: Any, places: Any, axes: Any) -> str:
    """Index along an axis; blank places read zeros that are put before the first one."""
    after = "".join([", :"] * (axes - axis - 1))
    if min(places) >= 0:
        return f"{x}[..., {as_slice(places)}{after}]"
    ends = ", ".join([*["(0, 0)"] * (1 + axis), "(1, 0)", *["(0, 0)"] * (axes - axis - 1)])
    return f"np.pad({x}, [{ends}])[..., {[place + 1 for place in places]}{after}]"
