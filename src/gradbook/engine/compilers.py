"""Compilers at work: processes, several side by side, that end when who waits is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

from gradbook.interruption import uninterrupted

LONGEST = 300  # seconds that one may take
LOOK_ROUND = 0.02  # seconds; a signal that comes just before some waiting begins doesn't end it

_running: set[subprocess.Popen[str]] = set()


def are_running() -> bool:
    """Whether anything is being compiled, in any thread, at this moment."""
    return bool(_running)


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What it printed and its exit code."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us, not for the compiler
    ) as process:
        _running.add(process)
        try:
            out, err = process.communicate(timeout=LONGEST)
        finally:
            _end(process)
            _running.remove(process)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def side_by_side(*works: Callable[[], Any]) -> list[Any]:
    """What each came to. If the waiting is interrupted, the compilers end, and so do the works."""
    with ThreadPoolExecutor(min(len(works), os.cpu_count() or 1)) as pool:
        futures: list[Future[Any]] = []
        try:
            with uninterrupted():
                futures += [pool.submit(work) for work in works]
            while wait(futures, LOOK_ROUND).not_done:
                pass
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            while wait(futures, LOOK_ROUND).not_done:
                _end_all()
            raise
        return [future.result() for future in futures]


def _end_all() -> None:
    for process in tuple(_running):
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Asked to, it removes what it wrote. Its helpers are asked as well."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.terminate()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
