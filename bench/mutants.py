"""Plants mistakes in workbooks of random networks and asks the audit: found where, and repaired?

    python bench/mutants.py [--mutants N] [--clean N] [--seed N] [--record FILE] [--show]

A mutant counts as found when the cells blamed are those that were spoilt, no more and no fewer, and
as repaired when the formulas offered make the book right again. A clean book that is blamed for
anything is a false alarm. A mistake that changes no value, whatever numbers the book starts from,
is none, and another is drawn. With --record what is known is kept in a file and not tried again:
the run can be stopped, and parts of it, with other seeds, can share the file.
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.audit.material.faults import FAULTS
from tests.audit.material.mutants import clean_book, drawn_style, tried

Record = dict[str, object]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--clean", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="where outcomes are kept, one a line")
    parser.add_argument("--show", action="store_true", help="only tell what was recorded")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    records = _recorded(options.record)
    if not options.show:
        with TemporaryDirectory() as folder:
            path = Path(folder, "book.xlsx")
            for new in _clean(path, options.clean, options.seed, records):
                _keep(options.record, records, new)
            for new in _mutants(path, options.mutants, options.seed, records):
                _keep(options.record, records, new)
    _show(list(records.values()))


def _recorded(path: Path | None) -> dict[object, Record]:
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {(line["sort"], line["number"]): line for line in lines}


def _keep(path: Path | None, records: dict[object, Record], new: Record) -> None:
    records[new["sort"], new["number"]] = new
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(new, ensure_ascii=False) + "\n")


def _mutants(path: Path, wanted: int, seed: int, records: dict[object, Record]) -> Iterator[Record]:
    planted = 0
    for number in count(seed):
        if planted == wanted:
            return
        if ("mutant", number) in records:
            planted += records["mutant", number]["kind"] is not None
            continue
        begun = process_time()
        outcome = tried(path, number)
        new: Record = {"sort": "mutant", "number": number, "kind": None}
        if outcome is not None:
            planted += 1
            new |= {
                "kind": outcome.kind,
                "style": " / ".join(outcome.style),
                "found": outcome.found,
                "repaired": outcome.repaired,
                "seconds": round(process_time() - begun, 2),
            }
            if not outcome.repaired:
                new["words"] = outcome.words
        yield new


def _clean(path: Path, wanted: int, seed: int, records: dict[object, Record]) -> Iterator[Record]:
    for number in range(seed, seed + wanted):
        if ("clean", number) in records:
            continue
        style = drawn_style(random.Random(number))
        verdict = clean_book(path, number, style).verdict
        yield {"sort": "clean", "number": number, "style": " / ".join(style), "verdict": verdict}


def _show(records: list[Record]) -> None:
    mutants = [r for r in records if r["sort"] == "mutant" and r["kind"] is not None]
    clean = [r for r in records if r["sort"] == "clean"]
    planted = Counter(r["kind"] for r in mutants)
    found = Counter(r["kind"] for r in mutants if r["found"])
    repaired = Counter(r["kind"] for r in mutants if r["repaired"])
    print(f"{'fault':<26}{'planted':>8}{'found':>8}{'repaired':>10}")
    for kind in FAULTS:
        print(f"{kind:<26}{planted[kind]:>8}{found[kind]:>8}{repaired[kind]:>10}")
    every = max(len(mutants), 1)
    shares = f"{found.total() / every:>8.1%}{repaired.total() / every:>10.1%}"
    print(f"{'all':<26}{len(mutants):>8}{shares}")
    alarms = sum(r["verdict"] != "right" for r in clean)
    print(f"{alarms} false alarms in {len(clean)} clean books")


if __name__ == "__main__":
    main()
