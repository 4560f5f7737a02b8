"""The content of an ONNX file: its relevant nodes, its constants, its input and its output."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.errors import DataError, not_installed
from gradbook.files import open_file
from gradbook.formats.foreign import Fixed, ForeignGraph, ForeignOp
from gradbook.formats.imported import Notes, require_few
from gradbook.formats.layouts import ways_in

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto


# The size of a file's content, counted before objects are made of it.
#
# Protobuf writes a message as fields: a key (the field's number and how the value is written) and a
# value. A nested message may take only two bytes in the file, but hundreds of times as much memory
# once it is parsed.

Descriptor = Any  # protobuf's classes have no type hints
VARIED, EIGHT, LONG, FOUR = 0, 1, 2, 5  # the ways of writing a value
MOST_BITS = 70  # in a number
CUT = "it is cut short, or it isn't an ONNX file"


class Within:
    """The fields of a message type that can grow when they are parsed."""

    def __init__(self) -> None:
        self.messages: dict[int, Within] = {}
        self.numbers: set[int] = set()  # fields of packed integers, each at least a byte


def require_modest(content: bytes, kind: Descriptor) -> None:
    """Refuse a message that would take much more memory than its bytes once it is parsed."""
    fields, numbers, at = 0, 0, 0
    waiting = [(len(content), fields_of(kind, {}))]
    while waiting:
        end, within = waiting[-1]
        if at == end:
            waiting.pop()
            continue
        key, at = _number(content, at, end)
        fields += 1
        if fields > limits.FIELDS.most:
            raise DataError(f"more than {limits.FIELDS} fields, the most that can be read")
        number, how = key >> 3, key & 7
        if how == LONG:
            size, at = _number(content, at, end)
            if at + size > end:
                raise DataError(CUT)
            inner = within.messages.get(number)
            if inner is not None:
                waiting.append((at + size, inner))
                if len(waiting) > limits.DEPTH.most:
                    raise DataError(f"more than {limits.DEPTH} messages within each other")
                continue
            numbers += size if number in within.numbers else 0
            if numbers > limits.VALUES.most:
                raise DataError(f"more than {limits.VALUES}, the most that can be read")
            at += size
        elif how == VARIED:
            _, at = _number(content, at, end)
        elif how in (EIGHT, FOUR):
            at += 8 if how == EIGHT else 4
        else:
            raise DataError(CUT)
        if at > end:
            raise DataError(CUT)


def _number(content: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a variable-length integer, seven bits per byte; return it and its end."""
    number = shift = 0
    while at < end and shift < MOST_BITS:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise DataError(CUT)


def fields_of(kind: Descriptor, indexed: dict[str, Within]) -> Within:
    """Index a message type by field numbers; types may nest in themselves, so each is done once."""
    if kind.full_name in indexed:
        return indexed[kind.full_name]
    fields = indexed[kind.full_name] = Within()
    for field in kind.fields:
        if field.message_type is not None:
            fields.messages[field.number] = fields_of(field.message_type, indexed)
        elif field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64, field.CPPTYPE_UINT64):
            fields.numbers.add(field.number)
    return fields


# The end of a network: which output is its own, and the names of its classes.
#
# Exporters append more than the network: the likeliest class's label beside the probabilities, a
# map from names to them, 1 − p beside p, normalised shares of several sigmoids.

FLOATS = (1, 10, 11)  # 32, 16 and 64 bits, by ONNX's numbers of types
Constants = Mapping[str, NDArray[Any]]
LABELS = ("classlabels_strings", "classlabels_ints", "classlabels_int64s")
PASSING = ("Identity", "Cast")
SURE = ("SOFTMAX", "LOGISTIC")  # how a LinearClassifier turns its sums into probabilities


@dataclass(frozen=True)
class NetworkEnd:
    """The network's own last value, whether probabilities are made of it, and its classes."""

    value: str
    probabilities: bool = False
    has_complement: bool = False  # 1 − p is put beside its output p
    classes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()  # for independent labels, any number of which may hold


def end_of(graph: GraphProto, constants: Constants) -> NetworkEnd:
    makers = {result: node for node in graph.node for result in node.output}
    values: list[str] = []
    labels: list[str] = []
    for output in graph.output:
        kind = output.type.tensor_type.elem_type
        is_map = output.type.WhichOneof("value") == "sequence_type"
        (values if is_map or kind in FLOATS else labels).append(output.name)
    if len(values) != 1:
        words = ", ".join(values or labels)
        which = "numbers" if values else "only labels"
        raise DataError(
            f"it has {len(values or labels)} outputs of {which} ({words}): only one output of "
            "numbers can be read, with or without the label of a class"
        )
    paths = [node for name in labels for node in _path(name, makers)]
    classes = [_names(node, constants) for node in paths]
    name = values[0]
    last = makers.get(name)
    if last is not None and last.op_type == "ZipMap":
        classes.append(_names(last, constants))
        name = last.input[0]
    end = _probabilities(name, makers, constants)
    classes += [_names(node, constants) for node in _path(end.value, makers)]
    class_names = next(filter(None, classes), ())
    source = _maker(end.value, makers)
    is_sigmoid = not end.probabilities and source is not None and source.op_type == "Sigmoid"
    if is_sigmoid and any(node.op_type == "Binarizer" for node in paths):  # each is compared with ½
        return NetworkEnd(end.value, labels=class_names or ("",))
    probabilities = end.probabilities or bool(class_names)
    return NetworkEnd(end.value, probabilities, end.has_complement, class_names)


def _path(name: str, makers: Mapping[str, NodeProto]) -> Iterator[NodeProto]:
    """Yield the nodes that lead to a label, from the last to the first."""
    for _ in range(limits.SIDES.most):
        node = makers.get(name)
        if node is None:
            return
        yield node
        if node.op_type not in (*PASSING, "Reshape"):
            return
        name = node.input[0]


def _names(node: NodeProto, constants: Constants) -> tuple[str, ...]:
    """Read class names from a map, a linear classifier, or a label lookup."""
    from onnx import helper

    if node.op_type == "ArrayFeatureExtractor":
        names = constants.get(node.input[0], np.zeros(0)).ravel()[: limits.CLASSES.most]
        return tuple(_name(name) for name in names.tolist())
    lists = (helper.get_attribute_value(name) for name in node.attribute if name.name in LABELS)
    return next((tuple(map(_name, names)) for names in lists if names), ())


def _name(label: object) -> str:
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)


def _probabilities(name: str, makers: Mapping[str, NodeProto], constants: Constants) -> NetworkEnd:
    """Return the value before nodes that only turn it into probabilities of classes."""
    last = _maker(name, makers)
    if last is None or not last.input:
        return NetworkEnd(name)
    settings = {attribute.name: attribute.s or attribute.i for attribute in last.attribute}
    source = _maker(last.input[0], makers)
    if last.op_type == "Concat" and len(last.input) == 2 and source is not None:
        minuend = constants.get(source.input[0]) if source.op_type == "Sub" else None
        if minuend is not None and (minuend == 1).all() and source.input[1] == last.input[1]:
            return NetworkEnd(str(last.input[1]), probabilities=True, has_complement=True)
    shares = (last.op_type, settings.get("p"), settings.get("axis")) == ("LpNormalization", 1, 1)
    shares = shares or (last.op_type, settings.get("norm")) == ("Normalizer", b"L1")
    if shares and source is not None and _is_sure(source):
        return NetworkEnd(str(last.input[0]), probabilities=True)
    return NetworkEnd(name)


def _maker(name: str, makers: Mapping[str, NodeProto]) -> NodeProto | None:
    """Return the node that makes a value, skipping nodes that pass it on unchanged."""
    node = makers.get(name)
    for _ in range(limits.SIDES.most):
        if node is None or node.op_type not in PASSING:
            return node
        node = makers.get(node.input[0])
    return node


def _is_sure(node: NodeProto) -> bool:
    """Whether it makes probabilities, whose normalised shares are probabilities too."""
    ends = (x.s.decode("utf-8", "replace") for x in node.attribute if x.name == "post_transform")
    return node.op_type in ("Sigmoid", "Softmax") or next(ends, "") in SURE


WHOLE = (6, 7)  # 32 and 64 bits, by ONNX's numbers of types
UINT8 = 2  # by ONNX's numbers of types
REMARK = (
    "the file contains the network for inference, without dropout and without normalisation that "
    "was folded into other layers"
)


def read_content(path: Path) -> ForeignGraph:
    try:
        import onnx
    except ImportError as error:
        raise not_installed("reading an .onnx file", "the package onnx", "onnx") from error
    with open_file(path, limits.FOREIGN) as file:
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
    except Exception as error:  # protobuf and the checker raise errors of many kinds
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(f"not a valid ONNX model ({first})", file=os.fspath(path)) from error


def content_of(model: ModelProto) -> ForeignGraph:
    """Convert a model that was just made."""
    return _content(model, _constants(model.graph, Path()))


def _without_data(model: ModelProto) -> ModelProto:
    """Empty the model's tensors, so that only its structure is checked."""
    from onnx import TensorProto

    for tensor in model.graph.initializer:
        empty = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=[0], raw_data=b"")
        tensor.CopyFrom(empty)
    return model


def _constants(graph: GraphProto, path: Path) -> dict[str, NDArray[Any]]:
    if len(graph.node) > limits.LAYERS.most:
        raise DataError(f"it has {len(graph.node):,} nodes: at most {limits.LAYERS} can be read")
    require_few(os.fspath(path), {tensor.name: tuple(tensor.dims) for tensor in graph.initializer})
    return {tensor.name: _array(tensor, path) for tensor in graph.initializer}


def _content(model: ModelProto, constants: dict[str, NDArray[Any]]) -> ForeignGraph:
    graph = model.graph
    inputs = [value for value in graph.input if value.name not in constants]
    columns = _columns(graph, {value.name: value for value in inputs})
    if not columns and len(inputs) != 1:
        raise DataError(
            f"it has {len(inputs)} inputs: only one can be read, or one for each column of a table"
        )
    kind = inputs[0].type.tensor_type
    sizes = (len(inputs),) if columns else tuple(d.dim_value for d in kind.shape.dim)[1:]
    if not sizes or not all(sizes):
        raise DataError("the size of its input is missing: export it with a fixed size")
    concat = _only_concat(graph, columns) if columns else None
    if concat is not None:
        graph.node.remove(concat)
    _gather_constants(graph, constants)
    end = end_of(graph, constants)
    notes = _notes({entry.key: entry.value for entry in model.metadata_props})
    notes = replace(
        notes,
        classes=notes.classes or end.classes,
        targets=notes.targets or tuple(filter(None, end.labels)),
        labels=notes.labels or bool(end.labels),
        probabilities=end.probabilities,
        columns=notes.columns or tuple((name, ()) for name in columns),
    )
    is_whole = kind.elem_type in WHOLE
    return ForeignGraph(
        ops=tuple(map(_operator, graph.node)),
        constants={name: Fixed(array, (name,)) for name, array in constants.items()},
        input=inputs[0].name if concat is None else concat.output[0],
        ways=lambda samples: ways_in(sizes, samples, is_whole),
        output=end.value,
        usual="its inputs and constants don't fit each other",
        batch=(kind.shape.dim[0].dim_value or None) if not columns else None,
        is_bytes=kind.elem_type == UINT8,
        is_whole=is_whole,
        notes=notes,
        has_complement=end.has_complement,
        version=max(
            (o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=13
        ),
        remark=REMARK,
    )


def _operator(node: NodeProto) -> ForeignOp:
    from onnx import helper

    attributes = {x.name: _plain(helper.get_attribute_value(x)) for x in node.attribute}
    name = node.name or str(node.output[0])
    return ForeignOp(node.op_type, name, tuple(node.input), tuple(node.output), attributes)


def _plain(value: Any) -> Any:
    """Convert bytes to text and tensors to arrays, also within lists."""
    from onnx import TensorProto, numpy_helper

    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _columns(graph: GraphProto, inputs: Mapping[str, ValueInfoProto]) -> tuple[str, ...]:
    """Return the names of inputs that are a table's columns, concatenated before all else."""
    concat = _only_concat(graph, tuple(inputs)) if len(inputs) > 1 else None
    sizes = (value.type.tensor_type.shape.dim for value in inputs.values())
    if concat is None or any([d.dim_value for d in dims[1:]] != [1] for dims in sizes):
        return ()
    return tuple(concat.input)


def _only_concat(graph: GraphProto, names: Sequence[str]) -> NodeProto | None:
    """Return the node that concatenates these inputs and is their only reader."""
    readers = [node for node in graph.node if {*node.input} & {*names}]
    alone = len(readers) == 1 and readers[0].op_type in ("Concat", "FeatureVectorizer")
    return readers[0] if alone and sorted(readers[0].input) == sorted(names) else None


def _array(tensor: TensorProto, path: Path) -> NDArray[Any]:
    """Return a tensor's values; those in another file must be in the same folder."""
    from onnx import TensorProto, helper, numpy_helper

    if tensor.data_location != TensorProto.EXTERNAL:
        return np.asarray(numpy_helper.to_array(tensor))
    place = {entry.key: entry.value for entry in tensor.external_data}
    name = place.get("location", "")
    if not name or name != os.path.basename(name) or name in (".", ".."):
        raise DataError(
            f"the values of '{tensor.name}' are in '{name}': only files in the same folder can "
            "be read"
        )
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    size = prod(tensor.dims) * kind.itemsize
    with open_file(path.with_name(name), limits.FOREIGN) as file:
        file.seek(int(place.get("offset", 0)))
        content = file.read(size)
    return np.frombuffer(content, kind).reshape(tuple(tensor.dims))


def _gather_constants(graph: GraphProto, constants: dict[str, NDArray[Any]]) -> None:
    """Move constants that are stored as nodes to the other constants."""
    from onnx import numpy_helper

    for node in list(graph.node):
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
        graph.node.remove(node)


def _notes(entries: Mapping[str, str]) -> Notes:
    """Read notes, each of which is JSON under its name."""
    notes = {}
    for name in (
        *("preparation", "classes", "inputs", "targets"),
        *("spread", "missing", "labels", "network"),
    ):
        with suppress(ValueError, RecursionError):
            notes[name] = json.loads(entries.get(name, ""))
    return Notes.of(notes)
