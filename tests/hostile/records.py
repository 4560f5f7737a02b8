"""Records that say what no program of ours would: models, checkpoints, runs, studies, arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.hostile.cases import Case, Words
from tests.hostile.packed import npy, zipped

HALF = "\ud800"  # of a character
READ = ("predict", "model.safetensors", "a.png")
NET = "input 1x28x28; flatten; dense 10; log softmax; loss cross-entropy"
ODD: tuple[object, ...] = (
    *(None, True, -1, 0, 1.5, 1e308, 10**30, 2**63, float("nan"), float("inf"), ""),
    *("x" * 5000, HALF, "\x9b2J", "\u202eabc", [], [[]], [None], {}, {"a": [1]}, [-1, -28, 28]),
    *([1] * 2000, "[" * 5000, "=1+1", "../../x", [1, 28, 28.5], [True, True, True]),
)


def spoilt(record: dict[str, Any], draw: Random) -> dict[str, Any]:
    """The record with one of its fields missing or odd."""
    name = draw.choice(list(record))
    if draw.random() < 0.1:
        return {key: value for key, value in record.items() if key != name}
    return {**record, name: put(record[name], draw)}


def put(record: Any, draw: Random) -> Any:
    """The record with something odd in one of its places."""
    if isinstance(record, dict) and record and draw.random() < 0.85:
        return spoilt(record, draw)
    if isinstance(record, list) and record and draw.random() < 0.6:
        place = draw.randrange(len(record))
        return [*record[:place], put(record[place], draw), *record[place + 1 :]]
    return draw.choice(ODD)


# Models ---------------------------------------------------------------------------------------


def _arrays(draw: Random) -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(draw.randrange(2**32))
    weights = numbers.normal(size=(10, 784)).astype(np.float32)
    return {"w_1": weights, "b_1": np.zeros(10, np.float32)}


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

    said = json.dumps({**record, "sum": stored._sum(values)})
    return save(dict(values), {stored.NAME: said})


def _picture(folder: Path) -> None:
    from PIL import Image

    Image.new("L", (40, 60), 255).save(folder / "a.png")


def _model(folder: Path, draw: Random) -> Words:
    _picture(folder)
    model_file(folder / "model.safetensors", draw, lambda record: spoilt(record, draw))
    return draw.choice([READ, ("export", "model.safetensors", "-o", "net.c")])


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
    told = json.dumps({"w_layer_1": tensor, "__metadata__": {"gradbook": json.dumps(record)}})
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(told).to_bytes(8, "little") + told.encode())
        file.truncate(8 + len(told) + size)  # which takes no room on most disks
    return READ


def _header(folder: Path, draw: Random) -> Words:
    """A file of tensors whose header is odd, and nothing else is."""
    tensor = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    header = {"w": tensor, "__metadata__": {"gradbook": json.dumps({"kind": "model"})}}
    said = json.dumps(put(header, draw)).encode()
    length = draw.choice([len(said)] * 4 + [0, 2**20, 2**62, 2**64 - 1])
    content = length.to_bytes(8, "little") + said + bytes(16)
    (folder / "model.safetensors").write_bytes(content)
    return READ


def _long_header(folder: Path, draw: Random) -> Words:
    """A header that is millions of empty lists."""
    said = b'{"a":[' + b"[]," * draw.choice([2_000_000, 5_000_000, 20_000_000]) + b"0]}"
    (folder / "model.safetensors").write_bytes(len(said).to_bytes(8, "little") + said)
    return READ


# Runs and studies -----------------------------------------------------------------------------

RECIPE = f"epochs 1\nbatch 8\n\n{NET.replace('; ', chr(10))}\n"
EPOCH = {
    "epoch": 1,
    "rate": 0.1,
    "train_loss": 1.0,
    "train_accuracy": 0.5,
    "seconds": 1.0,
    "validation_loss": None,
    "validation_accuracy": None,
    "images_per_second": 10.0,
}
RESULT = {
    "event": "done",
    "recipe": "x",
    "parameters": 7850,
    "epochs": 1,
    "seconds": 1.0,
    "images_per_second": 10.0,
    "validation_accuracy": None,
    "test_accuracy": 0.5,
    "seed": 0,
}
TRIAL = {
    "number": 1,
    "parameters": {"rate": 0.1},
    "value": 0.5,
    "state": "done",
    "why": "",
    "accuracies": [0.5],
    "network_parameters": 10,
    "macs": 10,
    "seconds": 1.0,
    "bits": [""],
    "recipe": RECIPE,
}


def _run(folder: Path, draw: Random) -> Words:
    for name in ("one", "two"):
        run = folder / name
        run.mkdir()
        (run / "recipe.txt").write_text(RECIPE)
        odd = name == "one"
        metrics, result = EPOCH, RESULT
        if odd and draw.random() < 0.5:
            metrics = put(EPOCH, draw)
        elif odd:
            result = put(RESULT, draw)
        (run / "metrics.jsonl").write_text(json.dumps(metrics) + "\n")
        (run / "result.json").write_text(json.dumps(result))
        model_file(run / "model.safetensors", draw, lambda record: record)
    return ["compare", "one", "two"]


def _seeds(folder: Path, draw: Random) -> Words:
    run = folder / "runs"
    run.mkdir()
    (run / "seeds.json").write_text(json.dumps(put({"recipe": RECIPE, "seeds": [0, 1]}, draw)))
    return ["compare", "runs"]


def _checkpoint(folder: Path, draw: Random) -> Words:
    run = folder / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "recipe.txt").write_text(RECIPE)
    record = {
        "kind": "checkpoint",
        "version": 1,
        "recipe": RECIPE,
        "mark": 1,
        "step": 1,
        "history": [EPOCH],
        "seconds": 1.0,
    }
    arrays = {**_arrays(draw), "epoch/losses": np.zeros(1), "epoch/right": np.zeros(1, np.int32)}
    about = {**spoilt(record, draw), "kind": "checkpoint"}
    path = run / "checkpoints" / "000001.safetensors"
    path.write_bytes(stored_by_a_stranger(arrays, about))
    return ["train", "--resume", "run"]


def _trials(folder: Path, draw: Random) -> Words:
    study = folder / "study"
    (study / "results").mkdir(parents=True)
    (study / "study.txt").write_text("trials 1\nvary\n  rate {0.1 | 0.2}\n" + RECIPE)
    records = [TRIAL, put(TRIAL, draw)]
    (study / "trials.json").write_text(json.dumps(records))
    return ["study", "--test", "study"]


# Arrays and networks --------------------------------------------------------------------------

SHAPES = (
    *("(True, True, True)", "(True, 28, 28)", "(-1, 28, 28)", "(2**5, 4, 4)", "(9, 4.0, 4)"),
    *("()", "(9,)", "(" + "1, " * 2000 + ")", "(1, " * 40 + ")" * 40, "(0, 28, 28)"),
    *("(9999999999999, 1, 1)", "('9', 4, 4)", "(9, 4, 4)", "None", "[9, 4, 4]", "(9, 784)"),
)
KINDS = ("|u1", "|b1", "|S3", "<U3", "|O", "<M8[s]", "<f2", "<f8", "<c8", "|V3", "<U999999", ">i8")


def _array(folder: Path, draw: Random) -> Words:
    body = draw.randbytes(draw.choice([0, 9, 144, 9 * 784, 20_000]))
    images = npy(draw.choice(SHAPES), draw.choice(KINDS), body)
    labels = npy(draw.choice((*SHAPES, "(9,)", "(9,)")), draw.choice(KINDS), body)
    good = npy("(9, 4, 4)", body=bytes(144)), npy("(9,)", body=bytes(9))
    pair = draw.choice([(images, labels), (images, good[1]), (good[0], labels)])
    zipped(folder / "set.npz", {"x.npy": pair[0], "y.npy": pair[1]})
    return ["data", "set.npz"]


def _idx(folder: Path, draw: Random) -> Words:
    header = bytearray([0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 4])
    for _ in range(draw.randint(0, 3)):
        header[draw.randrange(16)] = draw.choice([0, 1, 8, 13, 127, 255])
    (folder / "train-images-idx3-ubyte").write_bytes(header + bytes(draw.choice([0, 143, 144])))
    labels = bytes([0, 0, 8, 1, 0, 0, 0, 9]) + bytes(9)
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
    names = draw.choice(["a\nb", "\x9b", HALF, "a\na", "", "\u202e" * 3])
    (folder / "classes.txt").write_bytes(names.encode("utf-8", "surrogatepass"))
    return ["data", "."]


def _keras(folder: Path, draw: Random) -> Words:
    layer = {
        "class_name": "Dense",
        "name": "dense",
        "inbound_nodes": [],
        "config": {"name": "dense", "units": 3, "activation": "relu", "batch_shape": [None, 4]},
    }
    first = {
        "class_name": "InputLayer",
        "name": "in",
        "inbound_nodes": [],
        "config": {"name": "in", "batch_shape": [None, 4], "dtype": "float32"},
    }
    config = {"class_name": "Sequential", "config": {"layers": [first, layer]}}
    entries: Mapping[str, bytes] = {
        "metadata.json": json.dumps({"keras_version": "3.1"}).encode(),
        "config.json": json.dumps(put(config, draw)).encode(),
        "model.weights.h5": draw.randbytes(500),
    }
    zipped(folder / "net.keras", entries)
    return ["summary", "net.keras"]


def _network(folder: Path, draw: Random) -> Words:
    """A recipe or a network with halves of characters, controls or endless words in it."""
    odd = draw.choice([HALF, "\x9b2J", "\u202e", "x" * 100_000, "=1+1", "9" * 9000])
    text = RECIPE.replace(draw.choice(["1x28x28", "epochs", "10", "flatten"]), odd)
    (folder / "net.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    return draw.choice([["summary", "net.txt"], ["train", "net.txt", "-o", "run"]])


CASES = [
    Case("a model's record", _model, codes=(0, 1, 2)),
    Case("a model's batch", _batch, codes=(0, 1, 2)),
    Case("a large model of another shape", _large),
    Case("a model's header", _header),
    Case("a header of millions of lists", _long_header),
    Case("a run's records", _run, codes=(0, 2)),
    Case("a plan of seeds", _seeds, codes=(0, 2)),
    Case("a checkpoint's record", _checkpoint, codes=(0, 2)),
    Case("the trials of a study", _trials, codes=(0, 2)),
    Case("an array's header", _array, codes=(0, 2)),
    Case("idx and its classes", _idx, codes=(0, 2)),
    Case("a network of Keras's", _keras, codes=(0, 2)),
    Case("a network's text", _network, codes=(0, 2)),
]
