"""Mark a class whose rubric changes each time, and be killed at any moment, by the clock.

    python struck.py FOLDER COUNT SEED

A child marks the class and is killed by signal 9 after a part of the time that a whole marking
takes, until COUNT were killed; after each, marks.csv must still hold what the teacher wrote. The
last child runs to its end, and finds nothing that it takes for hers. Prints how many were killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[3]))

from gradbook.teaching.classes.folder import open_class
from gradbook.teaching.classes.marking import mark_class

OURS = ("student", "changed to", "days late", "remark")


def child(folder: Path, number: int) -> int:
    """The number of a process that marks the class by another rubric than before."""
    process = os.fork()
    if not process:
        (folder / "rubric.toml").write_text(f"out_of = {number + 2}\n")
        mark_class(open_class(folder), 1 + number % 2)
        os._exit(0)
    return process


def kept(folder: Path) -> list[list[str]]:
    """What is the teacher's: her columns, and a row of hers."""
    head, *rows = [
        line.split(",") for line in (folder / "marks.csv").read_text("utf-8-sig").splitlines()
    ]
    places = [head.index(name) for name in (*OURS, "seat")]
    return [[row[place] for place in places] for row in (head, *rows)]


def main() -> None:
    folder, count, draw = Path(sys.argv[1]), int(sys.argv[2]), Random(int(sys.argv[3]))
    before, began = kept(folder), time.monotonic()
    assert os.waitpid(child(folder, count), 0)[1] == 0
    takes, killed = time.monotonic() - began, 0
    for number in range(4 * count):
        if killed == count:
            break
        process = child(folder, number)
        time.sleep(draw.uniform(0, takes))
        os.kill(process, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
        assert kept(folder) == before, number
    assert os.waitpid(child(folder, count + 1), 0)[1] == 0
    assert kept(folder) == before
    remarks = map(str, mark_class(open_class(folder), 1).remarks)
    assert not [said for said in remarks if "was changed, so" in said]  # by whoever was killed
    print(killed)


if __name__ == "__main__":
    main()
