"""The bench: fair rivals, turns, ratios, and a form that a program can read."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest

from bench import engine
from bench.race import race as racing
from bench.race import turns as taking_turns
from bench.race.race import Ratio, Time, race
from bench.race.rivals import PREDICTORS
from bench.race.turns import Taken
from gradbook.data.warp import parse_warp
from gradbook.lab.recipes.recipe_text import builtin_recipe
from gradbook.net import builtin
from tests.cases import for_each


@for_each("name", ["reference", "blocks", "flat"])
@pytest.mark.witness("torch")
def test_the_rival_is_the_same_network(name):
    from bench.race.rivals import model

    made = model(builtin(name))
    assert sum(p.numel() for p in made.parameters()) == builtin(name).count()


def test_the_ratio_is_pytorchs_fastest_float32_over_the_engine(monkeypatch):
    seconds = {
        "engine": [1.0, 2.0, 1.0],
        "eager": [9.0, 9.0, 9.0],
        "compile": [6.0, 8.0, 5.0],
        "bf16": [2.0, 2.0, 2.0],
    }
    taken = {mode: Taken(turns, 1.0, 100.0, 0.7) for mode, turns in seconds.items()}
    monkeypatch.setattr(racing, "turns", lambda *words: taken)
    found = race("flat", list(seconds), 2, 3, 100, print)
    assert found.ratio == Ratio("compile", 6.0, 4.0, 6.0)
    ours = found.times[0]
    assert ours.seconds_per_epoch == 469
    assert ours.peak_share == pytest.approx(ours.gflops / 100)


@pytest.mark.witness("cc")
def test_a_program_can_read_it(capsys, monkeypatch):
    monkeypatch.setattr(taking_turns, "TURN", 0.01)
    engine.main(["blocks", "--engine-only", "--rounds", "1", "--threads", "1", "--json"])
    record = json.loads(capsys.readouterr().out)
    assert [*record] == ["version", "machine", "rows", "ratios"]
    assert record["version"] == 1
    assert record["machine"]["peak_gflops"]["1"] > 0
    (row,) = record["rows"]
    assert [*row] == [*(field.name for field in fields(Time))]
    assert (row["network"], row["batch"], row["mode"]) == ("blocks", 64, "engine")
    assert row["seconds_per_epoch"] > 0
    assert record["ratios"] == {}


@pytest.mark.witness("torch", "onnxruntime")
def test_onnxruntime_says_what_pytorch_says():
    from bench.race.rivals import predictor

    images = np.random.default_rng(0).normal(size=(7, 1, 28, 28)).astype(np.float32)
    said = [predictor(builtin("blocks"), mode, 1, images)()[0] for mode in PREDICTORS]
    assert said[1][0] == pytest.approx(said[0], abs=1e-4)


# PyTorch by a recipe.


@pytest.mark.witness("torch")
def test_the_rival_turns_images_anticlockwise():
    import torch

    from bench.race.rivals import turned

    images = np.random.default_rng(0).random((3, 1, 8, 8), np.float32)
    quarters = torch.arange(3) * torch.pi / 2
    found = turned(torch.from_numpy(images), quarters, torch.ones(3)).numpy()
    for k, (image, made) in enumerate(zip(images, found, strict=True)):
        assert made[0] == pytest.approx(np.rot90(image[0], k), abs=1e-5)


@pytest.mark.witness("torch")
def test_the_rival_crops_as_we_do():
    import torch

    from bench.race.rivals import turned
    from gradbook.data.warp import warp_images

    images = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), dtype=np.uint8)
    wanted = warp_images(images, parse_warp("crop 22"), [0, 1, 2], seed=0, epoch=0)
    found = turned(torch.from_numpy(images).float(), torch.zeros(3), torch.full((3,), 22 / 28))
    assert found.numpy() == pytest.approx(wanted, abs=0.01)


@pytest.mark.witness("torch")
def test_the_rival_draws_as_the_recipe_says():
    import torch

    from bench.race.rivals import drawing

    warp = builtin_recipe("reference").warp
    assert warp == parse_warp("rotate 15; crop 22 chance 0.1")
    images = torch.zeros(2000, 1, 28, 28)
    images[:, :, 13:15, :2] = 1  # a mark on the left, which a crop moves out of sight
    drawn = drawing(warp)(images)[:, 0]
    gone = (drawn.sum((1, 2)) < 1).float().mean().item()
    assert gone == pytest.approx(0.1, abs=0.03)
    rows = torch.arange(28.0)[None, :, None]
    height = (drawn * rows).sum((1, 2)) / drawn.sum((1, 2)).clamp(min=1e-9)
    reach = 13 * np.sin(np.radians(15))  # as far from the middle is the mark
    seen = height[drawn.sum((1, 2)) > 1]
    assert seen.max().item() == pytest.approx(13.5 + reach, abs=0.3)
    assert seen.min().item() == pytest.approx(13.5 - reach, abs=0.3)
