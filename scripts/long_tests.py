"""Which tests `make test` leaves out unless they are asked for, by how long they took.

    make everything DURATIONS="--durations=0 --durations-min=0.3" | tee log
    python -m scripts.long_tests log > tests/long.txt

A line is a test whose cases take more than three quarters of a second together, behind their
seconds; where none of them takes that long alone, the first stays.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

from tests.conftest import BUT_THE_FIRST

MOST = 0.75  # seconds
TIMED = re.compile(r" *([\d.]+)s (?:call|setup|teardown) +(?:tests/)?(\S.*)")


def main(log: str) -> None:
    cases: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for line in Path(log).read_text("utf-8", "replace").splitlines():
        if found := TIMED.fullmatch(line.rstrip()):
            case = found[2]
            of_it = cases[case.partition("[")[0]]
            of_it[case] = of_it.get(case, 0.0) + float(found[1])
    for test, times in sorted(cases.items()):
        seconds = sum(times.values())
        if seconds > MOST:
            but_the_first = BUT_THE_FIRST * (len(times) > 1 and max(times.values()) <= MOST)
            print(f"{seconds:.1f} {test}{but_the_first}")


if __name__ == "__main__":
    main(*sys.argv[1:])
