"""A checked program as a page: the source beside the findings, the gradients and the loss's curve.

`program_text` says the same in a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.audit.programs.correcting import corrected_parts
from gradbook.audit.programs.program_report import (
    Gradient,
    NamedValue,
    ProgramFinding,
    ProgramLoss,
    ProgramModel,
    ProgramReport,
)
from gradbook.errors import one_line
from gradbook.language import mark, tr, tr_count
from gradbook.report.document import Chapter, PageOnly, Report, made_with
from gradbook.report.markup import markup, report_page, words_markup
from gradbook.report.page_shell import PageTemplate, text
from gradbook.report.program_course import course_svg
from gradbook.report.program_source import line_id, source_html
from gradbook.report.program_words import (
    MOST_OPEN,
    badge,
    brief,
    capital,
    entry_of,
    every_finding,
    every_value,
    extent,
    goes_unnoticed,
    gradient_names,
    headline,
    is_correctable,
    line_of,
    possible_losses,
    power,
    reason_of,
    shape_of,
    shown_words,
    spoilt_gradients,
    three_numbers,
    used_loss,
    with_code,
)
from gradbook.report.styled_text import Span, TextLine, spans

TONES = {"right": "good", "wrong": "wrong", "fault": "wrong"}
TONES |= dict.fromkeys(("factor", "another loss"), "unfinished")  # the others are grey
ROWS = {True: ("ok", "✓"), False: ("no", "✗"), None: ("", "–")}
IS_EXACT = 1e-5  # the largest difference with which all gradients are right
NUMBERS = (
    *(mark("no"), mark("one"), mark("two"), mark("three"), mark("four"), mark("five")),
    *(mark("six"), mark("seven"), mark("eight"), mark("nine")),
)
SMALL, LARGE = (346, 176), (564, 300)  # pixels of the loss's course


def program_page(report: ProgramReport, command: str = "") -> str:
    """The page; `command` makes it again."""
    parts = corrected_parts(report) if is_correctable(report) else []
    template = PageTemplate("program/page.html")
    lines = report.sources[0].text.splitlines() if report.sources else []
    copy = ""
    if parts:
        is_notebook = bool(report.sources[0].cells)
        words = template.html("copy-cells" if is_notebook else "copy-program")
        copy = PageTemplate("program/page.html", label=words).html("copy-button")
    tone = TONES.get(report.verdict, "no")
    ending = ".ipynb" if report.file.lower().endswith(".ipynb") else ".py"
    template = PageTemplate(
        "program/page.html",
        extent=text(extent(report, len(lines))),
        badge=f'<span class="verdict v-{tone}">{text(badge(report))}</span>',
        copy=copy,
        other=f"gradbook check other{ending} -o report.html",
        command=markup(made_with(command)),
    )
    hints = ["of-values"] * bool(every_value(report)) + ["of-findings"] * bool(
        every_finding(report)
    )
    shown_hints = " &nbsp;·&nbsp; ".join(map(template.html, [*hints, "of-file"]))
    foot = PageTemplate("program/page.html", hints=shown_hints).html("foot")
    return report_page(
        Report(
            one_line(report.file),
            [
                Chapter(
                    "program",
                    tr("The program, as you wrote it"),
                    [PageOnly(lambda: source_html(report) + foot)],
                ),
                Chapter(
                    "found",
                    capital(headline(report)),
                    [PageOnly(lambda: "".join(_findings_and_numbers(report)))],
                ),
            ],
            lead=[template.block("bar")],
            is_read=False,
            styles=["controls.css", "program.css"],
            main="program/main.js",
            data={"values": _values(report), "corrected": "\n\n".join(parts)},
        )
    )


def _words(words: str) -> str:
    return words_markup(with_code(shown_words(words)))


def _values(report: ProgramReport) -> dict[str, list[dict[str, str]]]:
    """What is shown of each line that is pointed at."""
    values: dict[str, list[dict[str, str]]] = {}
    for value in every_value(report):
        entry = {
            "name": value.name,
            "shape": shape_of(value.shape),
            "numbers": _numbers(value, value.numbers),
            "slopes": _numbers(value, value.slopes),
        }
        values.setdefault(line_id(report, value.span), []).append(entry)
    return values


def _numbers(value: NamedValue, numbers: Sequence[float]) -> str:
    size = 1
    for side in value.shape:
        size *= side
    more = ["…"] if size > len(numbers) and numbers else []
    return ", ".join([*map(brief, numbers), *more])


# Findings ---------------------------------------------------------------------


def _findings_and_numbers(report: ProgramReport) -> Iterator[str]:
    if report.verdict == "fault":
        if report.fault:
            yield f'<p class="reason"><a href="#{line_id(report, report.fault)}">'
            yield f"{text(line_of(report.fault, report.file))}</a></p>"
        yield f'<p class="message">{text(shown_words(report.reason))}</p>'
        return
    losses = [model.loss for model in report.models if model.loss]
    if reason := reason_of(report):
        yield f'<p class="reason">{_words(capital(reason))}</p>'
    elif report.verdict == "wrong" and len(losses) == 1 and goes_unnoticed(losses[0]):
        yield f'<p class="unnoticed">{text(goes_unnoticed(losses[0]))}</p>'
    for number, finding in enumerate(every_finding(report), 1):
        yield _finding(report, number, finding)
    for span, why in report.lost[:MOST_OPEN] if report.verdict == "unknown" else ():
        place = f'<a class="line" href="#{line_id(report, span)}">{line_of(span, report.file)}</a>'
        yield f'<article class="f"><p>{place}<small>{_words(why)}</small></p></article>'
    for number, model in enumerate(report.models, 1):
        if len(report.models) > 1:
            name = tr("training {number} of {count}", number=number, count=len(report.models))
            yield f'<h3 class="model">{text(capital(name))}: {text(headline(model))}</h3>'
            reason = capital(reason_of(model))
            yield f'<p class="reason">{_words(reason)}</p>' if reason else ""
        yield from _model(report, model)


def _finding(report: ProgramReport, number: int, finding: ProgramFinding) -> str:
    message, names = spoilt_gradients(finding)
    spoilt: TextLine = []
    for name in names:
        spoilt += [Span(", ")] * bool(spoilt) + [Span(name, tag="code")]
    makes = words_markup(spans(message, gradients=spoilt))
    place = line_id(report, finding.span)
    where = text(line_of(finding.span, report.file))
    link = f'<a class="line" href="#{place}">{{}}</a>'
    head = f'<a class="nb" href="#{place}" aria-label="{text(tr("to the line"))}">{number}</a>'
    made, right = finding.span.text, finding.replacement
    callers = ", ".join(line_of(it, report.file) for it in finding.called_from)
    pairs = [
        (tr("found"), f"<code>{text(made)}</code>" if right is not None else "", "made"),
        (tr("should be"), f"<code>{text(right)}</code>" if right is not None else "", "right"),
        (tr("why"), _words(finding.why), ""),
        (tr("called at"), text(callers), ""),
    ]
    rows = "".join(
        f"<dt>{text(name)}</dt><dd{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{words}</dd>"
        for name, words, kind in pairs
        if words
    )
    inside = f"<dl>{rows}</dl>" if rows else ""
    spoils = f"<small>{makes}</small>" if finding.gradients else ""
    if number <= MOST_OPEN:
        first = f"<p>{head}{link.format(where)}{spoils}</p>"
        return f'<article class="f" id="finding-{number}">{first}{inside}</article>'
    short = f'<small class="why">{text(shown_words(finding.note))}</small>'
    summary = f'<summary><b class="nb">{number}</b><b class="line">{where}</b>{short}</summary>'
    first = f"<p>{link.format(text(tr('to the line')))}{spoils}</p>"
    return f'<details class="f" id="finding-{number}">{summary}{first}{inside}</details>'


# Gradients and the loss -------------------------------------------------------


def _model(report: ProgramReport, model: ProgramModel) -> Iterator[str]:
    if losses := possible_losses(model):
        each = "".join(
            f'<a class="button" href="#{line_id(report, span)}">'
            f"<b>{text(line_of(span, report.file))}</b><code>{text(' '.join(span.text.split()))}"
            "</code></a>"
            for span in losses
        )
        yield f'<div class="losses">{each}</div>'
    if any(gradient.is_right is not None for gradient in model.gradients):
        count = len(model.gradients)
        number = tr(NUMBERS[count]) if count < len(NUMBERS) else str(count)
        title = tr("The {number} gradients", number=number) if count > 1 else tr("The gradient")
        when = tr("epoch 1") if model.step == 1 else tr("step {number}", number=model.step)
        title = f"{title}, {when}"
        yield f'<h3 class="numbers">{text(title)}</h3>{_table(model.gradients)}'
    if model.loss:
        yield from _loss(report, model, model.loss)


def _table(gradients: Sequence[Gradient]) -> str:
    heads = ("", "", "", tr("worst entry"), tr("yours"), tr("nudged"), tr("off by"))
    names = ("", tr("gradient"), tr("shape"), *heads[3:])
    head = "".join(
        f'<th scope="col">{text(title)}</th>'
        if title
        else f'<td><span class="unseen">{text(name)}</span></td>'
        for title, name in zip(heads, names, strict=True)
    )
    rows = []
    for gradient, name in zip(gradients, gradient_names(gradients), strict=True):
        kind, sign = ROWS[gradient.is_right]
        entry = entry_of(gradient)
        cells = [
            sign,
            f"<code>{text(name)}</code>",
            shape_of(gradient.shape),
            f"<code>{entry}</code>" if entry else "",
            *three_numbers(gradient),
        ]
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr class="{kind}">{row}</tr>' if kind else f"<tr>{row}</tr>")
    return (
        f'<div class="wide"><table class="found"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _loss(report: ProgramReport, model: ProgramModel, loss: ProgramLoss) -> Iterator[str]:
    where, words = used_loss(loss, report.file)
    used = [
        f"<h3>{text(tr('The loss that was used'))}</h3>",
        f"<p>{text(tr('{line}: {loss}', line=where, loss=one_line(words)))}</p>",
    ]
    largest = model.largest_difference
    if largest is not None and largest < IS_EXACT:
        count = len(model.gradients)
        if model.findings and report.corrected == "right":
            all_right = tr_count("corrected: right ✓", "corrected: all {count} right ✓", count)
            used.append(f'<p class="good">{text(all_right)}</p>')
        if not model.findings or report.corrected == "right":
            difference = tr("largest difference {size}", size=power(largest))
            used.append(f'<p class="difference">{text(difference)}</p>')
    curve = ""
    has_two = bool(loss.corrected_course)
    if len(loss.course) > 1:
        count = len(loss.course)
        tone = "made" if model.findings else "mended" if model.verdict == "right" else "plain"
        curves = course_svg(loss, SMALL if model.findings else LARGE, tone, count == report.epochs)
        over = tr("Loss in {number} steps", number=count)
        over = tr("Loss in {number} epochs", number=count) if count == report.epochs else over
        curve = f"<div><h3>{text(over)}</h3>{curves}</div>"
    kind = "course" if has_two or model.findings else "course alone"
    yield f'<div class="{kind}">{curve}<div class="used">{"".join(used)}</div></div>'
