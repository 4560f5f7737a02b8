"""Runs commands with little room, and tells the exit code, seconds and megabytes of each.

    python -S launch.py STDOUT STDERR COMMAND…
    python launch.py

What a process took at most counts what it was copied from, so it is started from one as small as
this: tests run in processes of gigabytes. Without words it has loaded what commands of gradbook
load, and does whatever commands it reads, a line of JSON each, in a copy of itself: that spares
most of what starting one takes.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep

PATIENCE, HANGS = 40, 300  # seconds of a processor and of a clock, after which a command is ended
ROOM = 6 * 2**30  # bytes that it may have
LOADED = (  # by hardly any command all of them: some megabytes too many are counted
    *(f"gradbook.cli.verbs.{verb}" for verb in ("check", "images", "networks", "sheet")),
    *("gradbook.cli.verbs.train", "gradbook.cli.verbs.runs"),
    *("gradbook.cli.train_and_show", "gradbook.audit.many", "gradbook.data.sources"),
    *("gradbook.lab.models.model", "gradbook.formats.file_kinds", "gradbook.report.workbook"),
    *("PIL.Image", "xlsxwriter"),
)
Took = tuple[int, float, float]  # exit code, seconds, megabytes
Streams = tuple[str, str]


def main(stdout: str, stderr: str, *command: str) -> None:
    print(json.dumps(taken(lambda: _become(command, (stdout, stderr)))))


def taken(become: Callable[[], object]) -> Took:
    """What a copy of this process takes that becomes something else."""
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        become()
        os._exit(70)
    until = monotonic() + HANGS
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            break
        if monotonic() > until:
            os.killpg(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
            break
        sleep(0.005)
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return os.waitstatus_to_exitcode(status), seconds, megabytes


def _become(command: tuple[str, ...], streams: Streams) -> None:
    try:
        _confine(streams)
        os.execv(command[0], command)
    finally:
        os._exit(70)


def _confine(streams: Streams) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, file in enumerate(streams, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


# Ready to be any command.


class Turn(Exception):
    """What went on here goes on elsewhere: this copy is a command now."""


def be_ready() -> None:
    """Do what is read, one after the other. Whoever is the copy ends as any Python does."""
    from importlib import import_module

    for name in LOADED:
        import_module(name)
    gc.freeze()  # what a copy doesn't look through as it ends needn't be copied
    with os.fdopen(os.dup(0)) as asked, os.fdopen(os.dup(1), "w") as told, suppress(Turn):
        for line in asked:
            took = taken(lambda line=line: _turn(**json.loads(line)))
            print(json.dumps(took), file=told, flush=True)
        return
    from gradbook.cli.main import entry

    entry()


def _turn(words: list[str], folder: str, streams: Streams, settings: dict[str, str]) -> None:
    """This copy is about to be that command."""
    _confine(streams)
    os.chdir(folder)
    os.environ.update(settings)
    sys.argv = ["gradbook", *words]
    raise Turn


if __name__ == "__main__":
    main(*sys.argv[1:]) if sys.argv[1:] else be_ready()
