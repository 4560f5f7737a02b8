"""Whatever call a disk fails at, the older files stay as they were and one line says what to do.

Every command runs again and again, each time with another call failing: an open, a write, an fsync,
a rename, a close (faults.c). `EVERY_FAULT=1` tries all calls of each command.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gradbook.lab.training.run_folder import RunFolder, load
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book
from tests.cli.desk import laid_out
from tests.conftest import require
from tests.outside.disks.failing import tree
from tests.outside.witness import missing
from tests.runs import finished, pictures

pytestmark = [
    pytest.mark.witness("cc"),
    pytest.mark.skipif(sys.platform != "linux", reason="libraries are loaded first on Linux alone"),
]

HERE = Path(__file__).parent
ALL, USUAL = 100_000, 6  # runs of each command
OLD = b"older, to be kept\n"
FILES = {  # what a command writes, each in the place of an older file
    "sheet worked --epochs 3 --rates 0.5 -o a.xlsx": ["a.xlsx"],
    "sheet worked --epochs 3 --exercise 7 -o a.xlsx": ["a.xlsx"],
    "summary worked -o a.xlsx": ["a.xlsx"],
    "summary worked -o a.html": ["a.html"],
    **{f"explain worked -o a{end}": [f"a{end}"] for end in (".tex", ".md", ".html")},
    **{
        f"sweep worked --epochs 3 --rates 0.5 -o a{end}": [f"a{end}"]
        for end in (".svg", ".html", ".csv")
    },
    **{f"quiz worked --for 1 -o a{end}": [f"a{end}"] for end in (".xml", ".zip", ".gift")},
    "play run -o a.html": ["a.html"],
    "play worked -o a.html": ["a.html"],
    "data made.npz -o a.png": ["a.png"],
    "check book.xlsx -o a.html -o a.csv": ["a.html", "a.csv"],
    "predict table table.csv -o a.csv": ["a.csv"],
    "export run -o a.npz": ["a.npz"],
    "export run -o a.json": ["a.json"],
    "export run -o a.txt": ["a.txt"],
    "export run -o a.c": ["a.c"],
    "export run -o a.h": ["a.h"],
    "export run -o a.ino": ["a.ino", "a.h"],
    "export run -o a.py": ["a.py", "a_weights.safetensors"],
    "export run -o a.onnx": ["a.onnx"],
    "export run -o a.keras": ["a.keras"],
    "import net.onnx -o a.txt": ["a.txt"],
    "import net.onnx -o a.safetensors": ["a.safetensors"],
    "study best s -o a.txt": ["a.txt"],
}
WITNESSES = {".onnx": "onnx", ".keras": "keras"}  # for commands in which these are named
COPIES = "check book.xlsx --annotate marked --fix corrected"
TRAINING = "train strokes.txt --epochs 2 --threads 1 -o run3"
TABLE = "train table.csv --epochs 3 -o run3"
SEEDS = "train strokes.txt --epochs 2 --seeds 2 --threads 1 -o run3"
STUDY = "study study.txt --workers 1 --json -o s2"
RESUMED = "study --resume s2 --workers 1 --json"
STUDIED = "vary strokes.txt\nepochs 1\nschedule one cycle {0.01..1 log}\ntrials 3\n"
RECORD = "check book.xlsx --record checked.jsonl"
DEMO, FIRST = "demo -o out", 18  # calls of the demo: it is long, and goes on as it begins


def command(words: list[str], place: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "GRADBOOK_CACHE": str(cache)}
    return subprocess.run(
        words, cwd=place, env=settings, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def faults(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("faults") / "faults.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(
        ["cc", *flags, str(HERE / "faults.c"), "-o", str(made), "-ldl"],
        check=True,
    )
    return made


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """What the commands read."""
    place = laid_out(tmp_path_factory.mktemp("desk"))
    (place / "tmp").mkdir()
    book(place / "book.xlsx", WRONG)
    for seed, name in enumerate(("run", "run2")):
        finished(place / name, pictures(), seed=seed)
    rows = "".join(f"{k},{k * k % 7},{'xyz'[k % 3]}\n" for k in range(30))
    (place / "table.csv").write_text(f"a,b,c\n{rows}", encoding="utf-8")
    gradbook = [sys.executable, "-m", "gradbook"]
    done = command([*gradbook, "train", *TABLE.split()[1:-1], "table"], place, place)
    assert done.returncode == 0, done.stderr
    (place / "study.txt").write_text(STUDIED, encoding="utf-8")
    done = command([*gradbook, "study", "study.txt", "-o", "s"], place, place)
    assert done.returncode == 0, done.stderr
    if not missing(["onnx"]):
        load(place / "run").export(place / "net.onnx")
    return place


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def runs(faults, desk, cache, tmp_path):
    """`runs(words, older)`: how it went without a fault, and with each."""

    def every(
        words: str, older: Sequence[str] = (), *, then: str = "", first: int = 0
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        require(*(name for ending, name in WITNESSES.items() if ending in words))
        template = tmp_path / "template"
        shutil.copytree(desk, template)
        for name in older:
            if not (template / name).exists():
                (template / name).write_bytes(OLD)
        every.before = tree(template)
        most = ALL if os.environ.get("EVERY_FAULT") else USUAL
        command = [sys.executable, "-m", "tests.outside.disks.failing", f"--then={then}"]
        command += [f"--first={first}", faults, template, str(most)]
        done = subprocess.run(
            [*command, *words.split()],
            env={
                **os.environ,
                "LD_PRELOAD": str(faults),
                "OPENBLAS_NUM_THREADS": "1",
                "GRADBOOK_CACHE": str(cache),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        failed = [run for run in found if run["failed"]]
        assert len(failed) > 2
        return found[0], failed

    return every


def assert_said_in_a_line(run: dict[str, Any]) -> None:
    lines = run["said"].splitlines()
    told = [line for line in lines if line.startswith("gradbook: ")]
    assert run["code"] == 2, run["said"]
    assert len(told) == 1, run["said"]
    assert lines[-1] == told[0]
    assert "Traceback" not in run["said"]
    assert "internal error" not in run["said"]


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before.keys() | after if before.get(name) != after.get(name)}


@pytest.mark.parametrize("words", FILES)
def test_the_older_file_stays_byte_for_byte(words, runs):
    whole, failed = runs(f"{words} --force", FILES[words])
    assert whole["code"] in (0, 1), whole["said"]
    assert changed(runs.before, whole["files"]) == set(FILES[words])
    for run in failed:
        assert_said_in_a_line(run)
        # of several files the first ones may be there already, whole
        new = changed(runs.before, run["files"])
        assert new < set(FILES[words]), (run["failed"], run["said"])
        assert all(run["files"][name] == whole["files"][name] for name in new)


def test_copies_are_whole_or_not_there(runs):
    whole, failed = runs(COPIES, [])
    assert {"marked/book.xlsx", "corrected/book.xlsx"} < whole["files"].keys()
    for run in failed:
        assert_said_in_a_line(run)
        kept = runs.before | whole["files"]
        assert {name: kept.get(name) for name in run["files"]} == run["files"], run["said"]


@pytest.mark.parametrize("words", [TRAINING, TABLE, SEEDS], ids=["images", "a table", "seeds"])
def test_a_training_leaves_only_whole_files(words, runs):
    whole, failed = runs(words, [])
    usual = whole["files"].keys() | runs.before.keys()
    assert {"run3", "run3/result.json"} < usual
    for run in failed:
        assert_said_in_a_line(run)
        assert run["files"].keys() <= usual, run["said"]
        assert runs.before.items() <= run["files"].items()
        unlike = {
            "metrics.csv",
            "metrics.jsonl",
            "result.json",
            "report.html",
        }  # they tell the time
        for name in run["files"].keys() - runs.before.keys():
            alike = run["files"][name] == whole["files"][name]
            assert alike or Path(name).name in unlike or name.endswith(".safetensors")


def test_a_study_goes_on_to_the_same_trials(runs):
    """The disk of the driver fails: its helpers send it what they find."""
    whole, failed = runs(STUDY, then=RESUMED)
    usual = whole["files"].keys() | runs.before.keys()
    expected = last_event(whole["said"])
    assert len(expected["trials"]) == 3
    for run in failed:
        assert_said_in_a_line(run)
        assert runs.before.items() <= run["files"].items()
        assert run["files"].keys() <= usual, run["said"]
        if "s2/study.txt" in run["files"]:
            assert "gradbook study --resume s2" in run["said"]
            assert last_event(run["then"]["said"]) == expected
        else:
            assert "no study in s2" in run["then"]["said"]


def last_event(said: str) -> dict[str, Any]:
    return json.loads(said.splitlines()[-1])


def test_a_record_of_books_goes_on_where_it_was_torn(runs):
    whole, failed = runs(RECORD, then=RECORD)
    assert changed(runs.before, whole["files"]) == {"checked.jsonl"}
    assert whole["then"]["said"] == whole["said"]
    for run in failed:
        assert_said_in_a_line(run)
        assert changed(runs.before, run["files"]) <= {"checked.jsonl"}
        assert run["then"]["said"] == whole["said"]


def test_the_demo_leaves_only_whole_files(runs):
    """Runs that came further have the same files."""
    _, failed = runs(DEMO, first=FIRST)
    known = {}
    for run in reversed(failed):
        assert_said_in_a_line(run)
        new = {name: run["files"][name] for name in changed(runs.before, run["files"])}
        known = known or new
        assert new.items() <= known.items()
    assert "out/worked-play.html" in known


@pytest.mark.skipif(not shutil.which("unshare"), reason="no disks for a while here")
@pytest.mark.parametrize("size", ["4k", "24k", "64k"])
def test_a_training_on_a_full_disk_goes_on_where_there_is_room(size, desk, cache, tmp_path):
    """A real disk, full at some point; what came to lie on it goes on elsewhere."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    script = (
        'mount -t tmpfs -o size=$0 small "$1" || exit 77; '
        '"$3" -m gradbook train strokes.txt --epochs 3 --threads 1 -o "$1/run"; code=$?; '
        'cp -r "$1/run" "$2"; exit $code'
    )
    words = ["unshare", "-rm", "sh", "-c", script, size, str(disk), str(kept), sys.executable]
    done = command(words, desk, cache)
    if done.returncode == 77:
        pytest.skip("a disk of a few kB can't be mounted here: namespaces of users are off")
    assert done.returncode == 2, done.stdout
    (line,) = done.stderr.splitlines()
    assert "the disk is full: make room" in line
    run = RunFolder(kept)
    assert not [path for path in kept.rglob("*") if path.name.startswith(".gradbook")]
    if not run.holds_a_run:
        return
    done = command([sys.executable, "-m", "gradbook", "train", "--resume", str(kept)], desk, cache)
    assert (done.returncode, done.stderr) == (0, "")
    assert run.is_done
