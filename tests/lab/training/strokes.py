"""Trainings of `made.recipe`: run, stopped, and told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gradbook.lab.training import run_folder as checkpoints
from gradbook.lab.training.run_training import Listener, TrainingRun
from gradbook.lab.training.train import Trained, train
from tests.lab import made
from tests.lab.made import recipe

SET = made.dataset()
KEPT = ("model.safetensors", "recipe.txt")


def run(changes: str = "", **settings) -> Trained:
    return train(recipe(changes), **{"data": SET, "threads": 1} | settings)


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in KEPT}


def told(trained: Trained) -> list[object]:
    """The history without the clock."""
    return [replace(epoch, seconds=0, images_per_second=0) for epoch in trained.history]


class Stopping(Listener):
    """Stops the training when so many checkpoints are written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self.after = after
        written = checkpoints.write_checkpoint
        monkeypatch.setattr(
            "gradbook.lab.training.train.write_checkpoint",
            lambda *given: (written(*given), self.count()),
        )

    def on_start(self, training: TrainingRun) -> None:
        self.training = training

    def count(self) -> None:
        self.after -= 1
        if not self.after:
            self.training.stop()
