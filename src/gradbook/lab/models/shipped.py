"""Trained networks that come with gradbook, so that one is at hand before anything is trained.

`scripts/ship_model.py` keeps the model of a run here.
"""

from __future__ import annotations

from importlib.resources import as_file, files

from gradbook.lab.models.model import Model

FOLDER = files("gradbook.lab.recipes")


def shipped(recipe: str) -> Model | None:
    """The network of that recipe, trained by it, if it comes along."""
    file = FOLDER / f"{recipe}.safetensors"
    if not file.is_file():
        return None
    with as_file(file) as path:
        return Model.load(path)
