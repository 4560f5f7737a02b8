"""Opens a network in a browser, or writes it as a page."""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.builtin_networks import SCENES
from gradbook.cli.argument_kinds import (
    READING_GONE,
    asked_network_or_formulas,
    file_ending_in,
    named_model,
    network_of,
    network_or_recipe,
    whole_number,
)
from gradbook.cli.help_page import Verb
from gradbook.cli.output import print_written, say
from gradbook.cli.programs import names_program, page_of_program
from gradbook.cli.workbooks import names_workbook, page_of_workbook, refuse_for_networks
from gradbook.errors import GradbookError, UsageError
from gradbook.files import renew, write_whole
from gradbook.folders import kept_in
from gradbook.language import mark, tr

if TYPE_CHECKING:
    from gradbook.data.dataset import Dataset
    from gradbook.lab.models.model import Model
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.net.formulas import Formulas


# Networks that read pictures: which network, how it was trained, and its data --

FEWEST = 100  # pixels from which a picture is drawn, not typed number by number
USUAL, LEAST = 10_000, 100  # images to train on
OFFERED = 20  # images to read without drawing


@dataclass(frozen=True)
class PictureReader:
    """A network that reads pictures, and how it was or would be trained."""

    model: Model
    recipe: Recipe
    data: Dataset | None  # its images, if they are available
    is_trained: bool = True


def picture_reader(word: str, data: str | None) -> PictureReader | None:
    """The reader that the word names; None for a network of single numbers."""
    model = named_model(word)
    if model is not None:
        model.require_classes()
        model.picture  # noqa: B018 - refuses a network that reads no images
        return _trained(model, data)
    from gradbook.lab.recipes import RECIPES
    from gradbook.net.formulas import Formulas

    if word not in RECIPES:
        table = data if data and not os.path.isdir(data) else None
        what = network_or_recipe(word, table)
        if isinstance(what, Formulas):
            return None
        net = network_of(what)
        if len(net.input) != 3 or prod(net.input[1:]) < FEWEST or net.samples:
            return None
    return _of_recipe(word, data)


def _trained(model: Model, data: str | None) -> PictureReader:
    from gradbook.lab.recipes.recipe_text import parse
    from gradbook.lab.recipes.recipe_text import recipe as recipe_of

    text = model.about.get("recipe")
    recipe = parse(str(text)) if text else recipe_of(model.net)
    from gradbook.lab.images import images_of

    images = None
    with suppress(GradbookError):
        images = images_of(recipe, data)
    return PictureReader(model, recipe, images)


def _of_recipe(word: str, data: str | None) -> PictureReader:
    from gradbook.lab.images import adapt, images_of
    from gradbook.lab.models.model import load_shipped, untrained_model
    from gradbook.lab.recipes.recipe_text import recipe as recipe_of

    recipe = recipe_of(word)
    images = images_of(recipe, data)
    model = load_shipped(word) if data is None else None
    if model:
        return PictureReader(model, recipe, images)
    fitted = adapt(recipe, images).recipe
    return PictureReader(untrained_model(fitted.net, images), fitted, images, is_trained=False)


def picture_page(reader: PictureReader, train: int | None, command: str) -> str:
    """The page; for an untrained network it includes images to train on."""
    from gradbook.data.dataset import in_turns
    from gradbook.report.digits_page import digits_page
    from gradbook.report.digits_tables import TrainingPack

    count = USUAL if train is None and not reader.is_trained else train
    if count and reader.data is None:
        where = f"the images of {reader.recipe.data} weren't found"
        raise UsageError(f"--train: {where}: name them with --data")
    pack = TrainingPack.of(reader.recipe, reader.data, count) if count and reader.data else None
    samples = None
    if reader.data and prod(reader.data.shape) == prod(reader.model.net.input):
        test = reader.data.test_for_reporting
        samples = test[in_turns(test, OFFERED)]
    return digits_page(reader.model, pack, samples, command)


# The page -------------------------------------------------------------------------------

PAGES = (".html", ".htm")
TRAIN_ADVICE = mark("watch it learn, move η, or drag a weight")
GRAPH_ADVICE = mark("drag a number, or go through the graph forward and backward")
EXPLORE_ADVICE = mark("drag a number, and see what it does to the result")


def run(options: Namespace) -> int:
    page, advice = make_page(options)
    if not options.out:
        return _open(page, advice)
    write_whole(options.out, page)
    print_written(options.out)
    say(tr("open it in a browser: {advice}", advice=advice))
    return 0


def _open(page: str, advice: str) -> int:
    """Open the page in the browser, from gradbook's own folder of files."""
    from hashlib import sha256

    from gradbook.system import open_in_browser

    same = sha256(page.encode()).hexdigest()[:16]  # so that each page is kept once
    place = kept_in("pages") / f"{same}.html"
    renew(kept_in("pages"))
    write_whole(place, page)
    if open_in_browser(Path(place).resolve().as_uri()):
        say(tr("opened {file}", file=place))
        say(tr("in your browser: {advice}", advice=advice))
    else:
        print_written(place)
        say(tr("no browser could be opened from here: open the file in yours"))
    return 0


def make_page(options: Namespace) -> tuple[str, str]:
    """The page, and what to do with it first."""
    from gradbook.net.formulas import Formulas

    if names_program(options.net):
        return page_of_program(options), tr(EXPLORE_ADVICE)
    if names_workbook(options.net):
        return page_of_workbook(options), tr(EXPLORE_ADVICE)
    refuse_for_networks(options)
    reader = picture_reader(options.net, options.data)
    if reader is None:
        from gradbook.report.play_page import builds, play_page

        if options.train is not None:
            raise UsageError("--train: this network always trains on its page: leave it out")
        net = asked_network_or_formulas(options)
        if isinstance(net, Formulas):
            return page_of_formulas(net, options.typed)
        predicts_next = net.tokens and net.wanted == net.input  # the next token at each step
        if predicts_next and not net.samples and not builds(net):
            from gradbook.lab.texts import usual_lines
            from gradbook.report.letters_page import letters_page

            page = letters_page(net, usual_lines(), options.typed)
            return page, tr("Train, and watch what it writes")
        drawn = options.net if options.net in SCENES and options.data is None else ""
        return play_page(net, options.typed, points_of=drawn), tr(TRAIN_ADVICE)
    if options.set:
        raise UsageError("--set is for networks of single numbers: leave it out")
    train = USUAL if options.train is True else options.train
    page = picture_page(reader, train, options.typed)
    return page, tr("draw a digit") if reader.is_trained else tr("Train, then draw a digit")


def page_of_formulas(formulas: Formulas, command: str) -> tuple[str, str]:
    """The page of formulas: they are explored, unless their text has a training."""
    if formulas.trains or formulas.data:
        from gradbook.report.formula_page import formula_page

        return formula_page(formulas, command), tr(GRAPH_ADVICE)
    from gradbook.derivatives.exploration import exploration_of_formulas
    from gradbook.report.explored_page import explored_page

    return explored_page(exploration_of_formulas(formulas), command), tr(EXPLORE_ADVICE)


ENTRIES = {
    "play": Verb(
        run,
        kinds={
            "train": whole_number(LEAST),
            "out": file_ending_in(*PAGES),
        },
        defaults={"net": "worked"},
        facts=lambda: {"images": f"{USUAL:,}"},
        speaks=True,
        gone={
            "--rate": "write --set 'rate …'",
            "--home": "set GRADBOOK_HOME to the site's address",
            "--scorm": "gradbook quiz writes questions for a learning platform",
            **dict.fromkeys(("--epochs", "--fps"), "a page trains as long as you let it"),
            **READING_GONE,
        },
    ),
}
