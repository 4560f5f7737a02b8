"""Does what the cases say with the gradbook on its path, and reads back what comes, as lines.

It gets the cases as JSON by its standard input and answers with what came of each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Result = dict[str, list[str]]
SECONDS = re.compile(r"\b\d+(?:\.\d+)? (?:s|ms|images/s|epochs/s)\b|[\d,]+ images (?:a|per) second")
DATA = re.compile(r"<script[^>]*type=.application/json.[^>]*>(.*?)</script>", re.DOTALL)
CODE = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)
TEXTS = (
    *(".txt", ".md", ".tex", ".typ", ".json", ".csv", ".c", ".h", ".ino", ".py", ".svg"),
    *(".xml", ".gift", ".ipynb", ".toml"),
)


def main() -> None:
    asked = json.load(sys.stdin)
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a case prints beside
    do = partial(_done, Path(asked["files"]))
    with ProcessPoolExecutor(asked["workers"], get_context("fork")) as pool:
        results = list(pool.map(do, asked["cases"]))
    with open(answers, "w", encoding="utf-8") as file:
        json.dump(results, file)


def _done(files: Path, case: dict[str, Any]) -> Result:
    from gradbook.cli.main import main as gradbook

    warnings.simplefilter("ignore")
    here = os.getcwd()
    with TemporaryDirectory() as place, redirect_stdout(StringIO()) as out:
        os.chdir(place)
        for name in case["files"]:
            source, copy = files / name, Path(place, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy)
        given = {path: path.read_bytes() for path in Path(place).rglob("*") if path.is_file()}
        result: Result = {}
        with redirect_stderr(StringIO()) as err:
            for number, words in enumerate(case["commands"]):
                try:
                    code: object = gradbook(words)
                except BaseException as error:  # which is what came of it
                    code = f"{type(error).__name__}: {error}"
                result[f"exit {number}"] = [str(code)]
        for name, text in (("printed", out), ("complained", err)):
            plain = SECONDS.sub("… s", text.getvalue().replace(place, "PLACE"))
            result |= {f"{name}{of}": lines for of, lines in _by_book(plain)}
        for path in sorted(Path(place).rglob("*")):
            if path.is_file() and given.get(path) != path.read_bytes():
                result |= _read(path, str(path.relative_to(place)))
        os.chdir(here)
    return result


def _by_book(text: str) -> Iterator[tuple[str, list[str]]]:
    """What is printed; the JSON of an audit book by book."""
    try:
        books = json.loads(text)["books"]
    except (ValueError, TypeError, KeyError):
        yield "", text.splitlines()
    else:
        for book in books:
            yield f" {Path(book['book']).stem}", json.dumps(book, indent=0).splitlines()


# What a file says ---------------------------------------------------------------------


def _read(path: Path, name: str) -> Result:
    try:
        reader = READERS.get(path.suffix, _hashed)
        return {f"{name}{more}": lines for more, lines in reader(path)}
    except Exception as error:  # a file that can't be read is a difference, too
        return {name: [f"can't be read: {type(error).__name__}: {error}"]}


def _text(path: Path) -> Iterator[tuple[str, list[str]]]:
    yield "", SECONDS.sub("… s", path.read_text("utf-8")).splitlines()
    if path.suffix == ".c":
        yield " answers", _of_c(path)


def _page(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The data that it carries, and what it says, without scripts and styles."""
    text = SECONDS.sub("… s", path.read_text("utf-8"))
    for number, data in enumerate(DATA.findall(text)):
        yield f" data {number}", json.dumps(json.loads(data), indent=0).splitlines()
    yield "", re.sub(r">\s*<", ">\n<", CODE.sub("", text)).splitlines()


def _workbook(path: Path) -> Iterator[tuple[str, list[str]]]:
    from openpyxl import load_workbook

    for more, only_values in (("", False), (" values", True)):
        book = load_workbook(path, data_only=only_values)
        yield (
            more,
            [
                f"{sheet.title}!{cell.coordinate} {cell.value!r}"
                for sheet in book.worksheets
                for row in sheet.iter_rows()
                for cell in row
                if cell.value is not None
            ],
        )


def _onnx(path: Path) -> Iterator[tuple[str, list[str]]]:
    """What it answers to random numbers, to the bit, and which operators it takes."""
    import numpy as np
    import onnx
    from onnxruntime import InferenceSession

    session = InferenceSession(path)
    random = np.random.default_rng(0)
    given = {}
    for one in session.get_inputs():
        shape = [size if isinstance(size, int) else 3 for size in one.shape]
        kind = {"tensor(int64)": np.int64, "tensor(uint8)": np.uint8}.get(one.type, np.float32)
        given[one.name] = (random.uniform(0, 1, shape) * (1 if kind == np.float32 else 4)).astype(
            kind
        )
    yield " answers", [_hash(np.asarray(one)) for one in session.run(None, given)]
    yield "", [f"{node.op_type} {node.name}" for node in onnx.load(path).graph.node]


def _archive(path: Path) -> Iterator[tuple[str, list[str]]]:
    import numpy as np

    yield "", [f"{name} {one.shape} {_hash(one)}" for name, one in np.load(path).items()]


def _tensors(path: Path) -> Iterator[tuple[str, list[str]]]:
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    said = SECONDS.sub("… s", json.dumps(json.loads(content[8:end]), indent=0))
    yield "", [*said.splitlines(), hashlib.sha256(content[end:]).hexdigest()]


def _keras(path: Path) -> Iterator[tuple[str, list[str]]]:
    import h5py

    with zipfile.ZipFile(path) as archive, TemporaryDirectory() as folder:
        config = json.loads(archive.read("config.json"))
        yield "", json.dumps(config, indent=0).splitlines()
        with h5py.File(archive.extract("model.weights.h5", folder)) as file:
            lines: list[str] = []
            file.visititems(
                lambda name, one: (
                    lines.append(f"{name} {one.shape} {_hash(one[()])}")
                    if isinstance(one, h5py.Dataset)
                    else None
                )
            )
    yield " weights", lines


def _of_c(path: Path) -> list[str]:
    """What the compiled functions answer to random numbers, to the bit."""
    import ctypes
    import subprocess

    import numpy as np

    text = path.read_text("utf-8")
    function = re.search(r"^\w+ (\w+_predict)\(const (\w+) \*", text, re.MULTILINE)
    if function is None:
        return ["no function that predicts"]
    with TemporaryDirectory() as folder:
        library = Path(folder, "net.so")
        words = ["cc", "-O1", "-std=c99", "-shared", "-fPIC", str(path), "-o", str(library), "-lm"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr.splitlines()[:3]
        kind = {"float": np.float32, "double": np.float64, "uint8_t": np.uint8}.get(function[2])
        inputs = np.random.default_rng(0).integers(0, 128, 4096).astype(kind or np.int8)
        answers = np.zeros(4096, np.int32)  # or floats of as many bytes
        places = (ctypes.c_void_p(array.ctypes.data) for array in (inputs, answers))
        result = ctypes.CDLL(str(library))[function[1]](*places)
        return [str(result), _hash(answers)]


def _hashed(path: Path) -> Iterator[tuple[str, list[str]]]:
    yield "", [hashlib.sha256(path.read_bytes()).hexdigest()]


def _hash(array: Any) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


READERS: dict[str, Callable[[Path], Iterator[tuple[str, list[str]]]]] = {
    **dict.fromkeys(TEXTS, _text),
    ".html": _page,
    ".xlsx": _workbook,
    ".onnx": _onnx,
    ".keras": _keras,
    ".npz": _archive,
    ".safetensors": _tensors,
}

if __name__ == "__main__":
    main()
