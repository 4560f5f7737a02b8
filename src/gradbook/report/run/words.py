"""What a training says before its first epoch and after its last, for the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from gradbook.data import warp_text
from gradbook.errors import one_line
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.seeds import SeedsFolder
from gradbook.lab.training.training import Training
from gradbook.net.text import update_words
from gradbook.report.amounts import counted
from gradbook.report.run.epochs import GOOD, QUIET, duration, share
from gradbook.report.words.lines import Piece, TextLine

INDENT = "  "
STUCK = "\u00a0"  # a space at which no line breaks


def opening(training: Training, width: int) -> Iterator[TextLine]:
    """What is trained on what, and how; then what the user should know."""
    recipe, material = training.recipe, training.material
    title = recipe.title
    first, *more = wrap(
        f"{title}: {recipe.net.count():,} parameters, {counted(recipe.epochs, 'epoch')} of "
        f"{counted(len(material.numbers), 'image')} of {one_line(material.dataset.name)}",
        width,
    )
    yield [Piece(first[: len(title)], "bold"), Piece(first[len(title) :])]
    yield from ([Piece(line)] for line in more)
    for group in _settings(training):
        yield from _paragraph(", ".join(map(_stuck, group)), width, QUIET)
    for remark in training.remarks:
        yield from _paragraph(remark, width, "yellow")
    if training.history:
        done = counted(len(training.history), "epoch")
        yield from _paragraph(f"going on after {done}", width, QUIET)
    yield []


def _settings(training: Training) -> Iterator[list[str]]:
    """How it is trained; what belongs together in a line."""
    recipe, held_back = training.recipe, training.material.validation
    yield [f"batches of {recipe.batch:,}", update_words(recipe.net.update), str(recipe.schedule)]
    if recipe.warp.changes_images:
        yield ("warp " + warp_text.write(recipe.warp)).split("; ")
    threads = getattr(training.engine, "threads", 1)
    kept = [] if held_back is None else [f"{counted(len(held_back), 'more image')} held back"]
    yield [*kept, f"seed {recipe.net.seed}", counted(threads, "thread")]


def _stuck(words: str) -> str:
    """Words that stay in one line."""
    return words.replace(" ", STUCK)


def _paragraph(words: str, width: int, colour: str = "") -> Iterator[TextLine]:
    for line in wrap(words, width, break_on_hyphens=False, break_long_words=False):
        yield [Piece(line.replace(STUCK, " "), colour)]


def result(event: Mapping[str, Any], width: int, tested: int | None = None) -> Iterator[TextLine]:
    """How many of so many test images are read right, and what that took."""
    right = share(event["test_accuracy"])
    images = "the test images" if tested is None else f"the {counted(tested, 'test image')}"
    wrong = "" if tested is None else f", {round(tested * (1 - event['test_accuracy'])):,} wrong"
    said = (
        f"{event['recipe']} reads {_stuck(right)} of {images} right{wrong}, after "
        f"{counted(event['epochs'], 'epoch')} in {_stuck(duration(event['seconds']))}"
    )
    yield []
    for line in wrap(said, width):
        before, found, after = line.replace(STUCK, " ").partition(right)
        yield [Piece(before), Piece(found, f"bold {GOOD}"), Piece(after)]


def done_before(run: RunFolder, width: int) -> Iterator[TextLine]:
    words = f"{run.path} is done already: remove the folder, or name another, to train anew"
    yield from _paragraph(words, width)


def spread(results: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> Iterator[TextLine]:
    """What each of several seeds reached, and all together."""
    row = "{:>6}  {:>10}  {:>14}  {:>7}".format
    yield [Piece(row("seed", "validation", "test", "time"), "bold")]
    for each in results:
        figures = map(share, (each["validation_accuracy"], each["test_accuracy"]))
        yield [Piece(row(each["seed"], *figures, duration(each["seconds"])))]
    mean, deviation = (f"{100 * event[name]:.2f}" for name in ("test_accuracy", "test_deviation"))
    validation = share(event["validation_accuracy"])
    seconds = duration(event["seconds"] / len(results))
    yield [Piece(row("mean", validation, f"{mean} ± {deviation} %", seconds), f"bold {GOOD}")]
    yield [Piece(row("lowest", "", share(event["test_lowest"]), ""))]


def files(run: RunFolder, width: int) -> Iterator[TextLine]:
    """Where everything is, and what to do with it."""
    yield []
    found = [
        (run.report_file, "the report: look here first"),
        (run.model_file, "the model"),
        (run.csv_file, "every epoch's figures"),
    ]
    yield from _listed(found, width)
    yield []
    line = [*_command("predict", str(run.path)), Piece(" FILE"), Piece("  reads your pictures")]
    yield line if sum(len(piece.text) for piece in line) <= width else line[:-1]


def seeds_files(folder: SeedsFolder, width: int) -> Iterator[TextLine]:
    """The same for several seeds."""
    yield []
    found = [
        (folder.report_file, "the report: look here first"),
        (folder.path / "seed-*", "the run of each seed"),
    ]
    yield from _listed(found, width)


def _listed(found: Sequence[tuple[Path, str]], width: int) -> Iterator[TextLine]:
    longest = max(len(str(path)) for path, _ in found)
    fits = len(INDENT) + longest + 2 + max(len(what) for _, what in found) <= width
    for path, what in found:
        aside = " " * (longest - len(str(path)) + 2) + what
        yield [Piece(INDENT), Piece(str(path), "cyan"), Piece(aside if fits else "")]


def _command(*said: str) -> TextLine:
    return [Piece(INDENT + shlex.join(["gradbook", *said]), "bold")]


def stopped(training: Training | None, folder: Path, width: int) -> Iterator[TextLine]:
    """Where it stands, if it stopped between two steps, and how to go on."""
    where = f" {_place(training)}" if training else ""
    yield []
    yield from _paragraph(f"Stopped{where}, and saved. It goes on with", width)
    yield []
    yield _command("train", "--resume", str(folder))


def _place(training: Training) -> str:
    epoch, step = divmod(training.checkpoint().step, training.steps)
    if step:
        return f"after step {step:,} of {training.steps:,} in epoch {epoch + 1}"
    return f"after {counted(epoch, 'epoch')}" if epoch else "before the first step"
