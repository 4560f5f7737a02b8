"""Writes a quiz in the format that the file's name ends in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from gradbook.files import write_whole
from gradbook.teaching.quiz.moodle import gift, moodle_xml
from gradbook.teaching.quiz.qti_2_1 import qti_2_1
from gradbook.teaching.quiz.questions import Question, Quiz

WRITERS: dict[str, Callable[[Quiz], Iterator[str] | bytes]] = {  # by the ending
    ".xml": moodle_xml,
    ".gift": gift,
    ".zip": qti_2_1,
}
ENDINGS = tuple(WRITERS)


def write_quiz(quiz: Quiz, path: str) -> None:
    """Write the file, or leave everything as it was."""
    write_whole(path, WRITERS[os.path.splitext(path)[1].lower()](quiz))


def quiz_json(quiz: Quiz) -> str:
    """The quiz as JSON, for programs.

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
        "given": dict(question.givens),
        "right": asdict(question.right),
        "wrong": [asdict(answer) for answer in question.wrong],
        "choices": [answer.shown for answer in question.choices],
        "tolerance": question.tolerance,
        "solution": question.solution,
    }
