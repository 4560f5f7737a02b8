"""Whether random networks of every card compute in other programs what they compute here.

    python bench/export_families.py [--networks 500] [--seed N] [--only .keras]

Each network is written by every export whose program is installed and opened by that program, as
in tests/outside/test_exports.py, which takes the first 40. It prints those that differ, with their
texts, and for each export how many are the same, how many are refused and why. The seed is today's
date unless it is given; a network of seed N and number K is `case(N * 1000 + K)`.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.outside.exported import EXPORTS, case, opened
from tests.outside.witness import missing

APART = 1000  # numbers from one seed to the next


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=date.today().toordinal())
    parser.add_argument("--only", metavar="EXPORT", nargs="+", choices=[*EXPORTS])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    exports = [name for name in options.only or EXPORTS if not missing(EXPORTS[name].needs)]
    kinds = {name: Counter[str]() for name in exports}
    reasons = {name: Counter[str]() for name in exports}
    steep = 0
    for number in range(options.seed * APART, options.seed * APART + options.networks):
        one = case(number)
        if one is None:
            steep += 1
            continue
        for name in exports:
            with TemporaryDirectory() as folder:
                outcome = opened(name, one, Path(folder))
            kinds[name][outcome.kind] += 1
            if outcome.kind == "refused":
                reasons[name][outcome.reason] += 1
            elif outcome.kind != "same":
                text = str(one.net).strip().replace("\n", "; ")
                print(f"{number} {name} {outcome.kind}: {outcome.detail}\n    {text}", flush=True)
    print(f"seed {options.seed}: {options.networks - steep} networks, {steep} too steep to compare")
    words = ("same", "refused", "wrong", "broken")
    print(f"{'export':<18}" + "".join(f"{word:>9}" for word in words))
    for name in exports:
        print(f"{name:<18}" + "".join(f"{kinds[name][word]:>9}" for word in words))
        for reason, count in reasons[name].most_common():
            print(f"{count:>8} {reason}")
    return int(any(kinds[name][word] for name in exports for word in words[2:]))


if __name__ == "__main__":
    sys.exit(main())
