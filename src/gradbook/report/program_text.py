"""A checked program in a terminal: the verdict, each finding below its line, gradients, the loss.

`program_page` shows the same on a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.audit.programs.program_report import (
    Gradient,
    ProgramFinding,
    ProgramLoss,
    ProgramModel,
    ProgramReport,
    SourceSpan,
)
from gradbook.errors import one_line, visible
from gradbook.language import tr, tr_count
from gradbook.language.message import enumerated, translate
from gradbook.language.text_width import pad, text_width
from gradbook.report.program_words import (
    COLOURS,
    MOST_OPEN,
    address_of,
    entry_of,
    every_finding,
    first_and_last,
    gradient_names,
    headline,
    is_correctable,
    loss_value,
    possible_losses,
    reason_of,
    shown_words,
    spoilt_gradients,
    three_numbers,
    used_loss,
    verdict_line,
    without_marks,
)
from gradbook.report.styled_text import Span, TextLine, fold

WIDEST = 76  # columns that are used
INDENT, MARGIN = 5, 10  # columns before the words of a finding, and before its source
QUIET, STRONG = "bright_black", "bold"
MOST_LINES = 3  # of an expression that spans several
MOST_GRADIENTS = 12  # of those that are right
SIGNS = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", QUIET)}
LONGEST_NAME = 22  # of a gradient


def program_lines(
    report: ProgramReport, width: int, *, everything: bool = False, command: str = ""
) -> Iterator[TextLine]:
    """The whole report; without `everything`, only the first findings in full. The `command`
    writes the corrected program."""
    room = min(width, WIDEST)
    words, colour = verdict_line(report), COLOURS.get(report.verdict, STRONG)
    reason = without_marks(reason_of(report))
    if report.verdict == "framework" and reason:
        yield from fold([Span(f"{one_line(report.file)}: ", STRONG), Span(reason)], room, 0, 2)
        return
    verdict = [Span(f"{one_line(report.file)}: ", STRONG), Span(words, f"bold {colour}".strip())]
    yield from fold(verdict, room, 0, 2)
    if report.verdict == "fault":
        yield from _fault(report, room, reason)
        return
    if reason:
        yield from fold(reason, room, 2, 2)
    findings = every_finding(report)
    for number, finding in enumerate(findings, 1):
        if everything or number <= MOST_OPEN:
            yield []
            yield from _finding(report, number, finding, room)
        else:
            yield from [[]] if number == MOST_OPEN + 1 else []
            yield from _finding_in_short(number, finding, room)
    for number, model in enumerate(report.models, 1):
        yield []
        if len(report.models) > 1:
            yield from _model_heading(model, number, len(report.models), room)
        yield from _model(report, model, room, everything)
    yield from _trail(report, room)
    if command and is_correctable(report):
        folder = command.rpartition(" ")[2]
        about = tr("writes the corrected program to {folder}", folder=f"{folder}/")
        yield []
        yield [Span("  "), Span(command, "blue"), Span("   "), Span(about, QUIET)]


# Findings ---------------------------------------------------------------------


def _finding(
    report: ProgramReport, number: int, finding: ProgramFinding, width: int
) -> Iterator[TextLine]:
    head = [
        Span(pad(f"  {number}", INDENT), "bold red"),
        Span(address_of(finding.span), STRONG),
    ]
    makes = spoils(finding)
    if sum(text_width(span.text) for span in head) + 3 + text_width(makes) <= width:
        yield [*head, Span(f"   {makes}", QUIET)]
    else:
        yield head
        yield from fold([Span(makes, QUIET)], width, INDENT, INDENT)
    yield from source_lines(report, finding.span, width, "bold red")
    right = finding.replacement
    pairs = [
        (tr("found"), finding.span.text if right is not None else "", "red"),
        (tr("should be"), right or "", "bold green"),
    ]
    named = [tr("found"), tr("should be"), tr("why"), tr("called at")]
    room = INDENT + max(map(text_width, named)) + 2
    for name, code, colour in pairs:
        if code:
            shown = " ".join(visible(code).split())
            yield [Span(_label(name, room), QUIET), Span(shown, colour)]
    for line, words in enumerate(sentences(without_marks(shown_words(finding.why)), width - room)):
        yield [Span(_label("" if line else tr("why"), room), QUIET), Span(words)]
    callers = ", ".join(map(address_of, finding.called_from))
    if callers:
        label = Span(_label(tr("called at"), room), QUIET)
        yield from fold([label, Span(callers)], width, 0, room)


def _finding_in_short(number: int, finding: ProgramFinding, width: int) -> Iterator[TextLine]:
    words = [
        Span(pad(f"  {number}", INDENT), "bold red"),
        Span(address_of(finding.span), STRONG),
        Span(f"   {shown_words(finding.note) or spoils(finding)}", QUIET),
    ]
    yield from _cut([*words], width)


def spoils(finding: ProgramFinding) -> str:
    if not finding.gradients:
        return ""
    message, names = spoilt_gradients(finding)
    return message.format(gradients=translate(enumerated(names)))


def _label(name: str, room: int) -> str:
    return " " * INDENT + pad(name, room - INDENT)


def sentences(words: str, width: int) -> list[str]:
    """Words in lines, each sentence in its own if they fit; as a remark, without a full stop."""
    if not words:
        return []
    remark = words.removesuffix(".")
    if text_width(remark) <= width:
        return [remark]
    for stop in ("; ", ". "):
        first, _, second = remark.partition(stop)
        parts = [f"{first}{stop.strip()}", second]
        if second and max(map(text_width, parts)) <= width:
            return parts
    return ["".join(span.text for span in line) for line in fold(remark, width)]


def source_lines(
    report: ProgramReport, span: SourceSpan, width: int, colour: str
) -> Iterator[TextLine]:
    """The lines of a span with their numbers, and signs below it."""
    lines = _lines_of(report, span)
    if not lines:
        return
    last = min(span.end_line, span.line + MOST_LINES - 1, len(lines))
    for number in range(span.line, last + 1):
        line = lines[number - 1].replace("\t", " ")
        begin = span.column if number == span.line else len(line) - len(line.lstrip())
        end = span.end_column if number == span.end_line else len(line.rstrip())
        indent = len(line) - len(line.lstrip())
        shown, begin, end = _window(_printable(line[indent:]), begin - indent, end - indent, width)
        yield [
            Span(f"{number:>{MARGIN - 3}} │ ", QUIET),
            Span(shown[:begin]),
            Span(shown[begin:end], colour),
            Span(shown[end:]),
        ]
        below = " " * text_width(shown[:begin])
        yield [
            Span(f"{'':{MARGIN - 2}}│ ", QUIET),
            Span(below + "^" * max(text_width(shown[begin:end]), 1), colour),
        ]


def _window(line: str, begin: int, end: int, width: int) -> tuple[str, int, int]:
    """The part of a long line in which the expression is, and where it is then."""
    room = width - MARGIN
    if text_width(line) <= room:
        return line, max(begin, 0), end
    start = 0 if end < room else max(min(begin - 8, end - room + 2), 0)
    shown = line[start : start + room - (start > 0) - 1]
    while text_width(shown) > room - 2:
        shown = shown[:-1]
    before = "…" if start else ""
    moved = start - len(before)
    after = "…" if start + len(shown) < len(line) else ""
    text = f"{before}{shown}{after}"
    return text, max(begin - moved, 0), min(end - moved, len(text))


def _printable(line: str) -> str:
    """The line, a sign in place of each letter that would steer a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)


def _lines_of(report: ProgramReport, span: SourceSpan) -> list[str]:
    for source in report.sources:
        if source.file == span.file:
            if span.cell is None:
                return source.text.splitlines()
            if span.cell <= len(source.cells):
                return source.cells[span.cell - 1].splitlines()
    return []


def _cut(line: TextLine, width: int) -> Iterator[TextLine]:
    """One line, its last words cut where they don't fit."""
    *before, last = line
    room = width - sum(text_width(span.text) for span in before)
    text = last.text
    if text_width(text) > room:
        while text and text_width(text) > room - 1:
            text = text[:-1]
        text += "…"
    yield [*before, Span(text, last.colour)]


# Gradients and the loss -------------------------------------------------------


def _model_heading(model: ProgramModel, number: int, count: int, width: int) -> Iterator[TextLine]:
    name = tr("training {number} of {count}", number=number, count=count)
    words = [
        Span(f"{name}: ", STRONG),
        Span(headline(model), f"bold {COLOURS.get(model.verdict, STRONG)}"),
    ]
    yield from fold(words, width, 2, 4)
    reason = without_marks(reason_of(model))
    yield from fold(reason, width, 4, 4) if reason else ()


def _model(
    report: ProgramReport, model: ProgramModel, width: int, everything: bool
) -> Iterator[TextLine]:
    if any(gradient.is_right is not None for gradient in model.gradients):
        yield from gradient_lines(model.gradients, everything)
        yield []
    if model.loss:
        yield from _loss(report, model, model.loss, width)
    for span in possible_losses(model):
        yield [Span(" " * INDENT), Span(address_of(span), STRONG)]
        yield from source_lines(report, span, width, STRONG)


def gradient_lines(gradients: Sequence[Gradient], everything: bool = True) -> Iterator[TextLine]:
    """A table: yours, the nudged one, and by how much they differ at the worst entry."""
    right = [it for it in gradients if it.is_right]
    hidden = set() if everything else set(map(id, right[MOST_GRADIENTS:]))
    shown = [it for it in gradients if id(it) not in hidden]
    heads = (tr("gradient"), tr("worst entry"), tr("yours"), tr("nudged"), tr("off by"))
    every_name = dict(zip(map(id, gradients), gradient_names(gradients), strict=True))
    names = [_shortened(every_name[id(it)]) for it in shown]
    entries = list(map(entry_of, shown))
    name_room = max(8, *map(text_width, [heads[0], *names])) + 2
    entry_room = max(10, *map(text_width, [heads[1], *entries])) + 1
    numbers = list(map(three_numbers, shown))
    rooms = [
        max(usual, *(text_width(row[k]) + 2 for row in [heads[2:], *numbers]))
        for k, usual in enumerate((12, 13, 11))
    ]
    titles = "".join(
        pad(head, room, right=True) for head, room in zip(heads[2:], rooms, strict=True)
    )
    head = f"{'':{INDENT}}{pad(heads[0], name_room)}{pad(heads[1], entry_room)}"
    yield [Span(head + titles, QUIET)]
    for gradient, name, entry, row in zip(shown, names, entries, numbers, strict=True):
        sign, colour = SIGNS[gradient.is_right]
        yours, nudged, off = (
            pad(it, room, right=True) for it, room in zip(row, rooms, strict=True)
        )
        yield [
            Span(pad(f"  {sign}", INDENT), f"bold {colour}"),
            Span(pad(name, name_room)),
            Span(pad(entry, entry_room), QUIET),
            Span(yours, colour),
            Span(nudged),
            Span(off, colour if gradient.is_right else f"bold {colour}"),
        ]
    if hidden:
        more = tr_count(
            "and {number} more that is right", "and {number} more that are right", len(hidden)
        )
        yield [Span(f"{'':{INDENT}}{more}", QUIET)]


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _loss(
    report: ProgramReport, model: ProgramModel, loss: ProgramLoss, width: int
) -> Iterator[TextLine]:
    label = tr("loss")
    room = 2 + text_width(label) + 2
    where, words = used_loss(loss, report.file)
    head = [Span(f"  {label}  ", QUIET), Span(f"{where}, {one_line(words)}")]
    yield from fold(head, width, 0, room)
    if len(loss.course) > 1:
        first, last = first_and_last(loss.course)
        count = len(loss.course)
        number = str(count) if count < 10_000 else f"{count:,}"
        over = tr_count("in {number} step", "in {number} steps", count, number=number)
        if count == report.epochs:
            over = tr_count("in {number} epoch", "in {number} epochs", count, number=number)
        is_wrong = bool(model.findings)
        line = [
            Span(f"{'':{room}}{over} "),
            Span(f"{first} → {last}", COLOURS["wrong"] if is_wrong else COLOURS["right"]),
        ]
        if is_wrong:
            line.append(Span(f" {tr('as written')}"))
        if loss.corrected_course:
            corrected = loss_value(loss.corrected_course[-1])
            line += [Span(", "), Span(corrected, "bold green"), Span(f" {tr('corrected')}")]
        yield line


# What couldn't be judged ------------------------------------------------------


def _fault(report: ProgramReport, width: int, reason: str) -> Iterator[TextLine]:
    """The line and Python's message, and nothing else."""
    if report.fault:
        yield []
        yield [Span(" " * INDENT), Span(address_of(report.fault), STRONG)]
        yield from source_lines(report, report.fault, width, "bold red")
    yield from fold(reason, width, INDENT, INDENT) if reason else ()


def _trail(report: ProgramReport, width: int) -> Iterator[TextLine]:
    """Where values couldn't be followed, of a program that isn't fully judged."""
    if report.verdict not in ("unknown", "no loss", "no training"):
        return
    for span, why in report.lost[:MOST_OPEN]:
        yield []
        yield [Span(" " * INDENT), Span(address_of(span), STRONG)]
        yield from source_lines(report, span, width, STRONG)
        yield from fold(without_marks(shown_words(why)), width, INDENT, INDENT)
