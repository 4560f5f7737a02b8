"""What explain, sheet and play do with a workbook that somebody made."""

from __future__ import annotations

from argparse import Namespace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import names_formulas, number, read_settings
from gradbook.cli.output import busy, print_written, say
from gradbook.errors import UsageError
from gradbook.files import note_read, require_replaceable
from gradbook.language import numeral, tr

if TYPE_CHECKING:
    from gradbook.derivatives.public_book import Derivatives
    from gradbook.derivatives.training_sheet import TrainingOutcome
    from gradbook.report.explanation import Explanation

BOOKS = (".xlsx", ".xlsm", ".ods")
OTHER_BOOKS = (".xls", ".xlsb", ".numbers")  # which can't be read, but are no networks either
ONLY_HERE = ("of", "by", "learn", "solve", "to")


def names_workbook(word: str) -> bool:
    """Whether the word is the name of a workbook and not of a network."""
    return word.lower().endswith((*BOOKS, *OTHER_BOOKS))


def refuse_for_networks(options: Namespace) -> None:
    """Refuse options that only make sense for a workbook; --of is also for formulas."""
    for flag in ONLY_HERE:
        if getattr(options, flag, None) and not (flag == "of" and names_formulas(options.net)):
            raise UsageError(f"--{flag} is for workbooks: leave it out, or name one (model.xlsx)")


def _refuse_for_workbooks(options: Namespace, *flags: str) -> None:
    for flag in flags:
        if getattr(options, flag) not in (None, [], False):
            raise UsageError(f"--{flag} is for networks: leave it out for {options.net}")


def explain_workbook(options: Namespace) -> Explanation:
    """The list of what a cell depends on or, with --only, the chain from one input."""
    from gradbook.report.derivatives import explain_cell

    _refuse_for_workbooks(options, "set", "data", "image")
    with busy(tr("deriving {file}", file=Path(options.net).name)):
        return explain_cell(_derivatives(options), options.only)


def write_copy_of_workbook(options: Namespace) -> int:
    """Write a copy with a solution, or with derivatives."""
    _refuse_for_workbooks(options, "rates", "data", "exercise", "blank", "solution")
    return _write_solution(options) if options.solve else _write_derivatives(options)


def _write_solution(options: Namespace) -> int:
    """Write a copy in which cells are solved for; 1 if they can't be as they should."""
    from gradbook.derivatives.public_book import read_book

    for flag, why in (("learn", "trains"), ("by", "derives"), ("epochs", "trains")):
        if getattr(options, flag):
            raise UsageError(f"--{flag} {why}, --solve doesn't: leave one of them out")
    if not options.of:
        raise UsageError("--solve needs --of CELL: the one that should be lowest")
    source = Path(options.net)
    out = Path(options.out or f"{source.stem}-solved{source.suffix}")
    note_read(source)
    require_replaceable(out)
    with busy(tr("solving {file}", file=source.name)):
        lines = [words for line in options.set for words in line.split(";") if words.strip()]
        solved = read_book(source).solve(
            options.of, by=options.solve, to=options.to or "min", keep=lines
        )
        solved.write(out)
    print_written(out)
    for sentence in solved.sentences:
        say(sentence)
    return 0 if solved.is_good else 1


def _write_derivatives(options: Namespace) -> int:
    """Write a copy with derivatives, and with a sheet that trains if cells are to be learned."""
    from gradbook.derivatives.public_book import EPOCHS

    if options.to:
        raise UsageError("--to is for --solve CELLS: name the cells that may change")
    if options.epochs and not options.learn:
        raise UsageError("--epochs is for a sheet that trains: name its weights with --learn")
    rate = _rate(options)
    source = Path(options.net)
    ending = "trained" if options.learn else "derivatives"
    out = Path(options.out or f"{source.stem}-{ending}{source.suffix}")
    note_read(source)
    require_replaceable(out)
    with busy(tr("writing {file}", file=out.name)):
        derivatives = _derivatives(options)
        derivatives.write(
            out,
            learn=options.learn or (),
            epochs=options.epochs or EPOCHS,
            rate=rate,
        )
    print_written(out)
    if derivatives.proposed is not None:
        from gradbook.report.derivatives import proposal
        from gradbook.report.styled_text import FIXED_SPACE
        from gradbook.targets.algebra.terminal_text import sentences

        say(sentences(proposal(derivatives)).replace(FIXED_SPACE, " "))
    if derivatives.training is not None:
        say(_trained(derivatives.training))
    say(
        tr("open it: change a weight or the rate, and the sheet Training follows")
        if options.learn
        else tr("open it: change an input, and every derivative follows")
    )
    return 0


def _trained(training: TrainingOutcome) -> str:
    """What the sheet that trains does at its rate."""
    message = tr("at the learning rate {rate} the loss falls from {first} to {last}")
    if training.diverges:
        message = tr("at the learning rate {rate} the loss rises from {first} to {last}")
        if training.falling_rate is not None and training.falling_rate < training.rate:
            message = tr(
                "at the learning rate {rate} the loss rises from {first} to {last}: it diverges, "
                "and --set 'rate {lower}' doesn't"
            )
    first, last = (training.losses[k] for k in (0, -1))
    return message.format(
        rate=numeral(f"{training.rate:g}"),
        first=numeral(f"{first:.5g}"),
        last=numeral(f"{last:.5g}") if isfinite(last) else tr("beyond all numbers"),
        lower=f"{training.falling_rate or 0:g}",
    )


def _derivatives(options: Namespace) -> Derivatives:
    from gradbook.derivatives.public_book import read_book

    return read_book(options.net).derivatives(options.of, by=getattr(options, "by", None) or ())


def _rate(options: Namespace) -> float | None:
    """The learning rate of --set 'rate 0.5', the only line that a workbook has."""

    known, others = read_settings(options.set, {"rate": number})
    if others:
        raise UsageError(
            f"--set '{others[0]}' is for networks: a workbook has only 'rate 0.1', with --learn"
        )
    if known and not options.learn:
        raise UsageError("--set 'rate …' is for a sheet that trains: name its weights with --learn")
    rate: float | None = known.get("rate")
    return rate


def page_of_workbook(options: Namespace) -> str:
    """The page on which a result is explored."""
    from gradbook.derivatives.exploration import exploration_of
    from gradbook.report.explored_page import explored_page

    _refuse_for_workbooks(options, "set", "data", "train")
    with busy(tr("deriving {file}", file=Path(options.net).name)):
        return explored_page(exploration_of(_derivatives(options)), options.typed)
