"""Write a quiz for a learning platform: own numbers for each student, typical mistakes recognised.

Each value of the forward pass, each derivative, each weight after one step, which learning rate was
used, which cell of a sheet is wrong. Every number is the chain rule's own, and every wrong answer
says which mistake leads to it. The same command writes the same quiz again.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from gradbook.cli.arguments import (
    Verb,
    add_reading_arguments,
    file_ending_in,
    network,
    number,
    numbers_or_names,
    one_of,
    reading_of,
)
from gradbook.cli.output import busy, print_as_json
from gradbook.errors import UsageError
from gradbook.files import require_replaceable
from gradbook.language import in_language, tr, tr_count

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDINGS = (".xml", ".gift", ".zip", ".md")
KINDS = ("value", "derivative", "update", "rate", "cell")  # as teaching/quiz has them
EXAMPLES = """\
  gradbook quiz worked -o quiz.xml           Moodle XML: ten variants of every question
  gradbook quiz net.txt -o quiz.xml --for 1-40 --form number
                                             numbers to type; usual mistakes are recognised
  gradbook quiz mazur -o quiz.gift --ask derivative,update
                                             only those, as GIFT
  gradbook quiz worked -o quiz.zip           a QTI package, for Canvas and others
  gradbook quiz worked -o quiz.zip --qti 2.1 --for 1-40
                                             also the whole step, errors carried forward
  gradbook quiz worked -o quiz.md --for names.csv
                                             to print: a part for each student, then the answers
  gradbook quiz worked --for 7 --json        for a program
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("net", nargs="?", metavar="NET", default="worked", help="default: worked")
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        type=file_ending_in(*ENDINGS),
        help="where to write: .xml (Moodle), .gift, .zip (QTI: Canvas and others) or .md (Markdown "
        "with answers)",
    )
    parser.add_argument(
        "--for",
        dest="students",
        metavar="WHO",
        type=numbers_or_names,
        default="1-10",
        help="a number or a name for each set of numbers: 7, 1-40 or names.csv (default: 1-10)",
    )
    parser.add_argument(
        "--ask",
        metavar="KINDS",
        type=_kinds,
        default=",".join(KINDS),
        help=f"what to ask for, separated by commas: {', '.join(KINDS)} (default: all)",
    )
    parser.add_argument(
        "--form",
        metavar="FORM",
        type=one_of("choice", "number"),
        default="choice",
        help="'choice' shows answers to choose from, 'number' asks for a number to type "
        "(default: choice)",
    )
    parser.add_argument(
        "--qti",
        metavar="VERSION",
        type=one_of("1.2", "2.1"),
        help="the QTI of a .zip: 1.2, or 2.1, which also asks for the whole step with errors "
        "carried forward (default: 1.2)",
    )
    parser.add_argument(
        "--tolerance",
        metavar="PERCENT",
        type=_percent,
        default="0.5",
        help="how far a number that is typed may be off, in per cent of the right one, or of the "
        "step for a weight after a step (default: 0.5)",
    )
    parser.add_argument("--rate", metavar="η", type=_rate, help="the learning rate of the step")
    parser.add_argument("--json", action="store_true", help="print the questions as JSON")
    parser.add_argument("--data", metavar="FILE.csv", help="samples from a CSV table")
    add_reading_arguments(parser.add_argument_group("tables of samples"))


def run(options: Namespace) -> int:
    from gradbook.teaching.quiz.asking import QuizPlan, make_quiz
    from gradbook.teaching.quiz.writing import quiz_json, write_quiz

    net = network(options.net, options.data, **reading_of(options))
    if not options.out and not options.json:
        raise UsageError(f"name the file with -o: it ends in {', '.join(ENDINGS)}")
    if options.qti and not (options.out or "").lower().endswith(".zip"):
        raise UsageError("--qti is for a package: end the file's name in .zip")
    plan = QuizPlan(
        tuple(_asked(options.students)),
        options.ask,
        options.form,
        options.tolerance,
        options.rate,
        whole=options.qti == "2.1",
    )
    require_replaceable(options.out)
    with busy(tr("making the quiz")):
        quiz = make_quiz(net, plan)
        if options.out:
            write_quiz(quiz, options.out, options.qti or "1.2")
    if options.json:
        with in_language("en"):  # whatever its reader speaks
            print_as_json(quiz_json(make_quiz(net, plan)))
        return 0
    subjects, students = len(list(quiz.subjects)), len(quiz.students)
    print(
        tr(
            "wrote {file}: {questions} on {subjects} for {students}",
            file=options.out,
            questions=tr_count("{count} question", "{count} questions", len(quiz.questions)),
            subjects=tr_count("{count} subject", "{count} subjects", subjects),
            students=tr_count("{count} student", "{count} students", students),
        )
    )
    return 0


def _asked(students: str | tuple[int, ...]) -> Sequence[int | str]:
    if not isinstance(students, str):
        return students
    from gradbook.lab.classroom import read_roster

    return read_roster(students)


def _kinds(words: str) -> tuple[str, ...]:
    asked = [word.strip() for word in words.split(",")]
    for word in asked:
        one_of(*KINDS)(word)
    return tuple(kind for kind in KINDS if kind in asked)


def _percent(word: str) -> float:
    share = number(word.removesuffix("%").strip()) / 100
    if not 0 < share <= 0.1:
        raise ArgumentTypeError(f"{word} is out of range: it must be above 0 and at most 10")
    return share


def _rate(word: str) -> float:
    value = number(word)
    if value <= 0:
        raise ArgumentTypeError(f"{word} is out of range: a step needs a rate above 0")
    return value


ENTRIES = {"quiz": Verb(__doc__, EXAMPLES, add_arguments, run, True, writes_files=True)}
