"""The content of a .pt2 file: its operator calls in order, and its weights.

A module that computes its weights is given plain ones before PyTorch exports it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from math import prod
from typing import Any, BinaryIO

import numpy as np

from gradbook import limits
from gradbook.amounts import counted
from gradbook.archives import Archive, archive_of, json_member
from gradbook.errors import DataError
from gradbook.formats.foreign import Fixed, ForeignGraph, ForeignOp, ValueName
from gradbook.formats.imported import Notes, require_few
from gradbook.formats.layouts import ways_in
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
FIRST = ("self", "input")  # PyTorch's names of an operator's first input
REMEDY = "save it with torch.export.save of a newer PyTorch, such as 2.13, or export ONNX"


def read_content(stream: BinaryIO, file: str | os.PathLike[str]) -> ForeignGraph:
    with archive_of(stream, file, ".pt2") as archive:
        models = [name for name in archive.names if name.endswith("models/model.json")]
        if len(models) != 1:
            raise DataError(
                f"it contains {len(models)} models, but exactly one is expected: {REMEDY}"
            )
        folder = models[0].removesuffix("models/model.json")
        if archive.bytes_of(f"{folder}byteorder", limits.SETTINGS).strip() != b"little":
            raise DataError("its weights are big-endian: only little-endian ones can be read")
        module = json_member(archive, models[0], MODEL)["graph_module"]
        extra = f"{folder}extra/{NOTES}"
        notes = json_member(archive, extra) if extra in archive else {}
        return _content(archive, folder, module, Notes.of(notes), os.fspath(file))


def _content(
    archive: Archive, folder: str, module: Mapping[str, Any], notes: Notes, file: str
) -> ForeignGraph:
    graph, signature = module["graph"], module["signature"]
    input_tensor, output_tensor = _ends(signature)
    input_name, tensors = input_tensor["name"], graph["tensor_values"]
    sizes = [size.get("as_int") for size in META.read(tensors.get(input_name))["sizes"]]
    if len(sizes) < 2 or not all(isinstance(size, int) and size > 0 for size in sizes[1:]):
        raise DataError("the size of its input is missing: only the number of images may vary")
    is_whole = tensors[input_name].get("dtype") in WHOLE_KINDS
    calls, names = _calls(graph["nodes"])
    return ForeignGraph(
        ops=calls,
        constants=_weights(archive, folder, signature["input_specs"], file),
        input=input_name,
        ways=lambda samples: ways_in(tuple(sizes[1:]), samples, is_whole),
        output=names.get(output_tensor["name"], output_tensor["name"]),
        usual="its arguments aren't as PyTorch writes them",
        batch=sizes[0],
        is_whole=is_whole,
        notes=notes,
        guesses_bytes=True,
    )


def _ends(signature: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the only input and the only output."""
    inputs = [x["user_input"]["arg"] for x in signature["input_specs"] if "user_input" in x]
    specs = signature["output_specs"]
    outputs = [x["user_output"]["arg"] for x in specs if "user_output" in x]
    if len(outputs) < len(specs):
        raise DataError("it changes its own buffers: call module.eval() before exporting")
    for tensors, what, verb in ((inputs, "input", "takes"), (outputs, "output", "returns")):
        if len(tensors) != 1:
            raise DataError(
                f"it has {counted(len(tensors), what)}, and only one can be read: export a module "
                f"whose forward {verb} a single tensor"
            )
    first, last = (NAMED.read(tensor)["as_tensor"] for tensor in (*inputs, *outputs))
    return first, last


# Calls.


def _calls(nodes: Sequence[Mapping[str, Any]]) -> tuple[tuple[ForeignOp, ...], dict[str, str]]:
    """Return the calls that make tensors, and the last name of each value that was changed in
    place: it is another value from there on."""
    calls: list[ForeignOp] = []
    names: dict[str, str] = {}
    for node in nodes:
        results = _results(node["outputs"])
        if not results:  # sizes and conditions
            continue
        word = re.sub(r"^torch\.ops\.aten\.(\w+)(\.\w+)?$", r"\1", node["target"])
        arguments = {entry["name"]: _argument(entry["arg"], names) for entry in node["inputs"]}
        first = next((arguments[name] for name in FIRST if name in arguments), None)
        inputs = (first.name,) if isinstance(first, ValueName) else ()
        if inputs:
            arguments = {name: value for name, value in arguments.items() if name not in FIRST}
            if word.endswith("_") and not word.startswith("_"):
                names[inputs[0]] = results[0]
        op = ForeignOp(word.removesuffix("_"), results[0], inputs, tuple(results), arguments)
        calls.append(op)
    return tuple(calls), names


def _results(outputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the tensors that a call makes, also within lists."""
    listed = (x for output in outputs for x in output.get("as_tensors", [output]))
    tensors = (x for x in listed if "as_tensor" in x or "name" in x)
    return [NAME.read(tensor.get("as_tensor", tensor))["name"] for tensor in tensors]


def _argument(argument: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    """Convert to a value, a number, a text or a list of them; None for an open size."""
    ((kind, value),) = argument.items()
    match kind:
        case "as_tensor":
            name = NAME.read(value)["name"]
            return ValueName(names.get(name, name))
        case "as_tensors":
            return [_argument({"as_tensor": tensor}, names) for tensor in value]
        case "as_none":
            return None
        case "as_optional_tensor":
            return _argument(value, names)
        case "as_float":
            return float(value)
        case "as_sym_int":
            return value.get("as_int")
        case "as_sym_ints":
            return [size.get("as_int") for size in value]
        case _:
            return value


# Weights.


def _weights(
    archive: Archive, folder: str, specs: Sequence[Mapping[str, Any]], file: str
) -> dict[str, Fixed]:
    """The tensors that calls read, by their names in the calls."""
    wanted: dict[str, str] = {}
    trained: set[str] = set()
    for spec in specs:
        ((kind, entry),) = spec.items()
        if kind in ("parameter", "buffer", "tensor_constant"):
            trained.update([str(entry["arg"]["name"])] if kind == "parameter" else [])
            wanted[str(entry["arg"]["name"])] = str(entry[f"{kind}_name"])
        elif kind != "user_input":
            raise DataError(f"one of its inputs isn't a tensor ({kind!s:.40})")
    stored: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for kind in ("constants", "weights"):
        place = f"{folder}data/{kind}/model_{kind}_config.json"
        config = json_member(archive, place, TENSORS)["config"]
        stored |= {name: (f"{folder}data/{kind}", tensor) for name, tensor in config.items()}
    shapes = {name: _sizes(TENSOR.read(stored[name][1]), "sizes") for name in wanted.values()}
    require_few(file, shapes)
    return {
        name: Fixed(_tensor(archive, *stored[where], where), (name,), name in trained)
        for name, where in wanted.items()
    }


def _sizes(entry: Mapping[str, Any], what: str) -> tuple[int, ...]:
    return tuple(size["as_int"] for size in entry["tensor_meta"][what])


def _tensor(archive: Archive, place: str, entry: Mapping[str, Any], name: str) -> Array:
    """Read stored numbers in the order of the strides."""
    kind = KINDS.get(entry["tensor_meta"]["dtype"])
    if entry["use_pickle"] or kind is None:
        raise DataError(f"'{name}' is pickled, or its kind of number can't be read")
    content = archive.bytes_of(f"{place}/{entry['path_name']}", limits.PART)
    flat = np.frombuffer(content[: len(content) // int(kind[2]) * int(kind[2])], kind)
    shape, strides = _sizes(entry, "sizes"), _sizes(entry, "strides")
    if not prod(shape):  # another of its sides may have any length
        return np.zeros(shape)
    start = entry["tensor_meta"]["storage_offset"]["as_int"]
    last = start + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if last >= len(flat):
        raise DataError(f"'{name}' is larger than its data")
    apart = [stride * flat.itemsize for stride in strides]
    tensor = np.lib.stride_tricks.as_strided(flat[start:], shape, apart)
    return tensor.astype(bool if flat.dtype == bool else np.float64)


# Modules before they are exported.


def with_plain_weights(module: Any) -> Any:
    """The module or, if weights of it are computed from others, as by `weight_norm`, a copy that
    has what they are worth."""
    import torch
    from torch.nn.utils import parametrize

    parts = list(module.modules())
    hooked = [(k, hook) for k, part in enumerate(parts) for hook in _weight_hooks(part)]
    if not hooked and not any(map(parametrize.is_parametrized, parts)):
        return module
    for k, hook in hooked:  # what the last forward pass left there can't be copied
        setattr(parts[k], hook.name, getattr(parts[k], hook.name).detach())
    copied = list(deepcopy(module).modules())
    for k, hook in hooked:
        with torch.no_grad():
            worth = hook.compute_weight(copied[k], *[False] * hasattr(hook, "n_power_iterations"))
        own = copied[k]._forward_pre_hooks
        for key in [key for key, other in own.items() if getattr(other, "name", "") == hook.name]:
            del own[key]
        delattr(copied[k], hook.name)
        copied[k].register_parameter(hook.name, torch.nn.Parameter(worth))
    for part in filter(parametrize.is_parametrized, copied):
        worth = {name: getattr(part, name).detach() for name in part.parametrizations}
        part.__class__ = parametrize.type_before_parametrizations(part)  # removing would change it
        del part.parametrizations
        for name, value in worth.items():
            part.register_parameter(name, torch.nn.Parameter(value))
    return copied[0]


def _weight_hooks(part: Any) -> list[Any]:
    """The hooks by which older PyTorch computes weights: its weight_norm and spectral_norm."""
    return [hook for hook in part._forward_pre_hooks.values() if hasattr(hook, "compute_weight")]
