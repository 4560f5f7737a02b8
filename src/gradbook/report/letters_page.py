"""A page on which a network learns lines letter by letter, and writes others as it learns."""

from __future__ import annotations

import json
from typing import Any

from gradbook.builtin_networks import LETTERS
from gradbook.engine.wasm import learner
from gradbook.lab.texts import TextLines, learning_order, require_fit
from gradbook.language import mark, numeral, tr
from gradbook.net import Net
from gradbook.net.work.at_work import at_start
from gradbook.report.digits_tables import module_table, numbers_table, pack
from gradbook.report.document import made_with
from gradbook.report.markup import markup
from gradbook.report.page import Section, Side, problems, resource, script, text
from gradbook.report.page import page as whole_page

AMOUNTS = (1_000, 3_000, 10_000)  # lines to learn from
PACES = {
    mark("a line a frame"): 1,
    mark("ten lines a frame"): 10,
    mark("as fast as it goes"): 100_000,
}
EVERY = (50, 100, 250)  # lines learned before others are written


def letters_page(net: Net, lines: TextLines, command: str = "") -> str:
    """The page; `command` is what makes it again."""
    require_fit(net, lines)
    left = (
        Section("writing", tr("What it writes"), _writing(lines)),
        Section("next", tr("How a line goes on"), _next()),
    )
    right = (
        Section("loss-of-letters", tr("The loss of a letter"), _loss()),
        Section("more", tr("The network"), _network(net, lines)),
    )
    return whole_page(
        tr("{network} learns to write", network=net.name or tr("A network")),
        [Side(left), Side(right)],
        lead=_bar(),
        foot=_data(net, lines) + markup(made_with(command)),
        style=resource("play.css") + resource("letters.css"),
        script=script("letters/main.js"),
        computes=True,
    )


def _bar() -> str:
    amounts = "".join(f'<option value="{it}">{_lines(it)}</option>' for it in AMOUNTS)
    paces = "".join(
        f'<option value="{pace}"{" selected" if pace == 10 else ""}>{tr(words)}</option>'
        for words, pace in PACES.items()
    )
    many = tr("how many lines it learns from")
    done = tr("lines {number}", number='<output id="done">0</output>')
    loss = tr("loss {value}", value='<output id="loss">–</output>')
    tested = tr("held out {value}", value='<output id="tested">–</output>')
    return (
        f'<div class="bar" role="group" aria-label="{tr("Training")}">'
        f'<button type="button" id="run" disabled>{tr("Train")}</button>'
        f'<button type="button" id="reset">{tr("Start over")}</button>'
        f'<select id="lines" aria-label="{many}">{amounts}</select>'
        f'<select id="pace" aria-label="{tr("pace")}">{paces}</select></div>'
        f'<div class="figures"><p>{done}</p><p class="loss">{loss}</p><p>{tested}</p></div>'
        f"{problems()}"
    )


def _lines(count: int) -> str:
    return tr("{count} lines", count=numeral(f"{count:,}"))


def _writing(lines: TextLines) -> str:
    every = "".join(
        f'<option value="{it}"{" selected" if it == 100 else ""}>{it}</option>' for it in EVERY
    )
    lead = tr(
        "It learns from {lines}, one at each step, and writes others meanwhile: letter by letter, "
        "each by chance. Those in grey it knows from its lines, the others are its own.",
        lines=_lines(len(lines.lines)),
    )
    often = tr("every {number} lines", number=f'<select id="every">{every}</select>')
    wrote = tr("what it wrote, the latest first")
    return (
        f'<p class="lead">{lead}</p>'
        f'<div id="controls"><label>{tr("temperature")} '
        '<input type="number" id="temperature" min="0" max="10" step="0.1" value="0.5"></label>'
        f"<label>{tr('seed')} "
        '<input type="number" id="seed" min="0" step="1" value="0"></label>'
        f"<label>{often}</label></div>"
        f'<ol id="written" tabindex="0" aria-label="{wrote}"></ol>'
    )


def _next() -> str:
    return (
        f'<label>{tr("a line that was begun")} <input id="begun" autocomplete="off" '
        'spellcheck="false" value="ma"></label>'
        '<p id="begun-said" role="status"></p><ol id="bars"></ol>'
    )


def _loss() -> str:
    learned, never = (
        tr("of the lines as they are learned"),
        tr("of lines that it never learns from"),
    )
    return (
        f'<div id="losses"></div><p class="remark"><span class="key gone"></span> {learned} '
        f'<span class="key foreseen"></span> {never}</p>'
    )


def _network(net: Net, lines: TextLines) -> str:
    name = text(net.name or "NET")
    other = "" if net.name in LETTERS else f" --network {name}"
    layers = text(str(net).rstrip())
    words = tr(
        "{parameters} parameters, computed here in your browser by the C that {command} runs. The "
        "lines: {source}.",
        parameters=numeral(f"{net.count():,}"),
        command="<code>gradbook write</code>",
        source=text(tr(lines.source)),
    )
    return (
        f"<p>{words}</p><pre><code>{layers}</code></pre><p>{tr('On the command line:')}</p>"
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
