"""Errands: what people do with the command, how it is disturbed, and whether it ends as it may."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic, sleep

import numpy as np
from PIL import Image

from gradbook.lab.recipes.recipe_text import FOLDER
from gradbook.lab.training.run_folder import RunFolder
from tests.serve.books import a_class

NET = "input 2; dense 2; sigmoid; dense 2; softmax; loss cross-entropy"
RECIPE = """\
epochs {epochs}
batch {batch}
data {data}

input 1x8x8
conv {maps} 3x3
relu
flatten
dense 4
log softmax
loss cross-entropy
"""
PATIENCE = 900.0  # seconds, on a machine that is busy with other work too
OURS = "from gradbook.cli.main import entry; entry()"
ASKS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
INTERRUPTED = 130
LAST = 1500  # letters of what is said that are shown of a failure
Settings = Mapping[str, str]
Sent = Sequence[tuple[signal.Signals, bool]]  # and whether the command listened to such by then
Disturb = Callable[[subprocess.Popen[bytes]], Sent]
NEVER = {-n for n in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)}


@dataclass(frozen=True)
class Errand:
    """A command with the exit codes that are right for it where nobody disturbs it."""

    kind: str
    words: Sequence[str]
    codes: tuple[int, ...] = (0,)
    twice: bool = False  # two at once, in the same place


@dataclass(frozen=True)
class Done:
    """What became of an errand."""

    errand: Errand
    fate: str
    fault: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.errand.kind}, {self.fate}: {self.fault}: {' '.join(self.errand.words)}"


# What there is to do -----------------------------------------------------------------------------


def furnished(folder: Path) -> None:
    """What the errands of one worker take: images, books, a picture, a recipe."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    labels = np.arange(2400) % 4
    pixels = draw.integers(0, 120, (2400, 8, 8)).astype(np.uint8)
    pixels[np.arange(2400), labels, labels] = 255
    np.savez(
        folder / "images.npz",
        x_train=pixels[:2000],
        y_train=labels[:2000],
        x_test=pixels[2000:],
        y_test=labels[2000:],
    )
    (folder / "class").mkdir()
    for name, content in a_class():
        (folder / "class" / name.replace("/", "_")).write_bytes(content)
    shutil.copy(Path(FOLDER, "tiny.safetensors"), folder)
    Image.new("L", (40, 60), 255).save(folder / "digit.png")


def _recipe(folder: Path, draw: Random, most: int = 200) -> str:
    return RECIPE.format(
        epochs=draw.choice([one for one in (1, 3, 30, 200) if one <= most]),
        batch=draw.choice([16, 64, 500]),
        maps=draw.choice([2, 3, 4, 4, 4, draw.randint(5, 40)]),  # now and then one to compile
        data=folder / "images.npz",
    )


def _out(draw: Random, ending: str) -> str:
    """One of a few names, so that older files are in the way."""
    return f"made-{draw.randrange(3)}{ending}"


def train(folder: Path, draw: Random) -> Errand:
    name = f"run-{draw.randrange(10**6)}"
    (folder / f"{name}.txt").write_text(_recipe(folder, draw))
    threads = ["--threads", str(draw.choice([1, 2, 2, 7]))]
    return Errand("train", ["train", f"{name}.txt", "-o", name, *threads])


def resume(folder: Path, draw: Random) -> Errand:
    begun = unfinished(folder)
    if not begun:
        return train(folder, draw)
    threads = ["--threads", str(draw.choice([1, 2, 5]))]
    twice = draw.random() < 0.25
    codes = (0, 2) if twice else (0,)
    words = ["train", "--resume", draw.choice(begun).name, *threads]
    return Errand("resume, two at once" if twice else "resume", words, codes, twice)


def study(folder: Path, draw: Random) -> Errand:
    begun = [one for one in folder.glob("study-*") if (one / "study.txt").exists()]
    if begun and draw.random() < 0.5:
        return Errand("study", ["study", "--resume", draw.choice(begun).name])
    name = f"study-{draw.randrange(10**6)}"
    text = _recipe(folder, draw, 3).replace("batch", "schedule constant {0.05|0.1|0.2}\nbatch")
    (folder / f"{name}.txt").write_text(text)
    return Errand("study", ["study", f"{name}.txt", "-o", name, "--workers", "2"])


def check(folder: Path, draw: Random) -> Errand:
    asked = [["--json"], [], ["-o", _out(draw, ".html")], ["-o", _out(draw, ".csv")]]
    asked += [["--fix", "made-fixed"], ["--annotate", "made-marked"]]
    what = draw.choice(["class", "class/ada.xlsx", "class/bob 2.xlsx"])
    codes = (0, 1, 2)  # 2 where books can't be read
    return _perhaps_twice("check", ["check", what, *draw.choice(asked)], draw, codes)


def sheet(folder: Path, draw: Random) -> Errand:
    more = draw.choice([[], ["--exercise", "7"], ["--epochs", str(draw.choice([3, 300, 3000]))]])
    return _perhaps_twice("sheet", ["sheet", NET, "-o", _out(draw, ".xlsx"), *more], draw)


def predict(folder: Path, draw: Random) -> Errand:
    done = [one.name for one in folder.glob("run-*") if (one / "model.safetensors").exists()]
    words = ["predict", draw.choice([*done[:5], "tiny.safetensors"]), "digit.png"]
    return Errand("predict", words, (0, 1))  # 1 where nothing is seen in it


def export(folder: Path, draw: Random) -> Errand:
    ending = draw.choice([".onnx", ".c", ".py", ".npz", ".json"])
    return _perhaps_twice("export", ["export", "tiny.safetensors", "-o", _out(draw, ending)], draw)


def page(folder: Path, draw: Random) -> Errand:
    return _perhaps_twice("page", ["play", NET, "-o", _out(draw, ".html")], draw)


def explain(folder: Path, draw: Random) -> Errand:
    return Errand("explain", ["explain", NET, "-o", _out(draw, draw.choice([".html", ".md"]))])


def data(folder: Path, draw: Random) -> Errand:
    return Errand("data", ["data", "images.npz", *draw.choice([[], ["--json"], ["--verify"]])])


def _perhaps_twice(
    kind: str, words: Sequence[str], draw: Random, codes: tuple[int, ...] = (0,)
) -> Errand:
    twice = draw.random() < 0.15
    return Errand(f"{kind}, two at once" if twice else kind, words, codes, twice)


KINDS: Sequence[Callable[[Path, Random], Errand]] = (
    *(train, train, train, train, resume, resume, resume, resume, study),
    *(check, check, sheet, sheet, predict, export, page, explain, data),
)


def unfinished(folder: Path) -> list[Path]:
    """Runs that aren't trained to their end, or lack their report."""
    runs = [RunFolder(one) for one in folder.glob("run-*") if one.is_dir()]
    return sorted(
        Path(run.path)
        for run in runs
        if run.holds_a_run and not (run.is_done and Path(run.report_file).exists())
    )


# Doing it ----------------------------------------------------------------------------------------


def run(errand: Errand, folder: Path, draw: Random, usual: float, settings: Settings) -> Done:
    """Do it, perhaps twice at once, and disturb it at some moment within its usual seconds."""
    one = [*ASKS, signal.SIGKILL]
    fate = draw.choice([[], [], [], *([number] for number in one), draw.choices(ASKS, k=2)])
    return _done(errand, folder, settings, lambda process: _disturbed(process, fate, draw, usual))


def undisturbed(errand: Errand, folder: Path, settings: Settings) -> Done:
    return _done(errand, folder, settings, lambda process: [])


def _done(errand: Errand, folder: Path, settings: Settings, disturb: Disturb) -> Done:
    began = monotonic()
    logs = [folder / f".log-{number}" for number in range(1 + errand.twice)]
    started = [_started(errand, folder, log, settings) for log in logs]
    sent = disturb(started[0])
    faults = []
    for process, log, heard in zip(started, logs, [sent, []], strict=False):
        code = _ended(process)
        faults += _faults(errand, code, log.read_text("utf-8", "replace"), heard)
        log.unlink()
    fate = " and ".join(number.name for number, _ in sent) or "undisturbed"
    return Done(errand, fate, "; ".join(faults), monotonic() - began)


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit code, if it ends in time."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def _started(
    errand: Errand, folder: Path, log: Path, settings: Settings
) -> subprocess.Popen[bytes]:
    with log.open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-c", OURS, *errand.words],
            cwd=folder,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def _disturbed(
    process: subprocess.Popen[bytes], fate: Sequence[signal.Signals], draw: Random, usual: float
) -> Sent:
    """What was sent to it."""
    sent = []
    for number in fate:
        until = monotonic() + (draw.choice([0.0, 0.05, 1.5]) if sent else draw.uniform(0, usual))
        while monotonic() < until and process.poll() is None:
            sleep(0.003)
        if process.poll() is None:
            sent.append((number, _listens(process.pid)))
            process.send_signal(number)
    return sent


def _listens(pid: int) -> bool:
    """Whether a process handles SIGTERM, which of all Python programs only ours do."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = int(status.partition("SigCgt:\t")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def _faults(errand: Errand, code: int | None, said: str, sent: Sent) -> list[str]:
    if code is None:
        return [f"no end in {PATIENCE:.0f} s"]
    right = {*errand.codes}
    if sent:
        right |= {INTERRUPTED}
    right |= {-number for number, listens in sent if not listens or number == signal.SIGKILL}
    began = all(listens for _, listens in sent)
    found = []
    if code in NEVER or (code not in right and (began or code > 2)):
        found.append(f"exit code {code}")
    if "Traceback" in said and began:
        found.append("a traceback")
    if "internal error in gradbook" in said:
        found.append("an internal error in gradbook")
    return [f"{one} ({said.strip()[-LAST:]})" for one in found]
