"""Writes the .keras file of a trained network: its layers as JSON, its weights as HDF5, zipped."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

from gradbook import __version__
from gradbook.errors import TargetError
from gradbook.net.trained import TrainedNet, answering, prepared
from gradbook.targets.keras.layers import KerasLayers
from gradbook.targets.keras.row import KerasLayer

KERAS_VERSION = "3.6.0"  # the first that reads one input as one; later ones do too
TIME = (1980, 1, 1, 0, 0, 0)  # of the members, so that the same network is the same file


def keras_bytes(trained: TrainedNet, with_preparation: bool = False) -> bytes:
    """The content of a .keras file.

    Without preparation it takes what the network takes, channels last, and says what the network
    says; with it, it takes the bytes of images (or a table's numbers) and says probabilities (or
    the number that is predicted).
    """
    picture, notes = None, trained.notes(with_preparation)
    if with_preparation:
        picture = trained.picture
        trained = answering(prepared(trained, fills_in=False))
    content = KerasLayers(trained, picture)
    content.write()
    ours = {"gradbook": __version__, "gradbook_notes": notes}
    members: dict[str, bytes | str] = {
        "metadata.json": json.dumps({"keras_version": KERAS_VERSION, **ours}),
        "config.json": json.dumps(_config(trained, content.row.made)),
        "model.weights.h5": _weights(content.row.made),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name, TIME), member)
    return file.getvalue()


# The layers.


def _config(trained: TrainedNet, layers: list[KerasLayer]) -> dict[str, Any]:
    settings = {
        "name": re.sub(r"\W+", "_", trained.net.name) or "network",
        "trainable": True,
        "layers": [_layer(layer, layers) for layer in layers if not layer.called],
        "input_layers": [layers[0].name, 0, 0],
        "output_layers": [layers[-1].name, layers[-1].called, 0],
    }
    return {
        "module": "keras.src.models.functional",  # as every Keras 3 writes it
        "class_name": "Functional",
        "config": settings,
        "registered_name": "Functional",
    }


def _layer(layer: KerasLayer, layers: list[KerasLayer]) -> dict[str, Any]:
    calls = [one for one in layers if one.name == layer.name and one.reads]
    settings = {"name": layer.name, "dtype": "float32", **layer.settings}
    if layer.kind == "InputLayer":
        settings["batch_shape"] = [None, *layer.shape]
    return {
        "module": "keras.layers",
        "class_name": layer.kind,
        "config": settings,
        "registered_name": None,
        "name": layer.name,
        "inbound_nodes": [_call(one) for one in calls],
    }


def _call(layer: KerasLayer) -> dict[str, Any]:
    tensors = [_tensor(source) for source in layer.reads]
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": {}}


def _tensor(source: KerasLayer) -> dict[str, Any]:
    return {
        "class_name": "__keras_tensor__",
        "config": {
            "shape": [None, *source.shape],
            "dtype": "float32",
            "keras_history": [source.name, source.called, 0],
        },
    }


# The weights.


def _weights(layers: list[KerasLayer]) -> bytes:
    """By the layer's kind and its number among those of that kind: layers/conv2d_1/vars/0."""
    try:
        import h5py
    except ImportError as error:
        raise TargetError(
            "a .keras file is written with the package h5py, which isn't installed: "
            "pip install 'gradbook[keras]'"
        ) from error
    content = io.BytesIO()
    seen: dict[str, int] = {}
    with h5py.File(content, "w") as file:
        for layer in (one for one in layers if not one.called):
            word = snake_case(layer.kind)
            seen[word] = seen.get(word, -1) + 1
            place = f"layers/{word}_{seen[word]}" if seen[word] else f"layers/{word}"
            group = file.create_group(f"{place}/vars")
            group.attrs["name"] = layer.name
            for number, array in enumerate(layer.weights):
                group.create_dataset(str(number), data=array)
    return content.getvalue()


def snake_case(word: str) -> str:
    """Keras's own way from a class to a place: Conv2D → conv2d, BatchNormalization → …"""
    name = re.sub(r"\W+", "", word)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
