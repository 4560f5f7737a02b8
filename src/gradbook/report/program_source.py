"""The source of a checked program as HTML: its lines, what is wrong in them, and the notes beside.

Knows where findings are, but not how a page is arranged.
"""

from __future__ import annotations

import keyword
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import groupby

from gradbook.audit.programs.program_report import ProgramReport, SourceSpan
from gradbook.errors import one_line
from gradbook.language import tr
from gradbook.report.page_shell import text
from gradbook.report.program_words import every_finding, shown_words

KEYWORD, COMMENT, WRONG = "k", "c", "bad"
LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass
class _Marks:
    """What a line has: the classes of its characters, the findings and the remark beside it."""

    wrong: list[tuple[int, int]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    is_loss: bool = False


def line_id(report: ProgramReport, span: SourceSpan) -> str:
    """The anchor of a span's first line."""
    return _line_id(report, span.file, span.cell, span.line)


def _line_id(report: ProgramReport, file: str, cell: int | None, line: int) -> str:
    names = [source.file for source in report.sources]
    place = names.index(file) if file in names else 0
    parts = [*([place] if place else []), *([f"c{cell}"] if cell is not None else []), line]
    return f"line-{'-'.join(map(str, parts))}"


def source_html(report: ProgramReport) -> str:
    """All files of the program that have something to show."""
    marks = _marks(report)
    shown: list[str] = []
    for number, source in enumerate(report.sources):
        texts = list(enumerate(source.cells, 1)) if source.cells else [(None, source.text)]
        if number and not any(place[0] == source.file for place in marks):
            continue  # another module, without anything to say of it
        if number:
            shown.append(f"<h3>{text(one_line(source.file))}</h3>")
        for cell, code in texts:
            if cell is not None:
                shown.append(f"<h3>{text(tr('cell {cell}', cell=cell))}</h3>")
            lines = "".join(_lines(report, source.file, cell, code, marks))
            shown.append(f"<ol>{lines}</ol>")
    label = text(tr("the program"))
    return (
        f'<div id="source" tabindex="0" role="region" aria-label="{label}">{"".join(shown)}</div>'
    )


Place = tuple[str, int | None, int]


def _marks(report: ProgramReport) -> dict[Place, _Marks]:
    marks: dict[Place, _Marks] = {}
    for number, finding in enumerate(every_finding(report), 1):
        _mark_span(marks, finding.span)
        first = marks[(finding.span.file, finding.span.cell, finding.span.line)]
        first.notes.append((number, shown_words(finding.note)))
    if report.fault:
        _mark_span(marks, report.fault)
    for model in report.models:
        if model.loss and model.loss.span:
            span = model.loss.span
            marks.setdefault((span.file, span.cell, span.line), _Marks()).is_loss = True
    return marks


def _mark_span(marks: dict[Place, _Marks], span: SourceSpan) -> None:
    far = 1_000_000
    for line in range(span.line, span.end_line + 1):
        begin = span.column if line == span.line else 0
        end = span.end_column if line == span.end_line else far
        place = (span.file, span.cell, line)
        marks.setdefault(place, _Marks()).wrong.append((begin, end))


def _lines(
    report: ProgramReport, file: str, cell: int | None, code: str, marks: Mapping[Place, _Marks]
) -> Iterator[str]:
    tints = _tints(code)
    lines = LINE_END.split(code)
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
        line_marks = marks.get((file, cell, number), _Marks())
        kinds = ["ln"]
        kinds += ["hot"] if line_marks.wrong else ["lossl"] if line_marks.is_loss else []
        begin = len(line) - len(line.lstrip())
        wrong = [(max(start, begin), end) for start, end in line_marks.wrong]
        anchor = _line_id(report, file, cell, number)
        beside = "".join(_note(number, note) for number, note in line_marks.notes)
        beside += f'<span class="lt">{text(tr("the loss"))}</span>' if line_marks.is_loss else ""
        yield (
            f'<li id="{anchor}" class="{" ".join(kinds)}"><i>{number}</i>'
            f"<code>{_code(line, tints.get(number, []), wrong)}</code>{beside}</li>"
        )


def _note(number: int, note: str) -> str:
    label = text(tr("finding {number}", number=number))
    return (
        f'<a class="note" href="#finding-{number}" aria-label="{label}: {text(note)}">'
        f'<b class="nb">{number}</b>{text(note)}</a>'
    )


def _code(
    line: str, tints: Sequence[tuple[int, int, str]], wrong: Sequence[tuple[int, int]]
) -> str:
    """A line's characters; runs of the same kind are in one element."""
    tint = [""] * len(line)
    for begin, end, kind in tints:
        tint[begin:end] = [kind] * len(tint[begin:end])
    is_wrong = [any(begin <= k < end for begin, end in wrong) for k in range(len(line))]
    pieces: list[str] = []
    for bad, inside in groupby(range(len(line)), is_wrong.__getitem__):
        runs = []
        for kind, run in groupby(inside, tint.__getitem__):
            letters = text("".join(line[k] for k in run))
            if kind == KEYWORD:
                letters = f"<b>{letters}</b>"
            runs.append(f'<span class="{kind}">{letters}</span>' if kind == COMMENT else letters)
        pieces.append(f'<span class="{WRONG}">{"".join(runs)}</span>' if bad else "".join(runs))
    return "".join(pieces)


def _tints(code: str) -> dict[int, list[tuple[int, int, str]]]:
    """The keywords and comments of each line, as far as Python can read the text."""
    tints: dict[int, list[tuple[int, int, str]]] = {}
    try:
        for token in tokenize.generate_tokens(StringIO(LINE_END.sub("\n", code)).readline):
            (line, begin), (_, end) = token.start, token.end
            if token.type == tokenize.COMMENT:
                tints.setdefault(line, []).append((begin, end, COMMENT))
            elif token.type == tokenize.NAME and keyword.iskeyword(token.string):
                tints.setdefault(line, []).append((begin, end, KEYWORD))
    except (tokenize.TokenError, SyntaxError):
        pass
    return tints
