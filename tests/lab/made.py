"""Small images that a small network learns in a moment, and recipes for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gradbook.data.dataset import TEST, TRAINING, Dataset, Part, assemble
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.recipe_text import change_recipe, parse

SIDE = 8
TEXT = """\
recipe strokes
data made.npz
warp shift 1, rotate 5, background 0
schedule one cycle 0.1
epochs 3
batch 32
input 1x8x8
conv 4 3x3
batchnorm
relu
maxpool 2
dropout 0.1
flatten
dense 4
log softmax
loss cross-entropy
update momentum 0.9 nesterov
decay 0.001
"""


def recipe(changes: str = "") -> Recipe:
    return change_recipe(parse(TEXT), changes)


def arrays(count: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images with a bright bar at one of four places, and which."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    pixels = random.integers(0, 120, (count, SIDE, SIDE), dtype=np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        across = image if label < 2 else image.T
        across[2 + 3 * (label % 2)] += 110
    return pixels, labels


def dataset(count: int = 600, seed: int = 0) -> Dataset:
    parts = {
        part: Part(pixels[:, None], labels, f"{part} images", f"{part} labels", str)
        for part, (pixels, labels) in {
            TRAINING: arrays(count, seed),
            TEST: arrays(100, seed + 1),
        }.items()
    }
    return assemble("made", "made for a test", parts)


def archive(folder: Path) -> Path:
    """The same as a file, which another process can read."""
    path = folder / "made.npz"
    (train, labels), (test, wanted) = arrays(), arrays(100, 1)
    np.savez(path, x_train=train, y_train=labels, x_test=test, y_test=wanted)
    return path
