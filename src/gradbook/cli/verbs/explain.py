"""Work a network's backpropagation: every chain written out, the numbers put in.

NET may also be a recipe, the folder of a run or a model's file. A network that is too large to be
written out value by value is told in matrices, and one of its weights is worked in numbers on an
image of its data.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.terminal.arguments import (
    add_reading_arguments,
    format_of,
    one_of,
    reading_of,
    whole_number,
)
from gradbook.cli.terminal.named import named, named_model
from gradbook.cli.terminal.output import write_or_print
from gradbook.errors import LimitError, ShapeError, UsageError

if TYPE_CHECKING:
    from gradbook.lab.models.model import Model
    from gradbook.net import Net
    from gradbook.report.derivation import Explanation

EXAMPLES = """\
  gradbook explain                          the worked 2-2-2 network, here
  gradbook explain mazur --only w5          one weight, from chain to number
  gradbook explain xor -o xor.html          a page; also .tex, .md, .txt and .json
  gradbook explain net.txt --data iris.csv  larger: general lines, one weight
  gradbook explain net.txt --all            every weight of it
  gradbook explain --format json            chain, formula and value of every weight
  gradbook explain reference --image 7      a convnet at its start, on the test image 7
  gradbook explain runs/quick --only "conv2 3,1,0,2" --image 7
                                            trained: one weight, by its layer and place
"""

SUFFIXES = {".txt": "text", ".html": "html", ".tex": "latex", ".md": "markdown", ".json": "json"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="worked", help="default: worked")
    parser.add_argument(
        "--data", metavar="DATA", help="samples from a CSV table; for images a data set"
    )
    parser.add_argument(
        "--image", metavar="N", type=whole_number(), help="which test image, from 0"
    )
    parser.add_argument(
        "--only", metavar="WEIGHT", help="one weight: w5, b1, …; or 'conv2 3,1,0,2'"
    )
    parser.add_argument("--all", action="store_true", help="every weight, however many")
    parser.add_argument(
        "--format",
        type=one_of(*SUFFIXES.values()),
        metavar="FORMAT",
        help=f"{', '.join(SUFFIXES.values())} (default: as FILE is called, else text)",
    )
    parser.add_argument("-o", "--out", metavar="FILE", help="where to write (default: here)")
    add_reading_arguments(parser.add_argument_group("tables of samples"))


def run(options: Namespace) -> int:
    chosen = format_of(options, SUFFIXES)
    if options.only and options.all:
        raise UsageError("--only and --all don't go together: leave one out")
    made = _explained(options)
    writers = {"latex": made.latex, "markdown": made.markdown, "json": made.json}
    said = made.html(options.typed) if chosen == "html" else writers.get(chosen, made.__str__)()
    return write_or_print(said, options.out, is_json=chosen == "json")


def _explained(options: Namespace) -> Explanation:
    from gradbook.net import Net
    from gradbook.report.derivation import explain

    model = named_model(options.net)
    if model is not None:
        return _on_image(options, model, model.data)
    what = named(
        options.net, None if options.image is not None else options.data, **reading_of(options)
    )
    if not isinstance(what, Net):
        return _on_image(options, what.net, what.data)
    if options.image is not None:
        return _on_image(options, what)
    try:
        return explain(what, options.only, everything=options.all)
    except LimitError as too_large:
        if options.all or what.samples:
            raise
        try:
            return _on_image(options, what)
        except ShapeError:  # it takes no such images: that it is too large says more
            raise too_large from None


def _on_image(options: Namespace, what: Model | Net, own_data: str = "") -> Explanation:
    """One weight in numbers, on a test image of the data set."""
    from gradbook.data.sources import load
    from gradbook.lab.models.model import Model, untrained_model
    from gradbook.lab.recipes.recipe import USUAL_DATA
    from gradbook.report.derivation import explain_image

    if options.all:
        raise UsageError("--all is for networks of few weights: name one with --only")
    data = load(options.data or own_data or USUAL_DATA)
    model = what if isinstance(what, Model) else untrained_model(what, data)
    images, number = data.test_for_reporting, options.image or 0
    if number >= len(images):
        raise UsageError(f"--image {number}: {data.name} has {len(images):,} test images, from 0")
    label = int(images.labels[number])
    called = f"test image {number:,} of {data.name}"
    return explain_image(model, images.pixels[number], label, options.only, called)
