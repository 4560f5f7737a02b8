"""The content of a .keras file: its layers in order, their inputs and their weights."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from gradbook import limits
from gradbook.archives import archive_of, json_member
from gradbook.errors import DataError, not_installed
from gradbook.files import open_file
from gradbook.formats.foreign import Fixed, ForeignGraph, ForeignOp
from gradbook.formats.imported import NoLayer, Notes, require_few
from gradbook.formats.keras.graph import OPERATIONS, snake_case
from gradbook.formats.layouts import WayIn, channels_last, ours, steps_first
from gradbook.graph.node import Array
from gradbook.graph.window import Shape
from gradbook.schema import (
    AnyOf,
    AnyRecord,
    Anything,
    InTurn,
    ListOf,
    PlainText,
    Schema,
    Usually,
    WholeNumber,
)

if TYPE_CHECKING:
    from h5py import Dataset, Group

MODELS = ("Sequential", "Functional", "Model")
MODEL = Schema(class_name=PlainText(), config=AnyRecord())
ABOUT = Schema(keras_version=Usually(PlainText(), ""))
LAYER = Schema(
    class_name=PlainText(),
    module=Usually(PlainText(), ""),
    config=Schema(name=Usually(PlainText(), "")),
    name=Usually(PlainText(), ""),
    inbound_nodes=Usually(ListOf(Schema(args=Usually(ListOf(Anything()), []))), []),
)
IN_A_ROW = Schema(layers=ListOf(LAYER, 1))
HISTORY = InTurn((PlainText(), WholeNumber(), WholeNumber()))  # a layer, its call, its output
ENDS = AnyOf(HISTORY, ListOf(HISTORY, 1))
CALLED = Schema(**IN_A_ROW.kinds, input_layers=ENDS, output_layers=ENDS)
NUMBERS = "(numbers)"  # a key that no layer's settings have
TENSOR = Schema(config=Schema(keras_history=HISTORY))


@dataclass(frozen=True, eq=False)
class KerasEntry:
    """A layer in the file: its class, its settings, its inputs, its weights in order."""

    kind: str
    name: str
    settings: Mapping[str, Any]
    reads: tuple[str, ...]
    weights: tuple[Array, ...] = ()  # its own, then those of layers inside it
    folder: str = ""  # the place of its weights, such as layers/conv2d_1, if it has any
    layer: str = ""  # the name without the number of the call
    order: int = 0  # the layer's position in its model, in the file
    is_operation: bool = False  # on values: no layer, and not numbered among layers
    called_with: Mapping[str, Any] = field(default_factory=dict)  # further arguments of the call
    numbers: Any = None  # all arguments, if some aren't layers' outputs

    @property
    def place(self) -> str:
        return f"{self.kind} '{self.name}'"

    @property
    def is_later_call(self) -> bool:
        return self.name != self.layer


def read_content(path: Path, called: str) -> ForeignGraph:
    """Read a file; messages about it use the name `called`."""
    with open_file(path, limits.FOREIGN) as file:
        return content_of(file, called)


def content_of(stream: BinaryIO, called: str) -> ForeignGraph:
    with archive_of(stream, called, ".keras") as archive:
        config = json_member(archive, "config.json", MODEL)
        about = json_member(archive, "metadata.json", ABOUT)
        version = about["keras_version"]
        if not version.startswith("3"):
            raise DataError(f"it was written by Keras {version[:20]}: save it again with Keras 3")
        weights = archive.bytes_of("model.weights.h5", limits.PART)
        notes = Notes.of(about.get("gradbook_notes"))
        return _content(config, weights, notes, called)


# Layers.


def _content(config: Mapping[str, Any], weights: bytes, notes: Notes, file: str) -> ForeignGraph:
    model = _model(config["class_name"], config["config"])
    if len(model.entries) > limits.LAYERS.most:
        raise DataError(
            f"it has {len(model.entries):,} layers: at most {limits.LAYERS} can be read"
        )
    sizes = _input_sizes(model, config["config"], file)
    complement = _complement(model)
    weighed = _weighed(model.entries, weights, file)
    layers = [layer for layer in weighed if layer.name not in complement]
    reads_steps = any(layer.kind in OVER_STEPS for layer in layers)
    return ForeignGraph(
        ops=tuple(_operator(layer) for layer in layers if layer.kind != "InputLayer"),
        constants={},
        input=model.input,
        ways=lambda samples: [way_in(sizes, samples, reads_steps, _reads_tokens(layers, sizes))],
        output=complement[model.output][0] if complement else model.output,
        usual="its settings aren't as Keras 3 writes them",
        is_bytes=model.entries[0].settings.get("dtype") == "uint8",
        notes=replace(notes, probabilities=bool(complement)),
        has_complement=bool(complement),
        guesses_bytes=True,
        maps_as_ours=True,
        check=_checked,
    )


def _input_sizes(model: _Model, config: Mapping[str, Any], file: str) -> tuple[int, ...]:
    (first,) = (entry for entry in model.entries if entry.name == model.input)
    sizes = tuple(first.settings.get("batch_shape") or config["build_input_shape"])[1:]
    if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise DataError(
            "the size of its input is missing: give the model an input size and save it again"
        )
    if len(sizes) > 3:
        shape = "x".join(map(str, sizes))
        raise DataError(f"input '{model.input}': {shape} isn't an image's size", file=file)
    return sizes


def _operator(entry: KerasEntry) -> ForeignOp:
    names = (entry.folder,) if entry.folder else ()
    weights = (Fixed(array, names) for array in entry.weights)
    settings = {**entry.settings, "use_causal_mask": entry.called_with.get("use_causal_mask")}
    settings |= {} if entry.numbers is None else {NUMBERS: entry.numbers}
    return ForeignOp(entry.kind, entry.name, entry.reads, (entry.name,), settings, tuple(weights))


def _checked(schema: Schema, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    if settings.get("data_format") not in (None, "channels_last"):
        raise NoLayer("only values with channels last (data_format) can be read")
    if NUMBERS in settings:
        raise NoLayer(
            "it is called with a value that no layer makes: call it with the outputs of layers "
            "alone, and build constants into a layer"
        )
    return schema.read(settings)


def _reads_tokens(entries: Sequence[KerasEntry], sizes: Sequence[int]) -> bool:
    """Whether the input is numbers that are looked up in a table."""
    (tokens,) = (entry.name for entry in entries if entry.kind == "InputLayer")
    tables = (entry for entry in entries if entry.kind in ("Embedding", "OneHot"))
    return len(sizes) == 1 and any(tokens in table.reads for table in tables)


def way_in(sizes: Shape, samples: int, reads_steps: bool, reads_tokens: bool = False) -> WayIn:
    """An image has its channels last; two axes are rows and columns of one channel, or steps x
    features if a layer reads such."""
    if reads_tokens:
        return WayIn((1, 1, *sizes), ours(sizes, samples), steps=True, tokens=True)
    if len(sizes) == 3:
        return replace(channels_last(sizes, samples), steps=reads_steps)
    if len(sizes) == 2 and reads_steps:
        return steps_first(sizes, samples)
    size = (1, *sizes) if len(sizes) == 2 else sizes
    return WayIn(size, ours(sizes, samples), steps=reads_steps)


@dataclass(frozen=True)
class _Model:
    """A model's layers in order, and the names of its input and output."""

    entries: tuple[KerasEntry, ...]
    input: str
    output: str


def _model(kind: str, config: Mapping[str, Any], folder: str = "", within: str = "") -> _Model:
    """Read a model; the layers of models within it take their places, with prefixed names."""
    if kind not in MODELS:
        raise DataError(
            f"its model is a {kind:.60}: only Sequential and functional models can be read"
        )
    if kind == "Sequential":
        entries = _in_a_row(IN_A_ROW.read(config)["layers"])
        ends = [entries[0].name, entries[-1].name]
    else:
        config = CALLED.read(config)
        entries = _called(config["layers"])
        several = [entry.layer for entry in entries if entry.is_later_call]
        ends = [_only(config[f"{end}_layers"], f"{end}s", several) for end in ("input", "output")]
    called: list[KerasEntry] = []
    folders = _folders(entries, folder)
    for entry in entries:
        placed = replace(
            entry,
            name=f"{within}{entry.name}",
            reads=tuple(f"{within}{name}" for name in entry.reads),
            folder=folders.get(entry.layer, ""),
        )
        called += _unpacked(placed) if entry.kind in MODELS else [placed]
    return _Model(tuple(called), *(f"{within}{name}" for name in ends))


def _folders(entries: Sequence[KerasEntry], folder: str) -> dict[str, str]:
    """Name the folder of each layer's weights, by its kind and its number within the kind."""
    layers = [x for x in entries if not (x.is_later_call or x.is_operation)]
    kinds = {x.layer: snake_case(x.kind) for x in sorted(layers, key=lambda x: x.order)}
    counts: Counter[str] = Counter()
    folders = {}
    for name, word in kinds.items():
        number = f"_{counts[word]}" if counts[word] else ""
        counts[word] += 1
        folders[name] = f"{folder}layers/{word}{number}"
    return folders


def _unpacked(entry: KerasEntry) -> Iterator[KerasEntry]:
    """Yield the layers of a model within a model; its input is the outer layer's input."""
    inner = _model(entry.kind, entry.settings, f"{entry.folder}/", f"{entry.name}/")
    for layer in inner.entries:
        is_input = layer.name == inner.input
        yield KerasEntry("Identity", layer.name, {}, entry.reads) if is_input else layer
    yield KerasEntry("Identity", entry.name, {}, (inner.output,))


def _complement(model: _Model) -> Mapping[str, tuple[str, ...]]:
    """Return the layers that put 1 − p beside an output p, and their inputs, if it ends so."""
    layers = {entry.name: entry for entry in model.entries}
    last = layers[model.output]
    if last.kind != "Concatenate" or len(last.reads) != 2:
        return {}
    flipped = layers[last.reads[0]]
    is_flip = (flipped.settings.get("scale"), flipped.settings.get("offset")) == (-1, 1)
    if flipped.kind != "Rescaling" or not is_flip or flipped.reads != last.reads[1:]:
        return {}
    return {last.name: flipped.reads, flipped.name: flipped.reads}


def _in_a_row(layers: Sequence[Any]) -> list[KerasEntry]:
    """Connect each layer to the one before; a model without an input layer gets one."""
    entries: list[KerasEntry] = []
    if not layers or layers[0]["class_name"] != "InputLayer":
        entries.append(KerasEntry("InputLayer", "(input)", {}, (), layer="(input)"))
    for layer in layers:
        entries.append(_entry(layer, tuple(entry.name for entry in entries[-1:])))
    return entries


def _entry(layer: Mapping[str, Any], reads: tuple[str, ...]) -> KerasEntry:
    name = _name(layer)
    is_operation = layer["module"].startswith(OPERATIONS)
    return KerasEntry(
        layer["class_name"], name, layer["config"], reads, layer=name, is_operation=is_operation
    )


def _name(layer: Mapping[str, Any]) -> str:
    name: str = layer["name"] or layer["config"]["name"]
    return name


def _called(layers: Sequence[Mapping[str, Any]]) -> list[KerasEntry]:
    """Return an entry for each call of each layer, after the entries that it reads."""
    entries = {}
    several = {_name(layer) for layer in layers if len(layer["inbound_nodes"]) > 1}
    for place, layer in enumerate(layers):
        for number, call in enumerate(layer["inbound_nodes"] or [{"args": []}]):
            sources = [*_tensors(call["args"])]
            reads = tuple(_of_call(*source, several) for source in sources if source)
            numbers = None if all(sources) else _numbers(call["args"])
            entry = replace(_entry(layer, reads), numbers=numbers)
            name = _of_call(entry.layer, number, several)
            words = call.get("kwargs") or {}
            entries[name] = replace(entry, name=name, order=place, called_with=words)
    sorter = TopologicalSorter({entry.name: entry.reads for entry in entries.values()})
    try:
        order = [name for name in sorter.static_order() if name in entries]
    except CycleError:
        raise DataError("its layers form a cycle") from None
    return [entries[name] for name in order]


def _of_call(layer: str, number: int, several: Collection[str]) -> str:
    """Name a call; only layers that are called repeatedly within one model are numbered."""
    return f"{layer}, call {number + 1}" if number and layer in several else layer


def _tensors(arguments: Any) -> Iterator[tuple[str, int] | None]:
    """Yield the layers that a call reads, and the number of each one's call; None for a number."""
    if isinstance(arguments, list):
        for part in arguments:
            yield from _tensors(part)
    elif isinstance(arguments, dict) and arguments.get("class_name") == "__keras_tensor__":
        before, call, _ = TENSOR.read(arguments)["config"]["keras_history"]
        yield before, call
    elif arguments is not None:
        yield None


def _numbers(argument: Any) -> Any:
    """Convert tables of numbers to arrays, also within lists."""
    if isinstance(argument, list):
        return [_numbers(part) for part in argument]
    if isinstance(argument, dict) and argument.get("class_name") == "__numpy__":
        return np.asarray(argument["config"]["value"], np.float64)
    return argument


def _only(ends: Sequence[Any], what: str, several: Collection[str]) -> str:
    """Return the name of the only input or output: ['x', 0, 0] or [['x', 0, 0]]."""
    listed = ends if isinstance(ends[0], list) else [ends]
    if len(listed) != 1:
        raise DataError(
            f"it has {len(listed)} {what}: only models with one input and one output can be read, "
            "so save keras.Model(input, output) with one of each"
        )
    layer, call, _ = listed[0]
    return _of_call(layer, call, several)


# Weights.


def _weighed(entries: Sequence[KerasEntry], content: bytes, file: str) -> list[KerasEntry]:
    """Add the weights, stored by the layer's kind and number: layers/conv2d_1/vars/0; a model
    within has a folder of its own: layers/sequential/layers/conv2d/vars/0."""
    try:
        import h5py
    except ImportError as error:
        raise not_installed("reading a .keras file", "the package h5py", "keras") from error
    weighed, places = [], {}
    with h5py.File(io.BytesIO(content), "r") as weights:
        for entry in entries:
            inside = INNER.get(entry.kind, ())
            for part in ("", *inside) if entry.folder else ():
                places[entry.name, part] = _datasets(weights, entry, part)
        shapes = {
            f"{name}/{part}/{number}": dataset.shape
            for (name, part), datasets in places.items()
            for number, dataset in enumerate(datasets)
        }
        require_few(file, shapes)
        for entry in entries:
            arrays = tuple(
                np.asarray(dataset[()], np.float64)
                for (name, _), datasets in places.items()
                for dataset in datasets
                if name == entry.name
            )
            weighed.append(replace(entry, weights=arrays))
    return weighed


OVER_STEPS = (  # layers that read steps x features
    *("SimpleRNN", "GRU", "LSTM", "Conv1D", "MultiHeadAttention", "MaxPooling1D"),
    *("AveragePooling1D", "GlobalMaxPooling1D", "GlobalAveragePooling1D", "Embedding"),
    *("Bidirectional", "TimeDistributed", "SeparableConv1D", "ZeroPadding1D", "Cropping1D"),
    *("UpSampling1D", "Masking", "OneHot"),
)
INNER = {  # the inner layers that have the weights
    **dict.fromkeys(("SimpleRNN", "GRU", "LSTM"), ("cell",)),
    "Bidirectional": ("forward_layer/cell", "backward_layer/cell"),
    "TimeDistributed": ("layer",),
    "MultiHeadAttention": ("query_dense", "key_dense", "value_dense", "output_dense"),
}


def _datasets(weights: Group, entry: KerasEntry, inside: str = "") -> list[Dataset]:
    """Return a layer's tensors; each must be stored in this file in one piece."""
    import h5py

    group, folder = weights, f"{entry.folder}/{inside}".rstrip("/")
    for part in f"{folder}/vars".split("/"):
        group = _linked(group, part)
        if group is None:
            return []
        if not isinstance(group, h5py.Group):
            raise DataError(f"{entry.place}: its weights aren't where Keras 3 puts them")
    name = entry.layer.rpartition("/")[2]
    if not inside and group.attrs.get("name", name) != name:
        raise DataError(f"{entry.place}: the weights stored for it belong to another layer")
    linked = [_linked(group, str(number)) for number in range(len(group))]
    for data in linked:
        if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "fiu" or data.shape is None:
            raise DataError(f"{entry.place}: its weights aren't arrays of numbers")
        if data.external or data.is_virtual or data.chunks:
            raise DataError(f"{entry.place}: its weights are stored in pieces or in another file")
    return linked


def _linked(group: Group, name: str) -> Any:
    """Return the member of this name, if the group itself contains it; None if there is none."""
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise DataError(f"'{name}' among its weights is a link to another place")
    return group[name]
