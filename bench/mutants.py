"""Plants mistakes in workbooks of random networks and asks the audit: found where, and repaired?

    python bench/mutants.py [--mutants N] [--clean N] [--seed N]

A mutant counts as found when the cells blamed are those that were spoilt, no more and no fewer, and
as repaired when the formulas offered make the book right again. A clean book that is blamed for
anything is a false alarm.
"""

from __future__ import annotations

import random
import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.audit.faults import FAULTS
from tests.audit.made import STYLES, known_table, random_network
from tests.audit.mutants import Outcome, tried


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--clean", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    begun = monotonic()
    with TemporaryDirectory() as folder:
        mutants = _mutants(Path(folder, "mutant.xlsx"), options.mutants, options.seed)
        clean = _false_alarms(Path(folder, "clean.xlsx"), options.clean, options.seed)
    _show(mutants, clean, options.clean)
    print(f"{monotonic() - begun:.0f} seconds")


def _mutants(path: Path, count: int, seed: int) -> list[Outcome]:
    found: list[Outcome] = []
    for number in _numbers(seed):
        if len(found) == count:
            return found
        outcome = tried(path, number)
        if outcome is not None:
            found.append(outcome)
    return found


def _numbers(seed: int) -> Iterator[int]:
    number = seed
    while True:
        yield number
        number += 1


def _false_alarms(path: Path, count: int, seed: int) -> int:
    from gradbook.audit.check import check_book

    alarms = 0
    styles = list(STYLES.values())
    for number in range(seed, seed + count):
        draw = random.Random(number // len(styles))
        table = known_table(random_network(draw, draw.choice([1, 1, 2, 3])), 5)
        report = check_book(styles[number % len(styles)](table).save(path))
        alarms += report.verdict != "right"
    return alarms


def _show(mutants: list[Outcome], alarms: int, clean: int) -> None:
    total, found, repaired = Counter[str](), Counter[str](), Counter[str]()
    for outcome in mutants:
        total[outcome.kind] += 1
        found[outcome.kind] += outcome.found
        repaired[outcome.kind] += outcome.repaired
    print(f"{'fault':<22}{'planted':>8}{'found':>8}{'repaired':>10}")
    for kind in FAULTS:
        print(f"{kind:<22}{total[kind]:>8}{found[kind]:>8}{repaired[kind]:>10}")
    every = max(len(mutants), 1)
    print(
        f"{'all':<22}{len(mutants):>8}{sum(found.values()) / every:>8.1%}"
        f"{sum(repaired.values()) / every:>10.1%}"
    )
    print(f"{alarms} false alarms in {clean} clean books")


if __name__ == "__main__":
    main()
