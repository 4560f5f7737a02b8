"""`gradbook train` and `predict` on windows of signals: what is said, kept and refused."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from gradbook.lab.training.run_folder import load
from tests.cases import for_each

WINDOWS = ("--window", "32", "--set", "step 8")


def write_moves(file: Path, people=4, takes=2, rows=100) -> Path:
    random = np.random.default_rng(0)
    lines = ["person,take,time,x,y,gesture"]
    for person in range(people):
        for gesture, pace in (("shake", 0.9), ("still", 0.0), ("swing", 0.2)):
            for take in range(takes):
                t = np.arange(rows) * pace + random.uniform(0, 6)
                x = np.sin(t) * (pace > 0) + random.normal(0, 0.05, rows)
                lines += [
                    f"p{person},{gesture} {take},{k * 0.02:.2f},{x[k]:.4f},1,{gesture}"
                    for k in range(rows)
                ]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def output_of(tmp_path, command):
    """`output_of(words)` is what `gradbook` prints in a folder with a table of recordings."""
    write_moves(tmp_path / "moves.csv")
    return command


def test_windows_are_told_apart_and_time_is_told(output_of):
    lines = output_of("train", "moves.csv", *WINDOWS, "--set", "background still").splitlines()
    text = " ".join(" ".join(lines).split())
    assert (
        "learns gesture (3 classes: shake, still, swing) from windows of 32 steps of x, y" in text
    )
    assert "(0.64 s at 50 a second)" in text
    assert "split by subject" in text
    assert "at most 0.8 s after something begins" in text
    assert "an hour, and with 95 % confidence fewer than" in text
    assert max(map(len, lines)) <= 80
    page = Path("runs/moves/report.html").read_text()
    for there in (
        "The windows",
        "held back",
        "Windows of one subject",
        "an hour",
        "Confusion matrix",
    ):
        assert there in page
    assert "--window 32 --set &#x27;step 8&#x27; --set &#x27;background still&#x27;" in page


def test_a_program_gets_the_figures(output_of):
    events = output_of(
        "train", "moves.csv", *WINDOWS, "--json", "--set", "background still", "--epochs", 2
    )
    done = json.loads(events.splitlines()[-1])
    assert (done["window"], done["step"], done["channels"]) == (32, 8, ["x", "y"])
    assert (done["rows_a_second"], done["latency_seconds"]) == (50, 0.8)
    assert done["split_by"] == "subject"
    assert done["background_seconds"] > 0
    assert {"false_alarms", "false_alarms_an_hour", "false_alarms_an_hour_below"} <= done.keys()


def test_a_models_windows_are_predicted(output_of):
    output_of("train", "moves.csv", *WINDOWS)
    rows = Path("moves.csv").read_text().splitlines()
    new = [",".join([*row.split(",")[2:5]]) for row in rows[:101]]  # the first: a shake
    Path("new.csv").write_text("\n".join(new))
    lines = output_of("predict", "runs/moves", "new.csv").splitlines()
    assert lines[0] == "recording,row,seconds,predicted,confidence"
    assert [line.split(",")[1:4] for line in lines[1:3]] == [
        ["2", "0.0", "shake"],
        ["10", "0.16", "shake"],
    ]
    assert len(lines) == 1 + 9
    found = json.loads(output_of("predict", "runs/moves", "new.csv", "--json", "--set", "step 32"))[
        "windows"
    ]
    assert [one["seconds"] for one in found] == [0, 0.64, 1.28]
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1)
    assert load("runs/moves").windows.channels == ("x", "y")


def test_a_run_on_windows_goes_on(output_of):
    output_of(
        "train", "moves.csv", *WINDOWS, "--set", "background still", "--epochs", 2, "-o", "whole"
    )
    Path("run").mkdir()
    for name in ("recipe.txt", "problem.json"):
        Path("run", name).write_bytes(Path("whole", name).read_bytes())
    output_of("train", "--resume", "run")
    for name in ("model.safetensors", "problem.json"):
        assert Path("run", name).read_bytes() == Path("whole", name).read_bytes()
    done = [json.loads(Path(run, "result.json").read_text()) for run in ("run", "whole")]
    assert done[0]["background_seconds"] == done[1]["background_seconds"]


def write_sounds(folder: Path) -> None:
    t = np.arange(2000) / 8000
    for word, pitch in (("high", 1500), ("low", 200)):
        (folder / word).mkdir(parents=True)
        for take in range(6):
            samples = (8000 * np.sin(2 * np.pi * (pitch + 5 * take) * t)).astype("<i2")
            with wave.open(str(folder / word / f"{take}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes(samples.tobytes())


def test_a_folder_of_sounds(output_of):
    write_sounds(Path("words"))
    output = output_of("train", "words", "--window", 200, "--set", "step 100")
    assert "predicts 100 % of the" in output
    assert "split by recording" in output
    assert "high" in output_of("predict", "runs/words", "words/high/0.wav")


def test_recordings_without_a_window_are_refused(output_of):
    write_sounds(Path("words"))
    for words in (("words",), ("--data", "words")):
        assert "words has recordings: add --window N" in output_of("train", *words, code=2)


def test_a_recipe_of_ones_own_takes_the_windows(output_of):
    net = "input 32x2; gru 8; dense 3; softmax"
    output = output_of("train", "moves.csv", *WINDOWS, "--network", net, "--epochs", 1)
    assert "parameters" in output
    error = output_of("train", "moves.csv", "--window", 16, "--network", net, code=2)
    assert "begin the network with 'input 16x2'" in error


@for_each(
    ("words", "wanted"),
    [
        (("--window", 101), "has 100 rows, fewer than a window of 101"),
        (("--window", 1), "at least 2 rows"),
        (("--window", 0), "at least 1"),
        ((*WINDOWS, "--target", "gestur"), "did you mean 'gesture'?"),
        ((*WINDOWS, "--set", "split by day"), "'day'"),
        ((*WINDOWS, "--set", "background rest"), "no class 'rest'"),
        ((*WINDOWS, "--set", "ignore person; split by subject"), "name no person"),
        ((*WINDOWS, "--set", "ignore x,y,gesture"), "no column with the classes"),
        ((*WINDOWS, "--set", "hold back 5"), "make only"),
        ((*WINDOWS, "--set", "task numbers"), "leave --set 'task …' out"),
        ((*WINDOWS, "--set", "sample rate 0"), "0"),
        (("--set", "step 8"), "--set 'step …' is for windows of signals: add --window N"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(output_of, words, wanted):
    error = output_of("train", "moves.csv", *words, code=2)
    assert wanted in error
    assert error.count("\n") == 1
    assert not Path("runs").exists()


def test_predict_refuses_what_is_not_for_signals(output_of):
    output_of("train", "moves.csv", *WINDOWS, "--epochs", 1)
    assert "--show isn't for them" in output_of(
        "predict", "runs/moves", "moves.csv", "--show", code=2
    )
    Path("one.csv").write_text("time,x\n" + "".join(f"{k * 0.02},1\n" for k in range(50)))
    assert "but the model reads x, y" in output_of("predict", "runs/moves", "one.csv", code=2)


def test_the_gestures_come_along(output_of):
    text = " ".join(output_of("train", "gestures", "--epochs", 2).split())
    assert "gestures: 1,781 parameters" in text
    assert "learns label (5 classes: circle, shake, still, swing, tap)" in text
    assert "On 'still'" in text
    assert "data gestures" in Path("runs/gestures/recipe.txt").read_text()


def test_the_keywords_come_along(output_of):
    text = " ".join(output_of("train", "keywords", "--epochs", 1).split())
    assert "keywords: " in text
    assert "learns label (7 classes: go, left, no, noise, stop, up, yes)" in text
    assert "On 'noise'" in text
    assert "e+" not in text  # thousands an hour are written out


def test_what_is_made_has_known_columns(output_of):
    error = output_of("train", "gestures", "--set", "channels ax", code=2)
    assert "gestures is generated, so the meaning of its columns is already known" in error


def test_another_window_gets_the_usual_network(output_of):
    output = output_of("train", "gestures", "--window", 64, "--epochs", 1)
    assert "windows of 64 steps of ax, ay, az, every 16" in " ".join(output.split())


def test_an_exported_network_of_sound_takes_samples(output_of):
    output_of("train", "keywords", "--epochs", 1, "-o", "heard")
    output_of("export", "heard", "-o", "heard.h")
    text = " ".join(Path("heard.h").read_text().split())
    assert "a row of 7,776 floats" in text or "a row of 7776 floats" in text


# Four easy sounds, as somebody would record them.

SOUND_RATE = 8000


def write_easy_sounds(folder: Path, each: int = 24) -> None:
    random, t = np.random.default_rng(5), np.arange(SOUND_RATE) / SOUND_RATE
    kinds = {
        "low": lambda: np.sin(2 * np.pi * random.uniform(200, 400) * t),
        "high": lambda: np.sin(2 * np.pi * random.uniform(1500, 2500) * t),
        "chirp": lambda: np.sin(2 * np.pi * (random.uniform(200, 500) * t + 1400 * t**2)),
        "noise": lambda: random.normal(0, 0.3, len(t)),
    }
    for kind, sound in kinds.items():
        (folder / kind).mkdir(parents=True)
        for number in range(each):
            values = random.uniform(0.3, 0.9) * sound() + random.normal(0, 0.01, len(t))
            with wave.open(str(folder / kind / f"{number}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(SOUND_RATE)
                file.writeframes((np.clip(values, -1, 1) * 32767).astype("<i2").tobytes())


def test_easy_sounds_are_told_apart_unasked_whatever_the_seed(output_of):
    write_easy_sounds(Path("wav"))
    lines = output_of("train", "wav", "--window", 4000, "--seeds", 4, "--epochs", 60, "--json")
    done = json.loads(lines.splitlines()[-1])
    assert min(done["test_accuracies"]) > 0.9
    assert done["doubts"] == []


NOT_NORMALISED = (
    "input 4000x1; mel 16 step 160 high 4000; conv1d 8 5 stride 2; relu; avgpool1d all; flatten; "
    "dense 4; log softmax; update adam"
)


def test_a_training_that_says_one_class_to_everything_says_so_everywhere(output_of):
    write_easy_sounds(Path("wav"), 6)
    output = output_of(
        "train", "wav", "--window", 4000, "--network", NOT_NORMALISED, "--rate", 1, "-o", "one"
    )
    words = " ".join(output.split())
    assert "for all 20 test windows (25.00 % right): " in words
    assert "or put batchnorm behind sums" in words
    assert "8 of 8 units of layer 3 ('relu') are dead" in words
    doubts = json.loads(Path("one/result.json").read_text())["doubts"]
    assert [doubt.split()[0] for doubt in doubts] == ["it", "8"]
    assert "of layer 3 (" in Path("one/report.html").read_text()
