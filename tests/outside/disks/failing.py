"""Runs a command once for each call that its disk can fail at, and tells how each run ended.

To be started with faults.c loaded before the C library, as failing.py FAULTS TEMPLATE MOST WORDS…
A line of JSON for each run: the call that failed (0: none), how many calls there were, exit code,
what was said, and a hash of each file that is there then; with --then, what another command said
in the same folder afterwards, where the disk was well again.
"""

from __future__ import annotations

import atexit
import ctypes
import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
from argparse import REMAINDER, ArgumentParser, Namespace
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from gradbook.cli.main import main

NEVER_ENDED = 99
DEAR = ("gradbook.", "optuna.")  # modules that are loaded once, with all that they load
FAULTS = (errno.ENOSPC, errno.EIO, errno.EDQUOT)


class Disk:
    """Where a command is run, each time in a copy of the template."""

    def __init__(self, faults: ctypes.CDLL, template: Path, place: Path) -> None:
        self.faults, self.template, self.work = faults, template, place / "work"
        self.modules = place / "modules"

    def run(self, words: list[str], then: list[str], number: int) -> dict[str, object]:
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.template, self.work, symlinks=True)
        found = {"failed": number, **self._once(words, number), "files": tree(self.work)}
        return {**found, "then": self._once(then, 0)} if then else found

    def _once(self, words: list[str], number: int) -> dict[str, object]:
        """In a process of its own."""
        with tempfile.TemporaryFile() as told:
            reading, writing = os.pipe()
            child = os.fork()
            if not child:
                self._in_child(words, number, told.fileno(), writing)
            os.close(writing)
            with os.fdopen(reading, "rb") as pipe:
                count = int(pipe.read() or -1)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            told.seek(0)
            return {"calls": count, "code": code, "said": told.read().decode()}

    def _in_child(self, words: list[str], number: int, said: int, writing: int) -> None:
        code = NEVER_ENDED
        try:
            os.dup2(said, 1)
            os.dup2(said, 2)
            os.chdir(self.work)
            tempfile.tempdir = str(self.work / "tmp")
            self.faults.fault_below(str(self.work).encode())
            self.faults.fault_at(number, FAULTS[number % len(FAULTS)])
            code = main(words)
            atexit._run_exitfuncs()
            sys.stdout.flush()
        finally:
            os.write(writing, str(self.faults.fault_count()).encode())
            self.modules.write_text("\n".join(sys.modules), "utf-8")
            os._exit(code)

    def load(self) -> None:
        """What the last run needed, so that the next begin with it."""
        for name in self.modules.read_text("utf-8").splitlines():
            if name.startswith(DEAR):
                with suppress(ImportError):
                    import_module(name)


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


def runs(asked: Namespace) -> None:
    """Without a fault first, then with one; of --first calls alone nothing is run to its end."""
    place = Path(os.path.realpath(tempfile.mkdtemp()))  # which outlives what ends with a child
    disk = Disk(ctypes.CDLL(asked.faults), Path(asked.template), place)
    calls = asked.first
    then = asked.then.split()
    disk.run(asked.words, [], calls)  # which compiles what is kept from then on
    disk.load()
    if not calls:
        whole = disk.run(asked.words, then, 0)
        print(json.dumps(whole), flush=True)
        calls = int(str(whole["calls"]))
    each = max(1.0, calls / asked.most)
    for number in sorted({round(1 + k * each) for k in range(asked.most)} | {calls}):
        if 1 <= number <= calls:
            print(json.dumps(disk.run(asked.words, then, number)), flush=True)
    shutil.rmtree(place)


def read() -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("--then", default="", help="another command")
    parser.add_argument("--first", type=int, default=0, help="calls alone that may fail")
    for name in ("faults", "template"):
        parser.add_argument(name)
    parser.add_argument("most", type=int, help="runs at most")
    parser.add_argument("words", nargs=REMAINDER)
    return parser.parse_args()


if __name__ == "__main__":
    runs(read())
