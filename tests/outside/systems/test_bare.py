"""Every verb where there is only what Windows has too, in folders with umlauts and spaces.

`bare/sitecustomize.py` takes away what only POSIX has, and makes files behave as they do there.
What isn't tried so is Windows itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gradbook
from tests.conftest import require
from tests.serve.books import content
from tests.serve.running import served

BARE = Path(__file__).with_name("bare")
SOURCES = Path(gradbook.__file__).parents[1]
MARK = "\ufeff"  # with which Windows' editors begin a text
NETWORK = """input 1x8x8
conv 4 3x3
batchnorm
relu
flatten
dense 2
log softmax
loss cross-entropy
epochs 2
batch 8
data Bilder ü
"""
TABLE = "Länge,Größe,Ziel\n" + "".join(f"{k},{k % 4},{k + k % 4}\n" for k in range(12))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder as people have it, with files as their editors write them."""
    folder = tmp_path_factory.mktemp("systems") / "Jörgs Übung 1"
    random = np.random.default_rng(0)
    for number, name in enumerate(("null", "eins")):
        (folder / "Bilder ü" / name).mkdir(parents=True)
        for image in range(14):
            pixels = random.integers(0, 90, (8, 8)).astype(np.uint8)
            pixels[:, 3 * number + 1] = 250
            Image.fromarray(pixels).save(folder / "Bilder ü" / name / f"Bild {image}.png")
    for name, text in (("Netz für Übung.txt", NETWORK), ("Punkte ö.csv", TABLE)):
        (folder / name).write_text(MARK + text, encoding="utf-8", newline="\r\n")
    (folder.parent / "anders wo ü").mkdir()
    return folder


@pytest.fixture
def said(desk):
    """`said(*words)`: what the command prints, on a console of Western Europe."""
    elsewhere = str(desk.parent / "anders wo ü")

    def run(*words: str, code: int = 0, **settings: str) -> str:
        own = {"PYTHONPATH": os.pathsep.join(map(str, (BARE, SOURCES))), "PYTHONUTF8": "0"}
        own |= {"TMPDIR": elsewhere, "HOME": elsewhere, "XDG_CACHE_HOME": elsewhere}
        own |= {"PYTHONIOENCODING": "cp1252", "PYTHONWARNDEFAULTENCODING": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "gradbook", *words],
            cwd=desk,
            env={**os.environ, **own, **settings},
            capture_output=True,
            encoding="cp1252",
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    return run


def test_networks_are_explained_laid_out_and_swept(said, desk):
    assert "worked" in said("summary", "worked")
    said("explain", "worked", "-o", "Ableitung ß.html")
    said("sweep", "xor", "-o", "η.svg")
    assert "∂" in (desk / "Ableitung ß.html").read_text("utf-8")
    assert (desk / "η.svg").exists()


def test_workbooks_are_written_and_checked_one_or_many(said, desk):
    said("sheet", "worked", "-o", "Übung 1.xlsx")
    assert "Übung 1.xlsx" in said("check", "Übung 1.xlsx", "-o", "Prüfung ß.html")
    said("sheet", "worked", "--exercise", "1-2", "-o", "Klasse 3ü")
    output = said("check", "Klasse 3ü", "-o", "Prüfung ß.csv", code=1)  # gradients are left out
    assert "2 exercises, none begun" in output
    assert "worked-exercise-2.xlsx" in (desk / "Prüfung ß.csv").read_text("utf-8-sig")


def test_what_numpy_trains_is_gone_on_with_read_and_exported(said, desk):
    said("train", "Netz für Übung.txt", "-o", "Läufe/NumPy", GRADBOOK_CC="no-such-compiler")
    said("train", "--resume", "Läufe/NumPy", GRADBOOK_CC="no-such-compiler")
    _is_read_and_exported(said, desk, "Läufe/NumPy")


@pytest.mark.witness("cc")
def test_what_the_engine_trains_is_gone_on_with_read_and_exported(said, desk):
    said("train", "Netz für Übung.txt", "-o", "Läufe/C")
    said("train", "--resume", "Läufe/C")
    _is_read_and_exported(said, desk, "Läufe/C")
    kept = list((desk.parent / "anders wo ü").rglob("engines/*"))
    assert kept  # and nothing half-made beside them
    assert all("-" in path.name for path in kept)


def _is_read_and_exported(said, desk, run):
    said("predict", run, "Bilder ü/null/Bild 1.png")
    for ending in ("npz", "json", "c", "txt"):
        said("export", run, "-o", f"Netz ü.{ending}")
        assert (desk / f"Netz ü.{ending}").stat().st_size > 100


def test_a_table_is_learned(said, desk):
    said("train", "Punkte ö.csv", "-o", "Läufe/Tafel")
    assert (desk / "Läufe/Tafel/model.safetensors").exists()


def test_a_name_that_no_file_can_have_is_refused_in_a_line(said, desk):
    before = set(desk.iterdir())
    answer = said("explain", "worked", "-o", "was?.html", code=2)
    expected = "can't write was?.html: no file can have that name: choose another\n"
    assert answer == f"gradbook: {expected}"
    assert set(desk.iterdir()) == before


def test_a_run_is_not_called_as_a_device_is(said, desk):
    (desk / "kurz.txt").write_text(f"recipe con\n{NETWORK}", encoding="utf-8")
    said("train", "kurz.txt", "--epochs", "1", GRADBOOK_CC="no-such-compiler")
    assert (desk / "runs/run-con/model.safetensors").exists()


def test_a_network_of_others_comes_in(said, desk):
    require("onnx")
    said("train", "Netz für Übung.txt", "-o", "Läufe/für ONNX", GRADBOOK_CC="no-such-compiler")
    said("export", "Läufe/für ONNX", "-o", "Netz ü.onnx")
    said("import", "Netz ü.onnx", "-o", "wieder ü.txt")
    assert "conv 4 3x3" in (desk / "wieder ü.txt").read_text("utf-8")


def test_a_page_is_served_and_ends_without_a_trace():
    with served(PYTHONPATH=os.pathsep.join(map(str, (BARE, SOURCES)))) as on:
        number = on.handed_in([("Übung 1/größer.xlsx", content(is_right=False))])
        assert b"gr\xc3\xb6\xc3\x9fer.xlsx" in on.ask(f"classes/{number}/grades.csv")[1]
        for kind in ("marked", "corrected"):
            assert on.ask(f"classes/{number}/{kind}.zip")[0] == 200
        on.tell("explain", "POST", {"text": "input 2; dense 1; loss half squared error"})
        on.hand_in(number, [("Übung 1/größer.xlsx", content())])
        assert on.ask(f"classes/{number}", "DELETE")[0] == 204
        assert not [path for path in on.kept() if path.endswith(".xlsx")]
        on.process.send_signal(signal.SIGINT)
        said, complained = on.process.communicate(timeout=30)
        assert (on.process.returncode, complained) == (0, ""), said
        assert list(on.folder.iterdir()) == []


TAKEN = """
import os, signal, subprocess, sys
from multiprocessing import get_context
assert not hasattr(os, "fork") and not hasattr(signal, "SIGHUP")
open({0!r}, "w").close()
for way in (os.remove, lambda path: os.replace(path, "b"), lambda path: os.replace("c", path)):
    open("c", "w").close()
    with open({0!r}) as held:
        try:
            way({0!r})
        except PermissionError:
            continue
    raise SystemExit("an open file was touched")
os.remove({0!r})
for name in ("a:b", "nul.txt", "what?"):
    try:
        open(name, "w")
    except OSError:
        continue
    raise SystemExit("a name that no file may have")
try:
    import fcntl
except ImportError:
    print("gone")
"""


def test_what_is_taken_away_is_gone(tmp_path):
    """Else the tests above would hold nothing."""
    words = [sys.executable, "-c", TAKEN.format("ä ö")]
    settings = {**os.environ, "PYTHONPATH": str(BARE)}
    done = subprocess.run(
        words, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("gone\n", "")
