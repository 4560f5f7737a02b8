"""An engine on a system that isn't this one: compiled for it, and run under an emulator."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from gradbook.engine.base import Engine
from gradbook.engine.compilers import Compiler
from gradbook.targets.c.source import Source
from tests.outside.witness import program

DRIVER = Path(__file__).with_name("driver.c").read_text("utf-8")
ZIG = (sys.executable, "-m", "ziglang", "cc")
ONLY_DECLARED = "-DPARTS=0"  # what the driver sees of an engine
BATCH, EPOCHS, IMAGES = 16, 10, 64  # 40 steps


@dataclass(frozen=True)
class System:
    """What compiles for it, and what runs its programs here."""

    compiler: Compiler
    emulator: str = ""

    @property
    def library(self) -> str:
        """A program for Windows loads it; elsewhere it is a part of the program."""
        return "engine.dll" if self.compiler.is_for_windows else "engine.o"


def by_zig(target: str, emulator: str = "") -> System:
    return System(Compiler((*ZIG, "-target", target), f"zig for {target}"), emulator)


def by_mingw() -> System:
    return System(Compiler((program("mingw"),), "MinGW's gcc"), "wine")


def trained(
    system: System, made: Source, start: Engine, folder: Path, flags: Sequence[str] = ()
) -> bytes:
    """All that goes from step to step after 40 steps on two threads, bit by bit."""
    (folder / "engine.c").write_text(made.text, encoding="utf-8")
    (folder / "driver.c").write_text(made.text + DRIVER, encoding="utf-8")
    words = system.compiler.words("plain")
    to_link = system.compiler.to_link if system.compiler.is_for_windows else ["-c"]
    _said([*words, *flags, *to_link, "engine.c", "-o", system.library, "-lm"], folder)
    _said([*words, ONLY_DECLARED, "driver.c", system.library, "-o", "driver.exe", "-lm"], folder)
    numbers = len(carried(start)) // 4
    _lay_down(start, folder)
    pixels = int(np.prod(start.net.input))
    asked = [str(number) for number in (2, IMAGES, pixels, BATCH, EPOCHS, numbers)]
    emulator = [program(system.emulator)] if system.emulator else []
    settings = _wine() if system.emulator == "wine" else {}
    steps = _said([*emulator, "./driver.exe", *asked], folder, settings)
    assert int(steps) == EPOCHS * IMAGES // BATCH
    return (folder / "end").read_bytes()


def carried(engine: Engine) -> bytes:
    """What an engine holds in its memory from step to step, in the order of its arrays."""
    return b"".join(array.tobytes() for array in engine.state().values())


def samples(engine: Engine) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (IMAGES, *engine.net.input), dtype=np.uint8)
    return pixels, random.integers(0, engine.net.outputs, IMAGES).astype(np.int32)


def _lay_down(start: Engine, folder: Path) -> None:
    pixels, labels = samples(start)
    (folder / "start").write_bytes(carried(start))
    (folder / "pixels").write_bytes(pixels.tobytes())
    (folder / "labels").write_bytes(labels.tobytes())


@cache
def _wine() -> dict[str, str]:
    """What Wine is told: a disk of its own for as long as this process lasts, and no display."""
    own = tempfile.mkdtemp(prefix="wine-")
    settings = {"WINEPREFIX": f"{own}/disk", "TMPDIR": own, "WINEDEBUG": "-all", "DISPLAY": ""}
    settings["WINEDLLOVERRIDES"] = "mscoree,mshtml="  # else it asks for .NET and a browser

    def end() -> None:
        subprocess.run(["wineserver", "--kill"], env={**os.environ, **settings}, check=False)
        shutil.rmtree(own, ignore_errors=True)

    atexit.register(end)
    return settings


def _said(words: list[str], folder: Path, settings: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **(settings or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,  # zig makes a C library for each system, once
        check=False,
    )
    assert done.returncode == 0, (words[0], done.returncode, done.stderr[:2000])
    return done.stdout
