"""A program with its mistakes corrected: the edits alone, every other byte as it was.

Encoding, line ends and tabs stay; of a notebook only the lines of a cell that an edit touches are
written anew. Doesn't know how a mistake is found, and writes no file.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from json.decoder import JSONDecodeError, JSONDecoder

from gradbook import limits
from gradbook.audit.programs.program_report import WITHOUT_MISTAKE, ProgramReport, SourceEdit
from gradbook.errors import FileError
from gradbook.files import read_bytes
from gradbook.language.message import Message, joined

NOTEBOOK = ".ipynb"
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # as Python counts them
SPACE = re.compile(r"[ \t\r\n]*")
UTF8_MARK = "\ufeff"


@dataclass(frozen=True)
class CorrectedProgram:
    """What `--fix` writes, or why it doesn't."""

    file: str
    content: bytes = b""
    problem: str = ""


def correct_program(
    report: ProgramReport, judge: Callable[[str], ProgramReport]
) -> CorrectedProgram:
    """The program with all edits, if its text is right then: `judge` is asked if the report
    doesn't say it."""
    if report.verdict == "right":
        return _refused(report, Message("{file} is right: there is nothing to correct"))
    findings = [finding for model in report.models for finding in model.findings]
    if not findings:
        return _refused(report, Message("{file} isn't corrected: no mistake was located"))
    if not all(finding.edits for finding in findings):
        unknown = Message("{file} isn't corrected: of a mistake only the place is known")
        return _refused(report, unknown)
    elsewhere = [it.span.file for it in edits_of(report) if it.span.file != report.file]
    if elsewhere:
        other = "{file} isn't corrected: a mistake is in {others}, which is another file"
        return _refused(report, Message(other), others=joined(", ", dict.fromkeys(elsewhere)))
    text, encoding = _text_of(report.file)
    corrected = _with_edits(report, text)
    verdict = report.corrected or judge(corrected).verdict
    if verdict not in WITHOUT_MISTAKE:
        still = "{file} isn't corrected: with the changes it isn't right yet"
        return _refused(report, Message(still))
    try:
        return CorrectedProgram(report.file, corrected.encode(encoding))
    except UnicodeEncodeError:
        letters = Message("{file} isn't corrected: its encoding lacks a letter of the change")
        return _refused(report, letters)


def corrected_text(report: ProgramReport) -> str:
    """The text of the program's file with all edits; nothing where not all can be made in it."""
    findings = [finding for model in report.models for finding in model.findings]
    if not findings or not all(finding.edits for finding in findings):
        return ""
    if any(edit.span.file != report.file for edit in edits_of(report)):
        return ""
    return _with_edits(report, _text_of(report.file)[0])


def _text_of(file: str) -> tuple[str, str]:
    """A program's text, and its encoding."""
    whole = read_bytes(file, limits.TEXT)
    encoding = encoding_of(whole, file)
    try:
        return whole.decode(encoding), encoding
    except UnicodeDecodeError as error:
        raise FileError(f"{file}: it isn't {encoding}, as it says") from error


def _with_edits(report: ProgramReport, text: str) -> str:
    edits = edits_of(report)
    return edited_notebook(text, edits) if _is_notebook(report) else edited(text, edits)


def _refused(report: ProgramReport, why: Message, **parts: str) -> CorrectedProgram:
    problem = Message(why.template, file=report.file, **parts)
    return CorrectedProgram(report.file, problem=problem)


def _is_notebook(report: ProgramReport) -> bool:
    return report.file.lower().endswith(NOTEBOOK)


def edits_of(report: ProgramReport) -> list[SourceEdit]:
    """All edits of a report, each once."""
    findings = (finding for model in report.models for finding in model.findings)
    return list(dict.fromkeys(edit for finding in findings for edit in finding.edits))


def corrected_parts(report: ProgramReport) -> list[str]:
    """The corrected text of the program, or of each cell of a notebook that an edit touches."""
    edits = [edit for edit in edits_of(report) if edit.span.file == report.file]
    source = next((it for it in report.sources if it.file == report.file), None)
    if source is None or not edits:
        return []
    if not source.cells:
        return [edited(source.text, edits)]
    touched = sorted({edit.span.cell for edit in edits if edit.span.cell is not None})
    return [edited(source.cells[k - 1], _within(edits, k)) for k in touched]


def _within(edits: Iterable[SourceEdit], cell: int) -> list[SourceEdit]:
    """A cell's edits, as those of a text."""
    return [
        replace(edit, span=replace(edit.span, cell=None))
        for edit in edits
        if edit.span.cell == cell
    ]


# Text -------------------------------------------------------------------------


def encoding_of(content: bytes, file: str) -> str:
    """The encoding in which Python reads a file, with its mark if it has one."""
    if file.lower().endswith(NOTEBOOK):
        return "utf-8"
    try:
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError as error:
        raise FileError(f"{file}: {error.msg}") from error


def edited(text: str, edits: Sequence[SourceEdit]) -> str:
    """The text with the edits, which don't overlap, in its own kind of line ends."""
    begins = [0, *(line.end() for line in LINE.finditer(text))]
    newline = next((end for end in ("\r\n", "\n", "\r") if end in text), "\n")
    places = []
    for edit in edits:
        span = edit.span
        begin = begins[span.line - 1] + span.column
        end = begins[span.end_line - 1] + span.end_column
        places.append((begin, end, newline.join(edit.text.splitlines())))
    pieces: list[str] = []
    done = 0
    for begin, end, new in sorted(set(places)):
        if begin < done:
            continue  # within an edit that is made already
        pieces += [text[done:begin], new]
        done = end
    return "".join([*pieces, text[done:]])


# Notebooks --------------------------------------------------------------------


@dataclass(frozen=True)
class _Value:
    """A value of a JSON text, and where it stands."""

    begin: int
    end: int
    value: object


def edited_notebook(text: str, edits: Sequence[SourceEdit]) -> str:
    """A notebook's JSON with the edits; only the texts of lines that differ are written anew."""
    try:
        sources = list(_code_cells(text))
    except (JSONDecodeError, ValueError, IndexError) as error:
        raise FileError(f"it isn't a notebook: {error}") from error
    changes: list[tuple[int, int, str]] = []
    for number, source in enumerate(sources, 1):
        if own := _within(edits, number):
            changes += _changes(text, source, own)
    for begin, end, new in sorted(changes, reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def _changes(
    text: str, source: _Value, edits: Sequence[SourceEdit]
) -> Iterator[tuple[int, int, str]]:
    """What is to be written in place of which parts of the JSON."""
    if isinstance(source.value, str):
        yield source.begin, source.end, _as_json(edited(source.value, edits), text, source)
        return
    lines = list(_elements(text, source.begin))
    before = [str(line.value) for line in lines]
    after = LINE.findall(edited("".join(before), edits))
    if len(after) == len(before):
        for line, new in zip(lines, after, strict=True):
            if line.value != new:
                yield line.begin, line.end, _as_json(new, text, line)
        return
    first = next(k for k, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1])
    same = 0
    while before[-1 - same] == after[-1 - same] and same < min(len(before), len(after)) - first - 1:
        same += 1
    last = len(before) - 1 - same
    between = text[lines[0].end : lines[1].begin] if len(lines) > 1 else ", "
    new = between.join(_as_json(it, text, source) for it in after[first : len(after) - same])
    yield lines[first].begin, lines[last].end, new


def _as_json(words: str, text: str, place: _Value) -> str:
    """A text as its writer would have spelled it: with letters, or with their numbers."""
    return json.dumps(words, ensure_ascii="\\u" in text[place.begin : place.end])


def _code_cells(text: str) -> Iterator[_Value]:
    """The source of each code cell: a text, or a list of lines."""
    start = len(UTF8_MARK) if text.startswith(UTF8_MARK) else 0
    for cells in _members(text, _skip_space(text, start), "cells"):
        for cell in _elements(text, cells.begin):
            if isinstance(cell.value, dict) and cell.value.get("cell_type") == "code":
                yield from _members(text, cell.begin, "source")


def _members(text: str, begin: int, name: str) -> Iterator[_Value]:
    """The value of this name in the object that begins here."""
    at = _skip_space(text, begin + 1)
    while text[at] != "}":
        key = _value_at(text, at)
        value = _value_at(text, _skip_space(text, _skip_space(text, key.end) + 1))
        if key.value == name:
            yield value
        at = _next_item(text, value.end)


def _elements(text: str, begin: int) -> Iterator[_Value]:
    """The values of the list that begins here."""
    at = _skip_space(text, begin + 1)
    while text[at] != "]":
        value = _value_at(text, at)
        yield value
        at = _next_item(text, value.end)


def _next_item(text: str, end: int) -> int:
    at = _skip_space(text, end)
    return _skip_space(text, at + 1) if text[at] == "," else at


def _value_at(text: str, at: int) -> _Value:
    value, end = JSONDecoder().raw_decode(text, at)
    return _Value(at, end, value)


def _skip_space(text: str, at: int) -> int:
    space = SPACE.match(text, at)
    return space.end() if space else at
