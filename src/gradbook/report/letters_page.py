"""A page on which a network learns lines letter by letter, and writes others as it learns."""

from __future__ import annotations

import json
from typing import Any

from gradbook.amounts import counted
from gradbook.builtin_networks import LETTERS
from gradbook.engine.wasm import learner
from gradbook.lab.texts import TextLines, learning_order, require_fit
from gradbook.net import Net
from gradbook.net.work.at_work import at_start
from gradbook.report.digits_tables import module_table, numbers_table, pack
from gradbook.report.document import made_with
from gradbook.report.markup import markup
from gradbook.report.page import Section, Side, resource, script, text
from gradbook.report.page import page as whole_page

AMOUNTS = (1_000, 3_000, 10_000)  # lines to learn from
PACES = {"a line a frame": 1, "ten lines a frame": 10, "as fast as it goes": 100_000}
EVERY = (50, 100, 250)  # lines learned before others are written
NO_SCRIPT = (
    "<noscript><p>The page computes with JavaScript, which is switched off here.</p></noscript>"
)


def letters_page(net: Net, lines: TextLines, command: str = "") -> str:
    """The page; `command` is what makes it again."""
    require_fit(net, lines)
    left = (
        Section("writing", "What it writes", _writing(lines)),
        Section("next", "How a line goes on", _next()),
    )
    right = (
        Section("loss-of-letters", "The loss of a letter", _loss()),
        Section("more", "The network", _network(net, lines)),
    )
    return whole_page(
        f"{net.name or 'A network'} learns to write",
        [Side(left), Side(right)],
        lead=_bar(),
        foot=_data(net, lines) + markup(made_with(command)),
        style=resource("play.css") + resource("letters.css"),
        script=script("letters/main.js"),
        computes=True,
    )


def _bar() -> str:
    amounts = "".join(f'<option value="{it}">{it:,} lines</option>' for it in AMOUNTS)
    paces = "".join(
        f'<option value="{pace}"{" selected" if pace == 10 else ""}>{words}</option>'
        for words, pace in PACES.items()
    )
    return (
        '<div class="bar" role="group" aria-label="Training">'
        '<button type="button" id="run" disabled>Train</button>'
        '<button type="button" id="reset">Start over</button>'
        f'<select id="lines" aria-label="how many lines it learns from">{amounts}</select>'
        f'<select id="pace" aria-label="pace">{paces}</select></div>'
        '<div class="figures"><p>lines <output id="done">0</output></p>'
        '<p class="loss">loss <output id="loss">–</output></p>'
        '<p>held out <output id="tested">–</output></p></div>'
        f'{NO_SCRIPT}<p id="problem" role="alert"></p>'
    )


def _writing(lines: TextLines) -> str:
    every = "".join(
        f'<option value="{it}"{" selected" if it == 100 else ""}>{it}</option>' for it in EVERY
    )
    return (
        f'<p class="lead">It learns from {counted(len(lines.lines), "line")}, one at each step, '
        "and writes others meanwhile: letter by letter, each by chance. Those in grey it "
        "knows from its lines, the others are its own.</p>"
        '<div id="controls"><label>temperature <input type="number" id="temperature" min="0" '
        'max="10" step="0.1" value="0.5"></label>'
        '<label>seed <input type="number" id="seed" min="0" step="1" value="0"></label>'
        f'<label>every <select id="every">{every}</select> lines</label></div>'
        '<ol id="written" tabindex="0" aria-label="what it wrote, the latest first"></ol>'
    )


def _next() -> str:
    return (
        '<label>a line that was begun <input id="begun" autocomplete="off" spellcheck="false" '
        'value="ma"></label><p id="begun-said" role="status"></p><ol id="bars"></ol>'
    )


def _loss() -> str:
    return (
        '<div id="losses"></div><p class="remark"><span class="key gone"></span> of the lines as '
        'they are learned <span class="key foreseen"></span> of lines that it never learns from'
        "</p>"
    )


def _network(net: Net, lines: TextLines) -> str:
    name = text(net.name or "NET")
    other = "" if net.name in LETTERS else f" --network {name}"
    layers = text(str(net).rstrip())
    return (
        f"<p>{counted(net.count(), 'parameter')}, computed here in your browser by the C that "
        f"<code>gradbook write</code> runs. The lines: {text(lines.source)}.</p>"
        f"<pre><code>{layers}</code></pre><p>On the command line:</p>"
        f"<pre><code>gradbook write{other} --temperature 0.5\n"
        f"gradbook summary {name}</code></pre>"
    )


def _data(net: Net, lines: TextLines) -> str:
    said = json.dumps(content_table(net, lines), ensure_ascii=False, separators=(",", ":"))
    said = said.replace("<", "\\u003c")
    return f'<script type="application/json" id="content">{said}</script>\n'


def content_table(net: Net, lines: TextLines) -> dict[str, Any]:
    """What the page is given: the code, the start weights, and the lines in the command's order."""
    held_out, training = learning_order(lines)
    return {
        "alphabet": lines.alphabet,
        "context": net.input[0],
        "rate": net.learning_rate,
        "heldOut": len(held_out),
        "lines": pack("\n".join([*held_out, *training]).encode()),
        "start": numbers_table(at_start(net)),
        "module": module_table(learner(net)),
    }
