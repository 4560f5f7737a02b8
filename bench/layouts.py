"""Trainings of random networks in the layouts that people use, clean and with a mistake.

    python bench/layouts.py [--books N] [--seed N] [--layout NAME]... [--show]

For each layout it prints how many clean books got a false alarm, how many mistakes were found in
exactly their cells, and how many books became right with the suggested formulas. With --show it
prints each misjudged book.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.audit.material.layouts.catalogue import KINDS, Kind
from tests.audit.material.layouts.planted import Judged


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=int, default=40, help="books of each sort per layout")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layout", action="append", choices=list(KINDS))
    parser.add_argument("--show", action="store_true", help="print each misjudged book")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'layout':<24}{'clean':>7}{'blamed':>8}{'planted':>9}{'found':>8}{'repaired':>10}")
    for layout in options.layout or KINDS:
        with TemporaryDirectory() as folder:
            path = Path(folder, "book.xlsx")
            right = [KINDS[layout].clean(path, options.seed + k) for k in range(options.books)]
            wrong = _spoilt(path, options.seed, options.books, KINDS[layout])
        blamed = sum(not one.found for one in right)
        found, repaired = (sum(getattr(w, k) for w in wrong) for k in ("found", "repaired"))
        shares = f"{found / len(wrong):>8.1%}{repaired / len(wrong):>10.1%}"
        print(f"{layout:<24}{len(right):>7}{blamed:>8}{len(wrong):>9}{shares}", flush=True)
        if options.show:
            for one in (*right, *wrong):
                if not (one.found and one.repaired):
                    print(f"    {one.number} {one.what}: {one.words}")


def _spoilt(path: Path, seed: int, books: int, kind: Kind) -> list[Judged]:
    found: list[Judged] = []
    for number in count(seed):
        if len(found) == books:
            return found
        judged = kind.spoilt(path, number)
        if judged is not None:
            found.append(judged)
    return found


if __name__ == "__main__":
    main()
