from __future__ import annotations

import json

import numpy as np
import pytest

from gradbook.errors import GradbookError
from gradbook.lab.models.answers import Answers
from gradbook.lab.runs.comparison import Misread, all_opened, differences, majority, opened
from tests.runs import finished, pictures, several

DATA = pictures()


def test_only_the_lines_that_differ_are_told(tmp_path):
    finished(tmp_path / "a", DATA)
    finished(tmp_path / "b", DATA, changes="batch 16; update adam; warp shift 1", seed=4)
    found = differences(all_opened([tmp_path / "a", tmp_path / "b"]))
    assert found == {
        "warp": ["none", "shift 1"],
        "batch": ["128", "16"],
        "update": ["momentum 0.9 nesterov", "adam 0.9 0.999 1e-08"],
    }


def test_another_network_differs_in_its_layers(tmp_path):
    finished(tmp_path / "a", DATA)
    other = "input 1x8x8; flatten; dense 10; log softmax; loss cross-entropy"
    finished(tmp_path / "b", DATA, other)
    found = differences(all_opened([tmp_path / "a", tmp_path / "b"]))
    assert list(found) == ["layers"]
    assert found["layers"][1] == "flatten; dense 10; log softmax"


def test_several_seeds_are_one_run_with_their_mean(tmp_path):
    above = several(tmp_path / "seeds", DATA)
    run = opened(above.path)
    accuracies = [above.run(seed).result()["test_accuracy"] for seed in (0, 1, 2)]
    assert run.seeds == (0, 1, 2)
    assert run.test.values == tuple(accuracies)
    assert run.test.mean == pytest.approx(np.mean(accuracies))
    assert run.test.deviation == pytest.approx(np.std(accuracies, ddof=1))
    losses = [history[1].train_loss for history in run.histories]
    assert run.history[1].train_loss == pytest.approx(np.mean(losses))
    assert run.history[1].epoch == 2
    assert run.seconds == pytest.approx(8.5)


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path):
    for part in "ab":
        finished(tmp_path / part / "run", DATA)
    paths = [tmp_path / part / "run" for part in "ab"]
    assert [run.name for run in all_opened(paths)] == list(map(str, paths))


def test_a_run_that_is_not_done_is_refused_with_the_way_on(tmp_path):
    run = finished(tmp_path / "run", DATA)
    run.result_file.unlink()
    with pytest.raises(GradbookError, match="isn't done: gradbook train --resume"):
        opened(run.path)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(GradbookError, match="no run in"):
        opened(tmp_path)


def test_a_result_without_its_figures_is_refused(tmp_path):
    run = finished(tmp_path / "run", DATA)
    run.result_file.write_text(json.dumps({"event": "done"}), "utf-8")
    with pytest.raises(GradbookError, match="not the result of a run"):
        opened(run.path)


def test_most_seeds_decide_and_else_the_likelier():
    labels = np.zeros(2, int)
    seeds = [
        Answers(np.array([[0.6, 0.4], [0.9, 0.1]]), labels),
        Answers(np.array([[0.6, 0.4], [0.45, 0.55]]), labels),
        Answers(np.array([[0.0, 1.0], [0.45, 0.55]]), labels),
    ]
    found = majority(seeds)
    assert found.read.tolist() == [0, 1]
    assert found.sure == pytest.approx([0.4, 0.4])
    assert majority(seeds[:2]).read.tolist() == [0, 0]


def test_an_image_is_misread_by_all_or_only_by_one_or_by_some():
    labels = DATA.test_for_reporting.labels
    right = labels.copy()
    readings = []
    for wrong in ([0, 1, 2], [0, 1], [0, 3]):
        read = right.copy()
        read[wrong] = (read[wrong] + 1) % 10
        readings.append(majority([Answers(np.eye(10)[read], labels)]))
    found = Misread(DATA, tuple(readings))
    assert found.by_all.tolist() == [0]
    assert [found.only_by(k).tolist() for k in range(3)] == [[2], [], [3]]
