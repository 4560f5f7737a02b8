"""The plan of a study: a recipe with braces and a few lines of its own, read and written."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from glob import escape
from math import inf
from pathlib import Path
from typing import Any

from gradbook.data.dataset import FOLDS
from gradbook.data.sources import KNOWN
from gradbook.errors import NetTextError, UsageError, did_you_mean
from gradbook.files import read_text
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.recipes.recipe_text import READERS as RECIPE_READERS
from gradbook.lab.recipes.recipe_text import parse as parse_recipe
from gradbook.lab.recipes.recipe_text import recipe as recipe_of
from gradbook.lab.study.braces import (
    BRACES,
    BRACES_GRAMMAR,
    Domain,
    Options,
    Range,
    Template,
    Value,
    template_of,
)
from gradbook.layers.sums import BITS
from gradbook.net.measure import NetMeasure, measure
from gradbook.net.text import GIVEN, LONGEST_TEXT, TRAINING, Statement, digits, ours, statements
from gradbook.statements import TWICE

GRAMMAR = f"""\
A study is a recipe (see gradbook help recipes) with braces around what varies, and lines that
set what is tried:

{BRACES_GRAMMAR}
  vary RECIPE              the recipe that the other lines vary: a setting replaces the recipe's,
                           and a layer replaces each layer that begins with the same words
  study NAME               a title
  trials N                 the number of recipes to train (default: 30; with a grid, all)
  sampler tpe              tpe, random, or grid: every combination there is
  folds 0 1 2              sixths of the training images to validate on, one after the other
                           (default: 0)
  seeds N                  trainings for each fold, with consecutive seeds from the recipe's
                           (default: 1)
  draw N                   the sampler's random seed (default: 0)
  ahead N                  the number of trials at once before the first result (default: 4)
  parameters at most N     recipes with more aren't trained; also 'macs at most 300k'

For example:

  vary quick
  schedule one cycle {{0.1..1 log}} warm {{0.1..0.4}}
  batch {{64|128|256}}
  conv {{6..12}} 3x3 pad 1
  parameters at most 10000
  trials 40
"""

VERSION = 2  # of the form of a study's folder
VARY = "--vary"  # the source of lines that may replace others
SAMPLERS = ("tpe", "random", "grid")
USUAL_TRIALS, MOST_TRIALS, MOST_SEEDS, MOST_AHEAD = 30, 1_000_000, 1_000, 10_000
AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)([kM]?)")
FACTORS = {"": 1, "k": 1_000, "M": 1_000_000}
MOST_FORBIDDEN = 200  # recipes in a row that may not be trained, until the study gives up
NONE_ALLOWED = "{count} recipes in a row aren't allowed ({why}): raise the limit, or vary within it"


@dataclass(frozen=True)
class StudyPlan:
    """A study as it was asked for."""

    template: Template
    name: str = ""
    trials: int | None = None
    sampler: str = "tpe"
    folds: tuple[int, ...] = (0,)
    seeds: int = 1
    draw: int = 0
    ahead: int = 4
    parameters: float | None = None  # the most that a recipe's network may have
    macs: float | None = None

    def __str__(self) -> str:
        """The text that reads back as this study, however it was made."""
        usual = {setting.name: setting.default for setting in fields(self)}
        lines = [
            f"{word} {_spell(getattr(self, name))}"
            for word, name in zip(READERS, map(_field, READERS), strict=True)
            if getattr(self, name) != usual[name]
        ]
        return "\n".join([*lines, "", str(self.template)]).lstrip("\n")

    @property
    def most(self) -> int:
        """The number of recipes to train, unless a grid has fewer."""
        return self.trials or (MOST_TRIALS if self.sampler == "grid" else USUAL_TRIALS)

    def forbids(self, cost: NetMeasure) -> str:
        """The reason why a recipe with such a network isn't trained; '' if it is."""
        for what, most, count in (
            ("parameters", self.parameters, cost.parameters),
            ("multiply-adds", self.macs, cost.macs),
        ):
            if most is not None and count > most:
                return f"{count:,} {what}, more than {most:,.0f}"
        return ""

    def recipe(self, text: str) -> Recipe:
        """The recipe of one trial."""
        return parse_recipe(text, "the recipe that was drawn")

    def __post_init__(self) -> None:
        if not self.template.holes:
            raise UsageError("nothing varies: write braces such as {6..12} around what should vary")
        for hole in self.template.holes if self.sampler == "grid" else ():
            if isinstance(hole.domain, Range) and not hole.domain.whole:
                remedy = f"write {hole.name!r} as {{0.1|0.2|0.4}}"
                raise UsageError(f"a grid needs a list of values: {remedy}")


def read_plan(
    what: str, vary: Sequence[str] = (), source: str | None = None, folder: str = ""
) -> StudyPlan:
    """The study that a text, and further lines to vary, describe.

    Some random recipes are read first, so that mistakes are reported before anything is
    trained.
    """
    if len(what) > LONGEST_TEXT:
        raise NetTextError(f"{len(what):,} characters: the most is {LONGEST_TEXT:,}", source=source)
    settings: dict[str, Any] = {}
    others: list[Statement] = []
    base = ""
    typed = [line for text in vary for line in statements(text, VARY)]
    for line in [*statements(what, source), *typed]:
        word = line.next
        if word == "version":
            _require_known(line)
        elif word == "vary":
            line.take()
            base = line.rest() or line.fail("which recipe? write 'vary quick'")
        elif word in READERS:
            line.take()
            name = _field(word)
            if name in settings and line.source != VARY:
                line.fail(TWICE.format(word=word), at=0)
            settings[name] = READERS[word](line)
            line.end()
        elif word == "data":
            name = line.text.partition(" ")[2].strip()
            is_file = name and name not in KNOWN and "{" not in name
            places = (Path(folder, name), Path(name)) if is_file else ()
            place = next((path for path in places if os.path.exists(path)), None)
            # a full path can be found from anywhere
            others.append(line.saying(f"data {place.absolute()}") if place else line)
        else:
            others.append(line)
    try:
        template = vary_recipe(base, others, folder) if base else template_of(others)
        plan = StudyPlan(template, **settings)
        _try_some(plan)
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}" if source else error.message) from error
    return plan


def read_plan_file(path: str | os.PathLike[str], vary: Sequence[str] = ()) -> StudyPlan:
    name = os.fspath(path)
    plan = read_plan(read_text(path), vary, name, str(Path(path).parent))
    return plan if plan.name else replace(plan, name=Path(path).stem)


def _try_some(plan: StudyPlan) -> None:
    """Draw recipes until one may be trained; the first has the lowest value of everything."""
    draw = random.Random(0)

    def any_of(name: str, domain: Domain) -> Value:
        if isinstance(domain, Options):
            return draw.choice(domain.phrases)
        if domain.whole:
            return draw.randint(int(domain.low), int(domain.high))
        return draw.uniform(domain.low, domain.high)

    def lowest(name: str, domain: Domain) -> Value:
        if isinstance(domain, Options):
            return domain.phrases[0]
        return int(domain.low) if domain.whole else domain.low

    wrong = forbidden = ""
    for number in range(MOST_FORBIDDEN):
        text = plan.template.write(any_of if number else lowest)
        try:
            recipe = plan.recipe(text)
        except NetTextError as error:
            wrong = wrong or _drawn_wrong(text, error)
            continue
        if recipe.held_back is None:
            raise UsageError("a study needs images that are held back: remove 'hold back none'")
        forbidden = plan.forbids(measure(recipe.net))
        if not forbidden or plan.sampler == "grid":  # a grid goes through all of them in order
            return
    if forbidden:
        raise UsageError(NONE_ALLOWED.format(count=MOST_FORBIDDEN, why=forbidden))
    raise UsageError(f"none of the drawn recipes is valid: {wrong}")


def _drawn_wrong(text: str, error: NetTextError) -> str:
    """The message about a recipe, with its line as it was drawn."""
    rows = text.splitlines()
    if error.line is None or error.line > len(rows):
        return error.message
    return f"drawn as {rows[error.line - 1].strip()!r}: {error.message}"


# A study's own lines.


def _count(what: str, most: int) -> Callable[[Statement], int]:
    def read_count(line: Statement) -> int:
        count = line.whole(what)
        if not 1 <= count <= most:
            line.fail(f"{what} must be from 1 to {most:,}", at=1)
        return count

    return read_count


def _one_of(known: Sequence[str]) -> Callable[[Statement], str]:
    def read_word(line: Statement) -> str:
        if line.next not in known:
            hint = did_you_mean(line.next, known) or f": it is one of {', '.join(known)}"
            line.fail(f"unknown {line.next!r}{hint}" if line.next else f"which{hint[1:]}")
        return line.take()

    return read_word


def _folds(line: Statement) -> tuple[int, ...]:
    folds = [line.whole("the fold")]
    while line.next:
        folds.append(line.whole("the fold"))
    if max(folds) >= FOLDS or len(set(folds)) < len(folds):
        line.fail(f"folds must be different numbers from 0 to {FOLDS - 1}", at=1)
    return tuple(folds)


def _name(line: Statement) -> str:
    name = line.rest()
    if not name or not name.isprintable() or len(name) > 100:
        line.fail("a study's name must have 1 to 100 printable characters", at=0)
    return name


def _limit(line: Statement) -> float:
    words = [word.group() for word in line.words[1:]]
    match = AMOUNT.fullmatch(words[2]) if len(words) == 3 and words[:2] == ["at", "most"] else None
    amount = float(match[1]) * FACTORS[match[2]] if match else 0.0
    if not 0 < amount < inf:
        line.fail("at most how many? write 'at most 1000', 'at most 300k' or 'at most 1.5M'")
    line.rest()
    return amount


def _require_known(line: Statement) -> None:
    """Refuse a study of a later gradbook, with lines that this one may not know."""
    line.take()
    version = line.whole("the version of studies")
    if version != VERSION:
        line.fail(
            f"a study of version {version}, and this gradbook knows version {VERSION}: continue it "
            "with the gradbook that began it, or begin a new one",
            at=1,
        )
    line.end()


READERS: dict[str, Callable[[Statement], Any]] = {
    "study": _name,
    "trials": _count("the number of trials", MOST_TRIALS),
    "sampler": _one_of(SAMPLERS),
    "folds": _folds,
    "seeds": _count("the number of seeds", MOST_SEEDS),
    "draw": lambda line: line.whole("what is drawn from"),
    "ahead": _count("the number under way", MOST_AHEAD),
    "parameters": _limit,
    "macs": _limit,
}


def _field(word: str) -> str:
    return "name" if word == "study" else word


def _spell(value: object) -> str:
    if isinstance(value, float):
        return f"at most {digits(value)}"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


# A recipe that is there already, with lines that vary put in place of its own -

WORDS = re.compile(r"(?:\{[^{}]*\}|[^\s{}])+")
BIT_WORDS = {phrase.split()[0] for phrase in BITS.among}
TITLES = ("recipe", "about", "name")  # another recipe can't keep these


def vary_recipe(base: str, lines: Iterable[Statement], folder: str = "") -> Template:
    """The recipe of this name or file with these lines: a setting replaces the recipe's, a layer
    replaces each layer that begins with the same words."""
    beside = os.path.join(folder, base)
    recipe = recipe_of(beside if folder and os.path.isfile(beside) else base)
    rows = [row for row in statements(str(recipe), None) if row.next not in TITLES]
    for line in lines:
        rows = _with(rows, line)
    return template_of(rows)


def _with(rows: Sequence[Statement], line: Statement) -> list[Statement]:
    word = ours(line.next)
    if word in RECIPE_READERS or word in GIVEN or word in TRAINING:
        same = [k for k, row in enumerate(rows) if ours(row.words[0].group()) == word]
        if same:
            return [*rows[: same[0]], line, *rows[same[0] + 1 :]]
        return [line, *rows] if word in RECIPE_READERS else [*rows, line]
    words, bits = _parted(line.text)
    rests = [(_rest(words, head), last) for head, last in map(_parted, (row.text for row in rows))]
    if all(rest is None for rest, _ in rests):
        known = ", ".join(dict.fromkeys(row.text for row in rows if row.next == line.next))
        line.fail(
            f"the recipe has no layer like '{line.text}'" + (f": it has {known}" if known else ""),
            at=0,
        )
    return [
        row if rest is None else line.saying(" ".join([*words, *rest, *(bits or last)]))
        for row, (rest, last) in zip(rows, rests, strict=True)
    ]


def _parted(layer: str) -> tuple[list[str], list[str]]:
    """The words of a layer, and the last ones, on its bits: bits {8|4}, {bits 4|ternary}."""
    words = WORDS.findall(layer)
    last = (k for k, word in enumerate(words) if BIT_WORDS & {*re.findall("[a-z]+", word)})
    at = next(last, len(words))
    return words[:at], words[at:]


def _rest(line: Sequence[str], row: Sequence[str]) -> Sequence[str] | None:
    """What follows in a row that begins with the words of a line; braces stand for one of their
    phrases, or for any word."""
    for word in line:
        alone = BRACES.fullmatch(word)
        phrases = [phrase.split() for phrase in alone[1].split("|")] if alone else []
        begun = next((it for it in phrases if it and row[: len(it)] == it), row[:1])
        if not begun or (
            begun not in phrases and not fnmatchcase(begun[0], BRACES.sub("*", escape(word)))
        ):
            return None
        row = row[len(begun) :]
    return row
