"""A stranger's file and the command that is given it: run in a process of its own, and judged.

A case is made anew from its number alone. Whatever comes of it, the command must end by itself, say
what it refuses in one line, and take no more than the limits below.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.hostile import launch

LONGEST, LARGEST = 10.0, 500.0  # seconds of a processor, megabytes
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Words = Sequence[str]
Make = Callable[[Path, Random], Words]  # puts files into the folder, says what the command is given


@dataclass(frozen=True)
class Case:
    """One kind of file that is odd in one way."""

    name: str
    make: Make
    codes: tuple[int, ...] = (2,)  # exit codes that are right
    look: Callable[[Path], list[str]] = lambda folder: []  # what is wrong with the files made


@dataclass(frozen=True)
class Tried:
    """What became of a case."""

    name: str
    words: Words
    code: int
    said: str  # on the error stream
    shown: str  # on standard output
    seconds: float
    megabytes: float
    made: tuple[str, ...]  # files that weren't there before
    codes: tuple[int, ...]
    seen: tuple[str, ...] = ()  # wrong in the files that it made

    @property
    def faults(self) -> list[str]:
        """What is wrong with it; nothing if it was survived."""
        found = list(self.seen)
        if self.code not in self.codes:
            found.append(f"exit code {self.code}")
        if "Traceback" in self.said or "fault of gradbook's own" in self.said + self.shown:
            found.append("a fault of gradbook's own")
        if (self.code == 2 and len(self.said.splitlines()) > 1) or not (self.said or self.shown):
            found.append(f"{len(self.said.splitlines())} lines of complaint")
        if CONTROLS.search(self.said + self.shown):
            found.append("control characters")
        if self.seconds > LONGEST:
            found.append("too long")
        if self.megabytes > LARGEST:
            found.append("too large")
        if self.code == 2 and self.made:
            found.append(f"left behind {', '.join(self.made)}")
        return found

    def __str__(self) -> str:
        took = f"{self.seconds:.1f} s, {self.megabytes:.0f} MB"
        last = (self.said.splitlines() or self.shown.splitlines() or [""])[-1][:200]
        return f"{self.name}: {', '.join(self.faults) or 'survived'} ({took}): {last}"


def tried(case: Case, folder: Path, random: Random) -> Tried:
    """The case made in an empty folder, and its command run there."""
    work = folder / "work"
    work.mkdir(parents=True)
    words = list(case.make(work, random))
    before = _files(work)
    streams = [folder / "stdout", folder / "stderr"]
    code, seconds, megabytes = _run(words, work, streams)
    shown, said = (file.read_bytes()[: 2**22].decode("utf-8", "replace") for file in streams)
    made = tuple(sorted(_files(work) - before))
    seen = tuple(case.look(work))
    return Tried(case.name, words, code, said, shown, seconds, megabytes, made, case.codes, seen)


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _run(words: Words, work: Path, streams: Sequence[Path]) -> tuple[int, float, float]:
    """The command in a process of its own: its exit code, seconds and megabytes."""
    gradbook = [sys.executable, "-c", "from gradbook.cli.main import entry; entry()"]
    launcher = [sys.executable, "-S", launch.__file__, *map(str, streams)]
    done = subprocess.run([*launcher, *gradbook, *words], cwd=work, capture_output=True, check=True)
    code, seconds, megabytes = json.loads(done.stdout)
    return code, seconds, megabytes
