"""What a change changes: one corpus sent through an older commit and through what stands here.

    python bench/same.py BASE [--part NAME]... [--like TEXT] [--workers N] [--all]

The older commit gets a work tree of its own. Both are given the same commands on the same files
(`sameness/corpus.py`) in folders of their own, and all that comes of each is read back as lines
(`sameness/side.py`): what is printed, every cell and formula of a workbook, what a page carries,
what an ONNX or C file answers. Differences are printed once for each cause, the commonest first,
with the number of cases that have it: lines that differ alike, but for their numbers, have one
cause.
Exit 1 where there is any.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.sameness.corpus import PARTS, Case, write_files
from bench.sameness.side import __file__ as side

ROOT = Path(__file__).parents[1]
NUMBER = re.compile(r"[-−]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
SHOWN = 12  # causes of a part
LONGEST = 160  # characters of a line
Lines = Sequence[str]


def main() -> int:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base", metavar="BASE", help="the older commit")
    parser.add_argument("--part", action="append", choices=list(PARTS), metavar="NAME")
    parser.add_argument("--like", default="", metavar="TEXT", help="only cases with this in them")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--all", action="store_true", help="print every cause")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="same-") as place:
        files, base = Path(place, "files"), Path(place, "base")
        files.mkdir()
        parts = options.part or list(PARTS)
        write_files(files, parts)
        cases = [case for part in parts for case in PARTS[part](files) if options.like in case.name]
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", base, options.base], check=True)
        try:
            older, newer = (_sent(tree, cases, files, options.workers) for tree in (base, ROOT))
        finally:
            subprocess.run([*git, "remove", "--force", base], check=True)
    return _tell(cases, older, newer, options.all)


def _sent(
    tree: Path, cases: Sequence[Case], files: Path, workers: int
) -> list[dict[str, list[str]]]:
    began = monotonic()
    asked = {"cases": [vars(case) for case in cases], "files": str(files), "workers": workers}
    path = os.pathsep.join([str(tree / "src"), str(ROOT)])
    kept = {"GRADBOOK_CACHE": str(files.parent / f"cache-{tree.name}"), "LANGUAGE": "en"}
    done = subprocess.run(
        [sys.executable, side],
        input=json.dumps(asked),
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "100", **kept},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    print(f"{tree.name}: {len(cases)} cases, {monotonic() - began:.0f} s", file=sys.stderr)
    results: list[dict[str, list[str]]] = json.loads(done.stdout)
    return results


# What differs -------------------------------------------------------------------------


def _tell(
    cases: Sequence[Case],
    older: Sequence[dict[str, list[str]]],
    newer: Sequence[dict[str, list[str]]],
    every: bool,
) -> int:
    differing = 0
    by_part: defaultdict[str, dict[tuple[str, str], list[tuple[str, str]]]] = defaultdict(dict)
    for case, before, after in zip(cases, older, newer, strict=True):
        changes = list(_changes(before, after))
        differing += bool(changes)
        for pair in changes:
            cause = NUMBER.sub("#", pair[0]), NUMBER.sub("#", pair[1])
            by_part[case.part].setdefault(cause, []).append((case.name, "\n".join(pair)))
    for part, causes in by_part.items():
        print(f"\n{part}: {len(causes)} causes")
        ordered = sorted(causes.values(), key=len, reverse=True)
        for examples in ordered if every else ordered[:SHOWN]:
            names = list(dict.fromkeys(name for name, _ in examples))
            print(f"  {len(examples)} times in {len(names)} cases, as in {names[0]}")
            for line in examples[0][1].splitlines():
                print(f"    {line[:LONGEST]}")
        if len(ordered) > SHOWN and not every:
            print(f"  and {len(ordered) - SHOWN} more: --all prints them")
    print(f"\n{len(cases) - differing} of {len(cases)} cases are the same")
    return int(differing > 0)


def _changes(
    before: dict[str, list[str]], after: dict[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Lines of what came, with what they were before."""
    for what in sorted(before.keys() | after.keys()):
        old, new = before.get(what), after.get(what)
        if old is None or new is None:
            yield (f"- {what}" if new is None else ""), (f"+ {what}" if old is None else "")
        elif old != new:
            yield from _line_changes(what, old, new)


def _line_changes(what: str, old: Lines, new: Lines) -> Iterator[tuple[str, str]]:
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for k in range(max(b - a, d - c)):
            gone = f"- {what}: {old[a + k]}" if a + k < b else ""
            come = f"+ {what}: {new[c + k]}" if c + k < d else ""
            yield gone, come


if __name__ == "__main__":
    sys.exit(main())
