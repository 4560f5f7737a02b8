"""Trainings as processes: what stands on the terminal, and what a signal does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.desk import RECIPE, laid_out

pytestmark = [
    pytest.mark.witness("cc"),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX only"),
]
if sys.platform != "win32":
    from tests.cli.pseudo import Session

LONG, ENDLESS = ("--epochs", "80"), ("--epochs", "100000")


@pytest.fixture
def desk(tmp_path) -> Path:
    return laid_out(tmp_path)


@pytest.fixture
def session(desk):
    """`session(words)`: the command at a terminal, killed in the end if it still runs."""
    begun = []

    def begin(*words, **named):
        begun.append(Session("train", *words, folder=desk, **named))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def train(desk):
    """`train(words)`: the command as a process with pipes, its events one a line."""
    begun = []

    def begin(*words, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "gradbook", "train", *words],
            cwd=desk,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], wanted: str) -> None:
    for line in process.stdout:
        if json.loads(line)["event"] == wanted:
            return
    raise AssertionError(process.stderr.read())


# The terminal.


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_left_on_a_terminal_is_what_a_file_gets(session, desk, columns):
    live = session(RECIPE, "-o", "run", columns=columns)
    assert live.end() == 0
    words = [sys.executable, "-m", "gradbook", "train", RECIPE, "-o", "again"]
    environment = {**os.environ, "COLUMNS": str(columns), "PYTHONUTF8": "1"}
    piped = subprocess.run(words, cwd=desk, env=environment, capture_output=True, check=True)
    shown = live.terminal.text.replace("run/", "again/").replace("predict run", "predict again")
    assert untimed(shown) == untimed(piped.stdout.decode())
    assert live.terminal.hidden is False


def untimed(page: str) -> str:
    """Without images/s and seconds."""
    return re.sub(r"( +[0-9,]+)? *[0-9.]+ s$", "", page, flags=re.MULTILINE)


def test_while_it_runs_there_are_bars_losses_speed_and_the_time_left(session):
    live = session(RECIPE, *ENDLESS)
    live.until(lambda written: re.search("epoch [3-9]/", written))
    live.send(signal.SIGINT)
    live.end()
    drawn = live.written.decode()
    seen = (
        "epoch [0-9]+/100000 ",
        "[━╸─]",
        "/16 ",
        " left",
        "images/s",
        "rate 0.0",
        "Ctrl-C finishes",
    )
    assert [what for what in (*seen, "[▁▂▃▄▅▆▇█]{9}") if not re.search(what, drawn)] == []


def test_compiling_is_said(session, tmp_path):
    live = session(RECIPE, "--epochs", "1", GRADBOOK_CACHE=str(tmp_path / "cache"))
    assert live.end() == 0
    assert "compiling the engine for this network (only once) …" in live.written.decode()
    assert "compiling" not in live.terminal.text


@pytest.mark.parametrize(("columns", "rows"), [(20, 24), (40, 24), (80, 5)])
def test_a_small_terminal_is_never_overdrawn(session, columns, rows):
    live = session(RECIPE, columns=columns, rows=rows)
    assert live.end() == 0
    assert "strokes: " in live.terminal.text
    assert "Ctrl-C" not in live.terminal.text


# Signals.


def test_ctrl_z_gives_the_terminal_back_and_afterwards_takes_it_again(session):
    live = session(RECIPE, *ENDLESS)
    live.until(lambda written: "epoch 2/" in written)
    live.send(signal.SIGTSTP)  # nobody is there to continue it, so the system goes on at once
    live.until(lambda written: "\033[J\033[?25h\033[?25l" in written)
    live.send(signal.SIGINT)
    assert live.end() == 130
    assert live.terminal.hidden is False


def test_ctrl_c_saves_and_says_how_to_go_on(session, desk):
    live = session(RECIPE, *ENDLESS, "-o", "run")
    live.until(lambda written: "epoch 2/" in written)
    live.send(signal.SIGINT)
    assert live.end() == 130
    last = live.terminal.text.rstrip().splitlines()
    assert last[-1] == "  gradbook train --resume run"
    assert last[-3].startswith("Stopped after ")
    assert live.terminal.hidden is False
    assert list((desk / "run/checkpoints").iterdir())


@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_whoever_asks_it_to_end_is_heard(train, kind):
    process = train(RECIPE, *ENDLESS, "-o", "run", "--json")
    until(process, "epoch")
    process.send_signal(getattr(signal, kind))
    out, err = process.communicate(timeout=100)
    assert (process.returncode, err) == (130, "")
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["resume"]) == ("stopped", "run")
    assert last["epochs"] < 100_000


def test_impatience_breaks_nothing(desk, train):
    process = train(RECIPE, *LONG, "-o", "run", "--json")
    until(process, "epoch")
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.001)
    out, err = process.communicate()
    assert process.returncode in (130, -signal.SIGINT)  # as Python ends it may be killed outright
    assert "Traceback" not in err
    resumed = train("--resume", "run", "--json")
    out, err = resumed.communicate(timeout=100)
    assert (resumed.returncode, err) == (0, "")
    assert not [path.name for path in (desk / "run").rglob(".*")]
    assert json.loads(out.splitlines()[-1])["event"] == "done"


def test_ctrl_c_before_the_first_step_leaves_nothing(desk, train, tmp_path):
    process = train(RECIPE, "-o", "run", GRADBOOK_CACHE=str(tmp_path / "cache"))
    while not (tmp_path / "cache").exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=100) == ("", "gradbook: interrupted\n")
    assert process.returncode == 130
    assert not (desk / "run").exists()


def test_a_reader_who_leaves_early_is_no_fault(desk):
    run = f"{sys.executable} -m gradbook train {RECIPE} | head -1"
    ran = subprocess.run(
        run, shell=True, cwd=desk, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.stdout.startswith("strokes: 196 parameters")
    assert ran.stderr == ""
