"""Programs that make C in floats of a network of ours: onnx2c, and emlearn, which has dense layers.

Each is given the trained weights and reads an image's own bytes, brought to the numbers that the
network takes by a few lines around it. Outputs come as whole numbers of 16 binary places.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.peers.peer import Bytes, Peer
from gradbook.errors import TargetError
from gradbook.lab.models.model import Model
from gradbook.layers import Dense
from gradbook.net.trained import strip_idle

AROUND = """
int net_predict(const uint8_t *image, int32_t *each);
int net_predict(const uint8_t *image, int32_t *each)
{{
    static float input[{pixels}];
    static float {given};
    int best = 0;
    for (int k = 0; k < {pixels}; k++)
        input[k] = image[k] * {scale}f + {shift}f;
    {asked};
    for (int k = 0; k < {outputs}; k++) {{
        each[k] = (int32_t)(outputs[k] * 65536);
        if (outputs[k] > outputs[best])
            best = k;
    }}
    return best;
}}
"""
NAME = "own"  # of the network in emlearn's C
ACTIVATIONS = {  # as emlearn calls them; the class is the same of a softmax and of its logarithm
    "relu": "relu",
    "sigmoid": "logistic",
    "tanh": "tanh",
    "softmax": "softmax",
    "log softmax": "softmax",
}
NOTHING = ("flatten", "dropout")  # words of layers that change no number at work


def by_onnx2c(program: str, model: Model, images: Bytes) -> Peer:
    """https://github.com/kraiskil/onnx2c, of the exported ONNX model."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "net.onnx")
        model.export(file)
        words = [program, "-d", "N:1", str(file)]
        made = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    asked = "entry((void *)input, (void *)outputs)"
    return Peer("onnx2c", made + _around(model, asked), images, floats=True)


def by_emlearn(folder: Path, model: Model, images: Bytes) -> Peer:
    """https://emlearn.org, installed into this folder, by its `loadable` way: of 0.23.2 the other,
    `inline`, fails on every network."""
    activations, weights, biases = dense_layers(model)
    sys.path.insert(0, str(folder.resolve()))
    net = import_module("emlearn.net")
    made = net.c_generate_net_loadable(activations, weights, biases, NAME)
    asked = f"{NAME}_predict(input, {int(np.prod(model.net.input))})"
    text = made + _around(model, asked, f"*const outputs = {NAME}_buf2")
    return Peer("emlearn", text, images, (Path(net.__file__).parent,), floats=True)


def dense_layers(model: Model) -> tuple[list[str], list[np.ndarray], list[np.ndarray]]:
    """Activations, weights (inputs, outputs) and biases: all that emlearn has of networks."""
    activations: list[str] = []
    weights, biases = [], []
    for own in strip_idle(model.trained()).layers:
        word = own.layer.text or own.layer.word
        if isinstance(own.layer, Dense) and len(activations) == len(weights):
            weights.append(own.tensors["weight"].T)
            biases.append(own.tensors.get("bias", np.zeros(own.output)))
        elif word in ACTIVATIONS and len(activations) < len(weights):
            activations.append(ACTIVATIONS[word])
        elif word.split()[0] not in NOTHING:
            raise TargetError(f"emlearn has dense layers with activations alone, not '{word}'")
    return activations, weights, biases


def _around(model: Model, asked: str, given: str = "") -> str:
    """What makes of bytes the numbers that the network takes, and finds the class."""
    scaling = model.trained().scaling
    scale, shift = (float(np.unique(one).item()) for one in (scaling.scale, scaling.shift))
    outputs = model.net.outputs
    return AROUND.format(
        pixels=int(np.prod(model.net.input)),
        outputs=outputs,
        scale=scale,
        shift=shift,
        asked=asked,
        given=given or f"outputs[{outputs}]",
    )
