"""What is found in a program is said in the reader's language; its own words stay as they are."""

from __future__ import annotations

import re

from gradbook.audit.programs.check_program import check_program
from gradbook.audit.programs.program_json import program_record
from gradbook.audit.programs.spelling import MOST_NOTE
from gradbook.report.program_text import program_lines
from gradbook.report.styled_text import plain
from tests.cases import for_each
from tests.pseudo import plain_words, pseudo_language
from tests.report.checked_programs import XOR

RIGHT = XOR.replace("a1 * (1 - a1)", "(1 - a1**2)").replace("dz1.sum()", "dz1.sum(axis=0)")
FACTOR = (
    "import numpy as np\nX, y, w = np.eye(4), np.ones(4), np.zeros(4)\n"
    "for step in range(9):\n    p = X @ w\n    loss = np.mean((p - y) ** 2)\n"
    "    w -= 0.1 * (X.T @ (p - y))\n"
)
TEXTS = {  # verdict → a program of which it is
    "wrong": XOR,
    "factor": FACTOR,
    "another loss": FACTOR.replace("X @ w\n", "1 / (1 + np.exp(-X @ w))\n"),
    "unknown": RIGHT.replace("W1 - rate * dW1", "W1 - rate * dW1 + np.sin(W1)"),
    "no training": "import numpy as np\n",
}
NAMES = ("sigmoid", "tanh", "ReLU")


def names_in(report):
    code = [source.text for source in report.sources]
    code += [finding.replacement or "" for model in report.models for finding in model.findings]
    return re.findall(r"[A-Za-z]{3,}", " ".join([report.file, *code]))


@for_each("verdict", TEXTS)
def test_no_word_of_a_report_is_left_in_english(verdict, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(TEXTS[verdict], "utf-8")
    report = check_program(str(path))
    assert report.verdict == verdict, report
    english = program_record(report)
    notes = [finding.note for model in report.models for finding in model.findings]
    assert all(len(note) <= MOST_NOTE for note in notes), notes
    with pseudo_language():
        words = plain(list(program_lines(report, 100, everything=True)))
        assert program_record(report) == english
    assert plain_words(words, *NAMES, *names_in(report)) == [], words
