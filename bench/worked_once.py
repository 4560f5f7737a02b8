"""Networks worked once, in matrices or drawn in the plane, clean and with a mistake.

    python bench/worked_once.py [--clean N] [--faults N] [--seed N] [--kind NAME]... [--show]

For each kind it prints how many clean books were blamed for anything, how many mistakes were found
in their very cells, and how many books the formulas offered made right again. With --show it tells
of each book that was misjudged.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.audit.material.worked_once.planted import LAYOUTS, Judged, clean, spoilt


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--clean", type=int, default=200, help="books of each kind")
    parser.add_argument("--faults", type=int, default=400, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=list(LAYOUTS))
    parser.add_argument("--show", action="store_true", help="tell of each that was misjudged")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'kind':<16}{'clean':>7}{'blamed':>8}{'planted':>9}{'found':>8}{'repaired':>10}")
    with TemporaryDirectory() as folder:
        path = Path(folder, "book.xlsx")
        for kind in options.kind or LAYOUTS:
            right = [clean(path, options.seed + k, kind) for k in range(options.clean)]
            wrong = list(islice(_spoilt(path, options.seed, kind), options.faults))
            _tell(kind, right, wrong)
            for one in (*right, *wrong) if options.show else ():
                if not one.repaired:
                    print(f"    {one.number} {one.what}: {one.words}")


def _spoilt(path: Path, seed: int, kind: str) -> Iterator[Judged]:
    tried = (spoilt(path, number, kind) for number in count(seed))
    return (one for one in tried if one is not None)


def _tell(kind: str, right: list[Judged], wrong: list[Judged]) -> None:
    every = max(len(wrong), 1)
    found, repaired = (sum(getattr(w, k) for w in wrong) / every for k in ("found", "repaired"))
    blamed = sum(not one.found for one in right)
    shares = f"{found:>8.1%}{repaired:>10.1%}"
    print(f"{kind:<16}{len(right):>7}{blamed:>8}{len(wrong):>9}{shares}", flush=True)


if __name__ == "__main__":
    main()
