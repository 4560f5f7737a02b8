from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest

from gradbook.errors import DataError, GradbookError, UsageError
from gradbook.lab.models import stored
from gradbook.lab.training import run_folder as checkpoints
from gradbook.lab.training.epochs import COLUMNS, Epoch
from gradbook.lab.training.run_folder import (
    LOSSES,
    RIGHT,
    Checkpoint,
    RunFolder,
    checkpoints_in,
    load,
    newest_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from gradbook.lab.training.train import SeedsFolder
from tests.cases import for_each
from tests.lab import made

HISTORY = (
    Epoch(1, 0.1, 1 / 3, 0.5, 0.25, 0.75, 2.5, 12345.6),
    Epoch(2, 0.01, 0.1, 0.9, None, None, 5.0, 1e4),
)

DONE = {
    "recipe": "made",
    "parameters": 196,
    "epochs": 2,
    "seconds": 5.0,
    "images_per_second": 1e4,
    "validation_accuracy": None,
    "test_accuracy": 0.99,
    "seed": 4,
}


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "deep" / "run")
    folder.begin(made.recipe("seed 4"))
    return folder


def test_the_history_comes_back_as_it_was(run):
    assert run.history() == ()
    run.write_history(HISTORY)
    assert run.history() == HISTORY


def test_metrics_are_lines_for_people_and_for_programs(run):
    run.write_history(HISTORY)
    head, first, second = Path(run.csv_file).read_text().splitlines()
    assert head == ",".join(COLUMNS)
    assert first.startswith("1,0.1,0.333")
    assert second == "2,0.01,0.1,0.9,,,5.0,10000.0"
    records = [json.loads(line) for line in Path(run.json_file).read_text().splitlines()]
    assert [record["validation_loss"] for record in records] == [0.25, None]


@for_each(
    "name",
    [
        "model.safetensors",
        "metrics.csv",
        "checkpoints",
        "recipe.txt",
        "result.json",
        "report.html",
        "seeds.json",
        "seed-3",
    ],
)
def test_nothing_that_looks_like_a_run_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="already contains a run"):
        RunFolder(tmp_path).begin(made.recipe())
    assert (tmp_path / name).read_text() == "mine"


def test_other_files_in_the_folder_are_no_hindrance(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    RunFolder(tmp_path).begin(made.recipe())
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_that_is_not_done_says_how_it_goes_on(run):
    for asked in (run.result, run.model, lambda: load(run.path)):
        with pytest.raises(UsageError, match=f"run isn't done: gradbook train --resume {run.path}"):
            asked()


def test_of_several_seeds_one_has_to_be_named(tmp_path):
    SeedsFolder(tmp_path).begin_all(made.recipe(), range(2))
    with pytest.raises(UsageError, match="contains several seeds: name one of its folders seed-N"):
        load(tmp_path)


@for_each("content", ["\n", "half", "[1]", '{"epoch": 1}', "null\n"])
def test_damaged_metrics_or_results_are_refused_in_one_line(run, content):
    Path(run.json_file).write_text(content)
    Path(run.result_file).write_text(content)
    with pytest.raises(DataError, match=r"metrics.jsonl: not the metrics of a run"):
        run.history()
    with pytest.raises(DataError, match=r"result.json: not the result of a run"):
        run.result()


@for_each("name", DONE)
def test_a_result_without_one_of_its_figures_is_refused(run, name):
    run.write_result({key: value for key, value in DONE.items() if key != name})
    with pytest.raises(DataError, match=r"result.json: not the result of a run"):
        run.result()


def test_what_a_killed_process_left_is_taken_away(run):
    Path(run.checkpoints).mkdir()
    for folder in (Path(run.path), Path(run.checkpoints)):
        (folder / ".gradbook-0123456789abcdef.safetensors").write_text("half")
    run.clear_parts()
    assert {path.name for path in Path(run.path).rglob("*")} == {"recipe.txt", "checkpoints"}


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders there")
def test_a_killed_process_holds_no_folder(run):
    code = f"""
import os, signal
from gradbook.lab.training.run_folder import RunFolder
with RunFolder({str(run.path)!r}).lock():
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    with run.lock():
        pass


MINE = "recipe mine\n"
EPOCH = Epoch(1, 0.1, 1 / 3, 0.5, None, None, 2.5, 1e4)
CHECKPOINT = Checkpoint(
    recipe=MINE,
    mark=2**31 + 5,
    step=40,
    values={"w": np.float32([1, np.pi]), "k": np.array(40.0)},
    history=(EPOCH, replace(EPOCH, epoch=2, validation_loss=0.1, validation_accuracy=0.9)),
    losses=np.array([0.5, 0.25]),
    right=np.int32([3, 4]),
    seconds=12.5,
)


def written(folder, *steps: int) -> None:
    for step in steps:
        write_checkpoint(folder, replace(CHECKPOINT, step=step))


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    write_checkpoint(tmp_path / "made for it", CHECKPOINT)
    again = read_checkpoint(tmp_path / "made for it" / "000040.safetensors")
    for part in fields(Checkpoint):
        one, other = getattr(CHECKPOINT, part.name), getattr(again, part.name)
        np.testing.assert_equal(other, one)
    assert again.values["w"].dtype == np.float32
    assert again.right.dtype == np.int32


def test_the_last_two_are_kept(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    written(tmp_path, 10, 20, 30, 999_999, 1_000_000)
    assert names(tmp_path) == ["1000000.safetensors", "999999.safetensors", "notes.txt"]
    assert [path.name for path in checkpoints_in(tmp_path)] == [
        "1000000.safetensors",
        "999999.safetensors",
    ]


def test_the_newest_is_gone_on_from_where_there_is_one(tmp_path):
    assert newest_checkpoint(tmp_path / "nowhere", MINE) == (None, [])
    written(tmp_path, 10, 20)
    checkpoint, remarks = newest_checkpoint(tmp_path, MINE)
    assert (checkpoint.step, remarks) == (20, [])


@for_each("content", [b"", b"half", None])
def test_for_a_cut_checkpoint_the_older_one_is_used_and_that_is_said(tmp_path, content):
    written(tmp_path, 10, 20)
    path = tmp_path / "000020.safetensors"
    path.write_bytes(path.read_bytes()[:300] if content is None else content)
    checkpoint, (remark,) = newest_checkpoint(tmp_path, MINE)
    assert checkpoint.step == 10
    assert "000020.safetensors: damaged" in remark
    assert remark.endswith("the previous checkpoint is used")


def test_for_a_checkpoint_of_another_network_the_older_one_is_used_and_that_is_said(tmp_path):
    written(tmp_path, 10)
    write_checkpoint(tmp_path, replace(CHECKPOINT, step=900, recipe="recipe another\n"))
    checkpoint, (remark,) = newest_checkpoint(tmp_path, MINE)
    assert checkpoint.step == 10
    assert "000900.safetensors: it belongs to another recipe or network than this run's" in remark
    written(tmp_path, 20, 30)
    kept = ["000020.safetensors", "000030.safetensors", "000900.safetensors"]
    assert names(tmp_path) == kept  # what is ahead is left alone, and two of its own are there


@for_each(
    "changes",
    [
        {"history": [{"epoch": 1}]},
        {"history": 3},
        {"step": None},
        {"seconds": "long"},
        {"mark": {}},
        {"history": [asdict(replace(EPOCH, epoch=2))]},
        {"history": [asdict(replace(EPOCH, train_loss=float("nan")))]},
        {"history": [asdict(replace(EPOCH, train_accuracy=1.5))]},
        {"history": [asdict(replace(EPOCH, seconds=float("inf")))]},
    ],
    ids=str,
)
def test_a_checkpoint_that_says_something_else_is_refused(tmp_path, changes):
    write_checkpoint(tmp_path, CHECKPOINT)
    (path,) = checkpoints_in(tmp_path)
    arrays, record = stored.read(path, "checkpoint")
    stored.write(path, arrays, {**record, **changes})
    with pytest.raises(GradbookError, match="no checkpoint that this version"):
        read_checkpoint(path)


@for_each(
    ("changes", "why"),
    {
        "in rows": (
            {LOSSES: np.ones((2, 1)), RIGHT: np.int32([[3], [4]])},
            "one loss for each step",
        ),
        "a single one": ({LOSSES: np.array(0.5)}, "one loss for each step"),
        "of unlike count": ({RIGHT: np.int32([3])}, "one loss for each step"),
        "whole losses": ({LOSSES: np.int64([1, 2])}, "its epoch/losses is of int64"),
        "parts of answers": ({RIGHT: np.array([3.5, 4])}, "its epoch/right is of float64"),
        "no number": ({LOSSES: np.array([0.5, np.nan])}, "infinite or not numbers"),
        "below 0": ({RIGHT: np.int32([3, -4])}, "below 0"),
        "true or false": ({"w": np.array([True, False])}, "its w is of bool"),
    }.values(),
)
def test_a_checkpoint_of_other_numbers_is_refused(tmp_path, changes, why):
    write_checkpoint(tmp_path, CHECKPOINT)
    (path,) = checkpoints_in(tmp_path)
    arrays, record = stored.read(path, "checkpoint")
    stored.write(path, {**arrays, **changes}, record)
    with pytest.raises(DataError, match=why):
        read_checkpoint(path)


def test_a_checkpoint_without_its_losses_is_refused(tmp_path):
    write_checkpoint(tmp_path, CHECKPOINT)
    (path,) = checkpoints_in(tmp_path)
    arrays, record = stored.read(path, "checkpoint")
    stored.write(path, {"w": arrays["w"]}, record)
    with pytest.raises(GradbookError, match="no checkpoint that this version"):
        read_checkpoint(path)
    assert checkpoints.KEPT == 2
