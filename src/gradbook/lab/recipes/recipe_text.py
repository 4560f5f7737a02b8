"""The text form of recipes, and the recipe that a name or a file stands for.

Every mistake in a text is reported with its place. `bench/accuracy.py` writes measured.json;
nothing in it is typed by hand.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gradbook.arguments import hint
from gradbook.data.warp import Warp, parse_warp_lines
from gradbook.errors import GradbookError, NetTextError, UsageError, did_you_mean
from gradbook.files import read_text
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe import (
    ADAPTABLE,
    BALANCED,
    KEPT,
    LARGEST_BATCH,
    MOST_EPOCHS,
    SCHEDULE_GRAMMAR,
    STATISTICS,
    Recipe,
    fold,
    own_adapts,
    phrase,
    read_schedule,
    with_usual,
    within,
    words_of,
)
from gradbook.layers.updates import UPDATES
from gradbook.net import BUILTIN, Net, builtin
from gradbook.net import text as net_text
from gradbook.net.network import net_changed, parse_lines
from gradbook.net.text import LONGEST_TEXT, Statement, pointing, statements
from gradbook.statements import TWICE, WORD

GRAMMAR = f"""\
A recipe is a few lines of text, like a network, with one item per line. A ';' may be used
instead of a line break, and '#' begins a comment. A network's text alone is a recipe too.

  recipe NAME                a title
  about WORDS                what it is for
  network NET                a built-in network, or a file beside this one
  data SET                   digits, or a file or folder of images, relative to this file or to
                             the current folder; see gradbook data
  warp WHAT, WHAT …          random changes to training images; see gradbook help warps
{SCHEDULE_GRAMMAR}\
  rate find                  a range test finds the highest rate of the schedule
  epochs N                   how many times every image is trained on
  batch N                    images per step
  class weights balanced     classes with fewer images count as much as the others; or a number
                             for each class, in order
  early stop N               ends once the loss of the images held back hasn't fallen for N epochs
  keep best                  keeps the weights of the epoch with the lowest; otherwise the last
  statistics unwarped        at the end, recomputes batchnorm's running means and variances on
                             unwarped training images, like the images in use
  freeze LAYER LAYER …       these layers keep their weights, and batchnorm its statistics, as in
                             freeze conv1 batchnorm1
  start RUN                  begins with the weights of a run, or of a model's file, where names and
                             shapes agree, and reads inputs as that one does
  hold back N                the sixth of the training images, 0 to 5, that is held back for
                             validation; 'hold back none' trains on all of them
  test none                  with 'hold back none': also trains on the test images; all figures
                             are then about training images

Every other line belongs to the network (see gradbook help networks). After 'network NET' only
lines on its training may follow: loss, update, decay, rate, seed.

The defaults are: data digits, no warp, 10 epochs, batches of 128, hold back 0. A network that
has a rate keeps it, and its update. Otherwise it is trained with one cycle, up to the default
rate: 0.1 for momentum, 0.01 for adam and adamw, 1 for descent; and without an update, by
'momentum 0.9 nesterov'. With few samples, the default batch is at most a sixteenth of them, and
the default rate falls likewise. The default loss follows from the last layer: cross-entropy after
softmax or log softmax, binary cross-entropy after sigmoid; plain sums of classes get a softmax.

For example:

  recipe mine
  network reference
  warp rotate 10, shift 2, scale 0.9 1.1
  update momentum 0.9 nesterov
  decay 0.0005
  schedule one cycle 0.2 warm 0.2
  epochs 12
  batch 256
"""

INSTEAD = {  # for words that only follow others
    "constant": "schedule constant 0.1",
    "step": "schedule step 0.1 by 0.5 every 10",
    "plateau": "schedule plateau 0.1 by 0.5 patience 5",
    "cosine": "schedule cosine 0.1",
    "one": "schedule one cycle 0.1",
    "cycle": "schedule one cycle 0.1",
    "warm": "schedule cosine 0.1 warm 0.1",
    "patience": "early stop 10",
    "balanced": "class weights balanced",
    "best": "keep best",
    "last": "keep last",
    "unwarped": "statistics unwarped",
    "find": "rate find",
    "back": "hold back 0",
    "weight": "decay 0.0005",
    "nesterov": "update momentum 0.9 nesterov",
    "rotate": "warp rotate 10",
    "shift": "warp shift 2",
    "scale": "warp scale 0.9 1.1",
    "shear": "warp shear 10",
    "crop": "warp crop 24",
    "flip": "warp flip",
    "cutout": "warp cutout 10",
    "elastic": "warp elastic 7 3",
}
BEHIND = {*UPDATES, *net_text.UPDATE_WORDS, *net_text.LOSS_WORDS}  # 'update' or 'loss'
KINDS = [["constant"], ["step"], ["plateau"], ["cosine"], ["one"]]
RATE_ALREADY = "the schedule already sets the rate: remove this line"  # a page shows the same
COUNTED = "the number after {word!r}"
COMMA = re.compile(r",(?=\s|$)")  # 0,5 isn't split, but refused as one word


def parse(text: str, source: str | None = None, folder: str | os.PathLike[str] = "") -> Recipe:
    """The recipe in a text; files that it names are looked for in `folder`."""
    if not isinstance(text, str):
        raise UsageError(f"a recipe must be text, not {text!r}")
    if len(text) > LONGEST_TEXT:
        raise NetTextError(f"{len(text):,} characters: the most is {LONGEST_TEXT:,}", source=source)
    settings, others = _sorted(statements(text, source), folder)
    net = settings.pop("network", None)
    words = {net_text.ours(line.next) for line in others}
    if "rate" in words and "schedule" in settings:
        line = next(line for line in others if net_text.ours(line.next) == "rate")
        line.fail(RATE_ALREADY)
    if net:
        words |= words_of(net)
        net = net_changed(net, others)
    else:
        net = parse_lines(others, source)
    net, usual = with_usual(net, words)
    adapts = own_adapts(net) - settings.keys()
    try:
        return Recipe(net, **{"schedule": usual, **settings}, adapts=adapts)
    except GradbookError as error:
        raise NetTextError(error.message, source=source) from error


def change_recipe(recipe: Recipe, text: str) -> Recipe:
    """The recipe with these lines instead of its own."""
    settings, others = _sorted(statements(text, None), "", is_change=True)
    if "network" in settings:
        raise UsageError("another network needs another recipe: name that instead of this one")
    net = net_changed(recipe.net, others)
    schedule = settings.get("schedule", recipe.schedule)
    if net.rate is not None:
        schedule = replace(schedule, rate=net.rate)
    adapts = recipe.adapts - settings.keys() - ({"schedule"} if net.rate is not None else set())
    finds_rate = recipe.find_rate and net.rate is None and "schedule" not in settings
    return replace(
        recipe,
        net=net,
        adapts=adapts,
        **{"find_rate": finds_rate, **settings, "schedule": schedule},
    )


def _sorted(
    lines: Iterable[Statement],
    folder: str | os.PathLike[str],
    is_change: bool = False,
) -> tuple[dict[str, Any], list[Statement]]:
    """The recipe's settings by the names of its fields, and the lines of its network."""
    settings: dict[str, Any] = {}
    others: list[Statement] = []
    for line in lines:
        word = line.next
        if net_text.ours(word) == "rate" and [w.group() for w in line.words[1:]] == ["find"]:
            settings["find_rate"] = True
            continue
        if net_text.ours(word) == "rate" and [w.group() for w in line.words[1:2]] in KINDS:
            line.take()
            line.fail(f"the rate is a number{_advice(line, is_change)}, for a rate that changes")
        if word not in READERS:
            is_known = net_text.ours(word) in net_text.known_words()
            if not is_known or (is_change and word in INSTEAD):
                line.fail(f"unknown {word!r}{_advice(line, is_change)}")
            others.append(line)
            continue
        field_name = FIELDS.get(word, word)
        if field_name in settings:
            line.fail(TWICE.format(word=word))
        line.take()
        with pointing(line, at=1):
            settings[field_name] = READERS[word](line, folder)
        line.end()
    return settings, others


def _advice(line: Statement, is_change: bool) -> str:
    """What to write instead of a line that begins with an unknown word; a change may have no
    layers."""
    word = line.next
    if word == "target" and is_change:
        return ": name the column with --target, or target= in Python"
    if word in INSTEAD:
        first, _, usual = INSTEAD[word].partition(f"{word} ")
        rest = line.text.partition(word)[2].strip()
        rest = rest if any(map(str.isdigit, rest)) else usual
        return f": write '{first}{word} {rest}'" if usual else f": write '{first}'"
    if word in net_text.INSTEAD and (word in BEHIND or not is_change):
        return f": {net_text.INSTEAD[word]}"
    known = [*READERS, *(net_text.TRAINING if is_change else net_text.known_words())]
    every = f": expected one of {', '.join(known[3:])}" if is_change else ""
    return did_you_mean(word, known) or f"{every}: see gradbook help recipes"


def _words(what: str) -> Callable[..., str]:
    def read_words(line: Statement, folder: object) -> str:
        if not line.next:
            line.fail(f"{what} is missing")
        return phrase(what, line.rest())

    return read_words


def _data(line: Statement, folder: str | os.PathLike[str]) -> str:
    """The name or path of the data."""
    path = _words("the data set")(line, folder)
    if not folder:
        return path
    from gradbook.data.sources import KNOWN

    return path if path in KNOWN else _beside(path, folder)


def _start(line: Statement, folder: str | os.PathLike[str]) -> str:
    return _beside(_words("the run")(line, folder), folder)


def _beside(path: str, folder: str | os.PathLike[str]) -> str:
    """A path, which is relative to the recipe's file if there is something."""
    beside = Path(folder, path)
    return str(beside) if folder and os.path.exists(beside) else path


def _freeze(line: Statement, folder: object) -> tuple[str, ...]:
    names = tuple(_words("a layer's name, such as conv1,")(line, folder).split())
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice:
        line.fail(TWICE.format(word=twice))
    return names


def _count(most: int) -> Callable[..., int]:
    def read_count(line: Statement, folder: object) -> int:
        word = line.words[0].group()
        return within(word, line.whole(COUNTED.format(word=word)), most)

    return read_count


def _network(line: Statement, folder: str | os.PathLike[str]) -> Net:
    if not line.next:
        line.fail("which network? write 'network reference'")
    name = line.rest()
    if name in BUILTIN:
        return builtin(name)
    path = Path(folder, name)
    if not os.path.isfile(path):  # any name may be given here
        hint = did_you_mean(name, BUILTIN) or f": the built-in networks are {', '.join(BUILTIN)}"
        line.fail(f"there is no network or file called '{name}'{hint}", at=1)
    return parse_lines(statements(read_text(path), name), name)


def _hold(line: Statement, folder: object) -> int | None:
    if not line.option("back"):
        line.fail("expected 'hold back', then 0 to 5 or none")
    return None if line.option("none") else fold(line.whole("the fold"))


def _test(line: Statement, folder: object) -> bool:
    if not line.option("none"):
        line.fail("expected 'test none', which trains on the test images too")
    return False


def _early_stop(line: Statement, folder: object) -> int:
    if not line.option("stop"):
        line.fail("expected 'early stop', then a number of epochs")
    return line.whole("the number of epochs")


def _one_of(known: tuple[str, ...], asked: str) -> Callable[..., str]:
    def read_word(line: Statement, folder: object) -> str:
        if line.next not in known:
            line.fail(f"{asked}{hint(line.next, known)}")
        return line.take()

    return read_word


def _class_weights(line: Statement, folder: object) -> tuple[float, ...] | str:
    if not line.option("weights"):
        line.fail("expected 'class weights', then 'balanced' or a number for each class")
    return BALANCED if line.option(BALANCED) else line.values("a class's weight")


def _warp(line: Statement, folder: object) -> Warp:
    if not line.next:
        line.fail("which warp? write 'warp rotate 10, shift 2', or 'warp none'")
    warp = parse_warp_lines(_between_commas(line))
    line.rest()
    return warp


def _between_commas(line: Statement) -> Iterator[Statement]:
    """The parts of a line between commas, as statements."""
    start = line.words[line.used].start()
    text = line.words[0].string[start:]
    for part in COMMA.split(text):
        matches = list(WORD.finditer(part))
        column = line.column + start
        if not matches:
            raise NetTextError(
                "a value is missing beside this comma: remove the comma",
                line=line.number,
                column=column,
                source=line.source,
            )
        yield Statement(matches, line.number, column, line.source)
        start += len(part) + 1


READERS: dict[str, Callable[..., Any]] = {
    "recipe": _words("the recipe's name"),
    "about": _words("what it is for"),
    "network": _network,
    "data": _data,
    "warp": _warp,
    "schedule": lambda line, folder: read_schedule(line),
    "epochs": _count(MOST_EPOCHS),
    "batch": _count(LARGEST_BATCH),
    "hold": _hold,
    "test": _test,
    "class": _class_weights,
    "early": _early_stop,
    "keep": _one_of(KEPT, "keep which epoch's weights?"),
    "statistics": _one_of(STATISTICS, "statistics of which images?"),
    "freeze": _freeze,
    "start": _start,
}
FIELDS = {
    "recipe": "name",
    "hold": "held_back",
    "test": "tests",
    "class": "class_weights",
    "early": "early_stop",
    "freeze": "frozen",
}


# Recipes by name --------------------------------------------------------------

FOLDER = files("gradbook.lab.recipes")


def recipe(what: Recipe | Net | str | os.PathLike[str], changes: str = "") -> Recipe:
    """A recipe: a network and how it is trained.

    Args:
        what: The name of a recipe ("quick") or a network, a file, a text, or a `Net`, which then
            gets the usual settings.
        changes: Lines that replace its own: "epochs 5; batch 64".

    >>> import gradbook as gb
    >>> gb.recipe("quick", "epochs 5; batch 64").epochs
    5
    """
    if changes:
        return change_recipe(recipe(what), changes)
    if isinstance(what, Recipe):
        return what
    if isinstance(what, Net):
        return Recipe(*with_usual(what, words_of(what)), adapts=own_adapts(what))
    if not isinstance(what, str | os.PathLike):
        raise UsageError(f"a recipe must be a name, a file, a text or a network, not {what!r}")
    name = os.fspath(what)
    if name in RECIPES:
        return builtin_recipe(name)
    if name in BUILTIN:
        return replace(recipe(builtin(name)), adapts=ADAPTABLE)
    if not isinstance(what, str) or os.path.isfile(name) or not net_text.reads_as_text(name):
        return read_recipe(name)
    return parse(name)


def builtin_recipe(name: str) -> Recipe:
    """The included recipe of this name."""
    return replace(parse(builtin_text(name), name), adapts=ADAPTABLE)


def builtin_text(name: str) -> str:
    """The text of the included recipe, with its comments."""
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise UsageError(f"no recipe {name!r}{did_you_mean(name, RECIPES) or f': {known}'}")
    return (FOLDER / f"{name}.txt").read_text("utf-8")


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """The recipe in a file; it may name a network in the same folder."""
    name = os.fspath(path)
    if not os.path.lexists(path):
        known = (*RECIPES, *BUILTIN)
        hint = did_you_mean(name, known) or f": recipes are {', '.join(RECIPES)}"
        raise UsageError(f"no recipe, network or file is called '{name}'{hint}")
    return parse(read_text(path), name, Path(path).parent)


# Measured results.


@dataclass(frozen=True)
class Measured:
    """A recipe trained on all its images with several seeds, and scored on the test images."""

    seeds: int
    mean: float  # of the shares of test images read right
    deviation: float
    lowest: float
    seconds: float  # per training, from loading to the last update
    threads: int
    machine: str

    def seconds_with(self, threads: int) -> float:
        """About the time that it takes on this many such cores."""
        return self.seconds * self.threads / threads


def measurement(name: str) -> Measured | None:
    """The measurement of the recipe with this name, if there is one."""
    figures = all_measurements().get(name)
    return Measured(**figures) if figures else None


@cache
def all_measurements() -> dict[str, dict[str, Any]]:
    return dict(json.loads((FOLDER / "measured.json").read_text("utf-8")))
