"""Edits of a program and of a notebook: they are written, and every other byte stays."""

from __future__ import annotations

import json

import pytest

from gradbook.audit.programs.correcting import edited, edited_notebook, encoding_of
from gradbook.audit.programs.program_report import SourceEdit, SourceSpan
from gradbook.errors import FileError
from tests.cases import for_each

PROGRAM = "import numpy as np\n\ndW = X.T @ d\ndb = d.sum()\nW -= 0.1 * dW\n"


def edit_of(text, old, new, cell=None):
    """The edit that replaces the first `old` of a text."""
    begin = text.index(old)
    end = begin + len(old)

    def place(at):
        before = text[:at].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return len(before), len(before[-1])

    (line, column), (end_line, end_column) = place(begin), place(end)
    span = SourceSpan("p", line, column, end_line, end_column, old, cell)
    return SourceEdit(span, new)


@for_each("newline", ["\n", "\r\n", "\r"])
@for_each("indent", ["", "    ", "\t"])
def test_only_the_expression_changes(newline, indent):
    text = "".join(f"{indent}{line}{newline}" for line in PROGRAM.splitlines())
    new = edited(text, [edit_of(text, "d.sum()", "d.sum(axis=0)")])
    assert new == text.replace("d.sum()", "d.sum(axis=0)")


def test_several_edits_in_one_line_and_over_several_lines():
    text = "a = f(1,\n      2) + g(é)\nb = 3\n"
    edits = [
        edit_of(text, "1,\n      2", "0"),
        edit_of(text, "g(é)", "h(é)"),
        edit_of(text, "3", "4"),
    ]
    assert edited(text, edits) == "a = f(0) + h(é)\nb = 4\n"
    assert edited(text, [*edits, edits[0]]) == edited(text, edits)


def test_an_edit_of_two_lines_gets_the_line_ends_of_its_program():
    text = PROGRAM.replace("\n", "\r\n")
    new = edited(text, [edit_of(text, "d.sum()", "np.sum(\n    d, axis=0)")])
    assert "np.sum(\r\n    d, axis=0)\r\n" in new
    assert "\n" not in new.replace("\r\n", "")


def test_a_form_feed_begins_no_line():
    text = "a = 1\n\x0cb = 2\nc = 3\n"
    span = SourceSpan("p", 3, 4, 3, 5, "3")
    assert edited(text, [SourceEdit(span, "5")]) == text.replace("3", "5")


@for_each(
    ("head", "encoding"),
    [
        (b"", "utf-8"),
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"# -*- coding: latin-1 -*-\n", "iso-8859-1"),
        (b"#!/usr/bin/python\n# coding: cp1252\n", "cp1252"),
    ],
)
def test_a_program_is_in_the_encoding_that_it_names(head, encoding):
    assert encoding_of(head + b"x = 1\n", "a.py") == encoding


def test_a_wrong_name_of_an_encoding_is_said():
    with pytest.raises(FileError, match=r"a\.py: unknown encoding: nonsense"):
        encoding_of(b"# coding: nonsense\n", "a.py")


# Notebooks --------------------------------------------------------------------

CELLS = [
    "import numpy as np\n",
    "dW = X.T @ d\ndb = d.sum()  # größer\n\nW -= 0.1 * dW",
    "print(W)",
]


def notebook(as_lists=True, **dumping):
    """A notebook with a cell of words between those of code, as the usual programs write it."""
    cells = []
    for code in CELLS:
        source = code.splitlines(keepends=True) if as_lists else code
        cells.append({"cell_type": "markdown", "metadata": {}, "source": ["d.sum() — **so**"]})
        outputs = [{"output_type": "stream", "text": ["d.sum()\n"]}]
        cells.append(
            {"cell_type": "code", "execution_count": 3, "outputs": outputs, "source": source}
        )
    return json.dumps({"cells": cells, "metadata": {"x": 1.0}, "nbformat": 4}, **dumping)


FORMS = [
    {"indent": 1, "ensure_ascii": False},
    {"indent": 1, "ensure_ascii": True},
    {"separators": (",", ":")},
    {"indent": "\t", "sort_keys": True},
]


@for_each("form", FORMS)
@for_each("as_lists", [True, False])
def test_only_the_line_of_the_cell_changes(form, as_lists):
    text = notebook(as_lists, **form)
    new = edited_notebook(text, [edit_of(CELLS[1], "d.sum()", "d.sum(axis=0)", cell=2)])
    old_line = "db = d.sum()"
    assert text.count(old_line) == 1
    assert new == text.replace(old_line, "db = d.sum(axis=0)")


@for_each("form", FORMS)
@for_each("as_lists", [True, False])
@for_each(
    ("old", "new"),
    [
        ("d.sum()", "np.sum(\n    d, axis=0)"),
        ("@ d\ndb = d.sum()", "@ d; db = 0"),
        ("dW", "\n\ndV"),
    ],
)
def test_an_edit_may_change_the_number_of_lines(old, new, form, as_lists):
    text = notebook(as_lists, **form)
    edit = edit_of(CELLS[1], old, new, cell=2)
    before, after = json.loads(text), json.loads(edited_notebook(text, [edit]))
    source = after["cells"][3]["source"]
    assert "".join(source) == CELLS[1].replace(old, new, 1)
    before["cells"][3]["source"] = source
    assert before == after


def test_edits_in_two_cells():
    text = notebook(indent=1)
    edits = [
        edit_of(CELLS[0], "np", "xp", cell=1),
        edit_of(CELLS[2], "print", "show", cell=3),
    ]
    assert edited_notebook(text, edits) == text.replace("as np", "as xp").replace("print", "show")


@for_each(
    "text", ["", "[]", "{", '{"cells": 3}', '{"cells": [{"cell_type": "code"', "import numpy"]
)
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(FileError, match="it isn't a notebook"):
        edited_notebook(text, [edit_of(CELLS[0], "np", "xp", cell=1)])
