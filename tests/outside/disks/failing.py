"""Runs a command once for each call that its disk can fail at, and tells how each run ended.

To be started with faults.c loaded before the C library, as failing.py FAULTS TEMPLATE MOST WORDS…
A line of JSON for each run: the call that failed (0: none), how many calls there were, exit code,
what was said, and a hash of each file that is there then.
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
from functools import partial
from pathlib import Path

from gradbook.cli.main import main

NEVER_ENDED = 99
FAULTS = (errno.ENOSPC, errno.EIO, errno.EDQUOT)


def run(
    faults: ctypes.CDLL, template: Path, work: Path, words: list[str], number: int
) -> dict[str, object]:
    """One run in a process of its own, in a copy of the template."""
    with tempfile.TemporaryFile() as told:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(template, work, symlinks=True)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            _in_child(faults, work, words, number, told.fileno(), writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            count = int(pipe.read() or -1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        told.seek(0)
        said = told.read().decode()
        return {"failed": number, "calls": count, "code": code, "said": said, "files": tree(work)}


def _in_child(
    faults: ctypes.CDLL, work: Path, words: list[str], number: int, said: int, writing: int
) -> None:
    code = NEVER_ENDED
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.chdir(work)
        tempfile.tempdir = str(work / "tmp")
        faults.fault_below(str(work).encode())
        faults.fault_at(number, FAULTS[number % len(FAULTS)])
        code = main(words)
        atexit._run_exitfuncs()
        sys.stdout.flush()
    finally:
        os.write(writing, str(faults.fault_count()).encode())
        os._exit(code)


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


def runs(faults: ctypes.CDLL, template: Path, words: list[str], most: int) -> None:
    """The first is to load what is needed, the second without a fault, then those with one."""
    place = os.path.realpath(tempfile.mkdtemp())  # which outlives what ends with a child
    once = partial(run, faults, template, Path(place, "work"), words)
    once(0)
    whole = once(0)
    print(json.dumps(whole), flush=True)
    calls = int(str(whole["calls"]))
    each = max(1.0, calls / most)
    for number in sorted({round(1 + k * each) for k in range(most)} | {calls}):
        if 1 <= number <= calls:
            print(json.dumps(once(number)), flush=True)
    shutil.rmtree(place)


if __name__ == "__main__":
    runs(ctypes.CDLL(sys.argv[1]), Path(sys.argv[2]), sys.argv[4:], int(sys.argv[3]))
