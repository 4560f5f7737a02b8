"""A table of the PyTorch call for each op, for layers without a PyTorch module or function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradbook.formats.expressions import ARITHMETIC, Expression, literal, places, put_into
from gradbook.formats.layer_ops import LayerOps, as_slice
from gradbook.formats.torch.activation_names import ACTIVATIONS
from gradbook.graph.node import Node
from gradbook.layers.activations import Activation
from gradbook.lowering import OTHER_FORMAT, Vocabulary

OF_EACH = {
    **ARITHMETIC,
    "exp": "torch.exp({0})",
    "log": "torch.log({0})",
    "sqrt": "torch.sqrt({0})",
    "floor": "torch.floor({0})",
    "sin": "torch.sin({0})",
    "cos": "torch.cos({0})",
    "atan": "torch.atan({0})",
    "choose": "torch.where({0} > 0, {1}, {2})",
    "normal_share": "torch.special.ndtr({0})",
    "largest": "torch.stack(torch.broadcast_tensors({all})).amax(0)",
    **{
        Activation(kind).word: word
        for kind, word in ACTIVATIONS.items()
        if not Activation(kind).is_softmax and kind not in ("identity", "leaky relu")
    },
}
CALLS = {  # {shape} is the shape of a sample; {a} are the op's own settings
    "copy": "{0}",
    "reshape": "{0}.reshape({n}{shape})",
    "spread": "{0}[..., {tail}].expand({n}{shape})",
    "spread_channels": "{0}.expand({n}{shape})",
    "sum": "{0}.sum({last})",
    "sum_channels": "{0}.sum(-3, keepdim=True)",
    "log_sum_exp_all": "{0}.logsumexp(-1)",
    "concat": "torch.cat([{all}], 1)",
    "pick": "{picked}",
    "by_feature": "{0}.transpose(1, 2)[:, :, None]",
    "by_step": "{0}[:, :, 0].transpose(1, 2)",
    "step": "{0}[:, :, 0, {a[0]}]",
    "stack": "torch.stack([{all}], -1)[:, :, None]",
    "linear": "F.linear({1}, {0})",
    "conv": "F.conv2d({framed}, {0}, None, {a[0].stride}, 0, {a[0].dilation}, {a[1]})",
}
SAYS = Vocabulary("PyTorch", frozenset({*OF_EACH, *CALLS, "leaf"}), OTHER_FORMAT)


@dataclass
class TorchOps:
    """Writes a layer as an expression. A value that is read more than once is assigned to a name
    first, in the lines so far."""

    name: str
    module: str  # the module whose parameters it reads
    lines: list[str]

    def write(self, ops: LayerOps, values: Mapping[int, Expression]) -> Expression:
        self.expressions = {node: values[number] for number, node in ops.inputs.items()}
        self.expressions |= {
            leaf: Expression(f"self.{self.module}_{name}") for leaf, name in ops.tensors.items()
        }
        count = 0
        for node in ops.steps:
            written = self._value(node)
            if ops.uses[node] > 1 and node is not ops.output:
                count += 1
                self.lines.append(f"{self.name}_{count} = {written.text}")
                written = Expression(f"{self.name}_{count}")
            self.expressions[node] = written
        return self.expressions[ops.output]

    def _value(self, node: Node) -> Expression:
        """Write a value; one that no sample changes is computed from parameters each time."""
        if node in self.expressions:
            return self.expressions[node]
        if node.is_constant():
            return literal(node.number)
        if simpler := SAYS.simpler(node):
            return self._value(simpler)
        inputs = [self._value(x) for x in node.inputs]
        if node.op.name in OF_EACH:
            alone = "{0}[..., " + ", ".join(["None"] * len(node.shape)) + "]"
            inputs = [
                put_into(alone, value) if x.each and node.shape and not x.shape else value
                for value, x in zip(inputs, node.inputs, strict=True)
            ]
        names = places(len(inputs))
        words: dict[str, Any] = {"all": ", ".join(names), "a": node.attributes}
        words |= {"shape": ", ".join(map(str, node.shape)), "n": "-1, " * node.each}
        more = len(node.shape) - len(node.inputs[0].shape)
        words |= {"tail": ", ".join(["None"] * more), "last": tuple(range(more, 0))}
        if node.op.name == "conv":
            window: Any = node.attributes[0]
            top, left, below, right = window.pad
            words["framed"] = f"F.pad({names[1]}, ({left}, {right}, {top}, {below}))"
        if node.op.name == "pick":
            words["picked"] = _picked(names[0], *node.attributes)
        return put_into(OF_EACH.get(node.op.name) or CALLS[node.op.name], *inputs, **words)


def _picked(x: str, axis: Any, places: Any, axes: Any) -> str:
    """Index along an axis; blank places read zeros that are put before the first one."""
    before = ", ".join([":"] * (1 + axis))
    if min(places) >= 0:
        return f"{x}[{before}, {as_slice(places)}]"
    ends = ", ".join(["0, 0"] * (axes - axis - 1) + ["1, 0"])
    return f"F.pad({x}, ({ends}))[{before}, {[place + 1 for place in places]}]"
