"""Books that learn by the perceptron rule, clean and with a mistake: judged rightly, and repaired?

    python bench/perceptrons.py [--books N] [--mutants N] [--seed N] [--show]

A mutant counts as found if the audit blames exactly the spoilt cells, and as repaired if the
suggested formulas, recalculated, make the book right and restore the values it had before. With
--show it prints each misjudged book.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.audit.material.mutants import Outcome
from tests.audit.material.perceptrons.faults import FAULTS
from tests.audit.material.perceptrons.mutants import judged_clean, judged_spoilt


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=int, default=200, help="clean books")
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print each misjudged book")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    numbers = range(options.seed, options.seed + options.books)
    with TemporaryDirectory() as folder:
        path = Path(folder, "book.xlsx")
        clean = [judged_clean(path, number) for number in numbers]
        tries = (judged_spoilt(path, number) for number in count(options.seed))
        mutants = list(islice(filter(None, tries), options.mutants))
    _show(clean, mutants)
    for one in (*clean, *mutants) if options.show else ():
        if not one.repaired:
            print(f"{one.number} {one.kind}: {one.words}\n    {one.style[0]}")


def _show(clean: list[Outcome], mutants: list[Outcome]) -> None:
    planted = Counter(one.kind for one in mutants)
    found = Counter(one.kind for one in mutants if one.found)
    repaired = Counter(one.kind for one in mutants if one.repaired)
    print(f"{'fault':<22}{'planted':>8}{'found':>8}{'repaired':>10}")
    for kind in FAULTS:
        print(f"{kind:<22}{planted[kind]:>8}{found[kind]:>8}{repaired[kind]:>10}")
    every = max(1, len(mutants))
    shares = f"{found.total() / every:>8.1%}{repaired.total() / every:>10.1%}"
    print(f"{'all':<22}{len(mutants):>8}{shares}")
    print(f"{sum(not one.found for one in clean)} false alarms in {len(clean)} clean books")


if __name__ == "__main__":
    main()
