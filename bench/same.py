"""Shows what a change changes, by running a corpus through an older commit and through this tree.

    python bench/same.py BASE [--part NAME]... [--like TEXT] [--workers N] [--all]

The older commit gets a work tree of its own. Both run the same commands on the same files
(`sameness/corpus.py`) in separate folders, and all results are read back as lines
(`sameness/side.py`): the output, every cell and formula of a workbook, the data in a page, the
answers of an ONNX or C file. The results of the older commit are kept in `out/same`, so that the
next run only sends the corpus through the current tree. Differences are printed once per cause, the
commonest first, with the number of cases: lines that differ in the same way, except for numbers,
have one cause. Exits with 1 if there are any.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from time import monotonic
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.sameness import corpus, side
from bench.sameness.corpus import PARTS, Case
from bench.sameness.side import Result

ROOT = Path(__file__).parents[1]
NUMBER = re.compile(r"[-−]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
SHOWN = 12  # causes of a part
INTERNAL_ERROR = "70"  # the exit code
LONGEST = 160  # characters of a line
Lines = Sequence[str]


def main() -> int:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base", metavar="BASE", help="the older commit")
    parser.add_argument("--part", action="append", choices=list(PARTS), metavar="NAME")
    parser.add_argument("--like", default="", metavar="TEXT", help="only cases named like this")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--all", action="store_true", help="print every cause")
    options = parser.parse_args()
    commit = _git("rev-parse", "--verify", f"{options.base}^{{commit}}")
    kept = ROOT / "out" / "same"
    differing = asked = 0
    for part in options.part or list(PARTS):
        files = _files(kept, part)
        cases = [case for case in PARTS[part](files) if options.like in case.name]
        asked += len(cases)
        if not cases:
            continue
        older = _of_base(kept, part, commit, cases, files, options.workers)
        newer = _sent(ROOT, part, cases, files, options.workers)
        differing += _tell(part, cases, older, newer, options.all)
    if not asked:
        parser.error(f"no case has {options.like!r} in its name")
    return int(differing > 0)


def _git(*words: str) -> str:
    asked = ["git", "-C", str(ROOT), *words]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def _fingerprint(*modules: ModuleType) -> str:
    sources = (Path(str(module.__file__)).read_bytes() for module in modules)
    return hashlib.sha256(b"".join(sources)).hexdigest()[:8]


def _files(kept: Path, part: str) -> Path:
    """The files for the cases of this part, written once."""
    files = kept / f"{part} {_fingerprint(corpus)}"
    if not files.is_dir():
        begun = files.with_suffix(".begun")
        rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        corpus.write_files(begun, part)
        begun.rename(files)
    return files


def _of_base(
    kept: Path, part: str, commit: str, cases: Sequence[Case], files: Path, workers: int
) -> dict[str, Result]:
    """The results of these cases at the older commit; missing ones are made now and kept."""
    path = kept / f"{part} {_fingerprint(corpus, side)} of {commit[:12]}.json"
    results: dict[str, Result] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    missing = [case for case in cases if case.name not in results]
    if missing:
        with TemporaryDirectory(prefix="same-") as place:
            tree = Path(place, "base")
            _git("worktree", "add", "--quiet", "--detach", str(tree), commit)
            try:
                results |= _sent(tree, part, missing, files, workers)
            finally:
                _git("worktree", "remove", "--force", str(tree))
        new = path.with_suffix(".new")
        new.write_text(json.dumps(results), "utf-8")
        new.replace(path)
    return results


def _sent(
    tree: Path, part: str, cases: Sequence[Case], files: Path, workers: int
) -> dict[str, Result]:
    began = monotonic()
    asked = {"cases": [vars(case) for case in cases], "files": str(files), "workers": workers}
    with TemporaryDirectory(prefix="same-cache-") as cache:
        path = os.pathsep.join([str(tree / "src"), str(ROOT)])
        variables = {"PYTHONPATH": path, "COLUMNS": "100", "GRADBOOK_CACHE": cache}
        done = subprocess.run(
            [sys.executable, str(side.__file__)],
            input=json.dumps(asked),
            env=os.environ | variables | {"LANGUAGE": "en"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    print(f"{part}, {tree.name}: {len(cases)} in {monotonic() - began:.0f} s", file=sys.stderr)
    answers: list[Result] = json.loads(done.stdout)
    return {case.name: answer for case, answer in zip(cases, answers, strict=True)}


# What differs -------------------------------------------------------------------------


def _tell(
    part: str,
    cases: Sequence[Case],
    older: Mapping[str, Result],
    newer: Mapping[str, Result],
    every: bool,
) -> int:
    """Print the causes of differences; return the number of cases that differ."""
    differing = 0
    causes: defaultdict[tuple[str, str], list[tuple[str, tuple[str, str]]]] = defaultdict(list)
    for case in cases:
        changes = list(_changes(older[case.name], newer[case.name]))
        if [INTERNAL_ERROR] in newer[case.name].values():
            changes.append(("", "+ an internal error"))
        differing += bool(changes)
        for pair in changes:
            causes[NUMBER.sub("#", pair[0]), NUMBER.sub("#", pair[1])].append((case.name, pair))
    print(f"{part}: {len(cases) - differing} of {len(cases)} cases are the same")
    ordered = sorted(causes.values(), key=len, reverse=True)
    for examples in ordered if every else ordered[:SHOWN]:
        names = list(dict.fromkeys(name for name, _ in examples))
        print(f"  {len(examples)} times in {len(names)} cases, as in {names[0]}")
        for line in filter(None, examples[0][1]):
            print(f"    {line[:LONGEST]}")
    if len(ordered) > SHOWN and not every:
        print(f"  and {len(ordered) - SHOWN} more causes: --all prints them")
    return differing


def _changes(before: Result, after: Result) -> Iterator[tuple[str, str]]:
    """The lines that differ, with their earlier text."""
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
