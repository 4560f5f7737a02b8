"""What lives long, its memory and its open files, and what is left of what has ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

from gradbook.files import PART
from gradbook.folders import TEMPORARY
from tests.serve.books import a_class
from tests.serve.running import Served, served

MARK = "GRADBOOK_SOAK"  # in the surroundings of every process that is begun here
LAST_WORDS = 20.0  # seconds in which processes end that nobody waits for
PAUSE = 0.3  # seconds
NET = "input 2; dense 3; tanh; dense 2; softmax; loss cross-entropy"
LOOP = """
import os, select, sys
import numpy as np
import gradbook as gb
folder = sys.argv[1]
net = gb.Net.parse({net!r} + "; sample 0.1 0.9 -> 1 0; sample 0.8 0.2 -> 0 1")
turns = 0
while not select.select([sys.stdin], [], [], {pause})[0]:
    gb.check(os.path.join(folder, "class", "bob 2.xlsx"))
    str(gb.explain(net))
    gb.sweep(net, epochs=5)
    gb.write_workbook(net, os.path.join(folder, "loop.xlsx"), epochs=5)
    data = os.path.join(folder, "images.npz")
    trained = gb.train({recipe!r}, data=data, seed=turns, threads=2)
    trained.model.predict(np.zeros((3, 1, 8, 8), np.uint8))
    turns += 1
    print(turns, flush=True)
"""
RECIPE = """\
epochs 2
batch 64

input 1x8x8
conv 4 3x3
relu
flatten
dense 4
log softmax
loss cross-entropy
"""


@dataclass
class Watched:
    """A process that lives long, looked at again and again."""

    name: str
    pid: int
    seen: list[tuple[float, float, int]] = field(default_factory=list)  # hours, MB, open files

    def look(self, hours: float) -> None:
        with suppress(OSError):
            status = Path(f"/proc/{self.pid}/status").read_text()
            kilobytes = int(status.partition("VmRSS:")[2].split()[0])
            files = len(os.listdir(f"/proc/{self.pid}/fd"))
            self.seen.append((hours, kilobytes / 1024, files))

    def __str__(self) -> str:
        _, megabytes, files = self.seen[-1] if self.seen else (0, 0, 0)
        return f"{self.name} {megabytes:.0f} MB, {files} files"

    def told(self) -> str:
        """First, last and slope: of what was seen once it had done everything a few times."""
        if len(self.seen) < 3:
            return f"{self.name}: looked at {len(self.seen)} times"
        later = self.seen[len(self.seen) // 3 :]
        (_, first, opened), (_, last, left) = later[0], later[-1]
        begin = f"{self.name}: {self.seen[0][1]:.1f} MB at first, {first:.1f} after a third"
        slopes = f"{_slope([(h, m) for h, m, _ in later]):+.1f} MB an hour"
        return f"{begin}, {last:.1f} at last ({slopes}); {opened} open files, then {left}"


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line that fits best."""
    middle = [sum(values) / len(points) for values in zip(*points, strict=True)]
    across = sum((x - middle[0]) ** 2 for x, _ in points)
    along = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return along / across if across else 0.0


# Those that live long ----------------------------------------------------------------------------


@contextmanager
def serving(settings: dict[str, str]) -> Iterator[Served]:
    """`gradbook class serve`, and somebody who hands in classes and texts all the time."""
    over = Event()
    with served("--workers", "1", **settings) as on:
        visitor = Thread(target=_visit, args=(on, over))
        visitor.start()
        try:
            yield on
        finally:
            over.set()
            visitor.join()
            on.process.terminate()
            on.process.wait(LAST_WORDS)


def _visit(on: Served, over: Event) -> None:
    while not over.wait(PAUSE):
        number = on.handed_in(a_class())
        on.ask(f"classes/{number}/class.html")
        on.ask(f"classes/{number}/grades.csv")
        on.ask(f"classes/{number}", "DELETE")
        on.ask("explain", "POST", {"text": NET})


@contextmanager
def looping(folder: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that works with `import gradbook`, on and on."""
    program = LOOP.format(net=NET, pause=PAUSE, recipe=RECIPE)
    said = (folder / ".loop").open("wb")
    with (
        said,
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder)],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            env={**os.environ, **settings},
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait()


# What is left ------------------------------------------------------------------------------------


def processes(mark: str) -> list[str]:
    """Those that were begun here and live, waited for a while: their numbers and commands."""
    until = monotonic() + LAST_WORDS
    while (found := _living(mark)) and monotonic() < until:
        sleep(0.2)
    return found


def _living(mark: str) -> list[str]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (place / "environ").read_bytes().split(b"\0"):
                command = (place / "cmdline").read_bytes()[:100].replace(b"\0", b" ")
                found.append(f"{place.name} {command.decode('utf-8', 'replace')}")
    return found


def files(folder: Path) -> list[str]:
    """Those that were only for a while."""
    return sorted(
        str(one.relative_to(folder))
        for one in folder.rglob("*")
        if one.name.startswith((PART, TEMPORARY)) or one.parent == folder / "temporary"
    )
