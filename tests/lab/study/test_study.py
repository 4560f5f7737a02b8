"""Whatever dies in between, a study ends with the trials and bits of one that nothing disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from gradbook.errors import UsageError
from gradbook.lab.study.run_study import StudyFolder, StudyListener, best_trial, study
from gradbook.lab.study.study_plan import read_plan
from gradbook.work.processes import ProcessCrew
from tests.cases import for_each
from tests.lab import made

pytestmark = pytest.mark.witness("cc")

VARIED = "schedule one cycle {0.01..1 log}\nbatch {16|32}\ntrials 6\nahead 3\n"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    data = made.archive(tmp_path_factory.mktemp("data"))
    rows = str(made.recipe(f"data {data}")).splitlines()
    own = [row for row in rows if not row.startswith(("schedule", "batch ", "recipe"))]
    return VARIED + "\n".join(own)


def begun(folder: Path, text: str) -> StudyFolder:
    found = StudyFolder(folder)
    found.begin(read_plan(text))
    return found


def done(
    folder: StudyFolder, workers: int = 1, listener: StudyListener | None = None
) -> list[dict]:
    trials = study(folder, folder.plan(), ProcessCrew(workers), 1, listener or StudyListener())
    return told(trials)


def told(trials):
    """All that must be the same: not how long it took."""
    return [{k: v for k, v in trial.items() if k != "seconds"} for trial in trials]


@pytest.fixture(scope="module")
def undisturbed(text, tmp_path_factory):
    return done(begun(tmp_path_factory.mktemp("study") / "s", text))


def test_it_trains_as_many_as_it_should(undisturbed):
    assert [trial["number"] for trial in undisturbed] == list(range(6))
    assert {trial["state"] for trial in undisturbed} == {"done"}
    assert len({trial["bits"][0] for trial in undisturbed}) == 6
    assert all(0 < trial["value"] <= 1 for trial in undisturbed)


def test_a_worker_that_is_killed_in_mid_trial_costs_nothing(undisturbed, text, tmp_path):
    class Killing(StudyListener):
        killed = 0

        def at_work(self, tasks, done):
            if self.killed < 2:
                os.kill(active_children()[0].pid, signal.SIGKILL)
                self.killed += 1

    listener = Killing()
    assert done(begun(tmp_path / "s", text), 2, listener) == undisturbed
    assert listener.killed == 2


DRIVER = """\
import sys
sys.path[:0] = {paths!r}
from gradbook.lab.study.run_study import StudyFolder
from gradbook.lab.study.run_study import StudyListener, study
from gradbook.work.processes import ProcessCrew
folder = StudyFolder(sys.argv[1])
class Telling(StudyListener):
    def on_trial(self, trial, best):
        print(trial["number"], flush=True)
study(folder, folder.plan(), ProcessCrew(2), 1, Telling())
"""


@for_each("after", [0, 2, 4])
def test_a_driver_that_is_killed_goes_on(after, undisturbed, text, tmp_path):
    folder = begun(tmp_path / "s", text)
    code = DRIVER.format(paths=sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.path)], stdout=subprocess.PIPE, text=True
    ) as driver:
        for _ in range(after):
            assert driver.stdout.readline()
        time.sleep(0.1)
        driver.kill()
    with folder.journal.open("ab") as journal:
        journal.write(b'{"op_code": 6, "wor')  # as if in the middle of an append
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:  # its workers see that it is gone, and end
        try:
            assert done(folder, 2) == undisturbed
            return
        except UsageError:
            time.sleep(0.2)
    pytest.fail("the folder stayed locked")


def test_a_study_that_is_done_is_read_without_training(undisturbed, text, tmp_path):
    folder = begun(tmp_path / "s", text)
    done(folder)

    class Hearing(StudyListener):
        worked = 0

        def at_work(self, tasks, done):
            self.worked += 1

    listener = Hearing()
    assert done(folder, 1, listener) == undisturbed
    assert listener.worked == 0


def test_folds_and_seeds_are_trainings_of_one_trial(text, tmp_path):
    several = text.replace("trials 6", "trials 2\nfolds 0 1\nseeds 2")
    found = done(begun(tmp_path / "s", several), 2)
    assert [len(trial["bits"]) for trial in found] == [4, 4]
    assert len({bits for trial in found for bits in trial["bits"]}) == 8


def test_what_isnt_allowed_isnt_trained_and_doesnt_count(text, tmp_path):
    limited = text.replace("conv 4 3x3", "conv {1..8} 3x3") + "\nparameters at most 200"
    found = done(begun(tmp_path / "s", limited))
    states = [trial["state"] for trial in found]
    assert states.count("done") == 6
    assert "not allowed" in states
    for trial in found:
        assert (trial["network_parameters"] > 200) == (trial["state"] == "not allowed")
        assert bool(trial["bits"]) == (trial["state"] == "done")


def test_limits_that_nothing_meets_are_told(text, tmp_path):
    with pytest.raises(UsageError, match="raise the limit"):
        done(begun(tmp_path / "s", text + "\nparameters at most 3"))


def test_a_grid_ends_by_itself(text, tmp_path):
    gridded = text.replace("{0.01..1 log}", "{0.1|0.5}").replace("trials 6", "sampler grid")
    found = done(begun(tmp_path / "s", gridded), 2)
    drawn = [(trial["parameters"]["cycle"], trial["parameters"]["batch"]) for trial in found]
    assert drawn == [("0.1", "16"), ("0.1", "32"), ("0.5", "16"), ("0.5", "32")]


def test_a_folder_holds_one_study(text, tmp_path):
    folder = begun(tmp_path / "s", text)
    with pytest.raises(UsageError, match="--resume"):
        folder.begin(read_plan(text))
    elsewhere = pytest.raises(UsageError, match="running in another process")
    with folder.lock(), elsewhere, folder.lock():
        pass


def test_the_best_is_the_highest_and_of_equal_ones_the_smallest(text, tmp_path):
    folder = begun(tmp_path / "s", text.replace("conv 4 3x3", "conv {2|4|6} 3x3"))
    trials = study(folder, folder.plan(), ProcessCrew(2), 1, StudyListener())
    best = best_trial(trials)
    assert best["value"] == max(trial["value"] for trial in trials)
    equal = [trial for trial in trials if trial["value"] == best["value"]]
    assert best["network_parameters"] == min(trial["network_parameters"] for trial in equal)
