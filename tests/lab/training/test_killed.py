"""Kill -9 at any moment, go on: the same bits, and no file is ever half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gradbook.lab.training import run_folder as checkpoints
from gradbook.lab.training.run_folder import RunFolder
from tests.cases import for_each
from tests.lab import killed, made, made_tables

pytestmark = [
    pytest.mark.witness("cc"),
    pytest.mark.skipif(sys.platform == "win32", reason="no fork there"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return made.archive(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    killed.begin(folder, data)
    return folder


def run(folder: Path, data: Path, kills: list[int]) -> int:
    """How often the training was killed before it came to its end."""
    command = [sys.executable, killed.__file__, folder, data, *kills]
    process = subprocess.run(map(str, command), capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return int(process.stdout)


@for_each(
    "kills",
    [[0], [1], [3, 2, 1], [*range(4, 14)], [20, 16, 12, 7, 6, 5], [33, 40, 27]],
    ids=str,
)
def test_a_killed_run_ends_with_the_bits_of_an_undisturbed_one(undisturbed, data, tmp_path, kills):
    folder = tmp_path / "run"
    assert run(folder, data, kills) == len(kills)
    for name in ("model.safetensors", "recipe.txt"):
        assert (folder / name).read_bytes() == (undisturbed / name).read_bytes()
    ours, theirs = RunFolder(folder), RunFolder(undisturbed)
    assert ours.result()["test_accuracy"] == theirs.result()["test_accuracy"]
    assert [e.train_loss for e in ours.history()] == [e.train_loss for e in theirs.history()]
    assert len(list(Path(ours.checkpoints).iterdir())) == checkpoints.KEPT
    assert not list(folder.glob(".*"))


@for_each("kills", [[0], [5, 4, 3], [60, 41, 22]], ids=str)
def test_a_killed_run_of_a_table_does_too(tmp_path, kills):
    made_tables.table(tmp_path, "area")
    data, folder = tmp_path / "area-0.csv", tmp_path / "run"
    killed.begin(tmp_path / "undisturbed", data)
    assert run(folder, data, kills) == len(kills)
    for name in ("model.safetensors", "recipe.txt", "problem.json"):
        assert (folder / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    ours, theirs = RunFolder(folder), RunFolder(tmp_path / "undisturbed")
    assert ours.result()["r2"] == theirs.result()["r2"]
