"""A page on which a network reads what is drawn there, shows every layer's maps, and may train."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradbook.amounts import percent, size
from gradbook.data.dataset import Framing, Images
from gradbook.engine.wasm import viewer
from gradbook.errors import LimitError
from gradbook.lab.models.model import Model
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.net.work.at_work import at_start
from gradbook.report.digits_tables import (
    TrainingPack,
    error_table,
    final_value_count,
    layer_table,
    module_table,
    numbers_table,
    pack,
    require_explained,
    scales,
)
from gradbook.report.document import Report, Side, made_with
from gradbook.report.markup import report_page
from gradbook.report.page_shell import PageTemplate, text, text_box
from gradbook.report.scripts import script

MOST_BYTES, MOST_WITH_IMAGES = 400_000, 3_000_000  # of a page, so that it can be mailed
TITLES = {  # by whether the network learns, and whether the reader draws
    (True, True): mark("{network} learns to read what you draw"),
    (True, False): mark("{network} learns to read pictures"),
    (False, True): mark("{network} reads what you draw"),
    (False, False): mark("{network} reads pictures"),
}
READ_AT_ONCE = 16  # images


def digits_page(
    model: Model,
    training: TrainingPack | None = None,
    samples: Images | None = None,
    command: str = "",
) -> str:
    """The page; `samples` are images to read without drawing, `command` is what makes it again."""
    require_explained(model.net)
    is_grey = model.picture[0] == 1  # only grey images can be drawn
    learns = training is not None and is_untrained(model)
    template = PageTemplate(
        "digits/page.html",
        introduction=text(_introduction(model, training)),
        name=text(model.net.name or "RUN"),
        layers_text=text(str(model.net)),
        **(_parts(training) if training else {"learning": ""}),
    )
    chapter = template.chapter
    screen = [
        chapter("draw") if is_grey else chapter("read", "draw"),
        *map(chapter, ("layers", "answers", "place")),
    ]
    tabs = [chapter("own"), chapter("more")]
    if training:
        teach = chapter("teach") if is_grey else chapter("teach-taken", "teach")
        tabs = [chapter("train"), teach, chapter("wrong"), *tabs]
    table = content_table(model)
    table["samples"] = samples and {
        "images": pack(samples.pixels.tobytes()),
        "labels": samples.labels.tolist(),
    }
    table["training"] = training and training.table(model.net, scales(model))
    page = report_page(
        Report(
            tr(TITLES[learns, is_grey], network=model.net.name or tr("A network")),
            [*screen, Side(tuple(tabs))],
            lead=[template.block(part) for part in ["run"] * bool(training) + ["ways", "problems"]],
            foot=made_with(command),
            is_read=False,
            styles=["controls.css", "frame.css", "reading.css", "digits.css"],
            main="digits/main.js",
            data=table,
            other_scripts={"worker": script("wasm/worker.js")},
            computes=True,
        )
    )
    most = MOST_WITH_IMAGES if training else MOST_BYTES
    if len(page.encode()) > most:
        fewer = "pack fewer images with --train" if training else "use a smaller network"
        raise LimitError(
            f"the page would take {size(len(page.encode()))}, more than {size(most)}: {fewer}"
        )
    return page


def _introduction(model: Model, training: TrainingPack | None) -> str:
    parameters = numeral(f"{model.parameters:,}")
    reached = _reached(model)
    if reached is not None:
        return tr(
            "A network of {parameters} parameters, which read {share} of its test images "
            "correctly.",
            parameters=parameters,
            share=numeral(percent(reached)),
        )
    if not is_untrained(model):
        return tr("A network of {parameters} parameters.", parameters=parameters)
    if training:
        return tr(
            "A network of {parameters} parameters, which isn’t trained yet: press Train.",
            parameters=parameters,
        )
    return tr("A network of {parameters} parameters, which isn’t trained.", parameters=parameters)


def _reached(model: Model) -> float | None:
    """The share of its test images that it read correctly, if its file contains it."""
    accuracy = model.about.get("test_accuracy")
    return accuracy if isinstance(accuracy, float) else None


def is_untrained(model: Model) -> bool:
    """Whether it still has its initial weights."""
    start = at_start(model.net)
    return model.values.keys() == start.keys() and all(
        np.array_equal(value, start[name]) for name, value in model.values.items()
    )


def _parts(training: TrainingPack) -> dict[str, str]:
    """The parts of the page that describe a training."""
    settings = tr_count(
        "{count} epoch in batches of {batch}, {schedule}",
        "{count} epochs in batches of {batch}, {schedule}",
        training.recipe.epochs,
        batch=training.recipe.batch,
        schedule=f"<code>{text(str(training.recipe.schedule))}</code>",
    )
    return {
        "tested": numeral(f"{len(training.test):,}"),
        "images": numeral(f"{len(training.images):,}"),
        "settings": settings,
        "recipe": text_box(str(training.recipe).rstrip(), tr("The recipe as text")),
    }


def content_table(model: Model) -> dict[str, Any]:
    """The data of a trained network that the page's modules read."""
    framing = model.about.get("framing")
    parsed = Framing.parse(str(framing)) if framing else None
    return {
        "classes": list(model.classes),
        "image": model.picture,
        "skill": {"right": _reached(model), "count": 0, "isUntrained": is_untrained(model)},
        "framing": parsed and {"side": parsed.side, "byMass": parsed.by_mass},
        "ending": model.net.ending,
        "layers": layer_table(model.net),
        "error": error_table(model.net),
        "shapes": {name: np.shape(value) for name, value in model.values.items()},
        "values": numbers_table(model.values),
        "module": module_table(viewer(model.net, READ_AT_ONCE)),
        "view": {
            "batch": READ_AT_ONCE,
            "pixels": prod(model.net.input),
            "all": final_value_count(model.net),
            "ending": model.net.ending,
            "outputs": model.net.outputs,
            **scales(model),
        },
    }
