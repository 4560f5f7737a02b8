"""A page on which a network reads what is drawn there, shows every layer's maps, and may train."""

from __future__ import annotations

import json
from math import prod
from typing import Any

import numpy as np

from gradbook.amounts import counted, percent, size
from gradbook.data.dataset import Framing, Images
from gradbook.engine.wasm import viewer
from gradbook.errors import LimitError
from gradbook.lab.models.model import Model
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
from gradbook.report.page import Section, Side, resource, script, text, text_box
from gradbook.report.page import page as whole_page

MOST_BYTES, MOST_WITH_IMAGES = 400_000, 3_000_000  # of a page: one that can be mailed
CLEAR = '<button type="button" id="clear">Clear</button>'
COLOURS = (
    "This network reads pictures in colours, which can't be drawn here: take one of these, or drop "
    "pictures of your own anywhere on the page."
)
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
    what = "what you draw" if _is_grey(model) else "pictures"
    reads = "learns to read" if training and is_untrained(model) else "reads"
    made = whole_page(
        f"{model.net.name or 'A network'} {reads} {what}",
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
    draw = Section(
        "draw", "Draw here" if _is_grey(model) else "What is read", _desk(model, training)
    )
    layers = Section("layers", "Layer by layer", f'{_ways()}<div id="maps"></div>')
    last = Side(
        (
            Section("place", "One value, and its sum", '<div id="sum" tabindex="0"></div>'),
            Section("own", "Images of your own", _own()),
            Section("more", "On from here", _more(model)),
        )
    )
    if not training:
        return [Side((draw, layers)), last]
    wrong = Section("wrong", "What it gets wrong", WRONG)
    train = Section("train", "The training", _training(training))
    teach = Section("teach", "Teach it your own handwriting", _teach(model))
    return [Side((draw, wrong)), Side((train, teach)), Side((layers,)), last]


def _lead(training: TrainingPack | None) -> str:
    """What trains, in view from the start, and what is said where nothing can be computed."""
    return (
        f"{_run(training) if training else ''}\n"
        "<noscript><p>The page computes with JavaScript, which is switched off here.</p></noscript>"
        '<p id="problem" role="alert"></p>'
    )


def _introduction(model: Model, training: TrainingPack | None) -> str:
    network = f"A network of {counted(model.parameters, 'parameter')}"
    reached = _reached(model)
    if reached is not None:
        said = f"{network}, which read {percent(reached)} of its test images correctly."
    elif is_untrained(model):
        state = "begins untrained: press Train" if training else "isn’t trained"
        said = f"{network}, which {state}."
    else:
        said = f"{network}."
    begin = "Draw" if _is_grey(model) else "Give it a picture"
    return (
        f"{said} {begin}, and every layer shows what it makes of it; point at a place of any map "
        "to see the sum it came from, or how an error comes back to it. All of it is computed "
        "here, in your browser."
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
    return (
        '<div class="bar"><button type="button" id="go" disabled>Train</button>'
        '<button type="button" id="again">Start over</button></div>'
        '<div class="figures"><p>epoch <output id="epoch">–</output></p>'
        '<p class="loss">loss <output id="loss">–</output></p>'
        f'<p><output id="tested">–</output> right, of {len(training.test):,} held out</p></div>'
    )


def _desk(model: Model, training: TrainingPack | None) -> str:
    """Where there is something to read, and what is said to it."""
    paper, clear = (_paper(), CLEAR) if _is_grey(model) else ("", "")
    other = f'<p class="remark">{COLOURS}</p>' if not paper else ""
    return (
        f'<p class="lead">{_introduction(model, training)}</p>\n'
        f'<div class="desk{"" if paper else " no-paper"}">{paper}'
        '<div class="seen"><canvas id="seen" role="img" aria-label="what the network sees">'
        '</canvas><p class="remark">what the network sees</p></div>'
        '<div class="said"><p id="answer" role="status"></p><ol id="bars"></ol></div>'
        "</div>"
        f'{other}<div class="own">{clear}'
        '<div id="samples" role="group" aria-label="images to read"></div></div>'
    )


def _paper() -> str:
    keys = "arrow keys move the pen, Space puts it down or lifts it, Delete clears the paper"
    return (
        f'<div class="paper"><canvas id="pad" width="{PAD}" height="{PAD}" tabindex="0" role="img" '
        f'aria-label="paper to draw on: {keys}"></canvas><i id="nib" hidden></i></div>'
    )


def _ways() -> str:
    """What the maps are painted with, and the error whose gradients these are."""
    return (
        '<fieldset class="paints"><legend>in the maps</legend>'
        '<label><input type="radio" name="paint" id="paint-values" checked> values</label>'
        '<label><input type="radio" name="paint" id="paint-slopes"> gradients of the error '
        "<i>E</i></label></fieldset>"
        '<p class="aim"><label>target class <select id="target"></select></label> '
        '<span><i>E</i> = <output id="error">–</output></span></p>'
    )


WRONG = '<div id="confusion" class="wide" tabindex="0"></div><div id="misread"></div>'


def _training(training: TrainingPack) -> str:
    figures = "".join(
        f'<div><dt>{words}</dt><dd><output id="{name}">–</output></dd></div>'
        for name, words in (
            ("right", "right, of those trained on"),
            ("speed", "images a second"),
        )
    )
    return (
        f'<div id="losses"></div><dl class="figures-of-training">{figures}</dl>'
        f"<p>{len(training.images):,} images come along, and the recipe's settings for so many: "
        f'<span id="settings">{counted(training.recipe.epochs, "epoch")} in batches of '
        f"{training.recipe.batch}, <code>{text(str(training.recipe.schedule))}</code></span>. "
        "<b>Train</b> begins with weights drawn anew; after the last epoch <b>Train on</b> adds "
        "one more, at a quarter of the highest rate.</p>"
        f"{_recipe(training)}"
    )


def _teach(model: Model) -> str:
    """A form that adds what is drawn to the training images."""
    begin = "Draw one" if _is_grey(model) else "Take an image"
    return (
        f"<p>{begin}, say what it is, and add it to the training images: once as it is, and as "
        "often as you like with small warps. Then train on, and see what it is read as.</p>"
        '<div class="own"><label>this is <select id="teach-class"></select></label>'
        '<label>copies <input type="number" id="teach-copies" min="1" max="2000" value="100">'
        '</label><button type="button" id="teach-add">Add to the training images</button></div>'
        '<p id="teach-said" role="status"></p><ul id="taught" class="taught"></ul>'
        '<div class="own"><button type="button" id="teach-save" disabled>Save as CSV</button>'
        '<label>open saved ones <input type="file" id="teach-open" accept=".csv"></label></div>'
        '<p class="remark">The page keeps nothing when it is closed: save your images first.</p>'
    )


def _recipe(training: TrainingPack) -> str:
    """Its text to be changed, and its mistakes."""
    lines = str(training.recipe).rstrip()
    return (
        "<details><summary>the recipe, to be changed</summary>"
        "<p>Its schedule, epochs, batch and seed can be others, and <code>warp none</code> leaves "
        "images as they are; the next training begins with them. Layers, loss and update are in "
        "the compiled code: another recipe gets a page of its own, from its text.</p>"
        '<p id="text-said" role="status"></p>'
        f"{text_box(lines, 'The recipe as text')}"
        '<p class="own"><button type="button" id="undo" disabled>Undo</button>'
        '<button type="button" id="redo" disabled>Redo</button>'
        '<button type="button" id="text-as-written">As written</button>'
        '<button type="button" id="save">Save as recipe.txt</button></p></details>'
    )


def _own() -> str:
    return (
        '<div class="own"><label>pictures, or a CSV file of pixels '
        '<input type="file" id="files" accept="image/*,.csv" multiple></label>'
        '<span class="remark">or drop them, or a folder, anywhere on the page</span></div>'
        '<p id="said" role="status"></p><ul id="cards" class="cards"></ul>'
    )


def _more(model: Model) -> str:
    name = text(model.net.name or "RUN")
    return (
        "<p>The same network on the command line:</p>"
        f"<pre><code>gradbook train {name} -o run\ngradbook predict run FILE\n"
        f"gradbook page run -o page.html\ngradbook export run -o {name}.onnx</code></pre>"
        f"<details><summary>its layers as text</summary><pre><code>{text(str(model.net))}"
        "</code></pre></details>"
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
