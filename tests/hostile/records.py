"""Records of models that take gigabytes of whoever believes them.

What else a record can say wrongly is fuzzed: `tests/fuzz/`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.hostile.cases import Case, Words

READ = ("predict", "model.safetensors", "a.png")
NET = "input 1x28x28; flatten; dense 10; log softmax; loss cross-entropy"


def model_file(path: Path, draw: Random, change: Callable[[dict[str, Any]], Any]) -> None:
    """A model of ours with a changed record, whole in every other way."""
    from gradbook.net import Net
    from gradbook.net.work.at_work import at_start

    net = Net.parse(NET)
    values = {name: np.asarray(value, np.float32) for name, value in at_start(net).items()}
    record = {
        "kind": "model",
        "version": 1,
        "network": str(net),
        "batch": 128,
        "mean": [0.13],
        "deviation": [0.31],
        "classes": list("0123456789"),
        "about": {"recipe": f"epochs 1\n\n{NET}", "images": [1, 28, 28], "framing": ""},
    }
    path.write_bytes(stored_by_a_stranger(values, change(record)))


def stored_by_a_stranger(values: Mapping[str, np.ndarray], record: Any) -> bytes:
    """As we store it, but for halves of characters, which we wouldn't write."""
    from safetensors.numpy import save

    from gradbook.lab.models import stored

    text = json.dumps({**record, "sum": stored._sum(values)})
    return save(dict(values), {stored.NAME: text})


def _picture(folder: Path) -> None:
    from PIL import Image

    Image.new("L", (40, 60), 255).save(folder / "a.png")


def _batch(folder: Path, draw: Random) -> Words:
    _picture(folder)
    for number in range(40):
        (folder / f"{number}.png").write_bytes((folder / "a.png").read_bytes())
    size = draw.choice([90_000, 100_000, 1_000_000, 10**9])
    model_file(folder / "model.safetensors", draw, lambda record: {**record, "batch": size})
    return ["predict", "model.safetensors", "."]


def _large(folder: Path, draw: Random) -> Words:
    """Gigabytes of numbers under a record of another network, or under one of no network at all."""
    count = draw.choice([100, 400]) * 2**20
    shape = draw.choice([[count], [10, count // 10], [1, 1, count, 1]])
    record = {"kind": "model", "version": 1, "batch": 1, "mean": [0], "deviation": [1]}
    record |= {"classes": ["a", "b"], "about": {}, "sum": "0" * 64}
    record["network"] = draw.choice(
        [NET, "input 9000000; dense 90", "input 3; dense 9", "x", "[" * 99]
    )
    size = 4 * int(np.prod(shape))
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}
    text = json.dumps({"w_layer_1": tensor, "__metadata__": {"gradbook": json.dumps(record)}})
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text.encode())
        file.truncate(8 + len(text) + size)  # which takes no room on most disks
    return READ


def _long_header(folder: Path, draw: Random) -> Words:
    """A header that is millions of empty lists."""
    said = b'{"a":[' + b"[]," * draw.choice([2_000_000, 5_000_000, 20_000_000]) + b"0]}"
    (folder / "model.safetensors").write_bytes(len(said).to_bytes(8, "little") + said)
    return READ


CASES = [
    Case("a model's batch", _batch, codes=(0, 1, 2)),
    Case("a large model of another shape", _large),
    Case("a header of millions of lists", _long_header),
]
