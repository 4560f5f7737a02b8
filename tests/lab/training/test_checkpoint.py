from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from gradbook.errors import DataError, GradbookError
from gradbook.lab.models import stored
from gradbook.lab.training import checkpoint as checkpoints
from gradbook.lab.training.checkpoint import (
    LOSSES,
    RIGHT,
    Checkpoint,
    found,
    newest,
    read,
    write,
)
from gradbook.lab.training.history import Epoch

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
        write(folder, replace(CHECKPOINT, step=step))


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    write(tmp_path / "made for it", CHECKPOINT)
    again = read(tmp_path / "made for it" / "000040.safetensors")
    for part in fields(Checkpoint):
        one, other = getattr(CHECKPOINT, part.name), getattr(again, part.name)
        np.testing.assert_equal(other, one)
    assert again.values["w"].dtype == np.float32
    assert again.right.dtype == np.int32


def test_the_last_two_are_kept(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    written(tmp_path, 10, 20, 30, 999_999, 1_000_000)
    assert names(tmp_path) == ["1000000.safetensors", "999999.safetensors", "notes.txt"]
    assert [path.name for path in found(tmp_path)] == ["1000000.safetensors", "999999.safetensors"]


def test_the_newest_is_gone_on_from(tmp_path):
    written(tmp_path, 10, 20)
    checkpoint, remarks = newest(tmp_path, MINE)
    assert checkpoint.step == 20
    assert remarks == []


def test_where_none_is_there_is_none(tmp_path):
    assert newest(tmp_path / "nowhere", MINE) == (None, [])


@pytest.mark.parametrize("content", [b"", b"half", None])
def test_for_a_cut_checkpoint_the_older_one_is_used_and_that_is_said(tmp_path, content):
    written(tmp_path, 10, 20)
    path = tmp_path / "000020.safetensors"
    path.write_bytes(path.read_bytes()[:300] if content is None else content)
    checkpoint, (remark,) = newest(tmp_path, MINE)
    assert checkpoint.step == 10
    assert "000020.safetensors: damaged" in remark
    assert remark.endswith("the checkpoint before it is used")


def test_for_a_checkpoint_of_another_network_the_older_one_is_used_and_that_is_said(tmp_path):
    written(tmp_path, 10)
    write(tmp_path, replace(CHECKPOINT, step=900, recipe="recipe another\n"))
    checkpoint, (remark,) = newest(tmp_path, MINE)
    assert checkpoint.step == 10
    assert "000900.safetensors: of another recipe or network than this run's" in remark
    written(tmp_path, 20, 30)
    kept = ["000020.safetensors", "000030.safetensors", "000900.safetensors"]
    assert names(tmp_path) == kept  # what is ahead is left alone, and two of its own are there


def test_where_none_is_whole_there_is_nothing_to_go_on_from(tmp_path):
    written(tmp_path, 10, 20)
    for path in found(tmp_path):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"none of the checkpoints in it can be used \(damaged"):
        newest(tmp_path, MINE)


@pytest.mark.parametrize(
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
    write(tmp_path, CHECKPOINT)
    (path,) = found(tmp_path)
    arrays, record = stored.read(path, "checkpoint")
    stored.write(path, arrays, {**record, **changes})
    with pytest.raises(GradbookError, match="no checkpoint that this version"):
        read(path)


@pytest.mark.parametrize(
    ("changes", "why"),
    {
        "in rows": ({LOSSES: np.ones((2, 1)), RIGHT: np.int32([[3], [4]])}, "one for each step"),
        "a single one": ({LOSSES: np.array(0.5)}, "one for each step"),
        "of unlike count": ({RIGHT: np.int32([3])}, "one for each step"),
        "whole losses": ({LOSSES: np.int64([1, 2])}, "its epoch/losses is of int64"),
        "parts of answers": ({RIGHT: np.array([3.5, 4])}, "its epoch/right is of float64"),
        "no number": ({LOSSES: np.array([0.5, np.nan])}, "infinite or no numbers"),
        "below 0": ({RIGHT: np.int32([3, -4])}, "below 0"),
        "true or false": ({"w": np.array([True, False])}, "its w is of bool"),
    }.values(),
)
def test_a_checkpoint_of_other_numbers_is_refused(tmp_path, changes, why):
    write(tmp_path, CHECKPOINT)
    (path,) = found(tmp_path)
    arrays, record = stored.read(path, "checkpoint")
    stored.write(path, {**arrays, **changes}, record)
    with pytest.raises(DataError, match=why):
        read(path)


def test_a_checkpoint_without_its_losses_is_refused(tmp_path):
    write(tmp_path, CHECKPOINT)
    (path,) = found(tmp_path)
    arrays, record = stored.read(path, "checkpoint")
    stored.write(path, {"w": arrays["w"]}, record)
    with pytest.raises(GradbookError, match="no checkpoint that this version"):
        read(path)
    assert checkpoints.KEPT == 2
