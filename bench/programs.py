"""Programs that train by hand-written backpropagation, right and with mistakes, held against truth.

    python bench/programs.py [--only NAME] [--folder FOLDER] [--right] [--seconds S] [--json FILE]

Every program of tests/audit/programs/material (or of FOLDER, laid out the same) is judged as
`gradbook check` judges it, as it stands and with each mistake, two at once in processes of their
own. It prints how often the verdict, the line and the change are those that are known, by style
and by kind, the seconds, and each miss in one line. A change counts when the program reads as it
did before the mistake, or is judged right and prints what the right one prints.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from math import isclose
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradbook.audit.programs.correcting import edited, edited_notebook, edits_of
from gradbook.audit.programs.program_report import ProgramReport
from tests.audit.programs.material.catalogue import (
    HERE,
    Mistake,
    Program,
    codes,
    mistakes,
    programs,
)

SECONDS = 30.0  # for one program; a judge that needs more has failed
RIGHT = "as it stands"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one program, beside what is known of it."""

    name: str
    style: str
    kind: str  # of the mistake, or RIGHT
    expected: str
    verdict: str
    line: int | None  # that is wrong
    blamed: tuple[str, ...]  # lines that were named, with what should stand there
    is_named: bool = False  # the line
    is_alone: bool = False  # and no other
    is_mended: bool = False  # by the change
    note: str = ""
    seconds: float = 0.0

    @property
    def is_true(self) -> bool:
        return self.verdict == self.expected

    @property
    def is_miss(self) -> bool:
        return not self.is_true or (
            self.line is not None and not (self.is_named and self.is_mended)
        )

    def __str__(self) -> str:
        words = [f"{self.name}: expected {self.expected}, said {self.verdict}"]
        if self.line is not None:
            named = "; ".join(self.blamed) or "nothing"
            words.append(f"{'named' if self.is_named else 'NOT NAMED'}, blamed {named}")
            words.append("mended" if self.is_mended else "NOT MENDED")
        elif self.blamed:
            words.append(f"blamed {'; '.join(self.blamed)}")
        return " | ".join([*words, self.note] if self.note else words)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="part of a program's name, or a kind")
    parser.add_argument("--folder", type=Path, default=HERE, help="programs and truths elsewhere")
    parser.add_argument("--right", action="store_true", help="only the programs as they stand")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each program")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    options = parser.parse_args()
    subjects: list[Program | Mistake] = [*programs(options.folder)]
    subjects += [] if options.right else mistakes(options.folder)
    if options.only:
        subjects = [one for one in subjects if options.only in f"{one.name} {_kind(one)}"]
    if not subjects:
        parser.error(f"no program is called {options.only}")
    results = []
    for result in all_judged(subjects, options.seconds, options.workers):
        results.append(result)
        if result.is_miss:
            print(result, flush=True)
    order = {one.name: number for number, one in enumerate(subjects)}
    results.sort(key=lambda result: order[result.name])
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in results], indent=1), "utf-8")
    print_results(results)


def judge(subject: Program | Mistake, seconds: float) -> Result:
    """The judge's answer, and where there is a mistake, what its change brings."""
    from gradbook.audit.programs.check_program import check_program

    mistake = subject if isinstance(subject, Mistake) else None
    program = subject.program if isinstance(subject, Mistake) else subject
    expected = {"name": subject.name, "style": program.style, "kind": _kind(subject)}
    expected |= {"expected": subject.verdict, "line": mistake.line if mistake else None}
    with TemporaryDirectory() as folder:
        path = Path(folder, program.path.name)
        path.write_text(subject.text, "utf-8")
        begin = perf_counter()
        try:
            report = check_program(path, seconds=seconds)
        except Exception:
            note = traceback.format_exc().strip().splitlines()[-1]
            return Result(**expected, verdict="crash", blamed=(), note=note)
        spent = perf_counter() - begin
        is_mended, note = False, report.reason or _reasons(report)
        if mistake:
            is_mended, why = _mended(mistake, report, path, seconds)
            note = why or note
    return Result(
        **expected,
        verdict=report.verdict,
        blamed=tuple(_words(report)),
        is_named=bool(mistake) and any(_covers(span, mistake) for span in _spans(report)),
        is_alone=bool(mistake) and all(_covers(span, mistake) for span in _spans(report)),
        is_mended=is_mended,
        note=note,
        seconds=spent,
    )


def _kind(subject: Program | Mistake) -> str:
    return subject.kind if isinstance(subject, Mistake) else RIGHT


def all_judged(subjects: list[Program | Mistake], seconds: float, workers: int) -> Iterator[Result]:
    """Of each what came of it, as soon as it is there."""
    with ProcessPoolExecutor(workers) as pool:
        for done in as_completed([pool.submit(judge, one, seconds) for one in subjects]):
            yield done.result()


def _findings(report: ProgramReport) -> list:  # type: ignore[type-arg]
    return [finding for model in report.models for finding in model.findings]


def _spans(report: ProgramReport) -> list:  # type: ignore[type-arg]
    return [finding.span for finding in _findings(report)]


def _covers(span, mistake: Mistake) -> bool:  # type: ignore[no-untyped-def]
    lines = (mistake.line, *mistake.also)
    return span.cell == mistake.cell and any(span.line <= n <= span.end_line for n in lines)


def _words(report: ProgramReport) -> Iterable[str]:
    for finding in _findings(report):
        cell = f"cell {finding.span.cell} " if finding.span.cell else ""
        yield f"{cell}{finding.span.line} `{finding.span.text}` -> `{finding.replacement}`"


def _reasons(report: ProgramReport) -> str:
    return "; ".join(model.reason for model in report.models if model.reason)


def _mended(
    mistake: Mistake, report: ProgramReport, path: Path, seconds: float
) -> tuple[bool, str]:
    """Whether the program with all edits is right, and else why not."""
    from gradbook.audit.programs.check_program import check_program

    edits = edits_of(report)
    if not edits:
        return False, "no edit"
    try:
        is_notebook = path.suffix == ".ipynb"
        text = (edited_notebook if is_notebook else edited)(mistake.text, edits)
        if _is_as_before(mistake, text):
            return True, ""
        path.write_text(text, "utf-8")
        again = check_program(path, seconds=seconds)
    except Exception as error:
        return False, f"edited: {type(error).__name__}: {error}"
    if again.verdict not in ("right", mistake.program.verdict):
        return False, f"edited: {again.verdict} {again.reason}".strip()
    if not _prints_the_same(path.name, text, mistake.program.text):
        return False, f"edited: {again.verdict}, but it trains otherwise than the right one"
    return True, ""


def _is_as_before(mistake: Mistake, text: str) -> bool:
    name = mistake.program.path.name
    try:
        pairs = zip(codes(name, text), codes(name, mistake.program.text), strict=True)
        return all(ast.dump(ast.parse(new)) == ast.dump(ast.parse(old)) for new, old in pairs)
    except SyntaxError:
        return False


def _prints_the_same(name: str, text: str, other: str) -> bool:
    """Whether two programs print the same numbers, but for rounding."""
    with TemporaryDirectory() as folder:
        printed = [
            subprocess.run(
                [sys.executable, "-"],
                input="\n".join(codes(name, one)),
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            ).stdout
            for one in (text, other)
        ]
    numbers, others = ([float(word) for word in NUMBER.findall(one)] for one in printed)
    return len(numbers) == len(others) and all(
        isclose(one, two, rel_tol=1e-4, abs_tol=1e-6)
        for one, two in zip(numbers, others, strict=True)
    )


def print_results(results: list[Result]) -> None:
    right = [one for one in results if one.kind == RIGHT]
    wrong = [one for one in results if one.kind != RIGHT]
    condemned = sum(one.verdict == "wrong" for one in right)
    print(f"\nas they stand: {_share(right, 'is_true')} verdicts true, {condemned} condemned")
    if wrong:
        print(
            f"with a mistake: {_share(wrong, 'is_true')} verdicts true, "
            f"{_share(wrong, 'is_named')} named to the line "
            f"({_share(wrong, 'is_alone')} no other), {_share(wrong, 'is_mended')} changes right"
        )
    for what in ("style", "kind"):
        print(f"\n{what:<16}{'true':>10}{'line':>10}{'change':>10}")
        for name in dict.fromkeys(getattr(one, what) for one in results):
            some = [one for one in results if getattr(one, what) == name]
            faulty = [one for one in some if one.kind != RIGHT]
            shares = [_share(some, "is_true")]
            shares += [_share(faulty, f"is_{which}") for which in ("named", "mended") if faulty]
            print(f"{name:<16}" + "".join(f"{share:>10}" for share in shares))
    seconds = [one.seconds for one in results]
    slowest = max(results, key=lambda one: one.seconds)
    print(
        f"\nseconds: median {median(seconds):.2f}, slowest {slowest.seconds:.1f} ({slowest.name})"
    )


def _share(some: list[Result], what: str) -> str:
    return f"{sum(getattr(one, what) for one in some)}/{len(some)}"


if __name__ == "__main__":
    main()
