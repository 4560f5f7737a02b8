"""The guide's lines for programs that follow trainings, as they stand, tell these what metrics.csv
says. The programs are stand-ins with the signatures of the real ones."""

from __future__ import annotations

import csv
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.cases import for_each

GUIDE = Path(__file__).parents[3] / "docs/guides/arrays.md"
SECTION = GUIDE.read_text("utf-8").partition("\n## Follow it elsewhere\n")[2].partition("\n## ")[0]


class Told:
    """What a program was told: the value of each figure at each step, and whether it was closed."""

    def __init__(self) -> None:
        self.figures: dict[str, list[tuple[int, float]]] = {}
        self.closed = False

    def scalar(self, name: str, value: float, step: int) -> None:
        self.figures.setdefault(name, []).append((step, float(value)))

    def close(self) -> None:
        self.closed = True


def tensorboard(told: Told) -> dict[str, object]:
    class SummaryWriter:
        def __init__(self, log_dir=None):
            assert not Path(log_dir).exists()

        def add_scalar(self, tag, scalar_value, global_step=None):
            told.scalar(tag, scalar_value, global_step)

        def close(self):
            told.close()

    return {"torch.utils.tensorboard": {"SummaryWriter": SummaryWriter}}


def mlflow(told: Told) -> dict[str, object]:
    @contextmanager
    def start_run(run_id=None, experiment_id=None, run_name=None):
        yield
        told.close()

    def log_metrics(metrics, step=None):
        for name, value in metrics.items():
            told.scalar(name, value, step)

    def log_params(params):
        assert params["seed"] == 0

    def log_artifact(local_path, artifact_path=None):
        assert Path(local_path).is_file()

    def log_metric(key, value, step=None):
        told.scalar(key, value, step)

    return {"mlflow": locals()}


def wandb(told: Told) -> dict[str, object]:
    class Summary:
        def __setitem__(self, name, value):
            told.scalar(name, value, told.figures["epoch"][-1][0])

    @contextmanager
    def init(entity=None, project=None, dir=None, id=None, name=None, config=None, mode=None):
        def log(data, step=None):
            for figure, value in data.items():
                told.scalar(figure, value, step)

        yield SimpleNamespace(log=log, summary=Summary(), config={})
        told.close()

    return {"wandb": {"init": init}}


@pytest.mark.witness("cc")
@for_each("program", [tensorboard, mlflow, wandb], ids=lambda program: program.__name__)
def test_it_hears_of_every_epoch_and_of_the_test(program, tmp_path, monkeypatch):
    told = Told()
    monkeypatch.chdir(tmp_path)
    for name, contents in program(told).items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    (lines,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
        if f"{program.__name__}" in block
    ]
    exec(lines.replace('train("iris"', 'train("iris", set="epochs 4"'), {})  # our own document
    assert told.closed
    ((last, score),) = told.figures.pop("test_score")
    assert last == 4
    assert 0.3 < score <= 1
    rows = list(csv.DictReader(Path("runs/iris/metrics.csv").read_text("utf-8").splitlines()))
    for name in ("rate", "train_loss", "validation_loss", "seconds"):
        assert told.figures[name] == [(int(row["epoch"]), float(row[name])) for row in rows]
