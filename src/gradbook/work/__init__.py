"""Where work runs: in processes of this machine, or on a cluster of others.

Knows processes, machines, crashes and retries, but not what a task is for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradbook.errors import GradbookError, one_line

Task = Callable[[], Any]


class LostTask(Exception):
    """A task that will get no answer; the reason is the end of a sentence."""


class OurFault(Exception):
    """An error in a task that is gradbook's fault and not the input's."""

    def __str__(self) -> str:
        return f"an internal error in gradbook ({one_line(super().__str__())})"


@dataclass(frozen=True)
class Outcome:
    """A task's value, or the error that it ended with."""

    value: Any = None
    error: GradbookError | LostTask | OurFault | None = None


def do(task: Task) -> Outcome:
    """Do a task in this process."""
    try:
        return Outcome(task())
    except GradbookError as error:
        return Outcome(error=error)
    except Exception as error:
        return Outcome(error=OurFault(f"{type(error).__name__}: {error}"))
