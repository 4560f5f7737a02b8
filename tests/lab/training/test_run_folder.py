import json
import signal
import subprocess
import sys

import pytest

from gradbook.errors import DataError, FileError, UsageError
from gradbook.lab.training.history import COLUMNS, Epoch
from gradbook.lab.training.run_folder import RunFolder, load
from gradbook.lab.training.seeds import SeedsFolder
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


def test_a_run_keeps_its_recipe_as_it_was_used(run):
    assert run.holds_a_run
    assert not run.is_done
    assert run.recipe() == made.recipe("seed 4")
    assert "seed 4" in run.recipe_file.read_text()


def test_the_history_comes_back_as_it_was(run):
    assert run.history() == ()
    run.write_history(HISTORY)
    assert run.history() == HISTORY


def test_metrics_are_lines_for_people_and_for_programs(run):
    run.write_history(HISTORY)
    head, first, second = run.csv_file.read_text().splitlines()
    assert head == ",".join(COLUMNS)
    assert first.startswith("1,0.1,0.333")
    assert second == "2,0.01,0.1,0.9,,,5.0,10000.0"
    records = [json.loads(line) for line in run.json_file.read_text().splitlines()]
    assert [record["validation_loss"] for record in records] == [0.25, None]


def test_the_result_comes_back(run):
    run.write_result(DONE)
    assert run.is_done
    assert run.result() == DONE


def test_a_new_run_overwrites_none(run):
    with pytest.raises(UsageError, match="holds a run already: resume that one, or name another"):
        run.begin(made.recipe())
    assert run.recipe() == made.recipe("seed 4")


@pytest.mark.parametrize(
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
    with pytest.raises(UsageError, match="holds a run already"):
        RunFolder(tmp_path).begin(made.recipe())
    assert (tmp_path / name).read_text() == "mine"


def test_other_files_in_the_folder_are_no_hindrance(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    RunFolder(tmp_path).begin(made.recipe())
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(UsageError, match="no run in .*: name the folder that holds its recipe"):
        RunFolder(tmp_path).recipe()
    with pytest.raises(FileError, match="there is no"):
        RunFolder(tmp_path).result()


def test_a_run_that_is_not_done_says_how_it_goes_on(run):
    for asked in (run.result, run.model, lambda: load(run.path)):
        with pytest.raises(UsageError, match=f"run isn't done: gradbook train --resume {run.path}"):
            asked()


def test_of_several_seeds_one_has_to_be_named(tmp_path):
    SeedsFolder(tmp_path).begin_all(made.recipe(), range(2))
    with pytest.raises(UsageError, match="holds several seeds: name one of its folders seed-N"):
        load(tmp_path)


def test_a_file_in_the_folders_place_says_so(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(FileError, match="run"):
        RunFolder(tmp_path / "run").begin(made.recipe())
    assert (tmp_path / "run").read_text() == "mine"


@pytest.mark.parametrize("content", ["half", "[1]", '{"epoch": 1}', "null\n"])
def test_damaged_metrics_are_refused_in_one_line(run, content):
    run.json_file.write_text(content)
    with pytest.raises(DataError, match=r"metrics.jsonl: not the metrics of a run"):
        run.history()


@pytest.mark.parametrize("content", ["", "half", "[1]", '{"epochs": 2}', "null"])
def test_a_damaged_result_is_refused_in_one_line(run, content):
    run.result_file.write_text(content)
    with pytest.raises(DataError, match=r"result.json: not the result of a run"):
        run.result()


@pytest.mark.parametrize("name", DONE)
def test_a_result_without_one_of_its_figures_is_refused(run, name):
    run.write_result({key: value for key, value in DONE.items() if key != name})
    with pytest.raises(DataError, match=r"result.json: not the result of a run"):
        run.result()


def test_a_damaged_recipe_is_refused_with_its_place(run):
    run.recipe_file.write_text("epochs 3\nwrap 7\n")
    with pytest.raises(Exception, match=r"recipe.txt, line 2, column 1: .*did you mean 'warp'"):
        run.recipe()


def test_what_a_killed_process_left_is_taken_away(run):
    run.checkpoints.mkdir()
    for folder in (run.path, run.checkpoints):
        (folder / ".gradbook-0123456789abcdef.safetensors").write_text("half")
    run.clear_parts()
    assert {path.name for path in run.path.rglob("*")} == {"recipe.txt", "checkpoints"}


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders there")
def test_only_one_process_trains_in_a_folder(run):
    with (
        run.held(),
        pytest.raises(UsageError, match="being trained by another process"),
        RunFolder(run.path).held(),
    ):
        pass
    with run.held():
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders there")
def test_a_killed_process_holds_no_folder(run):
    code = f"""
import os, signal
from gradbook.lab.training.run_folder import RunFolder
with RunFolder({str(run.path)!r}).held():
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    with run.held():
        pass
