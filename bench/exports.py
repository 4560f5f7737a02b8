"""Whether exported networks read all test digits as the engine does, in the runtimes people use.

    python bench/exports.py RUN… [--only onnxruntime]

Each run is exported in every format whose runtime is installed, and reads the 10,000 test images.
It prints how many get another class than from the engine, and the largest difference of a
probability. The environment chooses the backend of Keras: KERAS_BACKEND=tensorflow, torch or jax.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import gradbook as gb
from gradbook.data.sources import load
from gradbook.lab.models.model import Model

Probabilities = np.ndarray
AT_ONCE = 1_000  # images


def by_onnxruntime(model: Model, images: np.ndarray, folder: Path, **options: Any) -> Probabilities:
    from onnxruntime import InferenceSession

    (file,) = model.export(folder / "net.onnx", with_preparation=True, **options).files
    session = InferenceSession(file)
    return np.concatenate([session.run(None, {"images": some[:, 0]})[0] for some in _parts(images)])


def by_pytorch(model: Model, images: np.ndarray, folder: Path) -> Probabilities:
    import torch

    file, _ = model.export(folder / "net.py").files
    spec = spec_from_file_location("net", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    said = [module.probabilities(network, torch.tensor(some)) for some in _parts(images)]
    return torch.cat(said).numpy()


def by_keras(model: Model, images: np.ndarray, folder: Path) -> Probabilities:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    (file,) = model.export(folder / "net.keras", with_preparation=True).files
    network = keras.models.load_model(file)
    said = [network(np.moveaxis(some, 1, -1), training=False) for some in _parts(images)]
    return np.concatenate([keras.ops.convert_to_numpy(some) for some in said])


def _parts(images: np.ndarray) -> list[np.ndarray]:
    return [images[k : k + AT_ONCE] for k in range(0, len(images), AT_ONCE)]


FORMS: dict[str, tuple[str, Callable[..., Probabilities], dict[str, Any]]] = {
    ".onnx": ("onnxruntime", by_onnxruntime, {}),
    ".onnx --no-fold": ("onnxruntime", by_onnxruntime, {"fold": False}),
    ".onnx --opset 17": ("onnxruntime", by_onnxruntime, {"opset": 17}),
    ".py": ("torch", by_pytorch, {}),
    ".keras": ("keras", by_keras, {}),
}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--only", metavar="RUNTIME", help="use only this runtime")
    options = parser.parse_args()
    images = load("digits").test_for_reporting
    print(
        f"{'run':<16}{'form':<20}{'runtime':<14}{'other class':>12}{'off at most':>13}{'right':>9}"
    )
    for run in options.runs:
        model = gb.load(run)
        expected = model.predict(images.pixels)
        for form, (runtime, read, asked) in FORMS.items():
            if find_spec(runtime) is None or (options.only and runtime != options.only):
                continue
            with TemporaryDirectory() as folder:
                found = read(model, images.pixels, Path(folder), **asked)
            classes = found.argmax(axis=1)
            other = int((classes != expected.argmax(axis=1)).sum())
            off = float(np.abs(found - expected).max())
            right = float((classes == images.labels).mean())
            name = Path(run).name
            print(f"{name:<16}{form:<20}{runtime:<14}{other:>12,}{off:>13.1e}{right:>9.2%}")


if __name__ == "__main__":
    main()
