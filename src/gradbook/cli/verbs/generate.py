"""Generates new lines with a network that `gradbook train names` trained."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from contextlib import suppress

from gradbook.cli.argument_kinds import number, whole_number
from gradbook.cli.help_page import Verb
from gradbook.cli.output import print_json, write_or_print
from gradbook.errors import GradbookError, UsageError

USUAL_COUNT, USUAL_TEMPERATURE, HIGHEST = 20, 0.5, 100


def run(options: Namespace) -> int:
    import numpy as np

    from gradbook.lab.texts import LineProblem
    from gradbook.lab.training.run_folder import RunFolder, writer

    if options.json and options.out:
        raise UsageError("-o and --json don't go together: leave one out")
    folder = RunFolder(options.run)
    line_writer = writer(options.run)
    known: set[str] = set()
    with suppress(GradbookError):  # if the lines were moved, none is marked as new
        problem = folder.problem(folder.recipe())
        if isinstance(problem, LineProblem):
            known = {*problem.lines.lines}
    random = np.random.default_rng(options.seed)
    written = [line_writer.write(random, options.temperature) for _ in range(options.count)]
    if options.json:
        lines = [{"line": line, "new": line not in known if known else None} for line in written]
        print_json({"version": 1, "model": options.run, "lines": lines})
        return 0
    is_new = [bool(known) and not options.out and line not in known for line in written]
    shown = (f"{line}{'  (new)' * new}\n" for line, new in zip(written, is_new, strict=True))
    return write_or_print("".join(shown), options.out)


def _temperature(word: str) -> float:
    value = number(word)
    if not 0 <= value <= HIGHEST:
        raise ArgumentTypeError(f"{word} is out of range: 0 to {HIGHEST}")
    return value


ENTRIES = {
    "generate": Verb(
        run,
        kinds={
            "count": whole_number(0, 10_000),
            "temperature": _temperature,
            "seed": whole_number(0),
        },
        defaults={"count": USUAL_COUNT, "temperature": USUAL_TEMPERATURE, "seed": 0},
        facts=lambda: {"count": USUAL_COUNT, "temperature": USUAL_TEMPERATURE},
    )
}
