"""A Keras model while it is built, and its file: a ZIP of layers as JSON and weights as HDF5."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from gradbook import __version__
from gradbook.archives import FIRST_DAY
from gradbook.errors import not_installed
from gradbook.graph.node import Array
from gradbook.graph.window import Shape, Sides

KERAS_VERSION = "3.6.0"  # the first that reads a single input as one; later ones do too
LAYERS = "keras.layers"
OPERATIONS = "keras.src.ops"
Inner = Mapping[str, Sequence[Array]]  # the weights of the layers inside a Keras layer, by name


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """One call of a layer, or of an operation on values: its class, settings, inputs, output shape
    and weights. Calls with one name are of one layer."""

    kind: str
    name: str
    settings: Mapping[str, Any]
    reads: tuple[Any, ...]  # layers, and numbers or arrays for an operation
    shape: Shape  # channels last, without the batch
    weights: Sequence[Array] = ()
    inner: Inner = field(default_factory=dict)
    calls: Mapping[str, Any] = field(default_factory=dict)  # further arguments of the call
    module: str = LAYERS

    @property
    def sources(self) -> list[KerasLayer]:
        """The calls of layers whose results it reads."""
        return [source for source in self.reads if isinstance(source, KerasLayer)]

    @property
    def is_in_steps(self) -> bool:
        return len(self.shape) == 2


@dataclass(frozen=True, eq=False)
class KerasLink:
    """One layer of a chain, and the ending that is appended to the chain's name."""

    ending: str
    kind: str
    settings: Mapping[str, Any]
    shape: Shape = ()  # if it differs from the shape that it reads
    weights: Sequence[Array] = ()
    inner: Inner = field(default_factory=dict)
    calls: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class KerasGraph:
    """The layers so far; the first is the input."""

    layers: list[KerasLayer] = field(default_factory=list)

    def add(
        self,
        kind: str,
        name: str,
        settings: Mapping[str, Any],
        reads: Sequence[Any],
        shape: Shape,
        weights: Sequence[Array] = (),
        **more: Any,
    ) -> KerasLayer:
        """Add a layer, or an operation by its place in keras.ops, such as numpy.Log."""
        area, _, kind = kind.rpartition(".")
        module = f"{OPERATIONS}.{area}" if area else LAYERS
        layer = KerasLayer(kind, name, settings, (*reads,), shape, weights, module=module, **more)
        self.layers.append(layer)
        return layer

    def chain(self, name: str, x: KerasLayer, *links: KerasLink) -> KerasLayer:
        """Add layers one after the other: the last gets this name, the others an ending."""
        for link in links:
            link_name = name if link is links[-1] else self.unused(f"{name}_{link.ending}")
            x = self.add_link(link, link_name, [x], link.shape or x.shape)
        return x

    def add_link(
        self, link: KerasLink, name: str, reads: Sequence[KerasLayer], shape: Shape
    ) -> KerasLayer:
        further = {"inner": link.inner, "calls": link.calls}
        return self.add(link.kind, name, link.settings, reads, shape, link.weights, **further)

    def laid_out(self, name: str, x: KerasLayer, shape: Shape) -> KerasLayer:
        settings = {"target_shape": list(shape)}
        return self.add("Reshape", self.unused(name), settings, [x], shape)

    def flat(self, name: str, x: KerasLayer, size: Shape) -> KerasLayer:
        """Flatten values channel by channel."""
        if len(size) == 3 and size[0] > 1 and prod(size[1:]) > 1:
            x = self.add("Permute", f"{name}_turned", {"dims": [3, 1, 2]}, [x], size)
        return self.add("Flatten", f"{name}_flat", {}, [x], (prod(size),))

    def framed(self, name: str, x: KerasLayer, sides: Sides, value: float = 0.0) -> KerasLayer:
        """Pad a map with one value."""
        if not any(sides):
            return x
        top, left, below, right = sides
        rows, columns, channels = x.shape
        wider = (rows + top + below, columns + left + right, channels)
        even = top == left == below == right
        padding = {"padding": top if even else [[top, below], [left, right]]}
        framed = self.add("ZeroPadding2D", f"{name}_pad", padding, [x], wider)
        if not value:
            return framed
        frame = np.full((*wider[:2], 1), value)
        frame[top : top + rows, left : left + columns] = 0
        settings = {"scale": 1.0, "offset": frame.tolist()}
        return self.add("Rescaling", f"{name}_frame", settings, [framed], wider)

    def unused(self, name: str) -> str:
        """Return this name, with a number appended if it is taken."""
        taken, stem, number = {layer.name for layer in self.layers}, name, 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        return name


# The file.


Calls = Mapping[str, Sequence[KerasLayer]]  # of each layer, by its name


def keras_file(name: str, layers: Sequence[KerasLayer], notes: Mapping[str, Any]) -> bytes:
    """Return the file of a model whose input is the first of these calls, and its output the last.

    Keras finds weights by the layer's class and its number within the class, in an order of its
    own, which the file must follow.
    """
    about = {"keras_version": KERAS_VERSION, "gradbook": __version__, "gradbook_notes": notes}
    calls = _in_keras_order(layers)
    members: dict[str, bytes | str] = {
        "metadata.json": json.dumps(about),
        "config.json": json.dumps(_config(name, layers, calls)),
        "model.weights.h5": _weights(calls),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member, FIRST_DAY), content)
    return file.getvalue()


def _in_keras_order(layers: Sequence[KerasLayer]) -> Calls:
    """Return the calls of each layer that the output needs, the layers in Keras's order.

    A model numbers its layers as `map_graph` in Keras's ops/function.py does, whatever their order
    in the file: the farthest from the output first; of layers equally far, the one first that a
    walk back from the output, along first inputs first, meets first.
    """
    met, finished = _backwards(layers[-1])
    distances: dict[KerasLayer | str, int] = {}  # of calls, and of layers by name
    for call in reversed(finished):
        farthest = max(distances.get(call, 0), distances.get(call.name, 0))
        distances[call.name] = farthest
        for source in call.sources:
            distances[source] = max(farthest + 1, distances.get(source, 0))
    needed = set(finished)
    return {
        name: [call for call in layers if call.name == name and call in needed]
        for name in sorted(met, key=lambda name: -distances[name])
    }


def _backwards(last: KerasLayer) -> tuple[dict[str, None], list[KerasLayer]]:
    """Walk back from a call, along each input to its end before the next. Return the names of
    layers as they are met, and the calls as they are finished, each after all that it reads."""
    met: dict[str, None] = {last.name: None}
    finished: dict[KerasLayer, None] = {}
    way = [(last, iter(last.sources))]
    while way:
        call, sources = way[-1]
        source = next((source for source in sources if source not in finished), None)
        if source is None:
            finished[call] = None
            way.pop()
        else:
            met.setdefault(source.name)
            way.append((source, iter(source.sources)))
    return met, [*finished]


def _config(name: str, layers: Sequence[KerasLayer], calls: Calls) -> dict[str, Any]:
    settings = {
        "name": re.sub(r"\W+", "_", name) or "network",
        "trainable": True,
        "layers": [_layer(uses, calls) for uses in calls.values()],
        "input_layers": _history(layers[0], calls),
        "output_layers": _history(layers[-1], calls),
    }
    return {
        "module": "keras.src.models.functional",  # as every Keras 3 writes it
        "class_name": "Functional",
        "config": settings,
        "registered_name": "Functional",
    }


def _layer(uses: Sequence[KerasLayer], calls: Calls) -> dict[str, Any]:
    layer = uses[0]
    kind = {"dtype": "float32"} if layer.module == LAYERS else {}
    settings = {"name": layer.name, **kind, **layer.settings}
    if layer.kind == "InputLayer":
        settings["batch_shape"] = [None, *layer.shape]
    return {
        "module": layer.module,
        "class_name": layer.kind,
        "config": settings,
        "registered_name": None if layer.module == LAYERS else layer.kind,
        "name": layer.name,
        "inbound_nodes": [_call(call, calls) for call in uses if call.reads],
    }


def _call(layer: KerasLayer, calls: Calls) -> dict[str, Any]:
    sources = [_argument(source, calls) for source in layer.reads]
    together = layer.module == LAYERS and layer.kind != "MultiHeadAttention" and len(sources) > 1
    return {"args": [sources] if together else sources, "kwargs": dict(layer.calls)}


def _argument(source: Any, calls: Calls) -> Any:
    if isinstance(source, np.ndarray):
        config: dict[str, Any] = {"value": source.tolist(), "dtype": "float32"}
        return {"class_name": "__numpy__", "config": config}
    if not isinstance(source, KerasLayer):
        return source
    history = _history(source, calls)
    kind = source.settings.get("dtype", "float32")
    config = {"shape": [None, *source.shape], "dtype": kind, "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def _history(call: KerasLayer, calls: Calls) -> list[Any]:
    """Name a result: its layer, the number of the call, and of the output."""
    return [call.name, calls[call.name].index(call), 0]


def _weights(calls: Calls) -> bytes:
    """Write weights by the layer's kind and its number within the kind: layers/conv2d_1/vars/0."""
    try:
        import h5py
    except ImportError as error:
        raise not_installed("writing a .keras file", "the package h5py", "keras") from error
    content = io.BytesIO()
    counts: dict[str, int] = {}
    layers = [uses[0] for uses in calls.values() if uses[0].module == LAYERS]
    with h5py.File(content, "w") as file:
        for layer in layers:
            word = snake_case(layer.kind)
            counts[word] = counts.get(word, -1) + 1
            place = f"layers/{word}_{counts[word]}" if counts[word] else f"layers/{word}"
            file.create_group(f"{place}/vars").attrs["name"] = layer.name
            for inside, weights in {"": layer.weights, **layer.inner}.items():
                group = file.require_group(f"{place}/{inside}/vars".replace("//", "/"))
                for number, array in enumerate(weights):
                    group.create_dataset(str(number), data=array.astype(np.float32))
    return content.getvalue()


def snake_case(word: str) -> str:
    """Name a class's place as Keras does: Conv2D → conv2d, BatchNormalization → …"""
    name = re.sub(r"\W+", "", word)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
