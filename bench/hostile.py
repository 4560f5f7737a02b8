"""Hostile files, made from a seed: does any of them stop gradbook?

    python bench/hostile.py [--seed N] [--count N] [--workers N] [--group NAME] [--case NAME]
    python bench/hostile.py --seed N --count N --only NUMBER

Each case of `tests/hostile/` has a number, which together with the seed and the count determines
the file: every kind of a group comes once before any is repeated, each time varied. A command gets
the file in an empty folder, in a process of its own, whose exit code, output, files, processor
seconds and megabytes are checked. That process is a copy of one that has already loaded gradbook,
which saves a third of a second per case; a case that fails, or takes more than half of a limit, is
run again as a user starts it, and the larger figures count.

It prints how many were tried and survived in each group, the slowest, the largest, and each
failure, with the command that makes it again.
"""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from multiprocessing import Pool
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.hostile import books, growing, messages, names, packed, pictures, records, things
from tests.hostile.cases import LARGEST, LONGEST, Case, Ready, Tried, in_a_new_one, tried

GROUPS: dict[str, Sequence[Case]] = {
    "packed": packed.CASES,
    "things": things.CASES,
    "records": records.CASES,
    "messages": messages.CASES,
    "books": books.CASES,
    "growing": growing.CASES,
    "pictures": pictures.CASES,
    "names": names.CASES,
}
SHARES = {
    "packed": 2,
    "things": 4,
    "records": 4,
    "messages": 2,
    "books": 4,
    "growing": 3,
    "pictures": 2,
    "names": 3,
}
TOLD_EVERY = 100
WORTH_ANOTHER = 0.5  # the share of a limit


@dataclass(frozen=True)
class Dealt:
    """One of the cases of a seed."""

    seed: int
    count: int
    number: int
    group: str
    place: int  # the case's place in its group

    @property
    def case(self) -> Case:
        return GROUPS[self.group][self.place]

    def random(self) -> Random:
        return Random(f"{self.seed} {self.number} {self.case.name}")

    def __str__(self) -> str:
        return f"--seed {self.seed} --count {self.count} --only {self.number}"


def dealt(seed: int, count: int) -> Iterator[Dealt]:
    """The cases, with a share for each group, in any order."""
    draw, whole = Random(seed), sum(SHARES.values())
    groups = [group for group, share in SHARES.items() for _ in range(-(-count * share // whole))]
    draw.shuffle(groups)
    decks = {group: cycle(_shuffled(len(cases), draw)) for group, cases in GROUPS.items()}
    for number, group in enumerate(groups[:count]):
        yield Dealt(seed, count, number, group, next(decks[group]))


def _shuffled(count: int, draw: Random) -> list[int]:
    return draw.sample(range(count), count)


def main() -> int:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=400, help="files to try (default: 400)")
    parser.add_argument("--workers", type=int, default=1, help="files at a time (default: 1)")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--group", choices=GROUPS, help="only this group")
    parser.add_argument("--case", default="", metavar="NAME", help="only cases with this name")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="only this number")
    options = parser.parse_args()
    chosen = [
        one
        for one in dealt(options.seed, options.count)
        if options.group in (None, one.group)
        and options.case in one.case.name
        and options.only in (None, one.number)
    ]
    until = monotonic() + 60 * options.minutes
    done: dict[str, list[Tried]] = defaultdict(list)
    with Pool(options.workers, _begin) as pool, suppress(KeyboardInterrupt):
        for one, found in pool.imap_unordered(_tried, chosen):
            done[one.group].append(found)
            if found.faults or options.only is not None:
                print(f"{one}: {found}", flush=True)
            so_far = sum(map(len, done.values()))
            if so_far % TOLD_EVERY == 0:
                print(f"{so_far} of {len(chosen)}", flush=True)
            if monotonic() > until:
                break
    _show(done)
    return int(any(one.faults for group in done.values() for one in group))


def _begin() -> None:
    """Ignore Ctrl-C, which is for the parent process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@cache
def _ready() -> Ready:
    return Ready()


def _tried(one: Dealt) -> tuple[Dealt, Tried]:
    with TemporaryDirectory() as folder:
        found = tried(one.case, Path(folder, "first"), one.random(), _ready())
        near = found.seconds > WORTH_ANOTHER * LONGEST or found.megabytes > WORTH_ANOTHER * LARGEST
        if not (near or found.faults):
            return one, found
        again = tried(one.case, Path(folder, "again"), one.random(), in_a_new_one)
    if found.faults and not again.faults:
        return one, found
    seconds = max(found.seconds, again.seconds)
    return one, replace(again, seconds=seconds, megabytes=max(found.megabytes, again.megabytes))


def _show(done: dict[str, list[Tried]]) -> None:
    line = "{:<10} {:>7} {:>9} {:>10} {:>10}  {}"
    print(line.format("group", "tried", "survived", "slowest s", "largest MB", "which"))
    everything = [one for group in done.values() for one in group]
    for name, group in [*done.items(), ("all", everything)]:
        if group:
            slowest = max(group, key=lambda one: one.seconds)
            largest = max(group, key=lambda one: one.megabytes)
            survived = sum(not one.faults for one in group)
            which = f"{slowest.name}; {largest.name}"
            sizes = f"{slowest.seconds:.1f}", f"{largest.megabytes:.0f}"
            print(line.format(name, len(group), survived, *sizes, which))


if __name__ == "__main__":
    sys.exit(main())
