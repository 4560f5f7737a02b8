"""The modules of the page to draw on, in node, beside what Python makes of the same."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

from gradbook.data.images import Framing
from gradbook.data.photo.image import as_seen
from gradbook.data.sources import load
from gradbook.engine.wasm import viewer
from gradbook.graph.names import layer_names
from gradbook.graph.work.at_work import at_start, values_of
from gradbook.lab.models.model import Model
from gradbook.net import Net, builtin, parse
from gradbook.report.digits.page import READ_AT_ONCE, content_table
from tests.families import networks
from tests.outside.pages.strokes import strokes
from tests.outside.witness import program

pytestmark = pytest.mark.witness("node")
HERE = Path(__file__).parent
MIXED = """\
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
"""
FLAT = "input 1x10x12; identity; flatten; dense 9; sigmoid; dense 3; log softmax"


def in_node(script: str, folder: Path, given: str = "") -> str:
    words = [program("node"), str(HERE / script), str(files("gradbook") / "web")]
    done = subprocess.run(
        words, cwd=folder, input=given, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_drawing_is_prepared_as_predict_prepares_a_picture_of_it(tmp_path):
    """Of 60 digits all but few are the same to 3 of 255: Python sees the paper's own noise, and a
    pen's width that lies between two whole ones may be rounded the other way.
    """
    test = load("digits").test_for_reporting
    drawings = [[line.tolist() for line in strokes(image[0])] for image in test.pixels[:60]]
    gaps = []
    for line in in_node("drawn.mjs", tmp_path, json.dumps(drawings)).splitlines():
        found = json.loads(line)
        side = found["side"]
        paper = np.frombuffer(b64decode(found["paper"]), np.uint8).reshape(side, side)
        picture = Image.fromarray(255 - paper).convert("RGB")
        expected = as_seen(picture, (1, 28, 28), Framing(20, True))[0].astype(int)
        seen = np.array(found["seen"]).reshape(28, 28)
        gaps.append(int(abs(seen - expected).max()))
    assert np.mean(np.array(gaps) <= 3) >= 0.95, gaps


def looked(net: Net, folder: Path, image: np.ndarray, values=None):
    """What the page's module and modules make of the image, and what it is told."""
    kept = values or {name: np.asarray(value) for name, value in at_start(net).items()}
    random = np.random.default_rng(1)
    kept = {name: value + 0.1 * random.random(value.shape) for name, value in kept.items()}
    channels = net.input[0]
    model = Model(
        net, kept, (0.13,) * channels, (0.31,) * channels, [str(k) for k in range(net.outputs)]
    )
    told = {
        "content": content_table(model),
        "values": {
            name: np.asarray(value, np.float32).ravel().tolist() for name, value in kept.items()
        },
    }
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "module.wasm").write_bytes(viewer(net, READ_AT_ONCE).code)
    (folder / "image").write_bytes(image.tobytes())
    return model, json.loads(in_node("looked.mjs", folder))


def hold_against_the_reference(net: Net, folder: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, net.input, dtype=np.uint8)
    model, found = looked(net, folder, image)
    made = values_of(net, model.values, model.given(image))
    names = [str(name) for name in layer_names(net)]
    for name, expected in zip(names[1:], made[1:], strict=True):
        if name in found["layers"]:
            own = np.array(found["layers"][name])
            assert np.abs(own - expected.ravel()).max() <= 2e-5 * max(np.abs(expected).max(), 1)
    assert set(names[1:]) - {"i"} == set(found["layers"])
    sure = model.predict(image[None])[0]
    assert found["sure"] == pytest.approx(sure, abs=2e-5)
    assert found["read"] == pytest.approx(np.tile(made[-1].ravel(), 3), rel=1e-4, abs=2e-5)


@pytest.mark.witness("zig")
@pytest.mark.parametrize(
    "net", [parse(MIXED), parse(FLAT), builtin("blocks")], ids=["mixed", "flat", "blocks"]
)
def test_every_layers_values_are_the_references(net, tmp_path):
    hold_against_the_reference(net, tmp_path)


@pytest.mark.witness("zig")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    net=networks(updates=["descent"]).filter(lambda net: len(net.input) == 3 and net.outputs > 1)
)
def test_any_networks_values_are_the_references(net, tmp_path):
    hold_against_the_reference(net, tmp_path)


@pytest.mark.witness("zig")
@pytest.mark.parametrize("net", [parse(MIXED), parse(FLAT)], ids=["mixed", "flat"])
def test_a_value_taken_apart_comes_to_what_the_engine_says(net, tmp_path):
    image = np.random.default_rng(3).integers(0, 256, net.input, dtype=np.uint8)
    _, found = looked(net, tmp_path, image)
    assert len(found["sums"]) >= 2
    for name, said, summed in found["sums"]:
        assert summed == pytest.approx(said, rel=1e-5, abs=1e-5), name
