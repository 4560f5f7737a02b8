"""Reads the words of a command: kinds of value, networks, models."""

from __future__ import annotations

import math
import os
import re
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gradbook.errors import GradbookError, UsageError, did_you_mean, one_line
from gradbook.formats.file_kinds import FOREIGN
from gradbook.system import is_a_device

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.lab.training.run_folder import RunFolder
    from gradbook.net import Net
    from gradbook.net.formulas import Formulas


NOT_IN_NAMES = re.compile(r"[^\w.-]+")
WHOLE = re.compile(r"-?([0-9]{1,18}|[0-9]{1,3}([,_][0-9]{3}){1,5})")  # thousands may be separated


class OneOf:
    """One of a few words."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def __call__(self, word: str) -> str:
        if word in self.choices:
            return word
        hint = did_you_mean(word, self.choices) or f": it is one of {', '.join(self.choices)}"
        raise ArgumentTypeError(f"unknown '{word}'{hint}")


def format_of(options: Namespace, suffixes: Mapping[str, str]) -> str:
    """The format for the file's ending; without a file text, or JSON with `--json`."""
    if not options.out:
        return "json" if options.json else "text"
    if options.json:
        raise UsageError("-o and --json don't go together: leave -o out, and end in '> FILE'")
    refuse_json(options.out)
    endings = [suffix for suffix in suffixes if options.out.lower().endswith(suffix)]
    if not endings:
        known = ", ".join(suffixes)
        raise UsageError(f"'{options.out}' has no ending that selects a format: end it in {known}")
    return suffixes[max(endings, key=len)]


def refuse_json(name: str) -> None:
    """Of verbs that print JSON: there is one way to get it."""
    if name.lower().endswith(".json"):
        raise UsageError(f"-o doesn't write JSON: write --json > {name}")


def file_ending_in(*suffixes: str) -> Callable[[str], str]:
    """A file name with one of these endings."""

    def read(name: str) -> str:
        if not name or os.path.splitext(name)[1].lower() in suffixes:
            return name  # an empty value has the same message for every option
        one_of_them = "one of " if len(suffixes) > 1 else ""
        known = f"{one_of_them}{', '.join(suffixes)}"
        raise ArgumentTypeError(f"'{name}' has no ending that selects a format: end it in {known}")

    return read


def whole_number(low: int = 0, high: int | None = None) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def read(word: str) -> int:
        if not WHOLE.fullmatch(word):
            digits = " of at most 18 digits" if word.isdecimal() else ""
            raise ArgumentTypeError(f"'{word}' isn't a whole number{digits}")
        number = int(word.replace(",", "").replace("_", ""))
        if number < low or (high is not None and number > high):
            most = "" if high is None else f" and at most {high:,}"
            raise ArgumentTypeError(f"{word} is out of range: it must be at least {low:,}{most}")
        return number

    return read


def number(word: str) -> float:
    """A finite number."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentTypeError(f"'{word}' isn't a number")
    return value


def positive(word: str) -> float:
    """A finite number above zero."""
    value = number(word)
    if value <= 0:
        raise ArgumentTypeError(f"{word} is out of range: it must be above 0")
    return value


def rates(words: str) -> tuple[float, ...]:
    """Learning rates separated by commas: any numbers, since 0 learns nothing and -1 climbs."""
    return tuple(number(word.strip()) for word in words.split(","))


MOST_EXERCISES = 500


def numbers_or_names(words: str) -> str | tuple[int, ...]:
    """The students of a class: a file with names, or numbers such as 7, 1-30 or 3,5,8."""
    if words.lower().endswith((".csv", ".txt", ".tsv")):
        return words
    places: dict[int, None] = {}
    for word in words.split(","):
        first, dash, last = word.strip().partition("-")
        if not first or (dash and not last):
            raise ArgumentTypeError(f"'{word}' is neither a number nor a range such as 1-30")
        low = whole_number(0, 999_999_999)(first)
        high = whole_number(low, low + MOST_EXERCISES - 1)(last) if dash else low
        places.update(dict.fromkeys(range(low, high + 1)))
    if len(places) > MOST_EXERCISES:
        raise ArgumentTypeError(f"at most {MOST_EXERCISES} exercises at once")
    return tuple(places)


def students_of(words: str | tuple[int, ...]) -> Sequence[int | str]:
    """The students themselves: their numbers, or the names in the list."""
    if not isinstance(words, str):
        return words
    from gradbook.lab.classroom import read_roster

    return read_roster(words)


def network(argument: str, data: str | None = None, **reading: str | None) -> Net:
    """The network for an argument, with its samples; a UsageError for formulas."""
    return network_of(network_or_formulas(argument, data, **reading))


def names_formulas(argument: str) -> bool:
    """Whether the argument is formulas, or a file of them; of standard input it isn't known yet."""
    from gradbook.files import read_text
    from gradbook.net.formulas import reads_as_formulas

    if not os.path.isfile(argument):
        return argument == "-" or reads_as_formulas(argument)
    with suppress(GradbookError):
        return reads_as_formulas(read_text(argument))
    return False


def network_or_formulas(
    argument: str, data: str | None = None, of: str | None = None, **reading: str | None
) -> Net | Formulas:
    """The network for an argument, with its samples, or the formulas with the result `of`.

    The samples come from the CSV file `data` if one is given, otherwise from the file that the
    network names (in the network's own folder), otherwise from its text. `reading` sets how a
    table's decimals and dates are written; remarks on the table are printed as warnings.
    """
    from gradbook.builtin_networks import BUILTIN, SCENES
    from gradbook.files import read_text
    from gradbook.net.formulas import parse_formulas, reads_as_formulas
    from gradbook.net.network import parse
    from gradbook.net.text import reads_as_text

    source: str | None = argument
    if known := (BUILTIN | SCENES).get(argument):
        text = known
    elif argument == "-":
        text, source = standard_input(), "standard input"
    elif not os.path.isfile(argument) and (reads_as_text(argument) or reads_as_formulas(argument)):
        text, source = argument, None
    elif os.path.lexists(argument):
        text = read_text(argument)
    else:
        names = (*BUILTIN, *SCENES)
        hint = did_you_mean(argument, names) or f": the built-in networks are {', '.join(names)}"
        raise UsageError(f"there is no network or file called '{argument}'{hint}")
    if reads_as_formulas(text):
        if data is not None:
            raise UsageError(
                "--data isn't for formulas: give a name its samples, as in 'x = 0.5, 1, 2'"
            )
        return parse_formulas(text, source, of or "")
    if of:
        raise UsageError("--of is for workbooks and formulas: leave it out for a network")
    net = parse(text, source)
    if data is None and argument in SCENES:
        from gradbook.data.made_points import samples_of

        return net.with_samples(samples_of(argument))
    if data is None and not net.table:
        return net
    from gradbook.cli.output import warn
    from gradbook.data.tables import attach, read_table

    asked = {name: value for name, value in reading.items() if value}
    if data is None:
        return attach(net, os.path.dirname(source or ""), tell=warn, **asked)
    return read_table(data, net, tell=warn, **asked)


# `--set`: a line that replaces one of a network or recipe, or sets how a table is read ----------

Kinds = Mapping[str, Callable[[str], Any]]  # the meaning of a line's words, by its beginning
READING: Kinds = {"decimal": OneOf(",", "."), "dates": OneOf("dmy", "mdy")}
READING_GONE = {f"--{word}": f"write --set '{word} …'" for word in READING}


def read_settings(lines: Iterable[str], kinds: Kinds) -> tuple[dict[str, Any], list[str]]:
    """The values of lines that `kinds` knows, such as 'split by', and all other lines unchanged."""
    known: dict[str, Any] = {}
    others: list[str] = []
    for line in lines:
        for words in filter(None, map(str.strip, line.split(";"))):
            begin = next((kind for kind in kinds if f"{words} ".startswith(f"{kind} ")), None)
            if begin is None:
                others.append(words)
                continue
            value = words.removeprefix(begin).strip()
            try:
                if not value:
                    raise ArgumentTypeError("its value is missing")
                known[begin.replace(" ", "_")] = kinds[begin](value)
            except ArgumentTypeError as error:
                raise UsageError(f"--set '{words}': {error}") from error
    return known, others


Trained = TypeVar("Trained", "Net", "Formulas", "Net | Formulas")


def changed_network(net: Trained, lines: Iterable[str]) -> Trained:
    """The network, or the formulas, with these lines instead of its own settings for training."""
    from gradbook.net import Net
    from gradbook.net.network import net_changed
    from gradbook.net.text import statements, with_its_word

    changes = statements("\n".join(map(with_its_word, lines)), "--set")
    return net_changed(net, changes) if isinstance(net, Net) else net.changed(list(changes))


def asked_network_or_formulas(options: Namespace) -> Net | Formulas:
    """The network of the options, with its samples and the lines of `--set`, or formulas."""
    reading, lines = read_settings(options.set, READING)
    of = getattr(options, "of", None)
    return changed_network(network_or_formulas(options.net, options.data, of, **reading), lines)


def expand(words: Iterable[str]) -> list[str]:
    """The files for these words; patterns that no shell has expanded are expanded here."""
    import glob

    from gradbook.files import in_order

    paths: list[str] = []
    for word in words:
        if os.path.lexists(word) or not glob.has_magic(word):
            paths.append(word)
            continue
        matches = sorted(glob.glob(word, recursive=True), key=in_order)
        if not matches:
            raise UsageError(f"no file matches '{word}': check the folder and the ending")
        paths += matches
    return paths


def new_folder(within: Path, title: str, usual: str) -> Path:
    """A folder name that isn't in use yet: quick, quick-2, quick-3 …"""
    name = NOT_IN_NAMES.sub("-", title).strip("-.") or usual
    if is_a_device(name):
        name = f"{usual}-{name}"
    ends = ("", *(f"-{k}" for k in range(2, 1_000_000)))
    return next(path for end in ends if not os.path.lexists(path := within / f"{name}{end}"))


def standard_input() -> str:
    from gradbook import limits
    from gradbook.files import decode, note_open

    if sys.stdin is None:
        raise UsageError("standard input is closed: name a network or a file instead of -")
    with suppress(OSError, ValueError):  # it needn't be a file
        note_open(os.fstat(sys.stdin.fileno()), "standard input")
    return decode(sys.stdin.buffer.read(limits.TEXT.most + 1), source="standard input")


# A word may name a network, a recipe, a run or a model's file -----------------
#
# The modules for training are imported only if the word can name a run or a model, because the
# import takes longer than most work on a small network.

MODELS = (".safetensors", *FOREIGN)


def named_model(argument: str) -> Model | None:
    """The trained network of images in a run's folder or a file, if the word names one.

    The file of a model of tables stands for its network; a run on a table is refused.
    """
    if not _is_models_file(argument):
        return open_image_model(argument) if _run(argument) else None
    model = open_model(argument)
    return None if model.columns else model


def _is_models_file(argument: str) -> bool:
    return os.path.isfile(argument) and argument.lower().endswith(MODELS)


def open_model(path: str) -> Model:
    """The model in a run's folder or a file; remarks about it go to standard error."""
    from gradbook.lab.training import run_folder

    model = run_folder.open_model(path)
    for remark in model.about.get("remarks") or ():
        print(one_line(f"gradbook: {path}: {remark}"), file=sys.stderr)
    return model


def open_image_model(path: str) -> Model:
    """Like `open_model`, but only for a model that reads images."""
    from gradbook.lab.training.run_folder import of_a_table

    model = open_model(path)
    if model.columns:
        raise of_a_table(path)
    return model


def network_or_recipe(
    argument: str, data: str | None = None, of: str | None = None, **reading: str | None
) -> Net | Formulas | Recipe:
    """The network, formulas or recipe for an argument; a run stands for its recipe."""
    run = _run(argument)
    if run:
        return run.recipe()
    if _is_models_file(argument):
        return open_model(argument).net
    try:
        return network_or_formulas(argument, data, of, **reading)
    except GradbookError as no_network:
        from gradbook.lab.recipes import RECIPES
        from gradbook.lab.recipes.recipe_text import recipe

        if argument in RECIPES or os.path.isfile(argument):
            try:
                return recipe(argument)
            except GradbookError as no_recipe:
                lines = (getattr(error, "line", None) or 0 for error in (no_recipe, no_network))
                if next(lines) > next(lines):  # it was understood further as a recipe
                    raise no_recipe from None
        raise


def _run(argument: str) -> RunFolder | None:
    """The run in the folder of that name; a built-in network has precedence."""
    from gradbook.builtin_networks import BUILTIN

    if argument in BUILTIN or not os.path.isdir(argument):
        return None
    from gradbook.lab.training.run_folder import RunFolder

    run = RunFolder(argument)
    return run if run.holds_a_run else None


def network_of(what: Net | Formulas | Recipe) -> Net:
    """The network itself, or the recipe's; a UsageError for formulas."""
    from gradbook.net import Net
    from gradbook.net.formulas import Formulas

    if isinstance(what, Formulas):
        raise UsageError(
            "only explain, sheet, play, sweep and quiz take formulas: give a network, such as "
            "'input 2; dense 1; sample 1 2 -> 0.5'"
        )
    return what if isinstance(what, Net) else what.net
