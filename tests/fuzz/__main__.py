"""Searches every reader for faults: `make fuzz`, or

    python -m tests.fuzz [TARGET …] [--minutes M] [--workers N] [--folder FOLDER]

The minutes are shared by all targets. Told of each are the inputs that were tried, those that
reached something new, and the finds. Finds lie in tests/fuzz/finds/, where they are tests from then
on; the exit code is 1 if there was one. Ctrl-C ends it and tells what was found so far.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from tests.fuzz.kept import keep
from tests.fuzz.targets import TARGETS
from tests.fuzz.watched import Outcome

COUNTED = re.compile(rb"stat::(number_of_executed_units|new_units_added): +(\d+)")
ENDED = {"crash": "died", "timeout": "stuck", "oom": "too-large"}  # by Atheris itself
LINE = "{:<12} {:>10} {:>8} {:>6}"


@dataclass(frozen=True)
class Searched:
    """What a search came to."""

    name: str
    tried: int
    new: int
    finds: Sequence[dict[str, str]]
    problem: str = ""  # where it couldn't be done

    def __str__(self) -> str:
        line = LINE.format(self.name, f"{self.tried:,}", f"{self.new:,}", len(self.finds))
        told = [f"  {find['kind']}: {find['file']}\n{find['trace']}" for find in self.finds]
        return "\n".join([line, *told, *([self.problem] if self.problem else [])])


class Search:
    """The searches under way, each a process of its own."""

    def __init__(self, seconds: float, folder: Path) -> None:
        self.seconds, self.folder = seconds, folder
        self.stopped = Event()

    def of(self, name: str) -> Searched:
        """Search one target, unless all was stopped before."""
        if self.stopped.is_set():
            return Searched(name, 0, 0, ())
        words = [sys.executable, "-m", "tests.fuzz.search", name]
        words += [str(max(1, round(self.seconds))), str(self.folder)]
        with (
            TemporaryDirectory() as place,  # Atheris ends its process before that could tidy up
            subprocess.Popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {"TMPDIR": place},
                start_new_session=True,
            ) as process,
        ):
            said = b""
            while True:
                with suppress(subprocess.TimeoutExpired):
                    out, said = process.communicate(timeout=0.5)
                    break
                if self.stopped.is_set():
                    process.terminate()
        finds = [*map(json.loads, out.splitlines()), *self._ended(name)]
        counts = {what: int(count) for what, count in COUNTED.findall(said)}
        tried = counts.get(b"number_of_executed_units", 0)
        problem = "" if tried or finds or self.stopped.is_set() else said.decode()[-2000:]
        return Searched(name, tried, counts.get(b"new_units_added", 0), finds, problem)

    def _ended(self, name: str) -> list[dict[str, str]]:
        """What Atheris kept when it had to end the process."""
        found = []
        for file in sorted(self.folder.glob(f"{name}-*-*")):
            kind = ENDED.get(file.name.split("-")[1], "ended")
            trace = "the process was ended: see what the test says"
            kept, _ = keep(name, Outcome(False, kind=f"{kind}-{file.name[-8:]}"), file.read_bytes())
            file.unlink()
            found.append({"kind": kind, "file": str(kept), "trace": trace})
        return found


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=10, help="for all of them (10)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="at once")
    parser.add_argument("--folder", type=Path, default=Path("out", "fuzz"), help="what they learn")
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}: targets are {', '.join(TARGETS)}")
    names = options.targets or list(TARGETS)
    workers = min(options.workers, len(names))
    options.folder.mkdir(parents=True, exist_ok=True)
    search = Search(60 * options.minutes * workers / len(names), options.folder)
    done = _searched(names, workers, search)
    finds = sum(len(one.finds) for one in done)
    print(f"{sum(one.tried for one in done):,} tried, {finds} finds")
    return int(bool(finds) or any(one.problem for one in done))


def _searched(names: Sequence[str], workers: int, search: Search) -> list[Searched]:
    print(LINE.format("target", "tried", "new", "finds"), flush=True)
    done: list[Searched] = []
    with ThreadPoolExecutor(workers) as pool:
        under_way = [pool.submit(search.of, name) for name in names]
        while len(done) < len(names):
            try:
                done.append(under_way[len(done)].result())
                print(done[-1], flush=True)
            except KeyboardInterrupt:
                search.stopped.set()
    return done


if __name__ == "__main__":
    sys.exit(main())
