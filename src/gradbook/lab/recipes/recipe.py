"""A recipe: a network, its data, and everything about how it is trained, in a few lines of text."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from gradbook.data.dataset import FOLDS
from gradbook.data.warp import Warp
from gradbook.errors import ShapeError, UsageError, did_you_mean
from gradbook.files import read_text
from gradbook.lab.recipes.schedule import Schedule
from gradbook.net import BUILTIN, Activation, Loss, Net, Update, builtin
from gradbook.net import text as net_text
from gradbook.net.fit import LONGEST_NAME
from gradbook.net.plain import settle, whole, words
from gradbook.net.task import DESCENT

RECIPES = ("quick", "best", "small", "tiny", "reference", "blocks", "flat")
"""The names of those that come with gradbook, ours first."""

FOLDER = Path(__file__).parent

USUAL_EPOCHS, USUAL_BATCH = 10, 128
MOST_EPOCHS = 100_000
LARGEST_BATCH = 100_000  # images
LONGEST_WORDS = 1_000
NESTEROV = Update("momentum", nesterov=True)


@dataclass(frozen=True)
class Recipe:
    """All that a training hangs on but its seed, which is the network's."""

    net: Net  # its rate is the schedule's
    schedule: Schedule
    epochs: int = USUAL_EPOCHS
    batch: int = USUAL_BATCH
    warp: Warp = field(default_factory=Warp)
    data: str = "digits"
    held_back: int | None = 0  # the fold to validate on
    name: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        for what, kind in (("net", Net), ("schedule", Schedule), ("warp", Warp)):
            if not isinstance(getattr(self, what), kind):
                raise UsageError(
                    f"the recipe's {what} is a {kind.__name__}, not {getattr(self, what)!r}"
                )
        if self.net.samples or self.net.table:
            raise ShapeError(
                "this network brings samples of its own: training takes images, "
                "so take the samples out and name a data set"
            )
        name = phrase("the recipe's name", self.name, LONGEST_NAME)
        settle(
            self,
            net=replace(self.net, rate=None, name=self.net.name or name),
            epochs=within("epochs", self.epochs, MOST_EPOCHS),
            batch=within("batch", self.batch, LARGEST_BATCH),
            data=phrase("data", self.data),
            held_back=fold(self.held_back),
            name=name,
            about=phrase("about", self.about),
        )

    def __str__(self) -> str:
        from gradbook.lab.recipes.text import write

        return write(self)

    @property
    def title(self) -> str:
        return self.name or self.net.name or "a network"


def within(what: str, value: object, most: int) -> int:
    found = whole(what, value, 1)
    if found > most:
        raise UsageError(f"{what} {found:,}: the most is {most:,}")
    return found


def fold(value: object) -> int | None:
    if value is None:
        return None
    found = whole("the fold to hold back", value, 0)
    if found >= FOLDS:
        raise UsageError(f"there is no fold {found}: hold back one from 0 to {FOLDS - 1}, or none")
    return found


def phrase(what: str, value: object, most: int = LONGEST_WORDS) -> str:
    found = words(what, value)
    if set(found) & set(";#") or not found.isprintable() or len(found) > most:
        raise UsageError(
            f"{what} {found!r}: at most {most:,} printable characters, without ';' and '#'"
        )
    return found


# Which recipe is meant.


def recipe(what: Recipe | Net | str | os.PathLike[str], changes: str = "") -> Recipe:
    """The recipe that this means: a name, a file, a text, or a network with the usual settings.

    `changes` are lines such as 'epochs 5; batch 64' that take the place of its own.
    """
    from gradbook.lab.recipes.text import changed

    found = _meant(what)
    return changed(found, changes) if changes else found


def _meant(what: Recipe | Net | str | os.PathLike[str]) -> Recipe:
    if isinstance(what, Recipe):
        return what
    if isinstance(what, Net):
        return Recipe(*with_usual(what, said_by(what)))
    if not isinstance(what, str | os.PathLike):
        raise UsageError(f"a recipe is a name, a file, a text or a network, not {what!r}")
    name = os.fspath(what)
    if name in RECIPES:
        return builtin_recipe(name)
    if name in BUILTIN:
        return _meant(builtin(name))
    if not isinstance(what, str) or os.path.isfile(name) or not net_text.reads_as_text(name):
        return read(name)
    from gradbook.lab.recipes.text import parse

    return parse(name)


def builtin_recipe(name: str) -> Recipe:
    """The recipe of that name that comes with gradbook."""
    from gradbook.lab.recipes.text import parse

    return parse(builtin_text(name), name)


def builtin_text(name: str) -> str:
    """How that recipe is written, remarks and all."""
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise UsageError(f"no recipe {name!r}{did_you_mean(name, RECIPES) or f': {known}'}")
    return FOLDER.joinpath(f"{name}.txt").read_text("utf-8")


def read(path: str | os.PathLike[str]) -> Recipe:
    """The recipe in a file; a network that it names may lie beside it."""
    name = os.fspath(path)
    if not os.path.lexists(path):
        known = (*RECIPES, *BUILTIN)
        hint = did_you_mean(name, known) or f": recipes are {', '.join(RECIPES)}"
        raise UsageError(f"no recipe, network or file is called '{name}'{hint}")
    from gradbook.lab.recipes.text import parse

    return parse(read_text(path), name, Path(path).parent)


def with_usual(net: Net, said: Collection[str]) -> tuple[Net, Schedule]:
    """The network and its rates, where not all of its training is said: `said` are the words."""
    net = with_usual_loss(net, said)
    if net.rate is not None:
        return net, Schedule("constant", net.rate)
    if "update" not in said:
        net = replace(net, update=NESTEROV)
    return net, Schedule("one cycle", net.learning_rate)


def with_usual_loss(net: Net, said: Collection[str]) -> Net:
    if "loss" in said or not ends_in(net).endswith("softmax"):
        return net
    return replace(net, loss=Loss.CROSS)


def said_by(net: Net) -> set[str]:
    """What a network that is there already surely says: more than what would be without a word."""
    update = {"update"} if net.update != DESCENT else set[str]()
    meant = net.loss is not Loss.HALF_SQUARED or ends_in(net) != "log softmax"
    return update | {"loss"} if meant else update


def ends_in(net: Net) -> str:
    """The function in its last layer, if it is one."""
    last = net.layers[-1] if net.layers else None
    return last.kind if isinstance(last, Activation) else ""
