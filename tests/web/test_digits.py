"""The modules of the page to draw on, in node, beside what Python makes of the same."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

from gradbook.data.dataset import Framing
from gradbook.data.photo import as_seen
from gradbook.data.sources import load
from gradbook.net import Net, builtin
from gradbook.net.names import layer_names
from gradbook.net.work.at_work import values_of
from tests.cases import for_each
from tests.families import networks
from tests.outside.pages.strokes import strokes
from tests.web.looking import FLAT, MIXED, in_node, is_shown, looked

pytestmark = pytest.mark.witness("node")


def test_a_drawing_is_prepared_as_predict_prepares_a_picture_of_it(tmp_path):
    """Of 60 digits all but few are the same to 3 of 255: Python sees the paper's own noise, and a
    pen's width that lies between two whole ones may be rounded the other way.
    """
    test = load("digits").test_for_reporting
    drawings = [[line.tolist() for line in strokes(image[0])] for image in test.pixels[:60]]
    gaps = []
    for line in in_node("drawn.mjs", tmp_path, json.dumps(drawings)).splitlines():
        record = json.loads(line)
        side = record["side"]
        paper = np.frombuffer(b64decode(record["paper"]), np.uint8).reshape(side, side)
        picture = Image.fromarray(255 - paper).convert("RGB")
        expected = as_seen(picture, (1, 28, 28), Framing(20, True))[0].astype(int)
        seen = np.array(record["seen"]).reshape(28, 28)
        gaps.append(int(abs(seen - expected).max()))
    assert np.mean(np.array(gaps) <= 3) >= 0.95, gaps


def a_picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Patches of colour, with soft edges and some noise."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 4, 3), dtype=np.uint8))
    fine = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(
        np.clip(fine + random.integers(-20, 21, fine.shape), 0, 255).astype("u1")
    )


@for_each("channels", [1, 3])
@for_each("size", [(40, 31), (200, 117), (9, 12), (500, 333)])
def test_a_picture_that_isnt_framed_is_brought_to_its_size_as_predict_does_it(
    channels, size, tmp_path
):
    picture, shape = a_picture(channels, size), (channels, 16, 20)
    told = {
        "data": np.asarray(picture.convert("RGBA")).ravel().tolist(),
        "rows": size[1],
        "columns": size[0],
        "image": shape,
    }
    seen = np.array(json.loads(in_node("as_it_is.mjs", tmp_path, json.dumps(told))))
    expected = as_seen(picture, shape, None).astype(int).ravel()
    assert abs(seen - expected).max() <= 1  # where a sum lies between two bytes


def hold_against_the_reference(net: Net, folder: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, net.input, dtype=np.uint8)
    model, found = looked(net, folder, image)
    made = values_of(net, model.values, model.prepare(image))
    names = [str(name) for name in layer_names(net)]
    for name, expected in zip(names[1:], made[1:], strict=True):
        if name in found["layers"]:
            array = np.array(found["layers"][name])
            assert np.abs(array - expected.ravel()).max() <= 2e-5 * max(np.abs(expected).max(), 1)
    assert set(names[1:]) - {"i"} == set(found["layers"])
    sure = model.predict(image[None])[0]
    assert found["sure"] == pytest.approx(sure, abs=2e-5)
    assert found["read"] == pytest.approx(np.tile(made[-1].ravel(), 3), rel=1e-4, abs=2e-5)


@pytest.mark.witness("zig")
@for_each("net", [MIXED, FLAT, builtin("blocks")], ids=["mixed", "flat", "blocks"])
def test_every_layers_values_are_the_references(net, tmp_path):
    hold_against_the_reference(net, tmp_path)


@pytest.mark.witness("zig")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(net=networks(images=True, recurrent=False, updates=["descent"]).filter(is_shown))
def test_any_networks_values_are_the_references(net, tmp_path):
    hold_against_the_reference(net, tmp_path)


@pytest.mark.witness("zig")
@for_each("net", [MIXED, FLAT], ids=["mixed", "flat"])
def test_a_value_taken_apart_comes_to_what_the_engine_says(net, tmp_path):
    image = np.random.default_rng(3).integers(0, 256, net.input, dtype=np.uint8)
    _, found = looked(net, tmp_path, image)
    assert len(found["sums"]) >= 2
    for name, said, summed in found["sums"]:
        assert summed == pytest.approx(said, rel=1e-5, abs=1e-5), name
