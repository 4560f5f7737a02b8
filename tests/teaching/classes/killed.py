"""Run a class, be killed, run it again: a process whose children die whenever it is told.

    python killed.py FOLDER KILL…

Each KILL is how often a child touches a file of the class (opens, renames or removes it) before
it kills itself with signal 9. The last child runs to its end. Prints how many were killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from gradbook.teaching.classes.collecting import collect
from gradbook.teaching.classes.folder import begin_class
from gradbook.teaching.classes.making import make_class
from gradbook.teaching.classes.marking import mark_class
from tests.lab.killed import dies_at
from tests.teaching.classes.made import NETWORK, ClassPlan


def child(folder: Path, kill: int | None) -> int:
    """All of it, in a process of its own; how that ended."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if kill is not None:
        dies_at(kill, folder)
    plan = ClassPlan(NETWORK, epochs=4, paper="")
    begun = begin_class(folder, plan, str(folder.with_name("names.csv")))
    make_class(begun, 1)
    collect(begun, [str(folder.with_name("sent.zip"))])
    mark_class(begun, 1)
    os._exit(0)


def main() -> None:
    folder, *kills = sys.argv[1:]
    ends = [child(Path(folder), kill) for kill in [*map(int, kills), None]]
    print(ends.count(-signal.SIGKILL))
    sys.exit(ends[-1])


if __name__ == "__main__":
    main()
