"""What a training says before its first epoch and after its last, for the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradbook.amounts import counted, duration, percent
from gradbook.data.warp import write_warp
from gradbook.errors import one_line
from gradbook.lab.recipes.recipe import UNWARPED, weight_words
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder
from gradbook.lab.training.training import TrainingRun
from gradbook.net.text import loss_words, update_words
from gradbook.report.run.epochs import GOOD
from gradbook.report.words import QUIET, Span, TableColumn, TextLine, TextTable, fold, keep_together

INDENT = "  "


def opening(training: TrainingRun, width: int) -> Iterator[TextLine]:
    """What is trained on what, and how; then what the user should know."""
    recipe, material = training.recipe, training.material
    said = (
        f": {counted(recipe.net.count(), 'parameter')}, {counted(recipe.epochs, 'epoch')} of "
        f"{counted(len(material.numbers), 'image')} of {one_line(material.dataset.name)}"
    )
    yield from fold([Span(recipe.title, "bold"), Span(said)], width)
    for group in _settings(training):
        yield from fold([Span(", ".join(map(keep_together, group)), QUIET)], width)
    for remark in training.remarks:
        yield from fold([Span(remark, "yellow")], width)
    if training.history:
        done = counted(len(training.history), "epoch")
        yield from fold([Span(f"resuming after {done}", QUIET)], width)
    yield []


def _settings(training: TrainingRun) -> Iterator[list[str]]:
    """How it is trained; what belongs together in a line."""
    recipe, held_back = training.recipe, training.material.validation
    yield [
        loss_words(recipe.net),
        f"batches of {recipe.batch:,}",
        update_words(recipe.net.update),
        str(recipe.schedule),
    ]
    if recipe.class_weights:
        yield [f"class weights {weight_words(recipe.class_weights)}"]
    if recipe.warp.changes_images:
        yield ("warp " + write_warp(recipe.warp)).split("; ")
    if recipe.statistics == UNWARPED:
        yield [f"statistics {recipe.statistics}"]
    threads = getattr(training.engine, "threads", 1)
    kept = [] if held_back is None else [f"{counted(len(held_back), 'more image')} held back"]
    yield [*kept, f"seed {recipe.net.seed}", counted(threads, "thread")]


def result(event: Mapping[str, Any], width: int, tested: int | None = None) -> Iterator[TextLine]:
    """How many of so many test images are read correctly, and what that took."""
    right = percent(event["test_accuracy"])
    kind = event.get("tested_on", "test images")
    images = f"the {kind}" if tested is None else f"the {_of_kind(tested, kind)}"
    wrong = "" if tested is None else f", {round(tested * (1 - event['test_accuracy'])):,} wrong"
    took = f"{counted(event['epochs'], 'epoch')} in {keep_together(duration(event['seconds']))}"
    said = [
        Span(f"{event['recipe']} reads "),
        Span(keep_together(right), f"bold {GOOD}"),
        Span(f" of {images} correctly{wrong}, after {took}{_kept(event)}"),
    ]
    yield []
    yield from fold(said, width)


def _of_kind(count: int, kind: str) -> str:
    return counted(count, kind.replace("images", "image", 1), kind)


def _kept(event: Mapping[str, Any]) -> str:
    """Which epoch's weights they are, where they aren't the last one's."""
    kept = event.get("kept_epoch")
    return f", with the weights of epoch {kept}" if kept not in (None, event["epochs"]) else ""


def done_before(run: RunFolder, width: int) -> Iterator[TextLine]:
    words = f"{run.path} is done already: remove the folder, or name another, to train again"
    yield from fold(words, width)


def spread(results: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> Iterator[TextLine]:
    """What each of several seeds reached, and all together."""
    columns = (
        TableColumn("seed", spell=str, width=6),
        TableColumn("validation", spell=percent),
        TableColumn("test", width=14),
        TableColumn("time", spell=duration, width=7),
    )
    rows = [
        (r["seed"], r["validation_accuracy"], percent(r["test_accuracy"]), r["seconds"])
        for r in results
    ]
    mean, deviation = (f"{100 * event[name]:.2f}" for name in ("test_accuracy", "test_deviation"))
    seconds = event["seconds"] / len(results)
    together = ("mean", event["validation_accuracy"], f"{mean} ± {deviation} %", seconds)
    table = TextTable(columns, (*rows, together))
    *seeds, mean_of_all = table.texts
    yield from table.heading()
    yield from map(table.line, seeds)
    yield table.line(mean_of_all, f"bold {GOOD}")
    yield table.line(("lowest", "", percent(event["test_lowest"]), ""))


def files(
    run: RunFolder, width: int, given: str = "FILE", does: str = "reads your pictures"
) -> Iterator[TextLine]:
    """Where everything is, and what to do with it."""
    model, figures = (run.model_file, "the model"), (run.csv_file, "every epoch's figures")
    yield from _listed(run.report_file, [model, figures], width)
    yield []
    line = [*_command("predict", str(run.path)), Span(f" {given}"), Span(f"  {does}")]
    yield line if sum(len(span.text) for span in line) <= width else line[:-1]


def seeds_files(folder: SeedsFolder, width: int) -> Iterator[TextLine]:
    """The same for several seeds."""
    runs = (folder.path / "seed-*", "the run of each seed")
    yield from _listed(folder.report_file, [runs], width)


def _listed(report: Path, others: list[tuple[Path, str]], width: int) -> Iterator[TextLine]:
    found = [(report, "the report: look here first"), *others]
    yield []
    longest = max(len(str(path)) for path, _ in found)
    fits = len(INDENT) + longest + 2 + max(len(what) for _, what in found) <= width
    for path, what in found:
        aside = " " * (longest - len(str(path)) + 2) + what
        yield [Span(INDENT), Span(str(path), "cyan"), Span(aside if fits else "")]


def _command(*said: str) -> TextLine:
    return [Span(INDENT + shlex.join(["gradbook", *said]), "bold")]


def stopped(training: TrainingRun | None, folder: Path, width: int) -> Iterator[TextLine]:
    """Where it stands, if it stopped between two steps, and how to go on."""
    where = f" {_place(training)}" if training else ""
    yield []
    yield from fold(f"Stopped{where} and saved. Resume with", width)
    yield []
    yield _command("train", "--resume", str(folder))


def _place(training: TrainingRun) -> str:
    epoch, step = divmod(training.checkpoint().step, training.steps)
    if step:
        return f"after step {step:,} of {training.steps:,} in epoch {epoch + 1}"
    return f"after {counted(epoch, 'epoch')}" if epoch else "before the first step"
