"""A page on which a network reads what is drawn there, shows every layer's maps, and may train."""

from __future__ import annotations

import json
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
    layer_table,
    module_table,
    numbers_table,
    pack,
    require_explained,
    scales,
    values_given,
)
from gradbook.report.document import made_with
from gradbook.report.markup import markup
from gradbook.report.page import Section, Side, problems, resource, script, text, text_box
from gradbook.report.page import page as whole_page

MOST_BYTES, MOST_WITH_IMAGES = 400_000, 3_000_000  # of a page: one that can be mailed
COLOURS = mark(
    "This network reads pictures in colours, which can't be drawn here: take one of these, or drop "
    "pictures of your own anywhere on the page."
)
TITLES = {  # by whether it is to learn, and whether one draws
    (True, True): mark("{network} learns to read what you draw"),
    (True, False): mark("{network} learns to read pictures"),
    (False, True): mark("{network} reads what you draw"),
    (False, False): mark("{network} reads pictures"),
}
READ_AT_ONCE = 16  # images
PAD = 280  # places down and across, as in web/picture/pen.js


def digits_page(
    model: Model,
    training: TrainingPack | None = None,
    samples: Images | None = None,
    command: str = "",
) -> str:
    """The page; `samples` are images to read without drawing, `command` is what makes it again."""
    require_explained(model.net)
    learns = training is not None and is_untrained(model)
    made = whole_page(
        tr(TITLES[learns, _is_grey(model)], network=model.net.name or tr("A network")),
        _sides(model, training),
        lead=_lead(training),
        foot=_data(model, training, samples) + markup(made_with(command)),
        style=resource("play.css") + resource("digits.css"),
        script=script("digits/main.js"),
        computes=True,
    )
    most = MOST_WITH_IMAGES if training else MOST_BYTES
    if len(made.encode()) > most:
        fewer = "pack fewer images with --train" if training else "take a smaller network"
        raise LimitError(
            f"the page would take {size(len(made.encode()))}, and {size(most)} is the most: {fewer}"
        )
    return made


def _sides(model: Model, training: TrainingPack | None) -> list[Side]:
    """Columns, two by two; what is drawn first, and what follows from it beside and beneath."""
    heading = tr("Draw here") if _is_grey(model) else tr("What is read")
    draw = Section("draw", heading, _desk(model, training))
    layers = Section("layers", tr("Layer by layer"), f'{_ways()}<div id="maps"></div>')
    last = Side(
        (
            Section("place", tr("One value, and its sum"), '<div id="sum" tabindex="0"></div>'),
            Section("own", tr("Images of your own"), _own()),
            Section("more", tr("On from here"), _more(model)),
        )
    )
    if not training:
        return [Side((draw, layers)), last]
    wrong = Section("wrong", tr("What it gets wrong"), WRONG)
    train = Section("train", tr("The training"), _training(training))
    teach = Section("teach", tr("Teach it your own handwriting"), _teach(model))
    return [Side((draw, wrong)), Side((train, teach)), Side((layers,)), last]


def _lead(training: TrainingPack | None) -> str:
    """What trains, in view from the start, and what is said where nothing can be computed."""
    return f"{_run(training) if training else ''}\n{problems()}"


def _introduction(model: Model, training: TrainingPack | None) -> str:
    parameters = numeral(f"{model.parameters:,}")
    reached = _reached(model)
    if reached is not None:
        said = tr(
            "A network of {parameters} parameters, which read {share} of its test images "
            "correctly.",
            parameters=parameters,
            share=numeral(percent(reached)),
        )
    elif not is_untrained(model):
        said = tr("A network of {parameters} parameters.", parameters=parameters)
    elif training:
        said = tr(
            "A network of {parameters} parameters, which begins untrained: press Train.",
            parameters=parameters,
        )
    else:
        said = tr(
            "A network of {parameters} parameters, which isn’t trained.", parameters=parameters
        )
    return f"{said} {tr(DRAW) if _is_grey(model) else tr(GIVE)}"


DRAW = mark(
    "Draw, and every layer shows what it makes of it; point at a place of any map to see the sum "
    "it came from, or how an error comes back to it. All of it is computed here, in your browser."
)
GIVE = mark(
    "Give it a picture, and every layer shows what it makes of it; point at a place of any map to "
    "see the sum it came from, or how an error comes back to it. All of it is computed here, in "
    "your browser."
)


def _reached(model: Model) -> float | None:
    """Which part of its test images it read, if its file says so."""
    found = model.about.get("test_accuracy")
    return found if isinstance(found, float) else None


def is_untrained(model: Model) -> bool:
    """Whether its weights are those that it begins with."""
    start = at_start(model.net)
    return model.values.keys() == start.keys() and all(
        np.array_equal(value, start[name]) for name, value in model.values.items()
    )


def _is_grey(model: Model) -> bool:
    """Whether it reads what is drawn: ink has no colours."""
    return model.picture[0] == 1


def _run(training: TrainingPack) -> str:
    """The buttons that train, and how far it is."""
    epoch = tr("epoch {number}", number='<output id="epoch">–</output>')
    loss = tr("loss {value}", value='<output id="loss">–</output>')
    tested = tr(
        "{share} right, of {images} held out",
        share='<output id="tested">–</output>',
        images=numeral(f"{len(training.test):,}"),
    )
    return (
        f'<div class="bar"><button type="button" id="go" disabled>{tr("Train")}</button>'
        f'<button type="button" id="again">{tr("Start over")}</button></div>'
        f'<div class="figures"><p>{epoch}</p><p class="loss">{loss}</p><p>{tested}</p></div>'
    )


def _desk(model: Model, training: TrainingPack | None) -> str:
    """Where there is something to read, and what is said to it."""
    clear = f'<button type="button" id="clear">{tr("Clear")}</button>'
    paper, clear = (_paper(), clear) if _is_grey(model) else ("", "")
    other = f'<p class="remark">{tr(COLOURS)}</p>' if not paper else ""
    seen, offered = tr("what the network sees"), tr("images to read")
    return (
        f'<p class="lead">{_introduction(model, training)}</p>\n'
        f'<div class="desk{"" if paper else " no-paper"}">{paper}'
        f'<div class="seen"><canvas id="seen" role="img" aria-label="{seen}">'
        f'</canvas><p class="remark">{seen}</p></div>'
        '<div class="said"><p id="answer" role="status"></p><ol id="bars"></ol></div>'
        "</div>"
        f'{other}<div class="own">{clear}'
        f'<div id="samples" role="group" aria-label="{offered}"></div></div>'
    )


def _paper() -> str:
    words = tr(
        "paper to draw on: arrow keys move the pen, Space puts it down or lifts it, Delete clears "
        "the paper"
    )
    return (
        f'<div class="paper"><canvas id="pad" width="{PAD}" height="{PAD}" tabindex="0" role="img" '
        f'aria-label="{words}"></canvas><i id="nib" hidden></i></div>'
    )


def _ways() -> str:
    """What the maps are painted with, and the error whose gradients these are."""
    gradients = tr("gradients of the error {error}", error="<i>E</i>")
    return (
        f'<fieldset class="paints"><legend>{tr("in the maps")}</legend>'
        '<label><input type="radio" name="paint" id="paint-values" checked> '
        f"{tr('values')}</label>"
        f'<label><input type="radio" name="paint" id="paint-slopes"> {gradients}</label>'
        f'</fieldset><p class="aim"><label>{tr("target class")} <select id="target"></select>'
        "</label> "
        '<span><i>E</i> = <output id="error">–</output></span></p>'
    )


WRONG = '<div id="confusion" class="wide" tabindex="0"></div><div id="misread"></div>'


def _training(training: TrainingPack) -> str:
    figures = "".join(
        f'<div><dt>{words}</dt><dd><output id="{name}">–</output></dd></div>'
        for name, words in (
            ("right", tr("right, of those trained on")),
            ("speed", tr("images a second")),
        )
    )
    settings = tr_count(
        "{count} epoch in batches of {batch}, {schedule}",
        "{count} epochs in batches of {batch}, {schedule}",
        training.recipe.epochs,
        batch=training.recipe.batch,
        schedule=f"<code>{text(str(training.recipe.schedule))}</code>",
    )
    words = tr(
        "{images} images come along, and the recipe's settings for so many: {settings}. {train} "
        "begins with weights drawn anew; after the last epoch {train_on} adds one more, at a "
        "quarter of the highest rate.",
        images=numeral(f"{len(training.images):,}"),
        settings=f'<span id="settings">{settings}</span>',
        train=f"<b>{tr('Train')}</b>",
        train_on=f"<b>{tr('Train on')}</b>",
    )
    return (
        f'<div id="losses"></div><dl class="figures-of-training">{figures}</dl><p>{words}</p>'
        f"{_recipe(training)}"
    )


def _teach(model: Model) -> str:
    """A form that adds what is drawn to the training images."""
    copies = '<input type="number" id="teach-copies" min="1" max="2000" value="100">'
    keeps = tr("The page keeps nothing when it is closed: save your images first.")
    this_is = tr("this is {which}", which='<select id="teach-class"></select>')
    return (
        f"<p>{tr(TEACH_DRAWN) if _is_grey(model) else tr(TEACH_TAKEN)}</p>"
        f'<div class="own"><label>{this_is}</label><label>{tr("copies")} {copies}</label>'
        f'<button type="button" id="teach-add">{tr("Add to the training images")}</button></div>'
        '<p id="teach-said" role="status"></p><ul id="taught" class="taught"></ul>'
        f'<div class="own"><button type="button" id="teach-save" disabled>{tr("Save as CSV")}'
        f"</button><label>{tr('open saved ones')} "
        '<input type="file" id="teach-open" accept=".csv"></label></div>'
        f'<p class="remark">{keeps}</p>'
    )


TEACH_DRAWN = mark(
    "Draw one, say what it is, and add it to the training images: once as it is, and as often as "
    "you like with small warps. Then train on, and see what it is read as."
)
TEACH_TAKEN = mark(
    "Take an image, say what it is, and add it to the training images: once as it is, and as often "
    "as you like with small warps. Then train on, and see what it is read as."
)


def _recipe(training: TrainingPack) -> str:
    """Its text to be changed, and its mistakes."""
    lines = str(training.recipe).rstrip()
    words = tr(
        "Its schedule, epochs, batch and seed can be others, and {line} leaves images as they are; "
        "the next training begins with them. Layers, loss and update are in the compiled code: "
        "another recipe gets a page of its own, from its text.",
        line="<code>warp none</code>",
    )
    return (
        f"<details><summary>{tr('the recipe, to be changed')}</summary><p>{words}</p>"
        '<p id="text-said" role="status"></p>'
        f"{text_box(lines, tr('The recipe as text'))}"
        f'<p class="own"><button type="button" id="undo" disabled>{tr("Undo")}</button>'
        f'<button type="button" id="redo" disabled>{tr("Redo")}</button>'
        f'<button type="button" id="text-as-written">{tr("As written")}</button>'
        f'<button type="button" id="save">{tr("Save as {file}", file="recipe.txt")}</button></p>'
        "</details>"
    )


def _own() -> str:
    drop = tr("or drop them, or a folder, anywhere on the page")
    return (
        f'<div class="own"><label>{tr("pictures, or a CSV file of pixels")} '
        '<input type="file" id="files" accept="image/*,.csv" multiple></label>'
        f'<span class="remark">{drop}</span></div>'
        '<p id="said" role="status"></p><ul id="cards" class="cards"></ul>'
    )


def _more(model: Model) -> str:
    name = text(model.net.name or "RUN")
    return (
        f"<p>{tr('The same network on the command line:')}</p>"
        f"<pre><code>gradbook train {name} -o run\ngradbook predict run FILE\n"
        f"gradbook page run -o page.html\ngradbook export run -o {name}.onnx</code></pre>"
        f"<details><summary>{tr('its layers as text')}</summary><pre><code>"
        f"{text(str(model.net))}</code></pre></details>"
    )


def _data(model: Model, training: TrainingPack | None, samples: Images | None) -> str:
    """The tables, in an element that no browser takes for a script; and what the worker does."""
    table = content_table(model)
    table["samples"] = samples and {
        "images": pack(samples.pixels.tobytes()),
        "labels": samples.labels.tolist(),
    }
    table["training"] = training and training.table(model.net, scales(model))
    said = json.dumps(table, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    said = said.replace("<", "\\u003c")
    worker = script("wasm/worker.js")
    assert "</script" not in worker
    return (
        f'<script type="application/json" id="content">{said}</script>\n'
        f'<script type="text/plain" id="worker">{worker}</script>\n'
    )


def content_table(model: Model) -> dict[str, Any]:
    """What the page knows of a trained network, beside its own modules."""
    framing = model.about.get("framing")
    own = Framing.parse(str(framing)) if framing else None
    return {
        "classes": list(model.classes),
        "image": model.picture,
        "skill": {"right": _reached(model), "count": 0, "isUntrained": is_untrained(model)},
        "framing": own and {"side": own.side, "byMass": own.by_mass},
        "ending": model.net.ending,
        "layers": layer_table(model.net),
        "error": error_table(model.net),
        "shapes": {name: np.shape(value) for name, value in model.values.items()},
        "values": numbers_table(model.values),
        "module": module_table(viewer(model.net, READ_AT_ONCE)),
        "view": {
            "batch": READ_AT_ONCE,
            "pixels": prod(model.net.input),
            "all": values_given(model.net),
            "ending": model.net.ending,
            "outputs": model.net.outputs,
            **scales(model),
        },
    }
