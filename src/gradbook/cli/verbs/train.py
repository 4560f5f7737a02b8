"""Trains a network on images, a table, signals or lines of text, and saves the run in a folder."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from gradbook.cli.argument_kinds import (
    READING,
    Kinds,
    OneOf,
    expand,
    network,
    new_folder,
    open_model,
    positive,
    read_settings,
    standard_input,
    whole_number,
)
from gradbook.cli.help_page import Verb
from gradbook.cli.output import busy_reading, print_report, say, warn
from gradbook.errors import GradbookError, UsageError
from gradbook.formats.file_kinds import FOREIGN
from gradbook.lab.recipes import RECIPES, USUAL

if TYPE_CHECKING:
    from gradbook.cli.train_and_show import How
    from gradbook.lab.problem import Problem
    from gradbook.lab.recipes.recipe import Recipe


RUNS = Path("runs")
LINES = ("rate", "epochs", "batch", "seed")  # options that are lines of a recipe
MOST_STEPS = 1_000_000  # the same as in lab/texts
TABLES: Kinds = {  # what --set can set for tables, beside --target
    "ignore": str,
    "task": OneOf("classes", "numbers"),
    "missing": OneOf("mean", "median", "refuse"),
    **READING,
}
SIGNALS: Kinds = {  # and for signals, beside --window
    "step": whole_number(1),
    "split by": OneOf("recording", "subject"),
    "channels": str,
    "time": str,
    "recording": str,
    "subject": str,
    "sample rate": positive,
    "background": str,
}
SAID: Kinds = {**TABLES, **SIGNALS, "steps": whole_number(1, MOST_STEPS)}
OF_TABLES, OF_SIGNALS, OF_ALL = (
    tuple(name.replace(" ", "_") for name in kinds) for kinds in (TABLES, SIGNALS, SAID)
)
NAMES = "names"  # the same as in lab/texts: learns lines, not images
TRAINS_ON_ALL = ["test", "none"]
MOST_SEEDS = 1_000
NOT_IN_TITLES = re.compile(r"[;#\s]+")


def run(options: Namespace) -> int:
    if options.list:
        return _list(options)
    named = options.recipe is None or options.recipe in RECIPES
    if named and options.data in (None, "digits") and not options.resume:
        from gradbook.data import digits

        digits.begin()  # during the imports, if digits seem to be needed
    return _run(options)


def _run(options: Namespace) -> int:
    from gradbook.cli.train_and_show import How, plan_seeds, train_one_seed, train_seeds
    from gradbook.lab.tables import is_table

    how = How(options.threads, options.json)
    if options.resume:
        return _resume(options, how)
    known, lines = read_settings(options.set, SAID)
    vars(options).update(dict.fromkeys(OF_ALL) | known)
    options.all = TRAINS_ON_ALL in map(str.split, lines)
    if options.recipe == NAMES:
        return _on_lines(options, how)
    _leave_out(options, ("steps",), f"steps are for lines, as in gradbook train {NAMES}")
    _settle_patterns(options)
    if options.all and _held_back(options) not in (None, "none"):
        raise UsageError("'test none' trains on all samples: leave out 'hold back'")
    is_asked = any(getattr(options, name) for name in ("target", *OF_TABLES))
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
    for name in ("target", *OF_TABLES):
        if getattr(options, name):
            flag = _flag(name)
            raise UsageError(f"{flag} is for tables: gradbook train data.csv {flag}")
    assert recipe
    folder = Path(options.out) if options.out else new_folder(RUNS, recipe.title, "run")
    if options.seeds:
        return train_seeds(plan_seeds(folder, recipe, options.seeds), how)
    return train_one_seed(folder, recipe, how)


def _resume(options: Namespace, how: How) -> int:
    from gradbook.cli.train_and_show import train_one_seed, train_seeds
    from gradbook.lab.training.train import SeedsFolder

    named = ("recipe", "data", "network", "set", "target", "window", *LINES)
    _leave_out(options, (*named, "seeds", "out"), "--resume continues the run as it was begun")
    _require_kept(options.resume)
    seeds = SeedsFolder(options.resume)
    if not seeds.holds_seeds:
        return train_one_seed(Path(seeds.path), None, how)
    return train_seeds(seeds, how)


def _leave_out(options: Namespace, names: Iterable[str], why: str) -> None:
    for name in names:
        value = getattr(options, name)
        if value not in (None, (), []) and value is not False:
            raise UsageError(f"{why}: leave {_flag(name)} out")


def _flag(name: str) -> str:
    """How the option was typed."""
    if name in OF_ALL:
        return f"--set '{name.replace('_', ' ')} …'"
    return "RECIPE" if name == "recipe" else f"--{name.replace('_', '-')}"


def _settle_patterns(options: Namespace) -> None:
    """Replace a pattern that no shell has expanded by the one file that it matches."""
    from gradbook.net.text import reads_as_text

    for name in ("recipe", "data"):
        word = getattr(options, name)
        if word and not reads_as_text(word):
            paths = expand([word])
            if len(paths) > 1:
                raise UsageError(f"{len(paths)} files match '{word}': name one of them")
            setattr(options, name, paths[0])


def _require_kept(folder: str) -> None:
    """Refuse older runs on tables, which didn't save how the table is read."""
    from gradbook.lab.tables import is_table
    from gradbook.lab.training.run_folder import RunFolder

    run = RunFolder(folder)
    recipe = None if run.problem_file.is_file() or not run.holds_a_run else run.recipe()
    data = recipe.data if recipe else ""
    if is_table(data, recipe=recipe):
        raise UsageError(
            f"{folder} is a run on a table, which can't be resumed: train it again with "
            f"gradbook train {data}"
        )


def _is_table_file(name: str | None) -> TypeGuard[str]:
    """Whether it is a table, either of measurements or of pixels."""
    from gradbook.data.formats import pixel_table

    return bool(name and pixel_table.is_table(name) and os.path.isfile(name))


def _tell_what_it_is(name: str, is_asked: bool) -> None:
    """Say how a table that may contain pixels is read, and how to change that."""
    from gradbook.data.formats.pixel_table import holds_pixels
    from gradbook.lab.tables import is_table

    if is_asked or not _is_table_file(name) or not holds_pixels(Path(name)):
        return
    if is_table(name):
        warn(
            f"{name}: read as a table of measurements, though its columns may be pixels; if so: "
            f"gradbook train quick --data {name}"
        )
    else:
        warn(
            f"{name}: read as pictures, one per row of pixels: add --target COLUMN if its columns "
            "are measurements"
        )


def _is_data(options: Namespace, name: str | None, is_asked: bool) -> bool:
    """Whether it is a table, or a folder of recordings if windows are asked for."""
    from gradbook.lab.tables import is_table

    folder = bool(name and os.path.isdir(name) and (options.window or _holds_sounds(name)))
    return _is_made(name) or is_table(name, is_asked) or folder


def _is_made(name: str | None) -> bool:
    """Whether this is the name of generated signals; a network may have the same name."""
    from gradbook.builtin_networks import SIGNALS as MADE

    return name in MADE


def _require_no_signals(options: Namespace, data: str | None) -> None:
    """Refuse recordings, and options for them, without the length of a window."""
    for name in OF_SIGNALS:
        if getattr(options, name) is not None:
            raise UsageError(f"{_flag(name)} is for windows of signals: add --window N")
    if data and _holds_sounds(data):
        raise UsageError(
            f"{data} has recordings: add --window N, the number of samples in a window"
        )


def _holds_sounds(folder: str) -> bool:
    return os.path.isdir(folder) and any(Path(folder).glob("*/*.wav"))


def _on_signals(options: Namespace, data: str, recipe: Recipe | None, how: How) -> int:
    """Train by the recipe, or by the usual one for windows of this length."""
    from gradbook.data.made_signals import MADE, made_signals
    from gradbook.data.signals import SignalColumns, read_signals
    from gradbook.lab.signals import WindowsAsked, signal_problem, usual_signal_recipe
    from gradbook.lab.tables import names_between_commas
    from gradbook.net.network import builtin

    _leave_out(options, ("threads",), "windows are trained on one core of this computer")
    _leave_out(options, ("task", "missing", "dates"), "this is for tables, not for windows")
    columns = SignalColumns(
        label=options.target or "",
        time=options.time or "",
        recording=options.recording or "",
        subject=options.subject or "",
        channels=names_between_commas(options.channels),
        ignored=names_between_commas(options.ignore),
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


def _held_back(options: Namespace) -> str | None:
    """The fold to hold back, from `--set`."""
    folds = [line.split()[2:] for line in options.set if line.split()[:2] == ["hold", "back"]]
    return " ".join(folds[-1]) if folds else None


def _fold(options: Namespace) -> int | None:
    """The fold that is held back, as far as the options say so before there is a recipe."""
    return None if _held_back(options) == "none" or options.all else 0


def _asked(options: Namespace) -> Iterable[str]:
    """The options that read the same windows again."""
    for name in ("window", "target", *OF_SIGNALS, "ignore", "decimal"):
        value = getattr(options, name)
        if value is not None:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            is_line = name in OF_ALL
            yield from (
                ("--set", f"{name.replace('_', ' ')} {text}") if is_line else (f"--{name}", text)
            )


def _on_table(options: Namespace, data: str, recipe: Recipe | None, how: How) -> int:
    """Train by the recipe, or by the usual one for this table."""
    from gradbook.data.tables import NAMED
    from gradbook.lab.tables import TableAsked, names_between_commas, usual_recipe

    _leave_out(options, ("threads",), "a table is trained on one core of this computer")
    named = {name: getattr(options, name) for name in ("target", *OF_TABLES)}
    named["ignore"] = names_between_commas(options.ignore)
    asked = TableAsked(**{name: value for name, value in named.items() if value})
    with busy_reading(data):
        table = asked.problem(data, options.all or (recipe is not None and not recipe.tests))
    recipe = recipe or recipe_of_options(options, usual_recipe(table, _title(data), _fold(options)))
    recipe = replace(recipe, data=data if data in NAMED else os.path.abspath(data))
    return _train(options, recipe, table, how)


def _on_lines(options: Namespace, how: How) -> int:
    """Train on lines, letter by letter, with the usual network for these letters or another."""
    from gradbook.lab.texts import (
        USUAL_CONTEXT,
        USUAL_STEPS,
        LineProblem,
        named_lines,
        usual_network,
    )

    why = "each step trains on one line, as many as --set 'steps 500' says"
    names = ("seeds", "threads", "epochs", "batch", "target", "window")
    _leave_out(options, (*names, *OF_TABLES, *OF_SIGNALS), why)
    if options.all:
        raise UsageError(f"{why}: leave 'test none' out")
    lines = named_lines(options.data or NAMES)
    problem = LineProblem(lines, options.steps or USUAL_STEPS, options.seed or 0)
    net = usual_network(lines.tokens, USUAL_CONTEXT)
    usual = problem.recipe(network(options.network) if options.network else net)
    usual = replace(usual, name=_title(options.data or NAMES))
    options.recipe = options.network = None
    return _train(options, recipe_of_options(options, usual), problem, how)


def _list(options: Namespace) -> int:
    """List the included recipes, or print the text of the one that is named."""
    if options.recipe:
        from gradbook.lab.recipes.recipe_text import builtin_text

        if options.json:
            raise UsageError("--json is for the list: leave the recipe's name out")
        print(builtin_text(options.recipe), end="")
        return 0
    from gradbook.report.training_text import recipes_report
    from gradbook.system import cores

    print_report(recipes_report(cores()), as_json=options.json)
    if not options.json:
        say("\ngradbook train RECIPE trains one; gradbook help recipes shows how to write one")
    return 0


def _train(options: Namespace, recipe: Recipe, problem: Problem, how: How) -> int:
    """Train with one seed or with several."""
    from gradbook.cli.train_and_show import plan_seeds, train_one_seed, train_seeds

    folder = Path(options.out) if options.out else new_folder(RUNS, recipe.title, "run")
    if options.seeds:
        return train_seeds(plan_seeds(folder, recipe, options.seeds, problem), how, problem)
    return train_one_seed(folder, recipe, how, problem)


def recipe_of_options(options: Namespace, usual: Recipe | None = None) -> Recipe:
    """The recipe with this name, with the options in place of its own lines."""
    from gradbook.lab.recipes.recipe_text import change_recipe, parse, recipe
    from gradbook.net.text import with_its_word

    if options.recipe and options.recipe.lower().endswith(FOREIGN):
        if options.network:
            raise UsageError(
                "--network and the file of another program both name a network: leave one out"
            )
        options.network, options.recipe = options.recipe, None
    if options.recipe == "-":
        asked = parse(standard_input(), "standard input")
    else:
        asked = usual or recipe(USUAL if options.recipe is None else options.recipe)
    if options.network:
        asked = _on_another_network(asked, options.network)
    _, lines = read_settings(options.set, SAID)
    candidates = ((f"--{name}", f"{name} {getattr(options, name)}") for name in LINES)
    changes = [(flag, line) for flag, line in candidates if not line.endswith(" None")]
    plain = [line for line in lines if line.split() != TRAINS_ON_ALL]
    for flag, line in [*changes, *((f"--set '{line}'", with_its_word(line)) for line in plain)]:
        try:
            asked = change_recipe(asked, line)
        except GradbookError as error:
            raise UsageError(f"{flag}: {error.message}") from error
    if plain != lines:
        asked = replace(asked, held_back=None, tests=False)
    return replace(asked, data=options.data) if options.data else asked


def _on_another_network(recipe: Recipe, name: str) -> Recipe:
    """Another network, trained with the settings of this recipe."""
    from gradbook.builtin_networks import BUILTIN
    from gradbook.net.description import Task, default_loss

    before = recipe.net
    net = open_model(name).net if name.lower().endswith(FOREIGN) else network(name)
    adapts = recipe.adapts if name in BUILTIN else recipe.adapts - {"net"}
    title = f"{recipe.title} with {net.name or 'another network'}"
    if before.objective == (net.loss or default_loss(net.answer_kind, Task.CLASSES)):
        net = replace(net, loss=before.loss, smoothing=before.smoothing)
    net = replace(net, update=before.update, decay=before.decay, seed=before.seed, name=title)
    return replace(recipe, net=net, adapts=adapts, name=title)


GONE = (
    *("schedule", "update", "decay", "warp", "loss", "keep", "statistics", "class weights"),
    *("hold back", "early stop", *TABLES, *SIGNALS),
)
ENTRIES = {
    "train": Verb(
        run,
        kinds={
            **dict.fromkeys(("epochs", "batch", "threads", "window"), whole_number(1)),
            "seed": whole_number(0),
            "seeds": whole_number(1, MOST_SEEDS),
        },
        gone={
            **{f"--{line.replace(' ', '-')}": f"write --set '{line} …'" for line in GONE},
            "--optimizer": "write --set 'update …', such as --set adam",
            "--find-rate": "write --rate find, which trains at the rate that it finds",
            "--all": "write --set 'test none'",
            "--patience": "write --set 'early stop N'",
            "--on": "--seeds N trains on this machine",
            "--log": "in Python, give gb.train(…, listener=…) a function that logs",
        },
    )
}
