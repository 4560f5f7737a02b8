"""A trained network as plain data: its tensors by name as NumPy arrays or JSON, its text."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.net.trained import TrainedLayer, TrainedNet

ABOUT = "gradbook.json"  # the archive's entry for everything but the tensors
KIND, VERSION = "gradbook network", 1


def as_text(trained: TrainedNet, recipe: str = "") -> str:
    """The recipe with its network, as `gradbook train` reads it; without a recipe, the network."""
    return recipe or str(trained.net)


def as_archive(trained: TrainedNet, recipe: str = "") -> bytes:
    """A NumPy archive: an array for each tensor, and the rest as JSON under `gradbook.json`."""
    tensors = {name: array.astype(np.float32) for name, array in trained.tensors().items()}
    about = json.dumps(_about(trained, recipe), ensure_ascii=False)
    archive = io.BytesIO()
    np.savez_compressed(archive, **{ABOUT: np.array(about)}, **tensors)  # type: ignore[arg-type]
    return archive.getvalue()


def as_json(trained: TrainedNet, recipe: str = "") -> str:
    """The whole network as JSON, each tensor with its shape and its nested values."""
    tensors = dict[str, Any]()
    for name, array in trained.tensors().items():
        narrow: NDArray[np.float32] = array.astype(np.float32)
        shortest = np.array([float(str(value)) for value in narrow.ravel()])
        values = shortest.reshape(narrow.shape).tolist()  # which round to these 32-bit floats
        tensors[name] = {"shape": list(array.shape), "values": values}
    return json.dumps(_about(trained, recipe) | {"tensors": tensors}, ensure_ascii=False) + "\n"


def _about(trained: TrainedNet, recipe: str) -> dict[str, Any]:
    deviation, mean = trained.spread
    return {
        "kind": KIND,
        "version": VERSION,
        "network": str(trained.net),
        "recipe": recipe,
        "classes": list(trained.classes),
        "input": list(trained.input),
        "columns": trained.input_names,
        "picture": list(trained.picture) if trained.picture else None,
        "preparation": trained.scaling.noted,  # (x / most − mean) / deviation
        **({} if trained.filling is None else {"missing": trained.filling.tolist()}),
        "outputs": {"mean": mean, "deviation": deviation},
        "layers": [_layer(layer) for layer in trained.layers],
    }


def _layer(layer: TrainedLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "words": layer.layer.text,
        "settings": layer.layer.fields,  # including defaults, such as ε
        "reads": list(layer.reads),  # value 0 is the input, value k the k-th layer's output
        "shape": list(layer.output),
        "tensors": [layer.tensor_name(name) for name in layer.tensors],
    }
