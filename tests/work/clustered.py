"""A cluster of four processes, and what holds of it; in a process of its own, for Dask's threads
outlive it, and a process with threads can't be copied.

    python -m tests.work.clustered FOLDER
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

import distributed
import pytest

from gradbook.audit.findings import RIGHT, UNREADABLE
from gradbook.audit.many import checked_by
from gradbook.cli.main import main
from gradbook.errors import UsageError
from gradbook.lab.study.run_study import StudyFolder, StudyListener, study
from gradbook.lab.study.study_plan import read_plan
from gradbook.lab.training.train import SeedsFolder, train, train_by_crew
from gradbook.work.cluster import ClusterCrew
from gradbook.work.processes import ProcessCrew
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book
from tests.lab import made
from tests.work.claims import CLAIMS
from tests.work.tasks import judged

STUDY = "schedule one cycle {0.01..1 log}\nbatch {16|32}\ntrials 6\nahead 4\n"


OURS = {"gradbook": "gradbook.work.machines.__version__", "distributed": "distributed.__version__"}


def a_version_that_is_another_is_refused_with_both(address: str) -> None:
    for name, version in (("gradbook", "9.9"), ("distributed", "1.0")):
        told = pytest.raises(UsageError, match=rf"runs {name} \S+, this computer {version}")
        with patch(OURS[name], version), told:
            ClusterCrew(address)


def kill_one_of(cluster: distributed.LocalCluster) -> None:
    worker = next(iter(cluster.workers.values()))
    os.kill(worker.process.pid, signal.SIGKILL)


# Books.


def a_class_is_checked_as_it_is_here(cluster: distributed.LocalCluster, folder: Path) -> None:
    book(folder / "right.xlsx")
    book(folder / "wrong.xlsx", WRONG)
    (folder / "letter.xlsx").write_text("Dear teacher,")
    books = [*map(str, sorted(folder.iterdir())), str(folder / "nowhere.xlsx")]
    words = ["check", *books, "--json", "--fix", str(folder / "fixed")]
    assert said(words) == said([*words, "--on", cluster.scheduler_address])


def said(words: list[str]) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(words)
    return code, out.getvalue()


def a_book_that_kills_costs_itself_alone(cluster: distributed.LocalCluster, folder: Path) -> None:
    books = [folder / f"{number}.xlsx" for number in range(60)]
    for number, path in enumerate(books):
        path.write_text("dies" if number in (7, 8, 30) else "takes long")
    crew = ClusterCrew(cluster.scheduler_address, together=5)
    found = {}
    for number, report in checked_by(crew, [*map(str, books)], judged):
        if not found:
            kill_one_of(cluster)
        found[number] = report.verdict
    assert found == {k: UNREADABLE if k in (7, 8, 30) else RIGHT for k in range(60)}


# Seeds.


def seeds_are_trained_to_the_same_bits(cluster: distributed.LocalCluster, folder: Path) -> None:
    recipe = folder / "strokes.txt"
    recipe.write_text(made.TEXT.replace("made.npz", str(made.archive(folder))))
    words = ["train", str(recipe), "--seeds", "5", "--json", "-o"]
    (_, here), (code, there) = (
        said([*words, str(folder / place), *on])
        for place, on in (("here", ()), ("there", ("--on", cluster.scheduler_address)))
    )
    assert code == 0, there
    for seed in range(5):
        ours, theirs = (folder / place / f"seed-{seed}" for place in ("here", "there"))
        for name in ("recipe.txt", "model.safetensors"):
            assert (ours / name).read_bytes() == (theirs / name).read_bytes()
        assert (theirs / "report.html").exists()
        assert json.loads((theirs / "result.json").read_text())["model"].startswith(str(theirs))
    assert events(here, "seed_done") == events(there, "seed_done")
    assert events(here, "done") == events(there, "done")


def events(page: str, kind: str) -> list[tuple]:
    """What must be the same of those of this kind: not how long it took, nor where it lies."""
    told = [event for event in map(json.loads, page.splitlines()) if event["event"] == kind]
    keys = ("seed", "seeds", "test_accuracy", "validation_accuracy", "macro_f1")
    return sorted((tuple(event.get(key) for key in keys) for event in told), key=str)


def what_goes_on_there_after_a_kill_is_the_same(
    cluster: distributed.LocalCluster, folder: Path
) -> None:
    recipe = made.recipe(f"data {made.archive(folder)}")
    runs = SeedsFolder(folder / "there")
    runs.begin_all(recipe, range(6))
    for number, _ in enumerate(train_by_crew(ClusterCrew(cluster.scheduler_address), runs)):
        if number == 0:
            kill_one_of(cluster)
    for seed in (0, 5):
        own = train(recipe, seed=seed, folder=folder / f"here {seed}")
        assert own.folder
        model = (own.folder / "model.safetensors").read_bytes()
        assert Path(runs.run(seed).model_file).read_bytes() == model


# Studies.


def a_study_comes_to_the_same_whoever_is_killed(
    cluster: distributed.LocalCluster, folder: Path, text: str, here: list[dict]
) -> None:
    class Killing(StudyListener):
        killed = False

        def at_work(self, tasks: int, done: int) -> None:
            if done and not self.killed:
                kill_one_of(cluster)
                self.killed = True

    listener = Killing()
    there = searched(folder / "there", text, ClusterCrew(cluster.scheduler_address), listener)
    assert listener.killed
    assert here == there


def study_of(folder: Path) -> str:
    rows = str(made.recipe(f"data {made.archive(folder)}")).splitlines()
    own = [row for row in rows if not row.startswith(("schedule", "batch ", "recipe"))]
    return STUDY + "\n".join(own)


def searched(path: Path, text: str, crew, listener: StudyListener) -> list[dict]:
    folder = StudyFolder(path)
    folder.begin(read_plan(text))
    trials = study(folder, folder.plan(), crew, 1, listener)
    return [{k: v for k, v in t.items() if k != "seconds"} for t in trials]


def hold_all() -> None:
    folder = Path(sys.argv[1])
    text = study_of(folder)
    here = searched(folder / "here", text, ProcessCrew(2), StudyListener())
    quiet = {"dashboard_address": None, "silence_logs": 60, "memory_limit": None}
    with distributed.LocalCluster(n_workers=4, threads_per_worker=1, **quiet) as cluster:
        for claim in CLAIMS:
            own = folder / claim.__name__
            own.mkdir()
            crew = ClusterCrew(cluster.scheduler_address)
            claim(crew, own)
            crew.end()
            print(claim.__name__, flush=True)
        a_version_that_is_another_is_refused_with_both(cluster.scheduler_address)
        for claim in (
            a_class_is_checked_as_it_is_here,
            a_book_that_kills_costs_itself_alone,
            seeds_are_trained_to_the_same_bits,
            what_goes_on_there_after_a_kill_is_the_same,
        ):
            own = folder / claim.__name__
            own.mkdir()
            claim(cluster, own)
            print(claim.__name__, flush=True)
        a_study_comes_to_the_same_whoever_is_killed(cluster, folder, text, here)
    print("all of it holds")


if __name__ == "__main__":
    hold_all()
