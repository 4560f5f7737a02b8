"""The content of an ONNX file: its nodes that matter, its constants, what goes in and comes out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.errors import DataError, TargetError
from gradbook.files import opened
from gradbook.models.imported import Notes, require_few
from gradbook.models.onnx.ends import end_of
from gradbook.models.onnx.reckoning import FOLDED, Constants, worked_out
from gradbook.models.onnx.wire import require_modest

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto


UINT8 = 2  # as ONNX numbers its types


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """One value goes in, one comes out; `nodes` are those between them, in their order."""

    nodes: tuple[NodeProto, ...]
    constants: Constants
    given: str
    shape: tuple[int, ...]  # of what goes in, without the images' number
    is_bytes: bool
    made: str
    both: bool  # 1 − p and p are made of it afterwards
    notes: Notes
    opset: int

    def first_name(self, constant: str) -> str:
        """What a constant was called first: exporters give those of layers that are called several
        times more names."""
        array = self.constants[constant]
        return next(name for name, one in self.constants.items() if one is array)

    def readers(self, value: str) -> list[NodeProto]:
        """The nodes that read a value itself, and not its shape or whether it is there."""
        asking = ("Shape", "IsNaN")
        return [node for node in self.nodes if value in node.input and node.op_type not in asking]


def read_content(path: Path) -> OnnxGraph:
    try:
        import onnx
    except ImportError as error:
        raise TargetError(
            "an .onnx file is read with the package onnx, which isn't installed: "
            "pip install 'gradbook[onnx]'"
        ) from error
    with opened(path, limits.FOREIGN) as file:
        content = file.read(limits.FOREIGN.most)
    try:
        require_modest(content, onnx.ModelProto.DESCRIPTOR)
        model = onnx.load_from_string(content)
        del content
        constants = _constants(model.graph, path)
        onnx.checker.check_model(_without_data(model), full_check=False)
        return _content(model, constants)
    except DataError as error:
        raise DataError(error.message, file=os.fspath(path)) from error
    except Exception as error:  # protobuf and the checker have errors of many kinds
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(
            f"no ONNX model that can be read ({first})", file=os.fspath(path)
        ) from error


def _without_data(model: ModelProto) -> ModelProto:
    """The model with tensors of nothing: what is checked is how it is built."""
    from onnx import TensorProto

    for tensor in model.graph.initializer:
        empty = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=[0], raw_data=b"")
        tensor.CopyFrom(empty)
    return model


def _constants(graph: GraphProto, path: Path) -> dict[str, NDArray[Any]]:
    if len(graph.node) > limits.LAYERS.most:
        raise DataError(f"{len(graph.node):,} nodes, and at most {limits.LAYERS} are read")
    require_few(os.fspath(path), {tensor.name: tuple(tensor.dims) for tensor in graph.initializer})
    return {tensor.name: _array(tensor, path) for tensor in graph.initializer}


def _content(model: ModelProto, constants: dict[str, NDArray[Any]]) -> OnnxGraph:
    graph = model.graph
    given = [value for value in graph.input if value.name not in constants]
    columns = _columns(graph, {value.name: value for value in given})
    if not columns and len(given) != 1:
        raise DataError(
            f"{len(given)} inputs: read is one, or columns of one number each that are put together"
        )
    kind = given[0].type.tensor_type
    sizes = (len(given),) if columns else tuple(d.dim_value for d in kind.shape.dim)[1:]
    if not sizes or not all(sizes):
        raise DataError("the size of its input isn't told: export it with one")
    told = {entry.key: entry.value for entry in model.metadata_props}
    together = _put_together(graph, columns) if columns else None
    if together is not None:
        graph.node.remove(together)
    _gather_constants(graph, constants)
    end, notes = end_of(graph, constants), _notes(told)
    notes = replace(
        notes,
        classes=notes.classes or end.classes,
        probabilities=end.probabilities,
        columns=notes.columns or tuple((name, ()) for name in columns),
    )
    return OnnxGraph(
        tuple(_needed(graph, constants, end.made)),
        constants,
        given[0].name if together is None else together.output[0],
        sizes,
        kind.elem_type == UINT8,
        end.made,
        end.both,
        notes,
        max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=13),
    )


def _columns(graph: GraphProto, given: Mapping[str, ValueInfoProto]) -> tuple[str, ...]:
    """The names of inputs that are a table's columns, put side by side before all else."""
    one = _put_together(graph, tuple(given)) if len(given) > 1 else None
    sizes = (value.type.tensor_type.shape.dim for value in given.values())
    if one is None or any([d.dim_value for d in dims[1:]] != [1] for dims in sizes):
        return ()
    return tuple(one.input)


def _put_together(graph: GraphProto, names: Sequence[str]) -> NodeProto | None:
    """The node that puts these inputs side by side, and is alone in reading them."""
    readers = [node for node in graph.node if {*node.input} & {*names}]
    alone = len(readers) == 1 and readers[0].op_type in ("Concat", "FeatureVectorizer")
    return readers[0] if alone and sorted(readers[0].input) == sorted(names) else None


def _array(tensor: TensorProto, path: Path) -> NDArray[Any]:
    """A tensor's values, those in another file only from beside this one."""
    from onnx import TensorProto, helper, numpy_helper

    if tensor.data_location != TensorProto.EXTERNAL:
        return np.asarray(numpy_helper.to_array(tensor))
    told = {entry.key: entry.value for entry in tensor.external_data}
    name = told.get("location", "")
    if not name or name != os.path.basename(name) or name in (".", ".."):
        raise DataError(
            f"the values of '{tensor.name}' are said to stand in '{name}': files beside this one "
            "are read, and no others"
        )
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    size = prod(tensor.dims) * kind.itemsize
    with opened(path.with_name(name), limits.FOREIGN) as file:
        file.seek(int(told.get("offset", 0)))
        content = file.read(size)
    return np.frombuffer(content, kind).reshape(tuple(tensor.dims))


def _gather_constants(graph: GraphProto, constants: dict[str, NDArray[Any]]) -> None:
    """What stands in nodes of its own goes to the others."""
    from onnx import numpy_helper

    for node in graph.node:
        if node.op_type in FOLDED:
            constants.update(worked_out(node, constants))
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
        if node.op_type != "Constant":
            continue
        for attribute in node.attribute:
            if attribute.name == "value":
                constants[node.output[0]] = np.asarray(numpy_helper.to_array(attribute.t))
            elif attribute.name in ("value_float", "value_int"):
                constants[node.output[0]] = np.asarray(attribute.f or attribute.i)
            elif attribute.name in ("value_floats", "value_ints"):
                constants[node.output[0]] = np.asarray(attribute.floats or attribute.ints)


def _needed(graph: GraphProto, constants: Constants, made: str) -> list[NodeProto]:
    """The nodes that a value depends on."""
    wanted = {made}
    chosen: list[NodeProto] = []
    for node in reversed(graph.node):
        if wanted & set(node.output) and node.output[0] not in constants:
            wanted.update(node.input)
            chosen.append(node)
    return chosen[::-1]


def _notes(told: Mapping[str, str]) -> Notes:
    """Each stands as JSON under its name."""
    found = {}
    for name in ("preparation", "classes", "inputs", "targets", "spread", "missing"):
        with suppress(ValueError, RecursionError):
            found[name] = json.loads(told.get(name, ""))
    return Notes.of(found)
