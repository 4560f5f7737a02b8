"""Writes a quiz in the format that the file's name ends in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from gradbook.files import write_whole
from gradbook.teaching.quiz.markdown import markdown
from gradbook.teaching.quiz.moodle import gift, moodle_xml
from gradbook.teaching.quiz.qti_1_2 import qti_1_2
from gradbook.teaching.quiz.qti_2_1 import qti_2_1
from gradbook.teaching.quiz.questions import Question, Quiz

TEXTS: dict[str, Callable[[Quiz], Iterator[str]]] = {  # by the ending
    ".xml": moodle_xml,
    ".gift": gift,
    ".md": markdown,
}
PACKAGES: dict[str, Callable[[Quiz], bytes]] = {"1.2": qti_1_2, "2.1": qti_2_1}  # of QTI
ZIP = ".zip"
ENDINGS = (".xml", ".gift", ZIP, ".md")


def write_quiz(quiz: Quiz, path: str, qti: str = "1.2") -> None:
    """Write the file, or leave everything as it was; a .zip is QTI of that version."""
    ending = os.path.splitext(path)[1].lower()
    write_whole(path, PACKAGES[qti](quiz) if ending == ZIP else TEXTS[ending](quiz))


def quiz_json(quiz: Quiz) -> str:
    """The quiz for a program.

        {
          "version": 1, "network": its name, "about": a sentence, "form": "choice" or "number",
          "questions": [{"kind", "subject", "student", "ask", "given": {name: number as shown},
            "right": {"shown", "why", "number"}, "wrong": [the same, …],
            "choices": [as shown, …], "tolerance", "solution"}, …]
        }

    A tolerance is absolute; "number" is null where the answer is a cell.
    """
    record = {
        "version": 1,
        "network": quiz.name,
        "about": quiz.about,
        "form": quiz.form,
        "questions": [_record(question) for question in quiz.questions],
    }
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def _record(question: Question) -> dict[str, Any]:
    return {
        "kind": question.kind,
        "subject": question.subject,
        "student": question.student,
        "ask": question.ask,
        "given": dict(question.given),
        "right": asdict(question.right),
        "wrong": [asdict(answer) for answer in question.wrong],
        "choices": [answer.shown for answer in question.choices],
        "tolerance": question.tolerance,
        "solution": question.solution,
    }
