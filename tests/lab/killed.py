"""Train, be killed, go on, be killed again: a process whose children die whenever it is told.

    python killed.py FOLDER DATA KILL…

Trains `made.recipe` into FOLDER, or where DATA is a table the usual network for it. Each KILL is
how often a child touches a file in there (opens, renames or removes it) before it kills itself with
signal 9; the next child goes on. After the last KILL one runs to its end. Prints how many children
were killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from gradbook.data.tables import read_columns
from gradbook.lab.tables import problem, usual_recipe
from gradbook.lab.training import run_training as loop
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import train
from tests.lab import made

TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir"}


def _is_within(folder: Path, path: object) -> bool:
    """By its whole name, or by the handle of a folder: nothing else is opened by a short name."""
    return isinstance(path, str) and (path.startswith(str(folder)) or not os.path.isabs(path))


def dies_at(touch: int, folder: Path) -> None:
    left = touch

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in TOUCHES and _is_within(folder, arguments[0]):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)


def child(folder: Path, data: Path, kill: int | None) -> int:
    """Go on with the run, in a process of its own; how that ended."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if kill is not None:
        dies_at(kill, folder)
    loop.SAVED_EVERY = loop.SAVED_AFTER = 0.0  # after a step or few
    resume = RunFolder(folder).holds_a_run
    begin(folder, data, resume)
    os._exit(0)


def begin(folder: Path, data: Path, resume: bool = False) -> None:
    """Train, or go on by what the folder itself says."""
    if resume:
        train(folder=folder, resume=True)
    elif data.suffix == ".csv":
        learned = problem(read_columns(data), ignored=["colour"])
        train(usual_recipe(learned, "made"), "epochs 12", data=learned, folder=folder)
    else:
        train(made.recipe(f"data {data}"), folder=folder)


def main() -> None:
    folder, data, *kills = sys.argv[1:]
    ends = [child(Path(folder), Path(data), kill) for kill in [*map(int, kills), None]]
    print(ends.count(-signal.SIGKILL))
    sys.exit(ends[-1])


if __name__ == "__main__":
    main()
