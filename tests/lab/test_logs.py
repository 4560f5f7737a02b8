"""What programs that watch runs are told, read back by their own libraries."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from gradbook.errors import UsageError
from gradbook.lab import logs
from gradbook.lab.logs import Logged, known_logs
from gradbook.lab.training.train import train
from gradbook.lab.training.training import Listener
from tests.lab import made

SET = made.dataset()
PATIENCE = 60  # seconds


def read_tensorboard(run: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    names = found.Tags()["scalars"]
    return {name: [(one.step, one.value) for one in found.Scalars(name)] for name in names}


def read_mlflow(run: Path) -> dict[str, list[tuple[int, float]]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(run.absolute().parent / "mlruns").as_uri())
    (experiment,) = client.search_experiments(filter_string="name = 'gradbook'")
    (told,) = client.search_runs([experiment.experiment_id])
    assert told.info.status == "FINISHED"
    assert told.data.params["seed"] == "0"
    return {
        name: [(one.step, one.value) for one in client.get_metric_history(told.info.run_id, name)]
        for name in told.data.metrics
    }


def read_wandb(run: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for record in wandb_records(run):
        for item in record.history.item:
            name = item.key or ".".join(item.nested_key)
            if not name.startswith("_"):
                found.setdefault(name, []).append((record.history.step.num, float(item.value_json)))
    return found


def wandb_records(run: Path) -> list[Any]:
    """All records of the run's file, once its own process has written the last of them."""
    from wandb.proto.wandb_internal_pb2 import Record

    deadline = monotonic() + PATIENCE
    while True:
        (file,) = (run / "wandb").glob("offline-run-*/*.wandb")
        records = [Record.FromString(data) for data in leveldb_records(file.read_bytes())]
        if any(record.WhichOneof("record_type") == "exit" for record in records):
            return records
        assert monotonic() < deadline, "wandb never ended its file"
        sleep(0.1)


BLOCK, OPENING, HEAD = 32_768, 7, 7  # bytes of LevelDB's log: a block, what the file begins with,
FULL, LAST = 1, 4  # … a piece's checksum, length and kind: all of a record, or its last part


def leveldb_records(content: bytes) -> Iterator[bytes]:
    """The records of a log as LevelDB writes it, which wandb's files are."""
    place, parts = OPENING, b""
    while place + HEAD < len(content):
        if BLOCK - place % BLOCK < HEAD:
            place += BLOCK - place % BLOCK
        length, kind = struct.unpack_from("<HB", content, place + 4)
        parts += content[place + HEAD : place + HEAD + length]
        place += HEAD + length
        if kind in (FULL, LAST):
            yield parts
            parts = b""


READERS = {"tensorboard": read_tensorboard, "mlflow": read_mlflow, "wandb": read_wandb}
by_program = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.witness(name, "cc")) for name in READERS]
)


def in_the_table(run: Path) -> dict[str, list[tuple[int, float]]]:
    rows = list(csv.DictReader((run / "metrics.csv").read_text("utf-8").splitlines()))
    columns = [name for name in rows[0] if name != "epoch"]
    return {name: [(int(row["epoch"]), float(row[name])) for row in rows] for name in columns}


@by_program
def test_the_scalars_are_those_of_the_table(name, tmp_path):
    run = tmp_path / "run"
    log = Logged(Listener(), [name], run)
    trained = train(made.recipe(), data=SET, folder=run, listener=log, threads=1)
    log.ended(trained)
    told = READERS[name](run)
    assert told.pop("test_accuracy") == [(3, pytest.approx(trained.test_accuracy))]
    table = in_the_table(run)
    assert told.keys() == table.keys()
    for column, points in table.items():
        steps, values = zip(*told[column], strict=True)
        exact = 1e-6 if name == "tensorboard" else 0  # which keeps 32 bits
        assert steps == tuple(step for step, _ in points)
        assert values == pytest.approx([value for _, value in points], rel=exact, abs=0)


class Stopping(Listener):
    """Stops the training once an epoch is done."""

    def on_start(self, training):
        self.training = training

    def on_epoch(self, epoch):
        self.training.stop()


@by_program
def test_a_resumed_run_is_told_whole_and_once(name, tmp_path):
    run = tmp_path / "run"
    first = Logged(Stopping(), [name], run)
    first.ended(train(made.recipe(), data=SET, folder=run, listener=first, threads=1))
    again = Logged(Listener(), [name], run)
    again.ended(train(data=SET, folder=run, resume=True, listener=again, threads=1))
    assert [step for step, _ in READERS[name](run)["train_loss"]] == [1, 2, 3]


class Hearing(Listener):
    doubts: tuple[str, ...] = ()

    def on_doubt(self, doubt):
        self.doubts += (doubt,)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.witness(name, "cc")) for name in logs.WRITTEN]
)
def test_a_folder_of_that_name_that_is_somebody_elses_stays(name, tmp_path):
    notes = tmp_path / name / "mine" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("three years of work")
    hearing = Hearing()
    log = Logged(hearing, [name], tmp_path)
    trained = train(made.recipe(), data=SET, listener=log, threads=1)
    log.ended(trained)
    assert notes.read_text() == "three years of work"
    assert sorted(tmp_path.rglob("*")) == [tmp_path / name, notes.parent, notes]
    (said,) = hearing.doubts
    assert f"notes.txt isn't {name}'s" in said


@pytest.mark.witness("cc")
def test_a_log_that_fails_ends_and_the_training_goes_on(tmp_path, monkeypatch):
    class Full(logs.RunLog):
        library = "json"

        def begin(self, settings): ...

        def scalar(self, name, value, epoch):
            raise OSError("no space left")

        def close(self): ...

    monkeypatch.setattr(logs, "LOGS", {"full": Full})
    hearing = Hearing()
    log = Logged(hearing, ["full"], tmp_path)
    trained = train(made.recipe(), data=SET, listener=log, threads=1)
    log.ended(trained)
    assert len(trained.history) == 3
    assert hearing.doubts == ("--log full stops here: no space left",)


def test_a_program_that_nobody_knows_or_has_is_refused(monkeypatch):
    with pytest.raises(UsageError, match="did you mean 'tensorboard'"):
        known_logs(["tensorbord"])
    monkeypatch.setattr(logs.WandbLog, "library", "not_installed_here")
    with pytest.raises(UsageError, match=r"isn't installed: pip install 'gradbook\[wandb\]'"):
        known_logs(["wandb"])
