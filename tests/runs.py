"""Finished runs to look at, made without training: any network, any images, any curve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from gradbook.data.dataset import Dataset, Part, assemble
from gradbook.graph.node import ancestors
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.lab.training.epochs import Epoch
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder
from gradbook.net.build import inference

SMALL = "conv 4 3x3 pad 1; batchnorm; relu; maxpool 2; flatten; dense {classes}; log softmax"


def pictures(
    classes: tuple[str, ...] = tuple("0123456789"),
    shape: tuple[int, int, int] = (1, 8, 8),
    each: int = 6,
) -> Dataset:
    """A data set of random pictures, each class with a bright spot of its own."""
    random = np.random.default_rng(len(classes))
    labels = np.arange(each * len(classes)) % len(classes)
    parts = {}
    for name, count in (("training", len(labels)), ("test", len(labels) // 2)):
        pixels = random.integers(0, 90, (count, *shape)).astype(np.uint8)
        for image, label in zip(pixels, labels, strict=False):
            image[:, label % shape[1], label // shape[1] % shape[2]] = 255
        parts[name] = Part(pixels, labels[:count], f"{name} images", f"{name} labels", str)
    return assemble("spots", "random pictures", parts, classes)


def text_for(data: Dataset, layers: str = SMALL) -> str:
    """A recipe for these images."""
    shape = "x".join(map(str, data.shape))
    classes = len(data.classes)
    lines = layers.format(classes=classes).replace("; ", chr(10))
    return f"input {shape}\n{lines}\nloss cross-entropy"


def curve(epochs: int, *, validated: bool = True, start: float = 1.0) -> tuple[Epoch, ...]:
    return tuple(
        Epoch(
            epoch=k,
            rate=0.1 * (1 - k / epochs),
            train_loss=start / k,
            train_accuracy=1 - 0.3 / k,
            validation_loss=start / k / 2 if validated else None,
            validation_accuracy=1 - 0.2 / k if validated else None,
            seconds=1.5 * k,
            images_per_second=1234.0,
        )
        for k in range(1, epochs + 1)
    )


def finished(
    folder: Path,
    data: Dataset,
    what: str | Recipe | None = None,
    *,
    changes: str = "",
    epochs: int = 5,
    seed: int = 0,
) -> RunFolder:
    """A run as `gradbook train` leaves it, its weights drawn instead of learnt."""
    used = recipe(what or text_for(data), f"{changes}; seed {seed}; epochs {epochs}".lstrip("; "))
    used = replace(used, data=data.name)
    run = RunFolder(folder)
    run.begin(used)
    run.write_history(curve(epochs, validated=used.held_back is not None, start=1 + seed / 10))
    model = Model(
        used.net,
        _drawn(used, seed),
        [0.2] * data.shape[0],
        [0.3] * data.shape[0],
        data.classes,
        {"recipe": str(used)},
    )
    model.save(run.model_file)
    test = data.test_for_reporting
    run.write_result(
        {
            "event": "done",
            "recipe": used.title,
            "parameters": model.parameters,
            "epochs": epochs,
            "seconds": 7.5 + seed,
            "images_per_second": 1234.0,
            "validation_accuracy": run.history()[-1].validation_accuracy,
            "test_accuracy": model.score(test.pixels, test.labels),
            "seed": seed,
            "model": str(run.model_file),
            "made_with": {"gradbook": "0.0", "compiler": "cc <1>"},
        }
    )
    return run


def _drawn(used: Recipe, seed: int) -> dict[str, np.ndarray]:
    forward = inference(used.net)
    random = np.random.default_rng(seed)
    leaves = [n for n in ancestors([forward.outputs]) if n.op.name == "leaf" and not n.each]
    return {
        str(leaf.name): random.uniform(0.1, 1, leaf.shape).astype(np.float32)
        - 0.45 * (str(leaf.name)[0] == "w")
        for leaf in leaves
    }


def several(folder: Path, data: Dataset, seeds: tuple[int, ...] = (0, 1, 2)) -> SeedsFolder:
    """Several seeds of one recipe."""
    above = SeedsFolder(folder)
    above.begin_all(recipe(text_for(data)), seeds)
    for seed in seeds:
        finished(above.run(seed).path, data, seed=seed)
    return above
