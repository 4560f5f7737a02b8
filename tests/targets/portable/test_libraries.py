"""Libraries as Arduino looks for one: they build, and say what is right."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from gradbook.data.signals import Windows
from gradbook.errors import UsageError
from gradbook.lab.models.model import Model
from gradbook.net import Net
from gradbook.net.trained import Scaling, TrainedNet, trained_net
from gradbook.targets.portable.board_libraries import LAYOUTS, CLibrary, library_files
from gradbook.targets.portable.c_file import c_file
from gradbook.targets.portable.sketches import signal_sketch
from gradbook.targets.portable.whole_makers import quantise_windows
from tests.cases import for_each
from tests.outside.devices.avr import UNO, heard
from tests.targets.portable.compiled import STRICT, compiler
from tests.trained import drawn, model_of, table_model_of

HERE = Path(__file__).parent
ROWS = np.round(np.random.default_rng(5).normal(size=(6, 2)).repeat(20, axis=0) * 4, 3)
TEXT = "input 8x2; conv1d 4 3; relu; flatten; dense 3; softmax"
NAMES = ("left", 'say "hé"', "still")


def windows_net() -> TrainedNet:
    """With weights about 0, so that every class is told."""
    net, random = Net.parse(TEXT), np.random.default_rng(1)
    values = {name: random.normal(size=np.shape(value)) for name, value in drawn(net).items()}
    return trained_net(net, values, Scaling(1, np.zeros(16), np.ones(16)), classes=NAMES)


def library(whole: bool) -> CLibrary:
    net, windows = windows_net(), Windows(8, 2, ("a", "b"), 50.0)
    found = quantise_windows(net, windows.cut(ROWS), 2) if whole else None
    made = c_file(net, "moves", found, channels=windows.channels)
    return CLibrary(net, made, "moves", windows, found)


def written(folder: Path, kind: str, own: CLibrary) -> Path:
    for name, text in library_files(kind, own).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.witness("avr-gcc", "simavr")
@for_each("whole", [True, False])
def test_the_example_of_an_arduino_library_hears_on_a_board(tmp_path, whole):
    own = library(whole)
    written(tmp_path, "arduino", own)
    properties = dict(
        line.split("=", 1) for line in (tmp_path / "library.properties").read_text().splitlines()
    )
    needed = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category"}
    assert needed | {"url", "architectures", "includes"} == set(properties)
    header = (tmp_path / "src" / "moves.h").read_text()
    (tmp_path / "moves.h").write_text(header)
    example = "examples/moves/moves.ino"
    played = heard(UNO, tmp_path, example, ROWS, tmp_path / "src" / "moves.c")
    alone = tmp_path / "alone"
    alone.mkdir()
    assert own.windows
    (alone / "moves.h").write_text(own.made.text)
    sketch = signal_sketch(own.trained, own.windows, "moves", "moves", own.whole)
    (alone / "moves.ino").write_text(sketch)
    assert played.said == heard(UNO, alone, "moves.ino", ROWS).said
    assert len(played.said) >= 2


@pytest.mark.witness("cc")
@for_each("kind", LAYOUTS)
@for_each("whole", [True, False])
def test_headers_and_sources_of_every_layout_compile_strictly(tmp_path, kind, whole):
    folder = written(tmp_path, kind, library(whole))
    (source,) = folder.rglob("moves.c")
    (header,) = folder.rglob("moves.h")
    words = [*compiler(), *STRICT, "-Wmissing-prototypes", f"-I{header.parent}", "-c", str(source)]
    run([*words, "-o", "moves.o"], tmp_path)


MAIN = """\
#include <stdio.h>
#include "moves.h"
int main(void)
{
    static KIND row[MOVES_CHANNELS];
    for (;;) {
        for (int k = 0; k < MOVES_CHANNELS; k++)
            if (scanf(FORMAT, &row[k]) != 1)
                return 0;
        printf("%d\\n", moves_hear(row));
    }
}
"""


@pytest.mark.witness("cc")
def test_a_program_hears_row_by_row_with_it(tmp_path):
    own = library(whole=True)
    folder = written(tmp_path, "arduino", own) / "src"
    said = MAIN.replace("KIND", "int16_t").replace("FORMAT", '"%hd"')
    (folder / "main.c").write_text(said)
    run([*compiler(), *STRICT, "main.c", "moves.c", "-lm", "-o", "main"], folder)
    assert own.whole
    assert own.whole.sensor
    raw = " ".join(map(str, own.whole.sensor.of(ROWS).ravel().tolist()))
    done = subprocess.run([folder / "main"], input=raw, capture_output=True, text=True, check=True)
    heard_there = list(map(int, done.stdout.split()))
    assert len(heard_there) == len(ROWS)
    assert set(heard_there[:7]) == {-1}
    assert len(set(heard_there)) > 1


@pytest.mark.witness("cc")
@for_each("kind", LAYOUTS)
@for_each(
    "model",
    [
        model_of("input 1x4x4; flatten; dense 3; softmax"),
        model_of("input 1x4x4; flatten; dense 1; sigmoid"),
        table_model_of("area")[0],
    ],
    ids=["images", "two classes", "a number"],
)
def test_other_models_are_laid_out_too(tmp_path, kind, model):
    exported = model.export(tmp_path / "net", layout=kind)
    assert exported.files[0] == tmp_path / "net"
    assert all(file.exists() for file in exported.files)
    for source in (tmp_path / "net").rglob("*.c"):
        (header,) = (tmp_path / "net").rglob("net.h")
        words = [*compiler(), *STRICT[:3], "-Werror", f"-I{header.parent}"]
        run([*words, "-c", str(source), "-Wno-unused-variable", "-o", "a.o"], tmp_path)


@pytest.fixture
def images() -> Model:
    return model_of("input 1x4x4; flatten; dense 3; softmax")


@for_each(
    ("name", "asked", "said"),
    [
        ("net", {"layout": "arduni"}, "no layout 'arduni': did you mean 'arduino'"),
        ("net.ino", {"layout": "arduino"}, "--layout writes a folder, and .* names a file"),
        ("there", {"layout": "arduino"}, "already exists: name a new folder"),
        ("net", {"layout": "arduino", "main": True}, "--main doesn't work with --layout"),
        ("net.c", {"layout": ""}, "no layout ''"),
    ],
)
def test_what_cant_be_laid_out_is_refused(tmp_path, images, name, asked, said):
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match=said):
        images.export(tmp_path / name, **asked)
    assert os.listdir(tmp_path) == ["there"]


def test_a_folder_is_written_whole_or_not_at_all(tmp_path, images, monkeypatch):
    calls = []

    def fail(path, content):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return len(content)

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(Exception, match="can't write"):
        images.export(tmp_path / "net", layout="arduino")
    assert os.listdir(tmp_path) == []
