"""Warps in PyTorch: given the same chance, the images that data/warp.py makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.chance import Purpose, key
from gradbook.data.warp import Warp, draw_warp, parse_warp, warp_image
from gradbook.formats.torch.training_loop import warp_source

WARPS = [
    "rotate 5; shift 0.5; elastic 7 2.5",
    "rotate 12; shift 2; scale 0.85 1.15; shear 10; elastic 7 3; background 30",
    "crop 5 chance 0.4; shift 1",
    "crop 6; scale 0.9 1.1",
    "elastic 3 1",
    "flip",
    "flip chance 0.8; rotate 30; shift 1; elastic 4 1; background 9",
    "cutout 4; background 200",
    "crop 5",
    "cutout 3 chance 0.5; flip; crop 6 chance 0.5",
]


def said(warp: Warp, images: np.ndarray, seed: int) -> np.ndarray:
    """What the function of PyTorch makes of images that draw what `warped` draws for them."""
    import torch

    _, _, rows, columns = images.shape
    all_keys = [key(seed, Purpose.WARP, 0, k) for k in range(len(images))]
    own = [draw_warp(warp, one, rows, columns) for one in all_keys]
    turn = iter(_asked(warp, own, rows, columns))

    def between(low: float, high: float, shape: tuple[int, ...]) -> Any:
        numbers = torch.tensor(np.array(next(turn))).float()
        assert low - 1e-5 <= float(numbers.min()) <= float(numbers.max()) <= high + 1e-5
        return numbers.reshape(shape)

    space: dict[str, Any] = {"torch": torch, "F": torch.nn.functional}
    exec(warp_source(warp), space)
    space["between"] = between
    found = space["warped"](torch.tensor(images))
    assert next(turn, None) is None
    return np.asarray(found.numpy())


def _asked(warp: Warp, own: list[Any], rows: int, columns: int) -> list[Any]:
    """What is drawn, in the order in which the function asks for it."""
    found = []
    if warp.shift:
        found += [[one.along for one in own], [one.down for one in own]]
    if warp.rotate:
        found.append(np.degrees([one.angle for one in own]))
    if warp.shear:
        found.append(np.degrees([one.shear for one in own]))
    if warp.scale != (1.0, 1.0):
        found.append([one.scale for one in own])
    if warp.crop and warp.crop.chance < 1:
        found.append([0.0 if one.cropped else 1.0 for one in own])
    if warp.flip:
        found.append([0.0 if one.flipped else 1.0 for one in own])
    if warp.elastic:
        found += [[one.points[0] for one in own], [one.points[1] for one in own]]
    if warp.cutout:
        whole = rows * columns / warp.cutout.chance
        middles = [one.cut and (one.cut[0] * columns + one.cut[1] + 0.5) / whole for one in own]
        found.append([1.0 if middle is None else middle for middle in middles])
    return found


@pytest.mark.witness("torch")
@given(st.sampled_from(WARPS), st.integers(7, 12), st.integers(7, 12), st.integers(0, 99))
def test_the_images_are_those_of_the_recipe(text, rows, columns, seed):
    warp = parse_warp(text)
    images = np.random.default_rng(seed).integers(0, 256, (3, 2, rows, columns), np.uint8)
    expected = [
        warp_image(image, warp, seed=seed, epoch=0, image=k) for k, image in enumerate(images)
    ]
    np.testing.assert_allclose(said(warp, images, seed), expected, atol=0.02)


def test_what_changes_nothing_has_no_function():
    assert warp_source(Warp(background=3)) == ""
