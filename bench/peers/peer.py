"""A network of somebody else's as C, and what it takes to ask it here and on a board."""

from __future__ import annotations

import ctypes
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from tests.outside.devices import avr
from tests.outside.devices.boards import ARM, Asked, Board, Question, run

Bytes = NDArray[np.uint8]
OUTPUTS = 10
PICOLIBC = "picolibc.specs"  # says where a RISC-V's library for C and floats is
TOO_LARGE = re.compile(
    "will not fit in region|is not within region|relocation truncated|size of array .* is too large"
)
HEADERS = {  # of the C library, as far as they are read: not every cross compiler has one
    "stdio.h": "extern int printf(const char *, ...);",
    "stdlib.h": "#include <stddef.h>\nextern void *malloc(size_t);\nextern void free(void *);",
    "string.h": "#include <stddef.h>\nextern void *memcpy(void *, const void *, size_t);\n"
    "extern void *memset(void *, int, size_t);",
    "math.h": "extern double exp(double);\nextern double floor(double);",
}
LIBRARY = """
#include <stddef.h>
__attribute__((weak)) void *memcpy(void *to, const void *from, size_t count)
{
    for (size_t k = 0; k < count; k++)
        ((volatile char *)to)[k] = ((const char *)from)[k];
    return to;
}
__attribute__((weak)) void *memset(void *to, int byte, size_t count)
{
    for (size_t k = 0; k < count; k++)
        ((volatile char *)to)[k] = (char)byte;
    return to;
}
"""


@dataclass(frozen=True)
class Peer:
    """A file of C with `int net_predict(const uint8_t *image, int32_t *each)`.

    What it is given are the bytes that it takes; who makes them of an image isn't counted.
    """

    name: str
    text: str
    images: Bytes
    headers: tuple[Path, ...] = ()  # folders with what it includes
    floats: bool = False  # it computes with them, and asks a library for more
    on_avrs: bool = True  # whether it runs on them

    @property
    def image_bytes(self) -> int:
        return self.images[0].size

    @property
    def flags(self) -> list[str]:
        return [f"-I{folder}" for folder in self.headers]

    def classify(self) -> NDArray[np.int64]:
        """All images, by the same C on this machine."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "net.c").write_text(self.text)
            words = ["cc", "-O2", "-w", "-shared", "-fPIC", *self.flags, "net.c", "-lm"]
            run([*words, "-o", "net.so"], folder)
            predict = ctypes.CDLL(str(folder / "net.so")).net_predict
        each = (ctypes.c_int32 * OUTPUTS)()
        rows = np.ascontiguousarray(self.images)
        return np.array([predict(row.ctypes.data_as(ctypes.c_void_p), each) for row in rows])


def asked_on(board: Board | avr.Avr, peer: Peer, images: Bytes, level: str) -> Asked | None:
    """What it answers there, or None where it has no room or no library for floats."""
    try:
        return _asked_on(board, peer, images, level)
    except AssertionError as error:
        if TOO_LARGE.search(str(error)):
            return None
        raise


def with_floats(board: Board) -> Board | None:
    """The board with a library that computes with floats, where there is one."""
    if board.tools == ARM:
        return board
    words = [f"{board.tools}-gcc", f"-print-file-name={PICOLIBC}"]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    if found == PICOLIBC:  # the compiler has none
        return None
    flags = (*board.flags, f"--specs={PICOLIBC}")
    return replace(board, flags=flags, libraries=("-lm", "-lc", "-lgcc"))


def _asked_on(board: Board | avr.Avr | None, peer: Peer, images: Bytes, level: str) -> Asked | None:
    """Its compiler finds the peer's headers, and those that it has no library for."""
    if peer.floats and isinstance(board, Board):
        board = with_floats(board)
    if board is None:
        return None
    flags = ("-w", *peer.flags)
    question = Question(peer.text, images, OUTPUTS, level=level, strict=False, flags=flags)
    if isinstance(board, avr.Avr):
        return board.ask(question)
    with TemporaryDirectory() as name:
        for file, text in HEADERS.items():
            Path(name, file).write_text(text + "\n")
        text = peer.text + ("" if "-lc" in board.libraries else LIBRARY)
        return board.ask(replace(question, text=text, flags=(*flags, "-idirafter", name)))
