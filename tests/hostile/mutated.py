"""Files that were whole, of every kind that a verb reads, and then broken in some of their bytes.

Sums that a format has are put right in half of them, so that the damage comes through to whoever
reads what they guard.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import wave
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from tests.audit.material.mangled.packages import packed
from tests.audit.material.mangled.packages import spoilt as of_bytes
from tests.fuzz.breaks import Break, of_fields, of_words, of_xml, one_of
from tests.fuzz.forms import with_right_sum, with_right_sums
from tests.fuzz.targets import RECIPE as RECIPE_WORDS
from tests.fuzz.targets import STUDY as STUDY_WORDS
from tests.hostile.cases import Case, Words

NET = "input 1x6x6; conv 2 3x3; relu; flatten; dense 3; log softmax; loss cross-entropy"
RECIPE = f"recipe tiny\ndata set.npz\nepochs 2\nbatch 8\n{NET.replace('; ', chr(10))}\n"
STUDY = f"trials 2\nschedule constant {{0.1|0.2}}\n{RECIPE.partition(chr(10))[2]}"
OF_DIGITS = "data digits8; epochs 1; batch 64; input 1x8x8; flatten; dense 10; log softmax"
EXPORTED = """
import sys, torch
parts = torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 3)
program = torch.export.export(torch.nn.Sequential(*parts).eval(), (torch.zeros(1, 1, 6, 6),))
torch.export.save(program, sys.argv[1])
"""


@dataclass(frozen=True, eq=False)
class Kind:
    """Files that belong together, those of them that are broken, and who is given them."""

    name: str
    make: Callable[[Path], object]
    which: str
    broken: Break
    asked: Sequence[Words]


@cache
def whole(kind: Kind) -> dict[str, bytes]:
    """Every file of it, by its name."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        kind.make(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _mutated(kind: Kind, folder: Path, draw: Random) -> Words:
    files = whole(kind)
    name = draw.choice([name for name in files if Path(name).match(kind.which)])
    lay_out({**files, name: kind.broken(files[name], draw)}, folder)
    return draw.choice(kind.asked)


# Ways to break them -------------------------------------------------------------------


def of_parts(change: Break) -> Break:
    """Something that lies in an archive, whose sums are right."""

    def broken(data: bytes, draw: Random) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = draw.choice(list(parts))
        how = of_fields if name.endswith(".json") else change
        return packed({**parts, name: how(parts[name], draw)})

    return broken


def of_tensors(data: bytes, draw: Random) -> bytes:
    """The numbers or the header, or a field of the record in it."""
    if draw.random() < 0.5:
        return of_bytes(data, draw)
    start = 8 + int.from_bytes(data[:8], "little")
    head = json.loads(data[8:start])
    if draw.random() < 0.7:
        record = head["__metadata__"]
        record["gradbook"] = of_fields(record["gradbook"].encode(), draw).decode("utf-8", "replace")
    said = json.dumps(head).encode()
    said = said if draw.random() < 0.5 else of_fields(said, draw)
    return with_right_sum(len(said).to_bytes(8, "little") + said + data[start:])


def of_a_footer(data: bytes, draw: Random) -> bytes:
    """What the file says of itself, at its end."""
    start = max(4, len(data) - 8 - int.from_bytes(data[-8:-4], "little"))
    footer = of_bytes(data[start:-8], draw)
    return data[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def of_a_picture(data: bytes, draw: Random) -> bytes:
    return with_right_sums(of_bytes(data, draw))


OF_CELLS = of_words((",", ";", "\t", '"', "\n", "1e9", "=1+1", "1.234.567,8", "-"))
OF_BOOKS = one_of(of_bytes, of_parts(of_xml))
OF_ARCHIVES = one_of(of_bytes, of_parts(of_bytes))


# Files that are whole -----------------------------------------------------------------


def _asked(folder: Path, *words: str) -> None:
    """What a verb of ours makes there."""
    command = [sys.executable, "-m", "gradbook", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _arrays(folder: Path) -> None:
    numbers = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.uint8) % 3
    images = numbers.integers(0, 80, (60, 6, 6), np.uint8)
    for k, image in enumerate(images):
        image[2 * labels[k]] += 150
    parts = {"x_train": images, "y_train": labels, "x_test": images[:12], "y_test": labels[:12]}
    np.savez(folder / "set.npz", **parts)


def _books(folder: Path) -> None:
    """One of ours, and a list as LibreOffice saves it."""
    from tests.audit.material.mangled.bases import OPENED

    _asked(folder, "sheet", "worked", "--epochs", "3", "-o", "book.xlsx")
    OPENED["ods, a list"](folder / "book.ods")


def _table(folder: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(40, 3)).round(3)
    rows = [f"{a},{b},{'red' if c > 0 else 'blue'},{a + b > c}" for a, b, c in numbers.tolist()]
    (folder / "table.csv").write_text("\n".join(["length,width,colour,kind", *rows]) + "\n")
    samples = [f"{a},{b},{int(c > 0)}" for a, b, c in numbers[:5].tolist()]
    (folder / "samples.csv").write_text("\n".join(samples) + "\n")


def _parquet(folder: Path) -> None:
    import pyarrow
    from pyarrow import csv, parquet

    _table(folder)
    found = csv.read_csv(folder / "table.csv")
    found = found.append_column("when", pyarrow.array(range(40), pyarrow.timestamp("s")))
    parquet.write_table(found, folder / "table.parquet", row_group_size=15)
    (folder / "table.csv").unlink()


def _idx(folder: Path) -> None:
    from tests.data.made import idx_folder

    idx_folder(folder / "set")


def _pixels(folder: Path) -> None:
    from tests.data.made import labels, pixels, table

    rows = pixels(30, 36)
    (folder / "pixels.csv").write_text(table(rows, [f"class {k}" for k in labels(30)]))


def _pictures(folder: Path) -> None:
    from PIL import Image

    numbers = np.random.default_rng(0)
    endings = ("png", "jpg", "bmp", "gif", "webp", "ppm")
    for name in ("a", "b"):
        (folder / "set" / name).mkdir(parents=True)
        for k in range(12):
            image = Image.fromarray(numbers.integers(0, 255, (9, 8, 3), np.uint8))
            image.save(folder / "set" / name / f"{k}.{endings[k % 6]}")
    shutil.copy(folder / "set" / "a" / "0.png", folder / "one.png")


def _model(folder: Path, text: str = NET) -> None:
    from tests.trained import model_of

    model_of(text).save(folder / "net.safetensors")


def _seen_model(folder: Path) -> None:
    _pictures(folder)
    _model(folder, "input 1x8x8; conv 2 3x3; relu; flatten; dense 10; softmax")


def _of_a_table(folder: Path) -> None:
    from tests.trained import table_model_of

    model, _ = table_model_of("side")
    model.save(folder / "net.safetensors")
    (folder / "rows.csv").write_text("width,colour,height\n50,red,-3\n40,blue,-3.1\n")


def _exported(ending: str, folder: Path) -> None:
    _model(folder)
    _asked(folder, "export", "net.safetensors", "-o", f"net.{ending}")
    (folder / "net.safetensors").unlink()


def _program(folder: Path) -> None:
    words = [sys.executable, "-c", EXPORTED, str(folder / "net.pt2")]
    subprocess.run(words, check=True, capture_output=True)


def _sounds(folder: Path) -> None:
    for name, pitch in (("low", 0.05), ("high", 0.6)):
        (folder / "set" / name).mkdir(parents=True)
        for k in range(4):
            heard = 9000 * np.sin(np.arange(600) * pitch + k)
            with wave.open(str(folder / "set" / name / f"{k}.wav"), "wb") as stream:
                stream.setparams((1, 2, 8000, 0, "NONE", ""))
                stream.writeframes(heard.astype("<i2").tobytes())


def _recordings(folder: Path) -> None:
    times = np.arange(160)
    rows = (
        f"{t / 10},{np.sin(t / 3):.3f},{np.cos(t):.3f},{'still' if t < 80 else 'walk'},{t // 20}"
        for t in times
    )
    (folder / "moves.csv").write_text("\n".join(["seconds,ax,ay,kind,recording", *rows]) + "\n")


def _texts(folder: Path) -> None:
    _arrays(folder)
    (folder / "recipe.txt").write_text(RECIPE)


def _studies(folder: Path) -> None:
    """Without its data: what it asks for could take any time."""
    (folder / "study.txt").write_text(STUDY)


def _run(folder: Path) -> None:
    _pictures(folder)
    _asked(folder, "train", OF_DIGITS, "-o", "run")


def _stopped_run(folder: Path) -> None:
    """It can be gone on with."""
    _run(folder)
    for name in ("result.json", "report.html", "model.safetensors"):
        (folder / "run" / name).unlink()


def _class(folder: Path) -> None:
    from tests.teaching.classes.made import begun, solved

    made = begun(folder)
    for student in made.students[:2]:
        solved(made, student, Path(made.path) / "handed-in" / f"{made.stems[student]}.xlsx")
    _asked(folder, "class", "mark", "class")


def _sent(folder: Path) -> None:
    _class(folder)
    shutil.make_archive(str(folder / "sent"), "zip", folder / "class", "handed-in")
    shutil.rmtree(folder / "class" / "handed-in")


NETWORKS = (["summary", "{}"], ["import", "{}", "-o", "made.safetensors"])
READ_IN = (*NETWORKS, ["export", "{}", "-o", "made.c"])
TRAINED = ["train", "set", "--epochs", "1", "-o", "made"]


def _all(asked: Sequence[Words], name: str) -> list[Words]:
    return [[word.format(name) for word in words] for words in asked]


ASKED_OF_BOOKS = (["check", "{}"], ["check", "{}", "--fix", "made"], ["check", "{}", "--json"])
EXPORTED_TO = ["export", "{}", "-o", "made.onnx"]
EXPLAINED = ["explain", "{}", "--only", "conv1 0,0,0,0", "--data", "digits8"]
KINDS = (
    Kind(
        *("table", _table, "table.csv", one_of(of_bytes, OF_CELLS)),
        [["train", "table.csv", "--epochs", "2", "-o", "made"]],
    ),
    Kind(
        *("samples", _table, "samples.csv", one_of(of_bytes, OF_CELLS)),
        [
            ["explain", "input 2; dense 1; sigmoid", "--data", "samples.csv"],
            ["sheet", "input 2; dense 1; sigmoid", "--data", "samples.csv", "-o", "made.xlsx"],
        ],
    ),
    Kind(
        *("parquet", _parquet, "*.parquet", one_of(of_bytes, of_a_footer)),
        [["train", "table.parquet", "--target", "kind", "--epochs", "2", "-o", "made"]],
    ),
    Kind(
        *("npz", _texts, "set.npz", OF_ARCHIVES),
        [["data", "set.npz"], ["train", "recipe.txt", "-o", "made"]],
    ),
    Kind("idx", _idx, "*", of_bytes, [["data", "set"]]),
    Kind("pictures", _pictures, "set/*/*", one_of(of_bytes, of_a_picture), [["data", "set"]]),
    Kind("pixels", _pixels, "*.csv", one_of(of_bytes, OF_CELLS), [["data", "pixels.csv"]]),
    Kind(
        *("model", _seen_model, "*.safetensors", of_tensors),
        _all((["predict", "{}", "one.png"], EXPLAINED, EXPORTED_TO), "net.safetensors"),
    ),
    Kind(
        *("table model", _of_a_table, "*.safetensors", of_tensors),
        [["predict", "net.safetensors", "rows.csv"]],
    ),
    Kind("wav", _sounds, "set/*/*", of_bytes, [["train", "set", "--window", "100", *TRAINED[2:]]]),
    Kind(
        *("recordings", _recordings, "*.csv", one_of(of_bytes, OF_CELLS)),
        [["train", "moves.csv", "--window", "8", "--epochs", "1", "--target", "kind"]],
    ),
    Kind(
        *("recipe", _texts, "recipe.txt", one_of(of_bytes, of_words(RECIPE_WORDS))),
        [["summary", "recipe.txt"], ["train", "recipe.txt", "-o", "made"]],
    ),
    Kind(
        *("study", _studies, "study.txt", one_of(of_bytes, of_words(STUDY_WORDS))),
        [["study", "study.txt", "-o", "made"]],
    ),
    # What takes seconds to make.
    Kind("xlsx", _books, "book.xlsx", OF_BOOKS, _all(ASKED_OF_BOOKS, "book.xlsx")),
    Kind("ods", _books, "book.ods", OF_BOOKS, _all(ASKED_OF_BOOKS, "book.ods")),
    Kind("onnx", partial(_exported, "onnx"), "*.onnx", of_bytes, _all(READ_IN, "net.onnx")),
    Kind("keras", partial(_exported, "keras"), "*.keras", OF_ARCHIVES, _all(READ_IN, "net.keras")),
    Kind("pt2", _program, "*.pt2", OF_ARCHIVES, _all(NETWORKS, "net.pt2")),
    Kind(
        *("run", _run, "run/*", one_of(of_bytes, of_fields)),
        [["compare", "run"], ["predict", "run", "one.png"], ["export", "run", "-o", "made.c"]],
    ),
    Kind(
        *("stopped run", _stopped_run, "run/*.*", one_of(of_bytes, of_fields)),
        [["train", "--resume", "run"]],
    ),
    Kind("checkpoint", _stopped_run, "run/*/*", of_tensors, [["train", "--resume", "run"]]),
    Kind("class", _class, "class/*.*", one_of(of_bytes, OF_CELLS), [["class", "mark", "class"]]),
    Kind("sent", _sent, "*.zip", OF_ARCHIVES, [["class", "collect", "class", "sent.zip"]]),
)
QUICK = 13  # of them, which are made in no time
CASES = [Case(f"a mutated {kind.name}", partial(_mutated, kind), codes=(0, 1, 2)) for kind in KINDS]
