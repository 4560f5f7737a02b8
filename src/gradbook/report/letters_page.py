"""A page on which a network learns lines letter by letter, and writes others as it learns."""

from __future__ import annotations

from math import prod
from typing import Any

from gradbook.builtin_networks import LETTERS
from gradbook.engine.wasm import attention_shares, learner
from gradbook.lab.texts import TextLines, learning_order, require_fit
from gradbook.language import numeral, tr
from gradbook.net import Net
from gradbook.net.build import inference
from gradbook.net.work.at_work import at_start
from gradbook.report.digits_tables import module_table, numbers_table, pack
from gradbook.report.document import Report, Side, made_with
from gradbook.report.markup import report_page
from gradbook.report.page_shell import PageTemplate, text

AMOUNTS = (1_000, 3_000, 10_000)  # lines to learn from


def letters_page(net: Net, lines: TextLines, command: str = "") -> str:
    """The page; `command` is what makes it again."""
    require_fit(net, lines)
    name = text(net.name or "NET")
    template = PageTemplate(
        "letters/page.html",
        amounts="".join(f'<option value="{it}">{_lines(it)}</option>' for it in AMOUNTS),
        lines=_lines(len(lines.lines)),
        parameters=numeral(f"{net.count():,}"),
        source=text(tr(lines.source)),
        layers=text(str(net).rstrip()),
        name=name,
        other="" if net.name in LETTERS else f" --network {name}",
    )
    chapter = template.chapter
    return report_page(
        Report(
            tr("{network} learns to write", network=net.name or tr("A network")),
            [
                *map(chapter, ("writing", "attention", "next")),
                Side((chapter("training"), chapter("more"))),
            ],
            lead=[template.block("bar")],
            foot=made_with(command),
            is_read=False,
            styles=["controls.css", "frame.css", "reading.css", "letters.css"],
            main="letters/main.js",
            data=content_table(net, lines),
            computes=True,
        )
    )


def _lines(count: int) -> str:
    return tr("{count} lines", count=numeral(f"{count:,}"))


def content_table(net: Net, lines: TextLines) -> dict[str, Any]:
    """The page's data: the code, the initial weights, and the lines in the command's order."""
    held_out, training = learning_order(lines)
    return {
        "alphabet": lines.alphabet,
        "context": net.input[0],
        "rate": net.learning_rate,
        "heldOut": len(held_out),
        "lines": pack("\n".join([*held_out, *training]).encode()),
        "start": numbers_table(at_start(net)),
        "module": module_table(learner(net)),
        "attention": [
            {"heads": node.shape[0], "size": prod(node.shape)}
            for node in attention_shares(inference(net))
        ],
    }
