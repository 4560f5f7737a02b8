"""Writes a quiz for a learning platform, with different numbers for each student."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace

from gradbook.cli.argument_kinds import (
    READING_GONE,
    OneOf,
    asked_network_or_formulas,
    file_ending_in,
    number,
    numbers_or_names,
    students_of,
)
from gradbook.cli.help_page import Verb
from gradbook.cli.output import busy, print_as_json, say
from gradbook.errors import UsageError
from gradbook.files import require_replaceable
from gradbook.language import in_language, tr, tr_count
from gradbook.teaching.quiz import CHOICE, FORMS, KINDS, TOLERANCE

PACKAGE = ".zip"
ENDINGS = (".xml", ".gift", PACKAGE)


def run(options: Namespace) -> int:
    from gradbook.teaching.quiz.asking import QuizPlan, make_quiz
    from gradbook.teaching.quiz.writing import quiz_json, write_quiz

    net = asked_network_or_formulas(options)
    if not options.out and not options.json:
        raise UsageError(f"name the file with -o: it ends in {', '.join(ENDINGS)}")
    form, tolerance = options.form
    plan = QuizPlan(
        tuple(students_of(getattr(options, "for"))),
        options.ask,
        form,
        tolerance,
        whole=(options.out or "").lower().endswith(PACKAGE),
    )
    require_replaceable(options.out)
    with busy(tr("making the quiz")):
        quiz = make_quiz(net, plan)
        if options.out:
            write_quiz(quiz, options.out)
    if options.json:
        with in_language("en"):  # JSON is always in English
            print_as_json(quiz_json(make_quiz(net, plan)))
        return 0
    subjects, students = len(list(quiz.subjects)), len(quiz.students)
    line = tr(
        "wrote {file}: {questions} on {subjects} for {students}",
        file=options.out,
        questions=tr_count("{count} question", "{count} questions", len(quiz.questions)),
        subjects=tr_count("{count} subject", "{count} subjects", subjects),
        students=tr_count("{count} student", "{count} students", students),
    )
    say(line)
    return 0


def _kinds(words: str) -> tuple[str, ...]:
    asked = [word.strip() for word in words.split(",")]
    for word in asked:
        OneOf(*KINDS)(word)
    return tuple(kind for kind in KINDS if kind in asked)


class QuestionForm:
    """The form of the questions, and how far a typed number may be off: number:2 is 2 %."""

    choices = FORMS

    def __call__(self, word: str) -> tuple[str, float]:
        form, colon, percent = word.partition(":")
        OneOf(*self.choices)(form)
        if form == CHOICE and colon:
            raise ArgumentTypeError(f"{word}: only a number that is typed may be off")
        share = number(percent.removesuffix("%").strip()) / 100 if colon else TOLERANCE
        if not 0 < share <= 0.1:
            raise ArgumentTypeError(f"{percent} is out of range: it must be above 0 and at most 10")
        return form, share


ENTRIES = {
    "quiz": Verb(
        run,
        kinds={
            "out": file_ending_in(*ENDINGS),
            "for": numbers_or_names,
            "ask": _kinds,
            "form": QuestionForm(),
        },
        defaults={
            "net": "worked",
            "for": "1-10",
            "ask": ",".join(KINDS),
            "form": CHOICE,
        },
        facts=lambda: {"kinds": ", ".join(KINDS)},
        speaks=True,
        gone={
            "--qti": "a .zip is QTI 2.1",
            "--rate": "write --set 'rate …'",
            "--tolerance": "write --form number:2",
        }
        | READING_GONE,
    )
}
