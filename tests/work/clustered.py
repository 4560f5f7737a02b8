"""A cluster of four processes, and what holds of it; in a process of its own, for Dask's threads
outlive it, and a process with threads can't be copied.

    python -m tests.work.clustered FOLDER
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

import distributed
import pytest

from gradbook.errors import UsageError
from gradbook.lab.study.run_study import StudyFolder, StudyListener, study
from gradbook.lab.study.study_plan import read_plan
from gradbook.work.cluster import ClusterCrew
from gradbook.work.processes import ProcessCrew
from tests.lab import made
from tests.work.claims import CLAIMS

STUDY = "schedule one cycle {0.01..1 log}\nbatch {16|32}\ntrials 6\nahead 4\n"


def another_version_is_refused_with_both(address: str) -> None:
    told = pytest.raises(UsageError, match=r"runs gradbook \S+, this computer 9.9")
    with patch("gradbook.work.cluster.__version__", "9.9"), told:
        ClusterCrew(address)


def kill_one_of(cluster: distributed.LocalCluster) -> None:
    worker = next(iter(cluster.workers.values()))
    os.kill(worker.process.pid, signal.SIGKILL)


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
        another_version_is_refused_with_both(cluster.scheduler_address)
        a_study_comes_to_the_same_whoever_is_killed(cluster, folder, text, here)
    print("all of it holds")


if __name__ == "__main__":
    hold_all()
