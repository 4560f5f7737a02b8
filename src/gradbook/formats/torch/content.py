"""The content of a .pt2 file: its calls of operators in order, and its weights."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np

from gradbook import limits
from gradbook.archives import Archive, archive_of, json_member
from gradbook.errors import DataError
from gradbook.formats.imported import Notes, require_few
from gradbook.graph.node import Array
from gradbook.schema import AnyRecord, ListOf, PlainText, Schema, TrueOrFalse, WholeNumber

KINDS = {4: "<i4", 5: "<i8", 6: "<f2", 7: "<f4", 8: "<f8", 12: "|b1"}  # by PyTorch's number
WHOLE_KINDS, FLOATS = (4, 5), (6, 7, 8, 13)
WHOLE, NAME = Schema(as_int=WholeNumber()), Schema(name=PlainText())
NAMED = Schema(as_tensor=NAME)
META = Schema(sizes=ListOf(AnyRecord(), most=limits.SIDES.most))
NODE = Schema(
    target=PlainText(),
    inputs=ListOf(Schema(name=PlainText(), arg=AnyRecord())),
    outputs=ListOf(AnyRecord()),
)
GRAPH = Schema(nodes=ListOf(NODE, most=limits.LAYERS.most), tensor_values=AnyRecord())
SIGNATURE = Schema(input_specs=ListOf(AnyRecord()), output_specs=ListOf(AnyRecord()))
MODEL = Schema(graph_module=Schema(graph=GRAPH, signature=SIGNATURE))
TENSORS = Schema(config=AnyRecord())
TENSOR = Schema(
    path_name=PlainText(),
    use_pickle=TrueOrFalse(),
    tensor_meta=Schema(
        dtype=WholeNumber(),
        sizes=ListOf(WHOLE, most=limits.SIDES.most),
        strides=ListOf(WHOLE, most=limits.SIDES.most),
        storage_offset=WHOLE,
    ),
)
NOTES = "gradbook.json"  # among torch.export.save's extra_files: classes and preparation
REMEDY = "save it with torch.export.save of a newer PyTorch, such as 2.13, or export ONNX"


@dataclass(frozen=True)
class AtenValue:
    """What an operator is given by name: another's output, the input or a weight."""

    name: str


@dataclass(frozen=True, eq=False)
class AtenCall:
    """An operator, what it is given by its arguments' names, and what its output is called."""

    operator: str  # 'conv2d', without its overload
    arguments: Mapping[str, Any]
    made: str
    changes: bool = False  # what it is given first, which is called the same afterwards
    others: tuple[str, ...] = ()  # what else it makes

    @property
    def reads(self) -> list[str]:
        """The names of all values and weights that it is given."""
        given = (x if isinstance(x, list) else [x] for x in self.arguments.values())
        return [value.name for some in given for value in some if isinstance(value, AtenValue)]


@dataclass(frozen=True, eq=False)
class AtenContent:
    """One value goes in, one comes out."""

    calls: tuple[AtenCall, ...]
    weights: Mapping[str, Array]
    fixed: frozenset[str]  # those of them that nothing trains
    given: str
    shape: tuple[int, ...]  # of what goes in, without the images' number
    is_whole: bool
    batch: int | None  # the images' number, if it was exported for that many
    made: str
    notes: Notes

    def reader_count(self, name: str) -> int:
        return sum(call.reads.count(name) for call in self.calls)


def read_content(stream: BinaryIO, file: str | os.PathLike[str]) -> AtenContent:
    with archive_of(stream, file, ".pt2") as archive:
        found = [name for name in archive.names if name.endswith("models/model.json")]
        if len(found) != 1:
            raise DataError(f"it holds {len(found)} models, and exactly one is expected: {REMEDY}")
        folder = found[0].removesuffix("models/model.json")
        if archive.bytes_of(f"{folder}byteorder", limits.SETTINGS).strip() != b"little":
            raise DataError("its weights are big-endian: only little-endian ones can be read")
        module = json_member(archive, found[0], MODEL)["graph_module"]
        extra = f"{folder}extra/{NOTES}"
        notes = json_member(archive, extra) if extra in archive else {}
        return _content(archive, folder, module, Notes.of(notes), os.fspath(file))


def _content(
    archive: Archive, folder: str, module: Mapping[str, Any], notes: Notes, file: str
) -> AtenContent:
    graph, signature = module["graph"], module["signature"]
    inputs = [x["user_input"]["arg"] for x in signature["input_specs"] if "user_input" in x]
    outputs = signature["output_specs"]
    if len(inputs) != 1 or len(outputs) != 1 or "user_output" not in outputs[0]:
        raise DataError(
            "only programs with one input and one output can be read: call module.eval() before "
            "exporting"
        )
    given = NAMED.read(inputs[0])["as_tensor"]["name"]
    sizes = [size.get("as_int") for size in META.read(graph["tensor_values"].get(given))["sizes"]]
    if len(sizes) < 2 or not all(isinstance(size, int) and size > 0 for size in sizes[1:]):
        raise DataError("the size of its input is missing: only the number of images may vary")
    return AtenContent(
        tuple(call for node in graph["nodes"] if (call := _call(node)) is not None),
        _weights(archive, folder, signature["input_specs"], file),
        _fixed(signature["input_specs"]),
        given,
        tuple(sizes[1:]),
        graph["tensor_values"][given].get("dtype") in WHOLE_KINDS,
        sizes[0],
        NAMED.read(outputs[0]["user_output"]["arg"])["as_tensor"]["name"],
        notes,
    )


# Calls.


def _call(node: Mapping[str, Any]) -> AtenCall | None:
    """Nothing if it makes no tensor: sizes that are asked for, and conditions."""
    every = (one.get("as_tensors", [one]) for one in node["outputs"])
    told = [one for some in every for one in some]
    made = [NAME.read(one.get("as_tensor", one))["name"] for one in told if not _is_size(one)]
    if not made:
        return None
    word = re.sub(r"^torch\.ops\.aten\.(\w+)(\.\w+)?$", r"\1", node["target"])
    arguments = {one["name"]: _argument(one["arg"]) for one in node["inputs"]}
    changes = word.endswith("_") and not word.startswith("_")
    return AtenCall(word.removesuffix("_"), arguments, made[0], changes, tuple(made[1:]))


def _is_size(output: Mapping[str, Any]) -> bool:
    return not {"as_tensor", "name"} & {*output}


def _argument(told: Mapping[str, Any]) -> Any:
    """A value, a number, a text or a list of them; nothing for a size that is left open."""
    ((kind, value),) = told.items()
    match kind:
        case "as_tensor":
            return AtenValue(NAME.read(value)["name"])
        case "as_tensors":
            return [AtenValue(NAME.read(one)["name"]) for one in value]
        case "as_none":
            return None
        case "as_optional_tensor":
            return _argument(value)
        case "as_float":
            return float(value)
        case "as_sym_int":
            return value.get("as_int")
        case "as_sym_ints":
            return [one.get("as_int") for one in value]
        case _:
            return value


# Weights.


def _weights(
    archive: Archive, folder: str, specs: Sequence[Mapping[str, Any]], file: str
) -> dict[str, Array]:
    """The tensors that calls are given, by the names that they have there."""
    wanted = {}
    for spec in specs:
        ((kind, told),) = spec.items()
        if kind in ("parameter", "buffer", "tensor_constant"):
            wanted[str(told["arg"]["name"])] = str(told[f"{kind}_name"])
        elif kind != "user_input":
            raise DataError(f"one of its inputs isn't a tensor ({kind!s:.40})")
    stored: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for kind in ("constants", "weights"):
        place = f"{folder}data/{kind}/model_{kind}_config.json"
        config = json_member(archive, place, TENSORS)["config"]
        stored |= {name: (f"{folder}data/{kind}", told) for name, told in config.items()}
    shapes = {name: _sizes(TENSOR.read(stored[name][1]), "sizes") for name in wanted.values()}
    require_few(file, shapes)
    return {name: _tensor(archive, *stored[where], where) for name, where in wanted.items()}


def _fixed(specs: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    kept = (spec.get(kind) for spec in specs for kind in ("buffer", "tensor_constant"))
    return frozenset(str(told["arg"]["name"]) for told in kept if told)


def _sizes(told: Mapping[str, Any], what: str) -> tuple[int, ...]:
    return tuple(size["as_int"] for size in told["tensor_meta"][what])


def _tensor(archive: Archive, place: str, told: Mapping[str, Any], name: str) -> Array:
    """Numbers as they lie, taken in the order that the strides say."""
    kind = KINDS.get(told["tensor_meta"]["dtype"])
    if told["use_pickle"] or kind is None:
        raise DataError(f"'{name}' is pickled, or its kind of number can't be read")
    content = archive.bytes_of(f"{place}/{told['path_name']}", limits.PART)
    flat = np.frombuffer(content[: len(content) // int(kind[2]) * int(kind[2])], kind)
    shape, strides = _sizes(told, "sizes"), _sizes(told, "strides")
    if not prod(shape):  # another side of it may be of any length
        return np.zeros(shape)
    start = told["tensor_meta"]["storage_offset"]["as_int"]
    last = start + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if last >= len(flat):
        raise DataError(f"'{name}' is larger than its data")
    apart = [stride * flat.itemsize for stride in strides]
    found = np.lib.stride_tricks.as_strided(flat[start:], shape, apart)
    return found.astype(bool if flat.dtype == bool else np.float64)
