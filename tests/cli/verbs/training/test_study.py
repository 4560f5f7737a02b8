from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gradbook.cli.main import main
from gradbook.lab.recipes.recipe_text import read_recipe
from gradbook.lab.study.run_study import StudyFolder
from tests.cases import for_each
from tests.cli.desk import RECIPE, laid_out

pytestmark = pytest.mark.witness("cc")

VERB = "study"
VARY = ("--vary", "schedule one cycle {0.01..1 log}", "--vary", "conv {2..4} 3x3")


def rank(trial):
    """The best first; of equal ones the smallest."""
    return -trial["value"], trial["network_parameters"], trial["number"]


@pytest.fixture
def output_of(output_of, tmp_path):
    laid_out(tmp_path)
    return output_of


def test_a_study_from_its_first_trial_to_the_recipe_that_won(output_of):
    page = output_of(RECIPE, *VARY, "--trials", "4")
    assert "4 recipes that differ in cycle, conv" in page
    assert "4 recipes trained to the end; the best, trial" in page
    folder = Path("studies/strokes")
    assert {path.name for path in folder.iterdir()} == {
        *("study.txt", "journal.log", "trials.csv", "report.html"),
    }
    assert len((folder / "trials.csv").read_text().splitlines()) == 5
    output_of("best", "-o", "best.txt")
    best = min(StudyFolder(folder).records(), key=rank)
    won = read_recipe("best.txt")
    assert won.title == f"strokes {best['number']}"
    assert won.net.count() == best["network_parameters"]
    assert won.schedule.rate == best["parameters"]["cycle"]


def test_what_a_study_says_can_be_said_in_its_place(output_of):
    Path("study.txt").write_text("vary strokes.txt\nbatch {16|32}\ntrials 9\n")
    assert "2 recipes trained to the end" in output_of("study.txt", "--trials", "2")
    output_of(
        "study.txt", "--vary", "sampler grid", "--vary", "folds 1", "-o", "s", "--trials", "2"
    )
    assert {"sampler grid", "folds 1"} <= set(Path("s/study.txt").read_text().splitlines())


def test_a_program_is_told_an_event_a_line_and_at_the_end_all_trials(output_of):
    page = output_of(RECIPE, *VARY, "--trials", "3", "--json")
    events = [json.loads(line) for line in page.splitlines()]
    assert [event["event"] for event in events] == ["started", *["trial"] * 3, "done"]
    last = events[-1]["trials"]
    assert [trial["number"] for trial in last] == [0, 1, 2]
    assert {"number", "parameters", "value", "state"} <= last[0].keys()
    again = output_of("--resume", "studies/strokes", "--json", "--workers", "1").split("\n")[-2]
    assert json.loads(again)["trials"] == last
    best = json.loads(output_of("best", "--json"))
    assert best["event"] == "best"
    assert {key: best[key] for key in last[0]} == last[events[-1]["best"]]
    assert best["recipe"].startswith("recipe ")


def test_every_page_of_a_study_shows_each_trials_recipe(output_of):
    output_of(RECIPE, *VARY, "--trials", "3", "-o", "s")
    page = Path("s/report.html").read_text()
    for trial in StudyFolder("s").records():
        assert f'<details id="trial-{trial["number"]}">' in page
        assert trial["recipe"].strip() in page


WRONG = {
    (): "no study: name a file",
    (RECIPE,): "nothing varies",
    (RECIPE, "--vary", "batch {1..}"): "--vary, line 1, column 7",
    (RECIPE, "--vary", "batch {16|32}", "--trials", "0"): "the number of trials must be from 1",
    (RECIPE, "--vary", "batch {16|32}", "--vary", "sampler gird"): "did you mean 'grid'?",
    (RECIPE, "--vary", "batch {16|32}", "--workers", "0"): "--workers",
    (RECIPE, "--vary", "batch {16|32}", "--vary", "parameters at most 3"): "aren't allowed",
    ("nowhere", "--vary", "batch {16|32}"): "called 'nowhere'",
    ("--resume", "nowhere"): "no study in nowhere",
    ("--resume", "s", "--trials", "3"): "leave --trials out",
    ("best",): "no study in studies/",
    ("best", "nowhere"): "no study in nowhere",
    (RECIPE, "--vary", "batch {16|32}", "--sampler", "grid"): "write --vary 'sampler …'",
    (RECIPE, "other", "--vary", "batch {16|32}"): "unexpected argument 'other'",
}


@for_each("words", WRONG, ids=" ".join)
def test_what_cant_be_meant_is_one_line_and_nothing_is_written(words, output_of):
    before = set(Path().iterdir())
    line = output_of(*words, code=2)
    assert WRONG[words] in line
    assert line.count("\n") == 1
    assert set(Path().iterdir()) == before


def test_a_study_whose_journal_is_damaged_is_told(output_of):
    output_of(RECIPE, *VARY, "--trials", "1", "-o", "s")
    Path("s/journal.log").write_text('[{"number": 1}] \n')
    assert "not the journal of this study" in output_of("best", "s", code=2)
    assert "not the journal of this study" in output_of("--resume", "s", code=2)
    Path("s/study.txt").write_text("batch {1..")
    assert "s/study.txt, line 1, column 7" in output_of("--resume", "s", code=2)


def test_a_study_of_another_version_is_refused_and_stays_as_it_was(output_of):
    output_of(RECIPE, *VARY, "--trials", "1", "-o", "s")
    plan = Path("s/study.txt")
    plan.write_text(plan.read_text().replace("version 2", "version 3"))
    before = {path: path.read_bytes() for path in Path("s").rglob("*") if path.is_file()}
    line = output_of("--resume", "s", code=2)
    assert "s/study.txt, line 1, column 9: a study of version 3" in line
    assert before == {path: path.read_bytes() for path in Path("s").rglob("*") if path.is_file()}


def test_a_study_in_which_nothing_could_be_trained_says_so_in_its_exit_code(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(laid_out(tmp_path))
    diverging = ("--vary", "schedule one cycle {1e6..1e7 log}")
    assert main(["study", RECIPE, *diverging, "--trials", "2"]) == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert output.startswith("gradbook: no recipe of studies/strokes finished its training (")


@pytest.mark.skipif(sys.platform == "win32", reason="there a process hears of no signals")
def test_a_study_that_ctrl_c_stops_goes_on_to_the_same_trials(tmp_path):
    laid_out(tmp_path)
    words = [sys.executable, "-m", "gradbook", "study"]
    begun = [*words, RECIPE, *VARY, "--vary", "epochs 20", "--trials", "5", "--json", "-o"]
    whole = subprocess.run([*begun, "whole"], cwd=tmp_path, capture_output=True, check=True)
    with subprocess.Popen([*begun, "s"], cwd=tmp_path, stdout=-1, stderr=-1, text=True) as study:
        for _ in range(3):
            assert study.stdout.readline()
        study.send_signal(signal.SIGINT)
        rest, problems = study.communicate(timeout=60)
    assert (study.returncode, problems) == (130, "")
    assert json.loads(rest.splitlines()[-1]) == {"event": "stopped", "resume": "s"}
    resumed = [*words, "--resume", "s", "--json"]
    again = subprocess.run(resumed, cwd=tmp_path, capture_output=True, check=True)
    assert _trials(again.stdout) == _trials(whole.stdout)


def _trials(output_of: bytes) -> list[dict]:
    return json.loads(output_of.splitlines()[-1])["trials"]
