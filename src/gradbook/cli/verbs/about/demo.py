"""Work the built-in networks whole, then train on the digits; everything goes into one folder."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from os import sep
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.files import made_folder, write_whole

if TYPE_CHECKING:
    from gradbook.net import Net

EXAMPLES = """\
  gradbook demo             write everything to out/
  gradbook demo -o lesson   write it to lesson/ instead
"""

MAIN, DRAWN, DIGITS = "worked", "tiny", "quick"
SHOWN = ("input", "dense", "conv")  # of a network's lines


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--out", metavar="FOLDER", default="out", help="where to write (default: out)"
    )


def run(options: Namespace) -> int:
    from gradbook.net import LESSONS, builtin

    folder = made_folder(options.out)
    print(f"writing to {folder}{sep}")
    for name in (MAIN, *(other for other in LESSONS if other != MAIN)):
        net = builtin(name)
        shown = [line for line in str(net).splitlines() if line.split()[0] in SHOWN]
        print(f"{name}: {' → '.join(shown)}", flush=True)
        for path, what in _written(net, folder):
            print(f"  {path.name:<20} {what}", flush=True)
    _draw(folder)
    code = _train(folder / "digits")
    if code == 0:
        print(f"\nLook first at {folder / MAIN}-play.html: press Run, move η, drag a weight.")
        print(f"Draw a digit on {folder / DRAWN}-draw.html, and see what every layer makes of it.")
        print(
            f"{folder / MAIN}.html is its algebra; in {folder / MAIN}.xlsx every formula is live."
        )
        print(f"How the digits were learnt is told by {folder / 'digits' / 'report.html'}.")
    return code


def _draw(folder: Path) -> None:
    """The page to draw on, of a trained network that comes along."""
    from gradbook.cli.verbs.browser.pictures import picture_page, picture_reader

    page = folder / f"{DRAWN}-draw.html"
    reader = picture_reader(DRAWN, None)
    assert reader is not None
    print(f"{DRAWN}: reads handwritten digits", flush=True)
    write_whole(page, picture_page(reader, None, f"gradbook page {DRAWN} -o {page.name}"))
    print(f"  {page.name:<20} to draw on: it reads digits, every sum in sight", flush=True)


def _train(folder: Path) -> int:
    """The digits; a run that is there already goes on, or is left as it is."""
    from gradbook.cli.training.run import How, one
    from gradbook.lab.recipes.text import recipe
    from gradbook.lab.training.run_folder import RunFolder

    print(f"\nhandwritten digits, into {folder}{sep}", flush=True)
    return one(folder, None if RunFolder(folder).holds_a_run else recipe(DIGITS), How())


def _written(net: Net, folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file as it is written, and what it is."""
    from gradbook.rates import USUAL_EPOCHS
    from gradbook.rates.sweep import sweep
    from gradbook.report.derivation import explain
    from gradbook.report.play_page import play_page
    from gradbook.report.sweep import sweep_page
    from gradbook.report.workbook import write_workbook

    explanation = explain(net)
    page, book, rates = (folder / f"{net.name}{end}" for end in (".html", ".xlsx", "-rates.html"))
    play = folder / f"{net.name}-play.html"
    write_whole(play, play_page(net, f"gradbook page {net.name} -o {play.name}"))
    yield play, "to play with: it trains there, every number in sight"
    write_whole(page, explanation.html())
    yield page, "the derivation: every chain, the numbers put in"
    write_workbook(net, book)
    yield book, f"the live workbook: {USUAL_EPOCHS} epochs in formulas"
    write_whole(rates, sweep_page(sweep(net), f"gradbook sweep {net.name} -o {rates.name}"))
    yield rates, "what the learning rate does"
    if net.name == MAIN:
        for end, text in ((".tex", explanation.latex()), (".md", explanation.markdown())):
            write_whole(folder / f"{net.name}{end}", text)
            yield folder / f"{net.name}{end}", "the derivation again, to typeset or to post"
