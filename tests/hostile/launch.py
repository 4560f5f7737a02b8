"""Runs a command with little room, and tells its exit code, seconds of a processor and megabytes.

    python -S launch.py STDOUT STDERR COMMAND…

What a process took at most counts what it was copied from, so it is started from one as small as
this: tests run in processes of gigabytes.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from time import monotonic, sleep

PATIENCE, ROOM = 40, 6 * 2**30  # seconds and bytes, after which a command is ended


def main(stdout: str, stderr: str, *command: str) -> None:
    pid = os.fork()
    if not pid:
        try:
            _become(command, (stdout, stderr))
        finally:
            os._exit(70)
    until = monotonic() + PATIENCE
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
    print(json.dumps([os.waitstatus_to_exitcode(status), seconds, megabytes]))


def _become(command: tuple[str, ...], streams: tuple[str, str]) -> None:
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, file in enumerate(streams, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
