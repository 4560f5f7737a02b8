"""Right books of eighty kinds, made as people make them, and mistakes planted in them.

    python bench/kinds.py [--kind NAME]... [--show] [--no-witness]

First, LibreOffice and PyTorch confirm that each book is right. Then, for each kind, it prints the
audit's verdict on the right book (right, condemned, or not judged and why) and how many of the
planted mistakes are found in exactly their cells. With --show it prints the findings of all
misjudged books.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.audit.material.kinds.catalogue import (
    CONDEMNED,
    KINDS,
    UNJUDGED,
    disagreements,
    found,
    judged,
)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--kind", action="append", choices=list(KINDS), metavar="NAME")
    parser.add_argument("--show", action="store_true", help="print findings in misjudged books")
    parser.add_argument("--no-witness", action="store_true", help="leave out LibreOffice")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    kinds = {name: KINDS[name] for name in options.kind or KINDS}
    with TemporaryDirectory() as folder:
        others = {} if options.no_witness else disagreements(kinds, Path(folder, "witness"))
        for name, differing in others.items():
            for cell in differing[:3]:
                print(f"not right: {name}: {cell}")
        _print_table(kinds, Path(folder, "book.xlsx"), options.show)


def _print_table(kinds, path: Path, show: bool) -> None:  # type: ignore[no-untyped-def]
    counted = {CONDEMNED: 0, UNJUDGED: 0}
    all_found = all_planted = 0
    print(f"{'kind':<48}{'verdict':<12}{'found':>7}{'seconds':>9}")
    for name, kind in kinds.items():
        started = process_time()
        right = judged(kind, path)
        spent = process_time() - started
        planted = {what: found(kind, book, path) for what, book in kind.mistakes.items()}
        hits = sum(one.word == "found" for one in planted.values())
        share = f"{hits}/{len(planted)}" if planted else ""
        print(f"{name:<48}{right.word:<12}{share:>7}{spent:>9.2f}", flush=True)
        if right.word in counted:
            counted[right.word] += 1
        if right.word in counted or (show and not kind.is_training):
            print(f"    {right.words[:400]}")
        for what, one in planted.items():
            if show and one.word != "found":
                print(f"    {what}: {one.words[:300]}")
        all_found, all_planted = all_found + hits, all_planted + len(planted)
    print(
        f"{len(kinds)} kinds, {counted[CONDEMNED]} condemned, {counted[UNJUDGED]} not judged; "
        f"{all_found} of {all_planted} mistakes found"
    )


if __name__ == "__main__":
    main()
