"""A page's own modules at work in node: what they make of an image, and what they are told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from gradbook.engine.wasm import viewer
from gradbook.errors import TargetError
from gradbook.lab.models.model import Model
from gradbook.net import Net, parse
from gradbook.net.work.at_work import at_start
from gradbook.report.digits_page import READ_AT_ONCE, content_table
from gradbook.report.digits_tables import require_explained
from tests.outside.witness import program

HERE = Path(__file__).parent
MIXED = parse("""\
input 1x12x11
conv 6 3x3 pad 1
relu
conv 8 3x2 stride 2 pad 1 groups 2
gelu
maxpool 2 stride 1
depthwise 3x3 pad 1 no bias
batchnorm
add back 2
avgpool 2
flatten
dropout 0.3
dense 7
tanh
dense 4
softmax
""")
FLAT = parse("input 1x10x12; identity; flatten; dense 9; sigmoid; dense 3; log softmax")


def is_shown(net: Net) -> bool:
    """Whether a page takes it: it tells images apart, by layers that can be explained."""
    try:
        require_explained(net)
    except TargetError:
        return False
    return len(net.input) == 3 and len(net.shapes[-1]) == 1 and net.outputs > 1


def in_node(script: str, folder: Path, given: str = "") -> str:
    words = [program("node"), str(HERE / script), str(files("gradbook") / "web")]
    done = subprocess.run(
        words, cwd=folder, input=given, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def looked(
    net: Net,
    folder: Path,
    image: np.ndarray,
    target: int | None = None,
    places: Sequence[Sequence[int]] = (),
):
    """What the page's module and modules make of the image, as one of the class `target`, and the
    model that they are told of. Of each of `places` (row, channel, row, column) what it feeds.
    """
    random = np.random.default_rng(1)
    start = {name: np.asarray(value) for name, value in at_start(net).items()}
    kept = {name: value + 0.1 * random.random(value.shape) for name, value in start.items()}
    channels = net.input[0]
    classes = [str(k) for k in range(max(net.outputs, 2))]
    model = Model(net, kept, (0.13,) * channels, (0.31,) * channels, classes)
    told = {
        "content": content_table(model),
        "values": {
            name: np.asarray(value, np.float32).ravel().tolist() for name, value in kept.items()
        },
        "target": target,
        "places": [list(place) for place in places],
    }
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "module.wasm").write_bytes(viewer(net, READ_AT_ONCE).code)
    (folder / "image").write_bytes(image.tobytes())
    return model, json.loads(in_node("looked.mjs", folder))
