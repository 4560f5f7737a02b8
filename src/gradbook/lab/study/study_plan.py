"""The plan of a study: a text with braces and a few lines of its own, read and written."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from math import inf
from pathlib import Path
from typing import Any

from gradbook.data.dataset import FOLDS
from gradbook.data.sources import KNOWN
from gradbook.errors import GradbookError, NetTextError, UsageError, did_you_mean
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
  sampler tpe              tpe, nsga, cma, random, or grid: every combination there is
  aim accuracy             or 'aim accuracy, parameters' ('macs'): high accuracy with few of these
  prune median             ends a training after an epoch in which the median of the earlier ones
                           was better
  folds 0 1 2              sixths of the training images to validate on, one after the other
                           (default: 0)
  seeds N                  trainings for each fold, with consecutive seeds from the recipe's
                           (default: 1)
  draw N                   the sampler's random seed (default: 0)
  ahead N                  the number of trials at once before the first result (default: 4)
  parameters at most N     recipes with more aren't trained; also 'macs at most 300k'
  seconds at most N        ends a training that takes longer

For example:

  vary quick
  schedule one cycle {{0.1..1 log}} warm {{0.1..0.4}}
  batch {{64|128|256}}
  conv {{6..12}} 3x3 pad 1
  parameters at most 10000
  trials 40
"""

VERSION = 1  # of the form of a study's file
SAMPLERS = ("tpe", "nsga", "cma", "random", "grid")
PRUNERS = ("none", "median")
AIMS = ("accuracy", "parameters", "macs")
USUAL_TRIALS, MOST_TRIALS, MOST_SEEDS, MOST_AHEAD = 30, 1_000_000, 1_000, 10_000
AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)([kM]?)")
FACTORS = {"": 1, "k": 1_000, "M": 1_000_000}
TRIED = 8  # random recipes before a study begins, to see whether any is valid
MOST_FORBIDDEN = 200  # forbidden recipes in a row until the study gives up
NONE_ALLOWED = "{count} recipes in a row aren't allowed ({why}): raise the limit, or vary within it"


@dataclass(frozen=True)
class Limits:
    """The most that a recipe may cost."""

    parameters: float | None = None
    macs: float | None = None
    seconds: float | None = None

    def forbids(self, cost: NetMeasure) -> str:
        """The reason why a recipe with such a network isn't trained; '' if it is."""
        for what, most, found in (
            ("parameters", self.parameters, cost.parameters),
            ("multiply-adds", self.macs, cost.macs),
        ):
            if most is not None and found > most:
                return f"{found:,} {what}, more than {most:,.0f}"
        return ""


@dataclass(frozen=True)
class StudyPlan:
    """A study as it was asked for."""

    template: Template
    name: str = ""
    trials: int | None = None
    sampler: str = "tpe"
    aims: tuple[str, ...] = ("accuracy",)
    prune: str = "none"
    folds: tuple[int, ...] = (0,)
    seeds: int = 1
    draw: int = 0
    ahead: int = 4
    limits: Limits = field(default_factory=Limits)

    def __str__(self) -> str:
        """The text that reads back as this study, however it was made."""
        usual = {setting.name: setting.default for setting in fields(self)}
        own = {FIELDS.get(word, word): word for word in READERS}
        lines = [
            f"{word} {_spell(getattr(self, name))}"
            for name, word in own.items()
            if getattr(self, name) != usual[name]
        ]
        limits = [
            f"{name} at most {digits(most)}"
            for name in LIMITED
            if (most := getattr(self.limits, name)) is not None
        ]
        return "\n".join([*lines, *limits, "", str(self.template)]).lstrip("\n")

    @property
    def most(self) -> int:
        """The number of recipes to train, unless a grid has fewer."""
        return self.trials or (MOST_TRIALS if self.sampler == "grid" else USUAL_TRIALS)

    def recipe(self, text: str) -> Recipe:
        """The recipe of one trial."""
        return parse_recipe(text, "the recipe that was drawn")

    def __post_init__(self) -> None:
        if not self.template.holes:
            raise UsageError("nothing varies: write braces such as {6..12} around what should vary")
        if self.sampler == "grid" and any(_is_endless(hole.domain) for hole in self.template.holes):
            name = next(hole.name for hole in self.template.holes if _is_endless(hole.domain))
            raise UsageError(f"a grid needs a list of values: write {name!r} as {{0.1|0.2|0.4}}")
        if self.sampler == "cma" and any(
            isinstance(hole.domain, Options) for hole in self.template.holes
        ):
            raise UsageError("the sampler cma varies only numbers: use tpe")
        if len(self.aims) > 1 and self.sampler == "cma":
            raise UsageError("the sampler cma works with one aim: use nsga")
        if len(self.aims) > 1 and self.prune != "none":
            raise UsageError("with two aims, no training is clearly worse: remove prune")


def _is_endless(domain: Domain) -> bool:
    return isinstance(domain, Range) and not domain.whole


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
    limits: dict[str, float] = {}
    others: list[Statement] = []
    base = ""
    typed = [line for text in vary for line in statements(text, "--vary")]
    for line in [*statements(what, source), *typed]:
        word = line.next
        if word in LIMITED and [w.group() for w in line.words[1:3]] == ["at", "most"]:
            line.take()
            limits[word] = _limit(line)
        elif word == "version":
            _require_known(line)
        elif word == "vary":
            line.take()
            base = line.rest() or line.fail("which recipe? write 'vary quick'")
        elif word in READERS:
            line.take()
            name = FIELDS.get(word, word)
            if name in settings:
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
        plan = StudyPlan(template, limits=Limits(**limits), **settings)
        _try_some(plan)
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}" if source else error.message) from error
    return plan


def read_plan_file(path: str | os.PathLike[str]) -> StudyPlan:
    name = os.fspath(path)
    plan = read_plan(read_text(path), source=name, folder=str(Path(path).parent))
    return plan if plan.name else replace(plan, name=Path(path).stem)


def change_plan(plan: StudyPlan, text: str, source: str) -> StudyPlan:
    """The study with this line instead of its own."""
    for line in statements(text, source):
        word = line.take()
        plan = replace(plan, **{FIELDS.get(word, word): READERS[word](line)})
        line.end()
    return plan


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

    wrong: GradbookError | None = None
    forbidden = ""
    for number, choose in enumerate((lowest, *[any_of] * (MOST_FORBIDDEN - 1))):
        if number > TRIED and not forbidden:
            break
        text = plan.template.write(choose)
        try:
            recipe = plan.recipe(text)
        except NetTextError as error:
            rows = text.splitlines()
            if error.line is None or error.line > len(rows):
                wrong = wrong or error
            else:  # with the chosen values
                words = f"drawn as {rows[error.line - 1].strip()!r}: {error.message}"
                wrong = wrong or UsageError(words)
            continue
        if recipe.held_back is None:
            raise UsageError("a study needs images that are held back: remove 'hold back none'")
        why = plan.limits.forbids(measure(recipe.net))
        if not why or plan.sampler == "grid":  # a grid goes through all of them in order
            return
        forbidden = forbidden or why
    if forbidden:
        raise UsageError(NONE_ALLOWED.format(count=MOST_FORBIDDEN, why=forbidden))
    assert wrong
    raise UsageError(f"none of the drawn recipes is valid: {wrong.message}")


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


def _aims(line: Statement) -> tuple[str, ...]:
    aims = tuple(word.strip() for word in line.rest().split(","))
    if aims[0] != "accuracy" or not set(aims) <= set(AIMS) or len(set(aims)) < len(aims):
        line.fail("write 'aim accuracy', 'aim accuracy, parameters' or 'aim accuracy, macs'", at=0)
    return aims


def _name(line: Statement) -> str:
    name = line.rest()
    if not name or not name.isprintable() or len(name) > 100:
        line.fail("a study's name must have 1 to 100 printable characters", at=0)
    return name


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


LIMITED = ("parameters", "macs", "seconds")
READERS: dict[str, Callable[[Statement], Any]] = {
    "study": _name,
    "trials": _count("the number of trials", MOST_TRIALS),
    "sampler": _one_of(SAMPLERS),
    "prune": _one_of(PRUNERS),
    "aim": _aims,
    "folds": _folds,
    "seeds": _count("the number of seeds", MOST_SEEDS),
    "draw": lambda line: line.whole("what is drawn from"),
    "ahead": _count("the number under way", MOST_AHEAD),
}
FIELDS = {"study": "name", "aim": "aims"}


def _limit(line: Statement) -> float:
    line.take()
    line.take()
    match = AMOUNT.fullmatch(line.next)
    amount = float(match[1]) * FACTORS[match[2]] if match else 0.0
    if not 0 < amount < inf:
        line.fail("at most how many? write a number above 0, such as 1000, 300k or 1.5M")
    line.take()
    line.end()
    return amount


def _spell(value: object) -> str:
    if isinstance(value, tuple):
        between = ", " if value and isinstance(value[0], str) else " "
        return between.join(map(str, value))
    return str(value)


# A recipe that is there already, with lines that vary put in place of its own -

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
    ending = LAST_WORDS.search(line.text)
    bits = ending.group() if ending else ""
    text = line.text.removesuffix(bits)
    pattern = _like(text)
    matches = [pattern.match(row.text) for row in rows]
    if not any(matches):
        known = ", ".join(dict.fromkeys(row.text for row in rows if row.next == line.next))
        line.fail(
            f"the recipe has no layer like '{line.text}'" + (f": it has {known}" if known else ""),
            at=0,
        )
    joined = []
    for row, match in zip(rows, matches, strict=True):
        rest = row.text[match.end() :] if match else ""
        rest = LAST_WORDS.sub("", rest) + bits if bits else rest  # the line's bits, if it gives any
        joined.append(line.saying(text + rest) if match else row)
    return joined


# The end of a layer's line: bits 4, bits {8|4}, {bits 4|ternary}.
_BITS = "|".join(dict.fromkeys(phrase.split()[0] for phrase in BITS.among))
LAST_WORDS = re.compile(
    rf"(?<!\s)\s+(?:(?:{_BITS})(?:\s+(?:\{{[^{{}}]*\}}|[^\s{{}}]+))?"
    rf"|\{{(?=[^{{}}]*\b(?:{_BITS})\b)[^{{}}]*\}})$"
)


def _like(text: str) -> re.Pattern[str]:
    """A pattern of lines that begin with these words, with anything in place of braces, as short
    as the words behind them allow. It never tries longer matches, since with several braces
    the attempts would multiply."""
    braces = list(BRACES.finditer(text))
    starts = [*(brace.start() for brace in braces), len(text)]
    parts = [_spaced(text[: starts[0]])]
    for brace, end in zip(braces, starts[1:], strict=True):
        phrases = [re.escape(phrase.strip()) for phrase in brace[1].split("|") if phrase.strip()]
        words = "|".join([*phrases, r"\S+?"])
        behind = _spaced(text[brace.end() : end]) + r"(?=\s|$)" * (end == len(text))
        parts.append(rf"(?>(?:{words})(?={behind})){behind}")
    return re.compile("".join(parts) + r"(?=\s|$)")


def _spaced(text: str) -> str:
    return r"\s+".join(map(re.escape, re.split(r"\s+", text)))
