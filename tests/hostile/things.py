"""Things that aren't files where files belong: pipes, devices, folders, links to any of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.hostile.cases import Case, Words

NET = "input 2; dense 1; sigmoid; loss half squared error"
HERE = {  # what is asked of a thing of this name
    "book.xlsx": ["check", "book.xlsx"],
    "net.onnx": ["summary", "net.onnx"],
    "net.keras": ["summary", "net.keras"],
    "net.pt2": ["import", "net.pt2", "-o", "made.safetensors"],
    "model.safetensors": ["predict", "model.safetensors", "picture.png"],
    "set.npz": ["data", "set.npz"],
    "set.csv": ["data", "set.csv"],
    "set.csv.gz": ["data", "set.csv.gz"],
    "table.csv": ["sheet", NET, "--data", "table.csv"],
    "measured.csv": ["train", "measured.csv", "--target", "y", "-o", "made"],
    "net.txt": ["summary", "net.txt"],
    "recipe.txt": ["train", "recipe.txt", "-o", "made"],
    "study.txt": ["study", "study.txt", "-o", "made"],
    "run/recipe.txt": ["train", "--resume", "run"],
    "run/model.safetensors": ["predict", "run", "picture.png"],
    "other/seeds.json": ["train", "--resume", "other"],
    "trials/study.txt": ["study", "--resume", "trials"],
    "set/train-images-idx3-ubyte": ["data", "set"],
    "set/train-labels-idx1-ubyte.gz": ["data", "set"],
    "set/classes.txt": ["data", "set"],
    "set/train.csv": ["data", "set"],
    "pictures/a/1.png": ["data", "pictures"],
    "pictures/b/1.jpg": ["data", "pictures"],
}


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's address is short
        made.bind(path.name)
        os.chdir(here)


def _link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


THINGS: dict[str, Callable[[Path], None]] = {
    "a pipe": _pipe,
    "a folder": _folder,
    "a socket": _socket,
    **{
        f"a link to {to}": _link(to)
        for to in ("/dev/zero", "/dev/urandom", "/dev/full", "/dev/tty", "/dev", "/proc/self/mem")
    },
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a pipe": lambda path: (_pipe(path.with_name("pipe")), path.symlink_to("pipe"))[1],
}


def surroundings(folder: Path) -> None:
    """What lies beside the thing, so that it is looked at."""
    from PIL import Image

    from tests.data.made import idx_folder

    idx_folder(folder / "set")
    for name in ("a", "b"):
        (folder / "pictures" / name).mkdir(parents=True)
        Image.new("L", (6, 4)).save(folder / "pictures" / name / "0.png")
    Image.new("L", (28, 28), 255).save(folder / "picture.png")
    for name in ("run", "other", "trials", "set"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "run" / "recipe.txt").write_text(
        "epochs 1\n\ninput 1x28x28\nflatten\ndense 10\nlog softmax\n"
    )


def _made(name: str, thing: Callable[[Path], None]):
    def make(folder: Path, draw: Random) -> Words:
        surroundings(folder)
        if name == "set/train.csv":
            for file in (folder / "set").iterdir():
                file.unlink()
        (folder / name).unlink(missing_ok=True)
        for beside in (folder / name).parent.glob((folder / name).stem + ".*"):
            beside.unlink()
        if name.endswith(".gz"):
            (folder / name.removesuffix(".gz")).unlink(missing_ok=True)
        thing(_linked(folder, folder / name, draw))
        return HERE[name]

    return make


def _linked(folder: Path, path: Path, draw: Random) -> Path:
    """Where the thing is to lie, so that it stands here: it may take some links to get there."""
    for number in range(draw.choice([0, 0, 1, 2, 5])):
        to = folder / f"{draw.choice(['there', 'ünter wegs', '-o', '#'])} {number}{path.suffix}"
        path.symlink_to(os.path.relpath(to, path.parent))
        path = to
    return path


CASES = [
    Case(
        f"{what} as {name}", _made(name, thing), codes=(0, 2) if name == "set/classes.txt" else (2,)
    )
    for name in HERE
    for what, thing in THINGS.items()
]
