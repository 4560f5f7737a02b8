"""Tasks for crews, which other processes can be sent."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from gradbook.errors import UsageError
from gradbook.work.processes import WorkCrew


def square(number: int) -> int:
    return number * number


def fails(number: int) -> int:
    if number % 2:
        raise UsageError(f"{number} is odd")
    raise ZeroDivisionError


def dies_once(mark: Path) -> str:
    """Of a signal, the first time that it is done anywhere."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return "lives"
    dies()
    return ""


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def all_of(crew: WorkCrew, count: int) -> dict:
    """The outcomes of so many tasks."""
    found = {}
    while len(found) < count:
        found |= dict(crew.outcomes())
    return found
