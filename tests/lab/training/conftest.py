"""What tests of a training hold theirs against."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradbook.lab.training.train import Trained
from tests.lab.training.strokes import run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Trained, Path]:
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    return run(folder=folder), folder
