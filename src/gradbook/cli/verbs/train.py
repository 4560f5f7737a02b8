"""Trains a network on images or a table; model, metrics and report go into a folder."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from gradbook.cli.arguments import (
    expand_one,
    network,
    new_folder,
    open_model,
    positive,
    standard_input,
    whole_number,
)
from gradbook.cli.output import warn
from gradbook.cli.page import Verb
from gradbook.errors import GradbookError, UsageError
from gradbook.formats.reading import FOREIGN
from gradbook.lab import LOG_NAMES
from gradbook.lab.recipes import RECIPES

if TYPE_CHECKING:
    from gradbook.cli.training import How
    from gradbook.lab.problem import Problem
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.work.processes import WorkCrew


RUNS = Path("runs")
LINES = (  # options that are lines of a recipe
    *("network", "warp", "schedule", "rate", "update", "decay", "class_weights", "keep"),
    *("statistics", "loss", "epochs", "batch", "early_stop"),
)
TABLES = ("target", "ignore", "task", "missing", "decimal", "dates")
SIGNALS = (  # options that only windows of signals have
    "window",
    "step",
    "split_by",
    "channels",
    "time",
    "recording",
    "subject",
    "sample_rate",
    "background",
)
MOST_SEEDS = 1_000
NOT_IN_TITLES = re.compile(r"[;#\s]+")


def run(options: Namespace) -> int:
    named = options.recipe is None or options.recipe in RECIPES
    if named and options.data in (None, "digits") and not options.resume:
        from gradbook.data import digits

        digits.begin()  # while Python is busy with the imports; as far as can be told so early
    return _run(options)


def _run(options: Namespace) -> int:
    from gradbook.cli.training import How, find_rate, plan_seeds, train_one_seed, train_seeds
    from gradbook.lab.logs import known_logs
    from gradbook.lab.training.train import SeedsFolder

    how = How(options.threads, options.json, known_logs(options.log) if options.log else ())
    if options.resume:
        lines = (*LINES, *TABLES, *SIGNALS)
        names = ("all", "recipe", "data", *lines, "hold_back", "seed", "seeds", "out")
        _leave_out(options, names, "--resume continues the run as it was begun")
        _require_kept(options.resume)
        seeds = SeedsFolder(options.resume)
        _require_seeds(options, seeds.holds_seeds)
        if not seeds.holds_seeds:
            return train_one_seed(Path(seeds.path), None, how)
        with _crew(options) as crew:
            return train_seeds(seeds, replace(how, crew=crew))
    _settle_patterns(options)
    if options.all and options.hold_back not in (None, "none"):
        raise UsageError("--all holds nothing back: leave --hold-back out")
    is_asked = any(getattr(options, name) for name in TABLES)
    if options.data is None and (
        _is_data(options, options.recipe, is_asked) or _is_table_file(options.recipe)
    ):
        options.data, options.recipe = options.recipe, None
        _tell_what_it_is(options.data, is_asked)
    recipe = None
    if options.recipe or not _is_data(options, options.data, is_asked):
        recipe = recipe_of_options(options)
    data = options.data or (recipe.data if recipe else None)
    if data and (options.window or _is_made(data)):
        return _on_signals(options, data, recipe, how)
    _require_no_signals(options, data)
    if is_table(data, is_asked, recipe if options.recipe else None):
        return _on_table(options, data, recipe, how)
    for name in TABLES:
        if getattr(options, name):
            raise UsageError(f"--{name} is for tables: gradbook train data.csv --{name} …")
    assert recipe
    _require_seeds(options, bool(options.seeds))
    if options.find_rate:
        _leave_out(options, ("seeds", "out", "log", "on"), "--find-rate only looks for a rate")
        return find_rate(recipe, how)
    folder = Path(options.out) if options.out else new_folder(RUNS, recipe.title, "run")
    if options.seeds:
        with _crew(options) as crew:  # before anything is written
            return train_seeds(plan_seeds(folder, recipe, options.seeds), replace(how, crew=crew))
    return train_one_seed(folder, recipe, how)


def _require_seeds(options: Namespace, are_several: bool) -> None:
    if options.on and not are_several:
        raise UsageError("--on trains each of several seeds on its own machine: add --seeds N")
    if options.on:
        _leave_out(options, ("log",), "nothing is logged of what a cluster trains")


def _crew(options: Namespace) -> AbstractContextManager[WorkCrew | None]:
    if not options.on:
        return nullcontext()
    from gradbook.work.cluster import ClusterCrew

    return ClusterCrew(options.on)


def _leave_out(options: Namespace, names: Iterable[str], why: str) -> None:
    for name in names:
        value = getattr(options, name)
        if value not in (None, ()) and value is not False:
            flag = "RECIPE" if name == "recipe" else f"--{name.replace('_', '-')}"
            raise UsageError(f"{why}: leave {flag} out")


def _settle_patterns(options: Namespace) -> None:
    """A pattern that no shell has expanded stands for its one file."""
    from gradbook.net.text import reads_as_text

    for name in ("recipe", "data"):
        word = getattr(options, name)
        if word and not reads_as_text(word):
            setattr(options, name, expand_one(word))


def _require_kept(folder: str) -> None:
    """Runs on tables that were begun before they kept how they are read can't go on."""
    from gradbook.lab.training.run_folder import RunFolder

    run = RunFolder(folder)
    recipe = None if run.problem_file.is_file() or not run.holds_a_run else run.recipe()
    data = recipe.data if recipe else ""
    if is_table(data, recipe=recipe):
        raise UsageError(
            f"{folder} is a run on a table, which can't be resumed: train it again with "
            f"gradbook train {data}"
        )


def is_table(
    name: str | None, is_asked: bool = False, recipe: Recipe | None = None
) -> TypeGuard[str]:
    """Whether it is a table of measurements rather than of pixels: where that `is_asked`, where its
    rows are no pixels, or where its headings aren't those of pixels and the recipe reads none."""
    from gradbook.data.formats.pixel_table import holds_pixels
    from gradbook.data.tables import NAMED, SUFFIXES

    if not name or name in NAMED:
        return bool(name)
    if not (name.lower().endswith(SUFFIXES) and os.path.isfile(name)):
        return False
    reads_images = recipe is not None and len(recipe.net.input) == 3
    return is_asked or not holds_pixels(Path(name), named_so=not reads_images)


def _is_table_file(name: str | None) -> TypeGuard[str]:
    """Whether it is a table, of measurements or of pixels."""
    from gradbook.data.formats import pixel_table

    return bool(name and pixel_table.is_table(name) and os.path.isfile(name))


def _tell_what_it_is(name: str, is_asked: bool) -> None:
    """Of a table that could be one of pixels as well: what it is taken for, and how it's told."""
    from gradbook.data.formats.pixel_table import holds_pixels

    if is_asked or not _is_table_file(name) or not holds_pixels(Path(name)):
        return
    if is_table(name):
        warn(
            f"{name}: taken for a table of measurements, though its columns may be pixels: say "
            f"gradbook train quick --data {name} if they are"
        )
    else:
        warn(
            f"{name}: taken for pictures, a row of pixels each: say --target COLUMN if its columns "
            "are measurements"
        )


def _is_data(options: Namespace, name: str | None, is_asked: bool) -> bool:
    """Whether it is a table, or recordings, if windows of some are asked for."""
    folder = bool(name and os.path.isdir(name) and (options.window or _holds_sounds(name)))
    return _is_made(name) or is_table(name, is_asked) or folder


def _is_made(name: str | None) -> bool:
    """Whether these signals come by name; a network may be called the same."""
    from gradbook.builtin_networks import SIGNALS as MADE

    return name in MADE


def _require_no_signals(options: Namespace, data: str | None) -> None:
    """Refuse recordings, and options that are for them, without the length of a window."""
    for name in SIGNALS:
        if getattr(options, name) is not None:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} is for windows of signals: add --window N")
    if data and _holds_sounds(data):
        raise UsageError(
            f"{data} has recordings: add --window N, the samples of a window that is told apart"
        )


def _holds_sounds(folder: str) -> bool:
    return os.path.isdir(folder) and any(Path(folder).glob("*/*.wav"))


def _on_signals(options: Namespace, data: str, recipe: Recipe | None, how: How) -> int:
    """By the recipe, or by the usual one for windows of this length."""
    from gradbook.data.made_signals import MADE, made_signals
    from gradbook.data.signals import SignalColumns, read_signals
    from gradbook.lab.signals import WindowsAsked, signal_problem, usual_signal_recipe
    from gradbook.net.network import builtin

    if options.find_rate:
        raise UsageError("a range test is for images: leave --find-rate out")
    _leave_out(options, ("threads", "on"), "windows are trained on one core of this computer")
    _leave_out(options, ("task", "missing", "dates"), "windows are told apart by class, all whole")
    columns = SignalColumns(
        label=options.target or "",
        time=options.time or "",
        recording=options.recording or "",
        subject=options.subject or "",
        channels=_names(options.channels),
        ignored=_names(options.ignore),
    )
    usual = MADE.get(data)
    windows = WindowsAsked(
        options.window or (usual.window if usual else 0),
        options.step or (usual.step if usual and not options.window else 0),
        options.split_by or "",
        options.background or (usual.background if usual else ""),
        options.sample_rate,
    )
    decimal = options.decimal or ""
    problem_of_signals = signal_problem(
        made_signals(data, columns) if usual else read_signals(data, columns, decimal=decimal),
        windows,
        options.all or (recipe is not None and not recipe.tests),
        tuple(_asked(options)),
    )
    net = builtin(data) if usual and windows.length == usual.window else None
    recipe = recipe or recipe_of_options(
        options, usual_signal_recipe(problem_of_signals, _title(data), net, _fold(options))
    )
    recipe = replace(recipe, data=data if usual else os.path.abspath(data))
    return _train(options, recipe, problem_of_signals, how)


def _title(data: str) -> str:
    return NOT_IN_TITLES.sub(" ", Path(data).stem).strip()


def _fold(options: Namespace) -> int | None:
    """Which is held back, as far as that is said before there is a recipe."""
    return None if options.hold_back == "none" or options.all else 0


def _names(words: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (words or "").split(",") if name.strip())


def _asked(options: Namespace) -> Iterable[str]:
    """What a command says again to read the same windows."""
    for name in (*SIGNALS, "target", "ignore", "decimal"):
        value = getattr(options, name)
        if value is not None:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            yield from (f"--{name.replace('_', '-')}", text)


def _on_table(options: Namespace, data: str, recipe: Recipe | None, how: How) -> int:
    """By the recipe, or by the usual one for this table."""
    from gradbook.data.tables import NAMED, named_table, read_columns
    from gradbook.lab.tables import MEAN, problem, usual_recipe

    if options.find_rate:
        raise UsageError("a range test is for images: leave --find-rate out")
    _leave_out(options, ("threads", "on"), "a table is trained on one core of this computer")
    asked = (options.decimal or "", options.dates or "")
    table = named_table(data) if data in NAMED else read_columns(data, *asked)
    found = problem(
        table,
        options.target or "",
        _names(options.ignore),
        options.task,
        options.missing or MEAN,
        options.all or (recipe is not None and not recipe.tests),
    )
    recipe = recipe or recipe_of_options(options, usual_recipe(found, _title(data), _fold(options)))
    recipe = replace(recipe, data=data if data in NAMED else os.path.abspath(data))
    return _train(options, recipe, found, how)


def _train(options: Namespace, recipe: Recipe, problem: Problem, how: How) -> int:
    """With one seed, or with several."""
    from gradbook.cli.training import plan_seeds, train_one_seed, train_seeds

    folder = Path(options.out) if options.out else new_folder(RUNS, recipe.title, "run")
    if options.seeds:
        return train_seeds(plan_seeds(folder, recipe, options.seeds, problem), how, problem)
    return train_one_seed(folder, recipe, how, problem)


def recipe_of_options(options: Namespace, usual: Recipe | None = None) -> Recipe:
    """The recipe that is named, with what is said in place of its own lines."""
    from gradbook.lab.recipes.text import change_recipe, parse, recipe
    from gradbook.lab.training.train import USUAL

    if options.recipe and options.recipe.lower().endswith(FOREIGN):
        if options.network:
            raise UsageError(
                "--network and the file of another program both name a network: leave one out"
            )
        options.network, options.recipe = options.recipe, None
    if options.recipe == "-":
        found = parse(standard_input(), "standard input")
    else:
        found = usual or recipe(USUAL if options.recipe is None else options.recipe)
    if options.network:
        found = _on_another_network(found, options.network)
    for name in (*LINES, "hold_back", "seed"):
        value, word = getattr(options, name), name.replace("_", " ")
        if value is None or name == "network":
            continue
        try:  # commas as a recipe has them, where a warp alone is written with semicolons
            found = change_recipe(found, f"{word} {str(value).replace(';', ',')}")
        except GradbookError as error:
            raise UsageError(f"--{word.replace(' ', '-')}: {error.message}") from error
    if options.all:
        found = replace(found, held_back=None, tests=False)
    return replace(found, data=options.data) if options.data else found


def _on_another_network(recipe: Recipe, name: str) -> Recipe:
    """Another network, trained as this one's is."""
    from gradbook.builtin_networks import BUILTIN
    from gradbook.net.description import Task, meant_loss

    own = recipe.net
    net = open_model(name).net if name.lower().endswith(FOREIGN) else network(name)
    adapts = recipe.adapts if name in BUILTIN else recipe.adapts - {"net"}
    title = f"{recipe.title} with {net.name or 'another network'}"
    if own.objective == (net.loss or meant_loss(net.ending, Task.CLASSES)):
        net = replace(net, loss=own.loss, smoothing=own.smoothing)
    net = replace(net, update=own.update, decay=own.decay, seed=own.seed, name=title)
    return replace(recipe, net=net, adapts=adapts, name=title)


ENTRIES = {
    "train": Verb(
        run,
        kinds={
            **dict.fromkeys(("epochs", "batch", "early_stop", "threads"), whole_number(1)),
            **dict.fromkeys(("window", "step"), whole_number(1)),
            "seed": whole_number(0),
            "seeds": whole_number(1, MOST_SEEDS),
            "sample_rate": positive,
            "log": lambda words: tuple(words.split(",")),
        },
        defaults={"log": ()},
        facts=lambda: {"logs": ", ".join(LOG_NAMES)},
    )
}
