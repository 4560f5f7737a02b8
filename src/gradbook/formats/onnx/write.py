"""Writes a trained network as an ONNX model: as ONNX's operator for a layer, else as ops."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from gradbook import __version__
from gradbook.arguments import whole
from gradbook.errors import UsageError, not_installed
from gradbook.formats.gates import ONNX, is_known, stack_gates
from gradbook.formats.layer_ops import ops_of
from gradbook.formats.onnx import LEAST_OPSET, USUAL_OPSET
from gradbook.formats.onnx.activation_names import ACTIVATIONS
from gradbook.formats.onnx.nodes import OnnxNodes
from gradbook.formats.onnx.op_words import SAYS, is_one_operator, write_op
from gradbook.formats.own_files import noted_network
from gradbook.layers import Activation, BatchNorm, LayerNorm, SampleNorm
from gradbook.layers.sequences import Embedding, Gru, PositionEmbedding, Recurrent
from gradbook.net.trained import (
    ByFeature,
    Filling,
    OneHot,
    ScaleShift,
    Shares,
    TrainedNet,
    fold_norms,
    strip_idle,
    with_answers,
    with_input_scaling,
    with_tokens,
)

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

BATCH = "N"  # the dimension that is left open


def onnx_bytes(
    trained: TrainedNet,
    opset: int = USUAL_OPSET,
    fold: bool = True,
    with_preparation: bool = False,
) -> bytes:
    """Return the content of an .onnx file.

    Without preparation, its input and output are the network's own; with preparation, its input is
    bytes (or a table's numbers) and its output probabilities (or the predicted number).
    """
    try:
        import onnx
    except ImportError as error:
        raise not_installed("writing an .onnx file", "the package onnx", "onnx") from error
    newest = onnx.defs.onnx_opset_version()
    if not LEAST_OPSET <= whole("the opset", opset, 1) <= newest:
        raise UsageError(
            f"opset {opset}: this installation writes {LEAST_OPSET} to {newest}: use "
            f"{USUAL_OPSET}, which every runtime reads, or install a newer package onnx"
        )
    model = onnx_model(trained, opset, fold, with_preparation)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def onnx_model(
    trained: TrainedNet, opset: int, fold: bool, with_preparation: bool, noted: bool = True
) -> ModelProto:
    """Return the model; if `noted`, its metadata contain the network's text."""
    from onnx import helper

    def simplified(network: TrainedNet) -> TrainedNet:
        return fold_norms(network) if fold else strip_idle(network)

    plain, trained = trained, with_tokens(trained)
    notes = trained.notes(with_preparation or bool(trained.tokens))  # each as JSON under its name
    notes |= noted_network(simplified(plain), with_preparation) if noted else {}
    if with_preparation:
        trained = with_answers(with_input_scaling(trained))
    trained = simplified(trained)
    content = OnnxContent(trained, opset, with_preparation)
    content.write()
    graph = helper.make_graph(
        content.nodes,
        trained.net.name or "network",
        [content.input()],
        [content.output()],
        [*content.tensors.values()],
        doc_string=str(trained.net),
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="gradbook",
        producer_version=__version__,
    )
    helper.set_model_props(model, {name: json.dumps(what) for name, what in notes.items()})
    return model


class OnnxContent(OnnxNodes):
    """The nodes and tensors of a model, added layer by layer."""

    def __init__(self, trained: TrainedNet, opset: int, with_preparation: bool) -> None:
        super().__init__(opset)
        self.trained = trained
        self.with_preparation = with_preparation
        self.takes_bytes = with_preparation and trained.reads_bytes

    # Input and output.

    def input(self) -> ValueInfoProto:
        from onnx import TensorProto, helper

        shape, kind = self.trained.input, TensorProto.FLOAT
        if self.trained.tokens:
            kind = TensorProto.INT64
        if self.takes_bytes:
            kind, picture = TensorProto.UINT8, self.trained.picture or shape
            shape = picture[1:] if picture[0] == 1 and len(picture) == 3 else picture
        tokens = self.trained.tokens
        about = f"the numbers of tokens, from 0 to {tokens - 1}" if tokens else ""
        return helper.make_tensor_value_info(self.called(0), kind, [BATCH, *shape], about)

    def output(self) -> ValueInfoProto:
        from onnx import TensorProto, helper

        name = self.called(len(self.trained.layers))
        shape = [BATCH, *self.trained.output]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def called(self, number: int) -> str:
        """The name of a layer's value, which is that of the layer."""
        if number == 0:
            return "images" if self.takes_bytes else "tokens" if self.trained.tokens else "input"
        if number < len(self.trained.layers):
            return self.trained.layers[number - 1].name
        return "probabilities" if self.with_preparation and self.trained.classes else "output"

    # Layer by layer.

    def write(self) -> None:
        first = self.as_numbers(self.called(0)) if self.takes_bytes else self.called(0)
        for number, layer in enumerate(self.trained.layers, 1):
            self.layer = layer
            if self.looks_up(number + 1) or self.looks_up(number + 2):
                continue
            inputs = {k: self.called(k) if k else first for k in layer.reads}
            if not self.in_its_own_words(inputs[layer.reads[0]], self.called(number)):
                self.in_ops(inputs, self.called(number))

    def looks_up(self, number: int) -> bool:
        """Whether this layer looks up a vector for each token and nothing else reads the tokens."""
        kinds = [type(layer.layer) for layer in self.trained.layers[:3]]
        read_once = all(len(self.trained.readers(value)) == 1 for value in range(3))
        return number == 3 and kinds == [OneHot, ByFeature, Embedding] and read_once

    def as_numbers(self, images: str) -> str:
        """Convert bytes to floats, in the network's input shape."""
        from onnx import TensorProto

        floats = self.node("Cast", [images], "floats", to=TensorProto.FLOAT)
        shape = np.array([-1, *self.trained.input], np.int64)
        return self.node("Reshape", [floats, self.tensor("input.shape", shape)], "shaped")

    def in_ops(self, inputs: dict[int, str], result: str) -> None:
        layer = self.layer
        if isinstance(layer.layer, ScaleShift):  # one number if all are equal
            tensors = layer.tensors.items()
            alike = {name: x.ravel()[:1] for name, x in tensors if (x == x.flat[0]).all()}
            layer = layer.with_tensors(**alike)
        self.ops = ops = ops_of(self.trained, layer, SAYS)
        self.written = {node: (inputs[number], node.shape) for number, node in ops.inputs.items()}
        merging = (node.inputs[0] for node in ops.steps if is_one_operator(node))
        self.merged = frozenset(node for node in merging if ops.uses[node] == 1)
        if not ops.steps:  # a flatten of a flat value
            self.node("Identity", [self.value(ops.output)], result)
        for node in ops.steps:
            if node in self.merged:
                continue
            is_mean = node.op.name == "divide" and node.inputs[0] in self.merged
            word = (node.name and node.name.word) or ("mean" if is_mean else node.op.name)
            last = node is ops.steps[-1]
            name = result if last else self.unused(f"{layer.name}.{word}")
            self.written[node] = write_op(self, node, name)

    def in_its_own_words(self, x: str, name: str) -> bool:
        """Write the layer as one ONNX operator; return whether there is one."""
        trained = self.layer
        match trained.layer:
            case BatchNorm(epsilon):
                tensors = [self.shared(word, array) for word, array in trained.tensors.items()]
                self.node("BatchNormalization", [x, *tensors], name, epsilon=epsilon)
            case Activation(is_softmax=True) as layer:
                self.softmax(layer, x, name)
            case SampleNorm() as layer if layer.channel_groups(trained.input):
                self.normalise(layer, x, name)
            case Recurrent() as layer if is_known(layer):
                self.recur(layer, x, name)
            case PositionEmbedding():
                bias = self.shared("bias", trained.tensors["bias"].reshape(trained.input))
                self.node("Add", [x, bias], name)
            case OneHot(tokens):
                ones = self.tensor(f"{trained.name}.ones", np.eye(tokens))
                self.node("Gather", [ones, x], name)  # unlike OneHot, it refuses other numbers
            case Embedding() if self.looks_up(self.trained.layers.index(trained) + 1):
                table = self.shared("weight", trained.tensors["weight"][..., 0, 0].T)
                rows = self.node("Gather", [table, self.called(0)], f"{trained.name}.rows")
                turned = self.node("Transpose", [rows], f"{trained.name}.turned", perm=[0, 2, 1])
                self.laid_out(turned, trained.output, name)
            case Shares():
                self.node("LpNormalization", [x], name, p=1, axis=1)
            case Filling():
                missing = self.node("IsNaN", [x], f"{trained.name}.is")
                filling = self.shared("filling", trained.tensors["filling"])
                self.node("Where", [missing, filling, x], name)
            case _:
                return False
        return True

    def softmax(self, layer: Activation, x: str, name: str) -> None:
        """Take sequences' softmax over a last axis, which means the same in every opset."""
        word = ACTIVATIONS[layer.kind].operator
        if len(self.layer.input) == 1:
            self.node(word, [x], name, axis=1)
            return
        last = self.node("Transpose", [x], f"{self.layer.name}.last", perm=[0, 2, 3, 1])
        shares = self.node(word, [last], f"{self.layer.name}.shares", axis=3)
        self.node("Transpose", [shares], name, perm=[0, 3, 1, 2])

    def normalise(self, layer: SampleNorm, x: str, result: str) -> None:
        """Use the one operator that every opset has: each group is a channel of an instance."""
        trained, name, groups = self.layer, self.layer.name, layer.groups_in(self.layer.input)
        ones, zeros = (
            self.tensor(f"{name}.{word}", np.full(groups, number))
            for word, number in (("ones", 1.0), ("zeros", 0.0))
        )
        apart = self.laid_out(x, (groups, -1), f"{name}.groups")
        word, inputs = "InstanceNormalization", [apart, ones, zeros]
        centred = self.node(word, inputs, f"{name}.centred", epsilon=layer.epsilon)
        size, tensors = trained.input, trained.tensors
        normal = self.laid_out(centred, size, f"{name}.normal")
        shape = size if isinstance(layer, LayerNorm) else (-1, *(1,) * (len(size) - 1))
        scale, shift = (self.shared(n, tensors[n].reshape(shape)) for n in ("scale", "shift"))
        self.node("Add", [self.node("Mul", [normal, scale], f"{name}.scaled"), shift], result)

    def recur(self, layer: Recurrent, x: str, name: str) -> None:
        """Use ONNX's operator, which reads (steps, samples, features)."""
        trained, (features, _, steps) = self.layer, self.layer.input
        x = self.node("Transpose", [x], f"{trained.name}.turned", perm=[3, 0, 1, 2])
        shape = self.sizes(trained.name, "steps_shape", [steps, -1, features])
        x = self.node("Reshape", [x, shape], f"{trained.name}.steps")
        stack = stack_gates(trained, ONNX.of(layer))
        inputs = [x, self.shared("weight", stack.input_weight[None])]
        inputs.append(self.shared("recurrent_weight", stack.state_weight[None]))
        if stack.bias is not None and stack.state_bias is not None:
            inputs.append(self.shared("bias", np.concatenate([stack.bias, stack.state_bias])[None]))
        settings = {"hidden_size": layer.width}
        if isinstance(layer, Gru):
            settings["linear_before_reset"] = int(not layer.reset_before)
        states = f"{trained.name}.states"
        if layer.all:
            self.node(layer.word.upper(), inputs, states, **settings)
            self.node("Transpose", [states], name, perm=[2, 3, 1, 0])
        else:
            self.node(layer.word.upper(), inputs, "", states, **settings)
            last = self.sizes(trained.name, "last_shape", [-1, layer.width])
            self.node("Reshape", [states, last], name)
