"""Checks files in a process of its own, which tells what each of them took and what it touched.

A test asks through `Guard`; the rest runs in the other process: it imports gradbook once, and
checks each file in a copy of itself, so that time and memory are this file's alone.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 20  # seconds of a processor, after which a file's check is ended
WATCHED = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.", "ctypes.")


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    verdict: str
    problem: str
    seconds: float  # of a processor
    megabytes: float  # at its peak
    touched: list[str]  # other files, programs, addresses


class Guard:
    """The other process, which is asked for one file after the other."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )

    def check(self, path: Path) -> Outcome:
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(str(path)), file=self.process.stdin, flush=True)
        return Outcome(**json.loads(self.process.stdout.readline()))

    def end(self) -> None:
        self.process.communicate()


# In the other process -----------------------------------------------------------


def _serve() -> None:
    from gradbook.audit.check_book import report_on
    from tests.audit.material.copies import WRONG
    from tests.audit.material.lookalikes import book

    report_on(book(Path(os.environ.get("TMPDIR", "/tmp"), f"warm-{os.getpid()}.xlsx"), WRONG))
    Path(os.environ.get("TMPDIR", "/tmp"), f"warm-{os.getpid()}.xlsx").unlink()
    for line in sys.stdin:
        path = json.loads(line)
        told, tell = os.pipe()
        pid = os.fork()
        if not pid:
            _tell(path, tell)
        os.close(tell)
        with os.fdopen(told) as pipe:
            said = pipe.read()
        _, status, used = os.wait4(pid, 0)
        if not said:
            said = json.dumps([f"ended by {status}", "", []])
        verdict, problem, touched = json.loads(said)
        found = Outcome(
            verdict, problem, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, touched
        )
        print(json.dumps(found.__dict__), flush=True)


def _tell(path: str, tell: int) -> None:
    """Check one file, say what was found, and end."""
    from gradbook.audit.check_book import report_on

    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    touched: list[str] = []

    def watch(event: str, details: tuple[object, ...]) -> None:
        if event.startswith(WATCHED):
            touched.append(f"{event} {details}")
        elif event == "open" and str(details[0]) not in (path, str(tell)):
            own = str(details[0]).startswith((sys.prefix, sys.base_prefix)) or "gradbook" in str(
                details[0]
            )
            if not own:
                touched.append(f"{event} {details}")

    sys.addaudithook(watch)
    report = report_on(path)
    said = json.dumps([report.verdict, report.problem, list(touched)])
    os.write(tell, said.encode())
    os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    _serve()
