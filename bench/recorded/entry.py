"""An entry of the board: who, which recipe, and what is claimed of it, read from a stranger's file.

Nothing of an entry is run but its recipe, and that only by gradbook: a recipe that names files or
data of its own, holds images back to choose an epoch or trains on the test images is refused.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from gradbook.arguments import hint
from gradbook.errors import DataError, GradbookError
from gradbook.files import read_text
from gradbook.lab.recipes.recipe import LAST, USUAL_DATA, Recipe
from gradbook.lab.recipes.recipe_text import RECIPES, builtin_text, measurement, parse
from gradbook.net import BUILTIN
from gradbook.schema import FiniteNumber, IfThere, PlainText, Schema, SchemaError, WholeNumber
from gradbook.statements import statements

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "bench" / "records"
CURVE = ROOT / "bench" / "curve"
SEEDS = 10  # of a claim that counts
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
ADDRESS = re.compile(r"https://[\w.-]+/[\w./~%#?=&+-]*")
ODD = re.compile(r"[|<>\[\]`\\\x00-\x1f\x7f]")  # what would be more than words in a table
WORDS = PlainText(200)
SHARE = FiniteNumber(0, 100)
CLAIM = Schema(
    accuracy=IfThere(SHARE),
    deviation=IfThere(SHARE),
    lowest=IfThere(SHARE),
    seeds=IfThere(WholeNumber(1, 1_000)),
    parameters=IfThere(WholeNumber(1)),
    times_quick=IfThere(FiniteNumber(0)),
    seconds=IfThere(FiniteNumber(0)),
    machine=IfThere(WORDS),
    flash=IfThere(WholeNumber(1)),
    memory=IfThere(WholeNumber(1)),
)
ENTRY = Schema(
    who=WORDS,
    about=IfThere(WORDS),
    recipe=IfThere(PlainText()),
    source=IfThere(WORDS),
    chosen=IfThere(WORDS),
    claim=CLAIM,
)


@dataclass(frozen=True)
class Claim:
    """What an entry is said to reach; shares of the 10,000 test images at the final epoch."""

    parameters: int
    accuracy: float
    deviation: float = 0.0
    lowest: float | None = None
    seeds: int = 1
    times_quick: float | None = None  # seconds of a training, by those of `quick` on that machine
    seconds: float | None = None  # told, not judged: machines differ
    machine: str = ""
    flash: int | None = None  # bytes of code and constants, compiled as BOARD and LEVEL say
    memory: int | None = None

    def within(self, mean: float, deviation: float, seeds: int) -> bool:
        """Whether a mean may be the claimed one: at most two standard errors below it.

        By the deviation that was found: what is claimed of it excuses nothing.
        """
        error = deviation * sqrt(1 / self.seeds + 1 / seeds)
        return mean >= self.accuracy - 2 * error - 1e-9


@dataclass(frozen=True)
class Entry:
    """What one file says."""

    name: str
    who: str
    claim: Claim
    about: str = ""
    text: str = ""  # the recipe's; a network of others has none
    source: str = ""
    chosen: str = ""  # which epoch and run a claim without a recipe is of

    @property
    def is_verifiable(self) -> bool:
        return bool(self.text)

    @property
    def recipe(self) -> Recipe:
        return parse(self.text, self.name)


def read_all(folder: Path = RECORDS) -> list[Entry]:
    """Every entry, by name."""
    return [read_entry(file) for file in sorted(folder.glob("*.toml"))]


def read_entry(path: Path) -> Entry:
    """What an entry's file says, if it may."""
    try:
        return _entry(path.stem, tomllib.loads(read_text(path)))
    except SchemaError as error:
        raise DataError(error.message, file=str(path)) from error
    except ValueError as error:  # of the language, or a number with thousands of digits
        raise DataError(f"it isn't TOML: {error}", file=str(path)) from error
    except RecursionError as error:
        raise DataError("it has too many parts within parts", file=str(path)) from error


def _entry(name: str, said: dict[str, Any]) -> Entry:
    if not NAME.fullmatch(name):
        raise SchemaError("name the file with small letters, digits and '-' alone: deep-one.toml")
    _require_known(said, ENTRY)
    found = ENTRY.read(said)
    _require_known(found["claim"], CLAIM)
    told = {field: found.get(field, "") for field in ("who", "about", "chosen")}
    for field, words in (*told.items(), ("machine", found["claim"].get("machine", ""))):
        if odd := ODD.search(words):
            raise SchemaError(f"its {field} has {odd.group()!r}: write it in plain words, one line")
    source, recipe = found.get("source", ""), found.get("recipe", "")
    if source and not ADDRESS.fullmatch(source):
        raise SchemaError("its source is no address: https://example.org/network")
    if not recipe and not source:
        raise SchemaError("give a recipe, or of a network of others the source of its figures")
    if recipe and "chosen" in found:
        raise SchemaError("a recipe's figures are those of its final epoch: remove 'chosen'")
    if not recipe and "chosen" not in found:
        raise SchemaError('say how its epoch was chosen: chosen = "the last epoch of a run"')
    text, known = _text_of(recipe) if recipe else ("", {})
    claim = {**known, **_shares(found["claim"])}
    if text:
        require_fair(parsed := parse(_fair_text(text, name), name))
        claim.setdefault("parameters", parameters_of(parsed))
    missing = [field for field in ("accuracy", "parameters") if field not in claim]
    if missing:
        raise SchemaError(f"its claim has no {missing[0]}")
    if text and claim.get("seeds", 1) < SEEDS:
        raise SchemaError(f"claim the mean of {SEEDS} seeds or more, and their deviation")
    words = {field: found[field] for field in ("about", "chosen") if field in found}
    return Entry(name, found["who"], Claim(**claim), text=text, source=source, **words)


def _require_known(said: dict[str, Any], schema: Schema) -> None:
    for key in said:
        if key not in schema.kinds:
            raise SchemaError(f"it has no key called {key!r}{hint(key, schema.kinds)}")


def _shares(claim: dict[str, Any]) -> dict[str, Any]:
    """With shares for per cent."""
    per_cent = ("accuracy", "deviation", "lowest")
    return {key: value / 100 if key in per_cent else value for key, value in claim.items()}


def parameters_of(recipe: Recipe) -> int:
    return recipe.net.count()


# Recipes.


def _text_of(recipe: str) -> tuple[str, dict[str, Any]]:
    """A recipe's text, and what is known of it already where it is named alone."""
    if "\n" in recipe:
        return recipe, {}
    if recipe in RECIPES:
        found = measurement(recipe)
        if found is None:
            raise SchemaError(f"nothing was measured of {recipe}: write what you claim")
        own = {"seconds": found.seconds, "machine": found.machine}
        return builtin_text(recipe), _claimed(asdict(found)) | own
    if recipe not in {file.stem for file in CURVE.glob("*.txt")}:
        raise SchemaError(
            f"no recipe of bench/curve or of gradbook is called {recipe[:40]!r}: write its lines "
            "between three quotation marks"
        )
    reached = {row["name"]: row for row in json.loads((CURVE / "reached.json").read_text("utf-8"))}
    return (CURVE / f"{recipe}.txt").read_text("utf-8"), _claimed(reached[recipe])


def _claimed(reached: dict[str, Any]) -> dict[str, Any]:
    kept = {key: reached[key] for key in ("deviation", "lowest", "seeds")}
    return {"accuracy": reached["mean"], **kept}


def _fair_text(text: str, name: str) -> str:
    """The text, if it reads no file: a network that it names is one of ours."""
    for line in statements(text, name):
        words = [word.group() for word in line.words]
        if words[0] == "network" and " ".join(words[1:]) not in BUILTIN:
            raise SchemaError("its recipe names a network's file: write the network's lines")
    return text


def require_fair(recipe: Recipe) -> None:
    """Refuse what would let the test images, or an epoch of luck, choose."""
    for is_odd, why in (
        (recipe.data != USUAL_DATA, f"is of other images: leave 'data' out, it is {USUAL_DATA}"),
        (not recipe.tests, "trains on the test images: remove 'test none'"),
        (recipe.keep != LAST, "keeps another epoch than the last: remove 'keep'"),
        (recipe.early_stop is not None, "may stop early: remove 'early stop'"),
    ):
        if is_odd:
            raise SchemaError(f"its recipe {why}")


def find_entry(words: str) -> Entry:
    """The entry of a name, or in a file."""
    named = RECORDS / f"{words}.toml"
    path = named if NAME.fullmatch(words) and named.is_file() else Path(words)
    if not path.is_file():
        known = [file.stem for file in RECORDS.glob("*.toml")]
        raise GradbookError(f"no entry is called {words!r}{hint(words, known)}")
    return read_entry(path)
