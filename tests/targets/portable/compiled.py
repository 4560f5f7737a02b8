"""C files compiled for this machine, strictly, and called image by image."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np

from gradbook.layers.sequences import Attention, Recurrent
from gradbook.net import Activation, Net

STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Werror"]
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "zig": [sys.executable, "-m", "ziglang", "cc"],
}


def has_words_for(net: Net) -> bool:
    """Whether C is written for it and says classes: not with a softmax in the middle, nor with
    answers at every step or steps of what was an image."""
    layers = [layer for layer in net.layers if not layer.passes_on]
    if len(net.shapes[-1]) > 1:
        return False
    was_image = any(len(shape) == 3 and shape[1] > 1 for shape in net.shapes)
    if was_image and any(isinstance(layer, Recurrent | Attention) for layer in layers):
        return False
    before = layers[:-1] if net.outputs > 1 else layers  # of one output it leaves 1 alone
    return not any(isinstance(layer, Activation) and layer.is_softmax for layer in before)


def compiler() -> list[str]:
    return [next(name for name in ("cc", "gcc", "clang") if shutil.which(name))]


def built(text: str, out: Path, command: Sequence[str] = (), *options: str) -> Path:
    """A library, or with other options a program; any warning is an error."""
    source = out.with_suffix(".c")
    source.write_text(text, encoding="utf-8")
    kind = options or ("-shared", "-fPIC")
    words = [*(command or compiler()), "-O1", *STRICT, *kind, str(source), "-o", str(out), "-lm"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert not done.stderr, done.stderr
    return out


def loaded(text: str, folder: Path) -> ctypes.CDLL:
    """A library from a folder of its own: one that was loaded stays the one of its path."""
    return ctypes.CDLL(str(built(text, Path(mkdtemp(dir=folder), "net.so"))))


def called(
    text: str, function: str, given: np.ndarray, outputs: int, kind: type = np.float32
) -> tuple[np.ndarray, np.ndarray]:
    """What `FUNCTION_predict` returns for each of these, and what it writes; a single number that
    is predicted it returns."""
    with TemporaryDirectory() as folder:
        library = ctypes.CDLL(str(built(text, Path(folder, "net.so"))))
        predict = library[f"{function}_predict"]
        returned, written = [], np.zeros((len(given), outputs), kind)
        is_number = f"float {function}_predict(" in text
        predict.restype = ctypes.c_float if is_number else ctypes.c_int
        for one, row in zip(np.ascontiguousarray(given), written, strict=True):
            returned.append(predict(_pointer(one), _pointer(row)))
    return np.array(returned), np.array(returned)[:, None] if is_number else written


def streamed(text: str, steps: np.ndarray, outputs: int, kind: type = np.float32) -> np.ndarray:
    """What `net_step` says after each of these steps, (steps, outputs)."""
    size = max(1 << 16, len(text))  # more than any state takes
    with TemporaryDirectory() as folder:
        library = ctypes.CDLL(str(built(text, Path(folder, "net.so"))))
        step, state = library.net_step, np.full(size, 255, np.uint8)
        is_number = "float net_step(" in text
        step.restype = ctypes.c_float if is_number else ctypes.c_int
        found = np.zeros((len(steps), outputs), kind)
        library.net_reset(_pointer(state))
        for one, written in zip(np.ascontiguousarray(steps), found, strict=True):
            returned = step(_pointer(state), _pointer(one), _pointer(written))
            written[:] = [returned] if is_number else written
    return found


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
