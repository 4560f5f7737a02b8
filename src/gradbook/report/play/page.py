"""The page: one file that trains a network in front of its reader."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from gradbook.amounts import size
from gradbook.data.sources import POINT_SETS
from gradbook.errors import LimitError
from gradbook.net import LESSONS, Net, builtin
from gradbook.net.network import DROPPED
from gradbook.report.page import SCROLLS, Section, Side, made_with, resource, script, text, text_box
from gradbook.report.page import page as whole_page
from gradbook.report.play.building import building_table, builds
from gradbook.report.play.columns import columns
from gradbook.report.play.formulas import formula_table
from gradbook.targets.drawing.shapes import width_table
from gradbook.targets.page.content import PageContent, content

ENDING = re.compile("<(?!/?m)")  # what could end a script; formulas have <mo> and </mo>
OLD = (
    "Nothing here computes: JavaScript is switched off, or this browser is older than 2022. "
    "Switch it on, or open the page in a newer browser."
)
MOST_BYTES = 400_000  # of a page: one that can be mailed
PACES = {
    "2 epochs a second": 2,
    "10 epochs a second": 10,
    "60 epochs a second": 60,
    "as fast as it goes": 100_000,
}


def play_page(net: Net, command: str = "") -> str:
    """The page; `command` is what makes it again. A large network's can't be changed as text."""
    known = content(net)
    made = _page(known, command, is_building=builds(net))
    if builds(net) and len(made.encode()) > MOST_BYTES:
        made = _page(known, command, is_building=False)
    if len(made.encode()) > MOST_BYTES:
        raise LimitError(
            f"the page would take {size(len(made.encode()))}, and {size(MOST_BYTES)} is the most: "
            "take a smaller network or fewer samples"
        )
    return made


def _page(known: PageContent, command: str, is_building: bool) -> str:
    chain = '<div class="wide" id="chain" tabindex="0"></div>'
    left = (
        Section("network", "The network", _drawing()),
        Section("chain-rule", "One value, and its chain", chain),
        Section("data", "Samples", _samples(known, is_building)),
    )
    right = (
        Section("rate-and-loss", "Learning rate and loss", _loss()),
        *([Section("plane", "The plane", _plane())] if known.share or is_building else []),
        Section("more", "The network as text", _editor(known) if is_building else _text(known)),
    )
    return whole_page(
        f"{known.net.name or 'A network'}, to play with",
        [Side(left), Side(right)],
        lead=_lead(),
        foot=_data(known, is_building) + made_with(command),
        style=resource("sweep.css") + resource("play.css"),
        script=script("view/main.js"),
    )


def _lead() -> str:
    buttons = (
        '<button type="button" id="step">Step</button>'
        '<button type="button" id="run">Run</button>'
        '<button type="button" id="reset">Reset</button>'
    )
    paces = "".join(
        f'<option value="{pace}"{" selected" if pace == 10 else ""}>{words}</option>'
        for words, pace in PACES.items()
    )
    return (
        '<p class="lead">Every number is computed here, in your browser, as you change it. '
        "Point at a weight to see its way to the error; drag it, or use the arrow keys, to change "
        "it.</p>\n"
        f'<p id="old">{OLD}</p>'
        f'<div class="bar" role="group" aria-label="Training">{buttons}'
        f'<select id="pace" aria-label="epochs">{paces}</select>'
        '<p class="figures">epoch <output id="epoch">1</output></p>'
        '<p class="figures"><i>E</i><sub>total</sub> <output id="loss"></output></p></div>'
    )


def _drawing() -> str:
    """The drawing, and what maps are painted with; the page hides what a network has no use for."""
    return (
        '<fieldset class="paints" id="paints" hidden><legend>in the maps</legend>'
        '<label><input type="radio" name="paint" id="paint-values" checked> values</label>'
        '<label><input type="radio" name="paint" id="paint-slopes"> gradients: the error '
        '<span class="rising">rises</span> or <span class="falling">falls</span> with each</label>'
        f'</fieldset>{_dropout()}<div class="wide" id="drawing"></div>'
        f'<p class="scrolls" id="drawing-scrolls" hidden>{SCROLLS}</p>'
    )


def _dropout() -> str:
    """What dropout does to the values that are shown."""
    return (
        '<fieldset class="paints" id="dropout" hidden><legend>dropout</legend>'
        '<label><input type="radio" name="dropout" id="dropout-on" checked> as it trains: what '
        "is dropped is drawn anew at every step</label>"
        '<label><input type="radio" name="dropout" id="dropout-off"> off, as in a trained '
        "network; steps drop all the same</label></fieldset>"
    )


def _loss() -> str:
    return (
        '<div class="rate"><label for="rate"><i>η</i></label>'
        '<input type="range" id="rate" min="-3" max="4" step="0.01">'
        '<input type="number" id="rate-field" step="any" aria-label="learning rate">'
        '<div id="strip" aria-hidden="true"></div></div>'
        '<p class="remark" id="limit"></p>'
        '<div id="verdict" aria-live="polite"></div>'
        '<p id="so-far"></p>'
        '<div id="curve"></div>'
        '<p class="remark"><span class="key foreseen"></span> what this rate does from the start '
        '<span class="key gone"></span> what was trained so far</p>'
    )


def _plane() -> str:
    """The plane, and the class of the points that are added to it."""
    clicked = (
        '<fieldset class="classes"><legend>click to add points of</legend>'
        '<label><input type="radio" name="class" id="class-0" checked> the first class</label>'
        '<label><input type="radio" name="class" id="class-1"> the second</label></fieldset>'
    )
    return (
        '<canvas id="surface" width="360" height="360" role="img" '
        'aria-label="What the network says to each point of the plane, and the samples"></canvas>'
        f"{clicked}"
    )


def _samples(known: PageContent, is_building: bool) -> str:
    sets = "".join(f'<option value="{kind}">{kind}</option>' for kind in POINT_SETS)
    choice = (
        '<label id="point-sets">data <select id="sets"><option value="">as written</option>'
        f"{sets}</select></label>"
        if known.share or is_building
        else ""
    )
    file = '<input type="file" id="file" accept=".csv,.txt,.tsv">'
    return (
        f'<div class="own">{choice}<label>your own, from a CSV file {file}</label>'
        '<span class="remark" id="columns"></span>'
        '</div><p id="said" role="status"></p><p class="remark" id="made-up"></p>'
        '<div id="samples"></div>'
    )


def _layers(net: Net) -> str:
    """The text without start values and samples, which the page shows elsewhere."""
    return str(replace(net, samples=(), table="", start={}))


def _editor(known: PageContent) -> str:
    """The text to be changed, its mistakes, and what is to be made of it."""
    lines = _layers(known.net).rstrip()
    return (
        "<p>Change it, and the page builds it as you type. Weights and samples stay where they "
        "fit; lines such as <code>weights 0.1 0.2 …</code> and <code>sample 0 1 -&gt; 1</code> "
        "give others. <code>gradbook help networks</code> says what can be written.</p>"
        f"{text_box(lines, 'The network as text')}"
        '<p id="text-said" role="status"></p>'
        '<p class="own"><button type="button" id="undo" disabled>Undo</button>'
        '<button type="button" id="text-as-written">As written</button>'
        '<button type="button" id="save">Save as net.txt</button></p>' + _commands(known.net)
    )


def _text(known: PageContent) -> str:
    """The text to be read alone."""
    return (
        "<p>To change its layers, change its text and make another page of it.</p>"
        f'<pre><code id="text-alone">{text(_layers(known.net))}</code></pre>'
        '<p class="own"><button type="button" id="save">Save as net.txt</button></p>'
        + _commands(known.net)
    )


def _commands(net: Net) -> str:
    """What makes other things of what was saved."""
    is_known = net.name in LESSONS and net == builtin(net.name)
    as_written = (
        f"<p>As it was written: <code>gradbook sheet {text(net.name)}</code></p>"
        if is_known
        else ""
    )
    return (
        "<p>Saved as it is now, with these weights and samples, it becomes a workbook of live "
        "formulas, a derivation, or a page again:</p>"
        "<pre><code>gradbook sheet net.txt -o book.xlsx\n"
        "gradbook explain net.txt -o derivation.html\n"
        f"gradbook page net.txt -o page.html</code></pre>{as_written}"
        '<p id="drawn-masks" hidden>A workbook and a derivation draw no masks: for those, write '
        "<code>dropout 0</code> into it.</p>"
    )


def _data(known: PageContent, is_building: bool) -> str:
    """The tables, in an element that no browser takes for a script."""
    table: dict[str, Any] = {**known.table(), **formula_table(known)}
    places = {str(node.name): place for node, place in known.lines.places.items() if node.name}
    table["widths"] = width_table()
    table["columns"] = columns(known.begun, places)
    table["layers"] = _layers(known.net)
    table["madeUp"] = known.net.made_up(DROPPED)
    if is_building:
        table["building"] = building_table()
        table["plane"] = known.share and {**table["plane"], "sets": {}}  # which building has
    said = json.dumps(table, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    said = ENDING.sub(r"\\u003c", said)
    return f'<script type="application/json" id="content">{said}</script>\n'
