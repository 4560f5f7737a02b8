"""The verbs whose work goes on in a browser: pages to play with, one that marks workbooks."""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from gradbook.cli.arguments import (
    file_ending_in,
    named_model,
    network,
    network_of,
    network_or_recipe,
    reading_of,
    whole_number,
)
from gradbook.cli.page import Verb
from gradbook.errors import GradbookError, UsageError
from gradbook.files import guarded, renew, write_whole
from gradbook.folders import kept_in
from gradbook.language import mark, tr

if TYPE_CHECKING:
    from gradbook.data.dataset import Dataset
    from gradbook.lab.models.model import Model
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.net import Net


# Networks that read pictures: which is meant, trained how far, on what --------

FEWEST = 100  # pixels of a picture that is drawn rather than typed in, number by number
USUAL, LEAST = 10_000, 100  # images to train on
OFFERED = 20  # images to read without drawing


@dataclass(frozen=True)
class PictureReader:
    """A network that reads pictures, and how it was or would be trained."""

    model: Model
    recipe: Recipe
    data: Dataset | None  # its images, where they are at hand
    is_trained: bool = True


def picture_reader(word: str, data: str | None) -> PictureReader | None:
    """What the word means, if that reads pictures; None for a network of single numbers."""
    model = named_model(word)
    if model is not None:
        model.require_classes()
        model.picture  # noqa: B018 - refuses a network that reads no images
        return _trained(model, data)
    from gradbook.lab.recipes import RECIPES

    if word not in RECIPES:
        table = data if data and not os.path.isdir(data) else None
        net = network_of(network_or_recipe(word, table))
        if len(net.input) != 3 or prod(net.input[1:]) < FEWEST or net.samples:
            return None
    return _of_recipe(word, data)


def _trained(model: Model, data: str | None) -> PictureReader:
    from gradbook.lab.recipes.text import parse
    from gradbook.lab.recipes.text import recipe as recipe_of

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
    from gradbook.lab.recipes.text import recipe as recipe_of

    recipe = recipe_of(word)
    images = images_of(recipe, data)
    model = load_shipped(word) if data is None else None
    if model:
        return PictureReader(model, recipe, images)
    fitted = adapt(recipe, images).recipe
    return PictureReader(untrained_model(fitted.net, images), fitted, images, is_trained=False)


def picture_page(reader: PictureReader, train: int | None, command: str) -> str:
    """The page; of a network that isn't trained images come along, so that it may be."""
    from gradbook.data.dataset import in_turns
    from gradbook.report.digits_page import digits_page
    from gradbook.report.digits_tables import TrainingPack

    count = USUAL if train is None and not reader.is_trained else train
    if count and reader.data is None:
        where = f"the images of {reader.recipe.data} aren't here"
        raise UsageError(f"--train: {where}: name them with --data")
    pack = TrainingPack.of(reader.recipe, reader.data, count) if count and reader.data else None
    samples = None
    if reader.data and prod(reader.data.shape) == prod(reader.model.net.input):
        test = reader.data.test_for_reporting
        samples = test[in_turns(test, OFFERED)]
    return digits_page(reader.model, pack, samples, command)


# Page -------------------------------------------------------------------------

VERSIONS = ("1.2", "2004")  # of SCORM


def run_page(options: Namespace) -> int:
    if options.out.lower().endswith(".zip"):
        return _write_package(options)
    if options.scorm:
        raise UsageError("--scorm is for a package: end the file's name in .zip")
    page, advice = make_page(options)
    write_whole(options.out, page)
    print(tr("wrote {file}", file=options.out))
    print(tr("open it in a browser: {advice}", advice=advice))
    return 0


def _write_package(options: Namespace) -> int:
    from gradbook.teaching.scorm import scorm_package

    if options.train is not None or picture_reader(options.net, options.data):
        raise UsageError("a page to draw on asks no questions, so there is no package: write .html")
    net = network(options.net, options.data, **reading_of(options))
    version = options.scorm or VERSIONS[0]
    write_whole(options.out, scorm_package(net, version, options.typed))
    print(tr("wrote {file}", file=options.out))
    print(tr("upload it to your learning platform as a SCORM {version} package", version=version))
    return 0


def make_page(options: Namespace) -> tuple[str, str]:
    """The page, and what to do with it first."""
    reader = picture_reader(options.net, options.data)
    if reader is None:
        from gradbook.report.play_page import play_page

        if options.train is not None:
            raise UsageError("--train: this network trains on its page anyway: leave it out")
        net = network(options.net, options.data, **reading_of(options))
        if writes_letters(net):
            return letters_page_of(net, options.typed), tr("Train, and watch what it writes")
        return play_page(net, options.typed, home=options.home), tr(
            "Run, then move η, or drag a weight"
        )
    train = USUAL if options.train is True else options.train
    page = picture_page(reader, train, options.typed)
    return page, tr("draw a digit") if reader.is_trained else tr("Train, then draw a digit")


def writes_letters(net: Net) -> bool:
    """Whether it says at each step which token comes next, and is too large to be written out."""
    from gradbook.report.play_page import builds

    return net.tokens and net.wanted == net.input and not net.samples and not builds(net)


def letters_page_of(net: Net, command: str) -> str:
    from gradbook.lab.texts import usual_lines
    from gradbook.report.letters_page import letters_page

    return letters_page(net, usual_lines(), command)


# Play -------------------------------------------------------------------------


def run_play(options: Namespace) -> int:
    from gradbook.system import open_in_browser

    page, advice = make_page(options)
    place = options.out
    if not place:
        from hashlib import sha256

        same = sha256(page.encode()).hexdigest()[:16]  # so that each page is kept once
        place = kept_in("pages") / f"{same}.html"
        renew(kept_in("pages"))
    write_whole(place, page)
    if open_in_browser(Path(place).resolve().as_uri()):
        print(tr("opened {file}", file=place))
        print(tr("in your browser: {advice}", advice=advice))
    else:
        print(tr("wrote {file}", file=place))
        print(tr("no browser could be opened from here: open the file in yours"))
    return 0


# Serve ------------------------------------------------------------------------


WORKERS = 2
STOPPED = mark("stopped; nothing of what was dropped is kept")
STOPPED_CLASS = mark("stopped; nothing of what was dropped is kept; the class is in {folder}")


def run_serve(options: Namespace) -> int:
    from gradbook.interruption import heard_alike
    from gradbook.serve.server import serving
    from gradbook.serve.site import opened_site
    from gradbook.system import open_in_browser

    if options.folder and os.path.exists(options.folder) and not os.path.isdir(options.folder):
        raise UsageError(f"{options.folder} is a file, not the folder of a class")
    try:
        of_class = Path(options.folder).resolve() if options.folder else None
        with (
            heard_alike(),
            guarded(None),  # what it writes lies in folders of its own, and it reads much
            opened_site(options.workers, of_class) as site,
            serving(site, options.port) as on,
        ):
            print(tr("open {address}", address=on.address), flush=True)
            print(tr("only this computer can reach it; {keys} stops it", keys="Ctrl-C"), flush=True)
            if not options.no_browser:
                Thread(target=open_in_browser, args=(on.address,), daemon=True).start()
            on.serve()
    except KeyboardInterrupt:
        print(tr(STOPPED_CLASS if options.folder else STOPPED, folder=options.folder))
    return 0


ENTRIES = {
    "page": Verb(
        run_page,
        kinds={"train": whole_number(LEAST), "out": file_ending_in(".html", ".htm", ".zip")},
        defaults={"net": "worked"},
        facts=lambda: {"images": f"{USUAL:,}"},
    ),
    "play": Verb(
        run_play,
        kinds={"train": whole_number(LEAST), "out": file_ending_in(".html", ".htm")},
        defaults={"net": "worked"},
        facts=lambda: {"images": f"{USUAL:,}"},
    ),
    "serve": Verb(
        run_serve,
        kinds={"port": whole_number(0, 65_535), "workers": whole_number(1, 64)},
        defaults={"port": 0, "workers": WORKERS},
        facts=lambda: {"workers": WORKERS},
    ),
}
