"""The page: one file that trains a network in front of its reader."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gradbook.amounts import size
from gradbook.errors import LimitError
from gradbook.net import LESSONS, Net, builtin
from gradbook.report.page.script import script
from gradbook.report.page.shell import Section, Side, made_with, resource, text
from gradbook.report.page.shell import page as whole_page
from gradbook.report.play.columns import columns
from gradbook.report.play.formulas import formula_table
from gradbook.targets.page.content import PageContent, content

MOST_BYTES = 400_000  # of a page: one that can be mailed
PACES = {
    "2 epochs a second": 2,
    "10 epochs a second": 10,
    "60 epochs a second": 60,
    "as fast as it goes": 100_000,
}


def play_page(net: Net, command: str = "") -> str:
    """The page; `command` is what makes it again."""
    known = content(net)
    chain = '<div class="wide" id="chain" tabindex="0"></div>'
    left = (
        Section("network", "The network", '<div class="wide" id="drawing"></div>'),
        Section("chain-rule", "One value, and its chain", chain),
        Section("data", "Samples", _samples(known)),
    )
    right = (
        Section("rate-and-loss", "Learning rate and loss", _loss()),
        *([Section("plane", "The plane", _plane())] if known.share else []),
        Section("more", "On from here", _more(net)),
    )
    made = whole_page(
        f"{net.name or 'A network'}, to play with",
        [Side(left), Side(right)],
        lead=_lead(),
        foot=_data(known) + made_with(command),
        style=resource("gradbook.report.sweep", "sweep.css") + resource(__package__, "play.css"),
        script=script("view/main.js"),
    )
    if len(made.encode()) > MOST_BYTES:
        raise LimitError(
            f"the page would take {size(len(made.encode()))}, and {size(MOST_BYTES)} is the most: "
            "take a smaller network or fewer samples"
        )
    return made


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
        "<noscript><p>The page computes with JavaScript, which is switched off here.</p></noscript>"
        f'<div class="bar" role="group" aria-label="Training">{buttons}'
        f'<select id="pace" aria-label="epochs">{paces}</select>'
        '<p class="figures">epoch <output id="epoch">1</output></p>'
        '<p class="figures"><i>E</i><sub>total</sub> <output id="loss"></output></p></div>'
    )


def _loss() -> str:
    return (
        '<div class="rate"><label for="rate"><i>η</i></label>'
        '<input type="range" id="rate" min="-3" max="4" step="0.01">'
        '<input type="number" id="rate-field" step="any" aria-label="learning rate">'
        '<div id="strip" aria-hidden="true"></div></div>'
        '<div id="verdict" aria-live="polite"></div>'
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


def _samples(known: PageContent) -> str:
    inputs, targets = len(known.step.inputs), len(known.step.targets)
    sets = "".join(
        f'<option value="{kind}">{kind}</option>'
        for kind in (known.table()["plane"] or {}).get("sets", {})
    )
    choice = (
        f'<label>data <select id="sets"><option value="">as written</option>{sets}</select></label>'
        if sets
        else ""
    )
    file = '<input type="file" id="file" accept=".csv,.txt,.tsv">'
    needed = f"{inputs + targets} columns: inputs, then targets; or drop it here"
    return (
        f'<div class="own">{choice}<label>your own, from a CSV file {file}</label>'
        f'<span class="remark">{needed}</span>'
        '</div><p id="said" role="status"></p><div id="samples"></div>'
    )


def _more(net: Net) -> str:
    """The network as text, as it is now, and what makes the other things of it."""
    is_known = net.name in LESSONS and net == builtin(net.name)
    named = net.name if is_known else "net.txt"
    return (
        "<p>The network as it was written. To change its layers, change its text and make another "
        "page of it; saved as it is now, with these weights and samples, it can go into a workbook "
        "of live formulas, a derivation or a sweep:</p>"
        f"<pre><code>{text(str(net))}</code></pre>"
        '<p><button type="button" id="save">Save as net.txt</button></p>'
        "<pre><code>gradbook page net.txt -o page.html\n"
        "gradbook sheet net.txt -o book.xlsx\n"
        "gradbook explain net.txt -o derivation.html</code></pre>"
        f"<p>As it was written: <code>gradbook sheet {text(named)}</code></p>"
    )


def _data(known: PageContent) -> str:
    """The tables, in an element that no browser takes for a script."""
    table: dict[str, Any] = {**known.table(), **formula_table(known)}
    places = {str(node.name): place for node, place in known.lines.places.items() if node.name}
    table["columns"] = columns(known.net, places)
    table["layers"] = str(replace(known.net, samples=(), table="", start={}))
    said = json.dumps(table, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    said = said.replace("<", "\\u003c")
    return f'<script type="application/json" id="content">{said}</script>\n'
