"""A stranger's file and the command that is given it: run in a process of its own, and judged.

A case is made anew from its number alone. Whatever comes of it, the command must end by itself, say
what it refuses in one line, and take no more than the limits below.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from gradbook.files import PART
from tests.hostile import launch
from tests.hostile.launch import Streams, Took

LONGEST, LARGEST = 10.0, 500.0  # seconds of a processor, megabytes
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Words = Sequence[str]
Launch = Callable[[Words, str, Streams, Mapping[str, str]], Took]
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
        if "Traceback" in self.said or "internal error in gradbook" in self.said + self.shown:
            found.append("an internal error in gradbook")
        if (self.code == 2 and len(self.said.splitlines()) > 1) or not (self.said or self.shown):
            found.append(f"{len(self.said.splitlines())} lines of complaint")
        if CONTROLS.search(self.said + self.shown):
            found.append("control characters")
        if self.seconds > LONGEST:
            found.append("too long")
        if self.megabytes > LARGEST:
            found.append("too large")
        is_asked_for = self.code != 2 or self.words[0] == "check"  # a page tells of refusals, too
        left = [name for name in self.made if _is_temporary(name) or not is_asked_for]
        if left:
            found.append(f"left behind {', '.join(left)}")
        return found

    def __str__(self) -> str:
        took = f"{self.seconds:.1f} s, {self.megabytes:.0f} MB"
        last = (self.said.splitlines() or self.shown.splitlines() or [""])[-1][:200]
        return f"{self.name}: {', '.join(self.faults) or 'survived'} ({took}): {last}"


def _is_temporary(name: str) -> bool:
    return name.startswith("temporary/") or PART in name


def tried(case: Case, folder: Path, random: Random, start: Launch | None = None) -> Tried:
    """The case made in an empty folder, and its command run there."""
    work, temporary = folder / "work", folder / "temporary"
    work.mkdir(parents=True)
    temporary.mkdir()
    words = list(case.make(work, random))
    before = _files(work)
    streams = str(folder / "stdout"), str(folder / "stderr")
    settings = {"TMPDIR": str(temporary)}
    code, seconds, megabytes = (start or in_a_new_one)(words, str(work), streams, settings)
    shown, said = (Path(file).read_bytes()[: 2**22].decode("utf-8", "replace") for file in streams)
    made = (*sorted(_files(work) - before), *(f"temporary/{one}" for one in _files(temporary)))
    seen = tuple(case.look(work))
    return Tried(case.name, words, code, said, shown, seconds, megabytes, made, case.codes, seen)


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def in_a_new_one(words: Words, folder: str, streams: Streams, settings: Mapping[str, str]) -> Took:
    """The command by an interpreter of its own, as a user starts it."""
    gradbook = [sys.executable, "-c", "from gradbook.cli.main import entry; entry()"]
    launcher = [sys.executable, "-S", launch.__file__, *streams]
    done = subprocess.run(
        [*launcher, *gradbook, *words],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        check=True,
    )
    code, seconds, megabytes = json.loads(done.stdout)
    return code, seconds, megabytes


class Ready:
    """A process that has loaded gradbook, copies of which become commands at once."""

    def __init__(self) -> None:
        command = [sys.executable, launch.__file__]
        self.process = subprocess.Popen(
            command, stdin=-1, stdout=-1, text=True, start_new_session=True
        )

    def __call__(
        self, words: Words, folder: str, streams: Streams, settings: Mapping[str, str]
    ) -> Took:
        assert self.process.stdin
        assert self.process.stdout
        asked = {"words": words, "folder": folder, "streams": streams, "settings": settings}
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        code, seconds, megabytes = json.loads(self.process.stdout.readline())
        return code, seconds, megabytes
