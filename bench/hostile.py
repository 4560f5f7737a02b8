"""Files that strangers may send, made anew from a seed: does any of them stop gradbook?

    python bench/hostile.py [--seed N] [--rounds N] [--group NAME] [--only CASE] [--minutes M]

Every case of `tests/hostile/` is made in an empty folder, once in each round, and a command is
given it: in a process of its own, whose exit code, words, files, seconds of a processor and
megabytes are looked at. Told are how many were tried and survived in each group, the slowest, the
largest, and each one that wasn't survived, with what makes it again.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.hostile import messages, names, packed, pictures, records, things
from tests.hostile.cases import Case, Tried, tried

GROUPS: dict[str, Sequence[Case]] = {
    "packed": packed.CASES,
    "things": things.CASES,
    "records": records.CASES,
    "messages": messages.CASES,
    "pictures": pictures.CASES,
    "names": names.CASES,
}


def main() -> int:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--group", choices=GROUPS, help="only this group")
    parser.add_argument("--only", default="", metavar="CASE", help="what has this in its name")
    options = parser.parse_args()
    until = monotonic() + 60 * options.minutes
    done: dict[str, list[Tried]] = defaultdict(list)
    with suppress(KeyboardInterrupt):
        for group, case, number in _chosen(options.seed, options.rounds, options.group):
            if monotonic() > until:
                break
            if options.only in case.name:
                done[group].append(_tried(case, number))
                if done[group][-1].faults:
                    print(f"--seed {number} --group {group}: {done[group][-1]}", flush=True)
    _show(done)
    return int(any(one.faults for group in done.values() for one in group))


def _chosen(seed: int, rounds: int, group: str | None) -> Iterator[tuple[str, Case, int]]:
    for number in range(seed, seed + rounds):
        for name, cases in GROUPS.items():
            if group in (None, name):
                yield from ((name, case, number) for case in cases)


def _tried(case: Case, number: int) -> Tried:
    with TemporaryDirectory() as folder:
        return tried(case, Path(folder), Random(f"{number} {case.name}"))


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
