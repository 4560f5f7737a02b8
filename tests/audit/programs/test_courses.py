"""The course of a program's loss over its whole run, as written and corrected."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from functools import partial

import pytest

from gradbook.audit.programs.check_program import check_program
from gradbook.audit.programs.courses import with_courses
from gradbook.audit.programs.program_report import ProgramReport
from tests.cases import for_each
from tests.report.checked_programs import XOR, span_of

RIGHT = XOR.replace("a1 * (1 - a1)", "(1 - a1**2)").replace("dz1.sum()", "dz1.sum(axis=0)")
UNSEEDED = XOR.replace("default_rng(1)", "default_rng()")
LOSS = "-np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))"
BY_A_FUNCTION = XOR.replace(f"    loss = {LOSS}\n", "    loss = cost(a2, y)\n").replace(
    "for epoch",
    f"def cost(a2, y):\n    return {LOSS}\n\nprint(cost(np.full((4, 1), 0.1), y))\nfor epoch",
)
BY_SAMPLE = XOR.replace(
    "for epoch in range(1000):", "for epoch in range(50):\n  for k in range(2):"
)


def checked(path, seconds=20):
    judge = partial(check_program, str(path), seconds=seconds)
    return with_courses(judge(), seconds, lambda text: judge(text=text))


def replayed(path, text, *parts, seconds=20):
    """What the process keeps of these expressions."""
    path.write_text(text, "utf-8")
    spans = [span_of(part, text) for part in parts]
    places = [[None, it.line, it.column, it.end_line, it.end_column] for it in spans]
    result = path.with_suffix(".json")
    command = [sys.executable, "-m", "gradbook.audit.programs.replay", str(path), str(result)]
    subprocess.run(
        [*command, str(seconds), json.dumps(places)],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )
    return json.loads(result.read_text("utf-8"))


def test_both_courses_are_those_of_the_plain_program(tmp_path):
    path = tmp_path / "xor.py"
    path.write_text(XOR, "utf-8")
    report = checked(path)
    loss = report.models[0].loss
    assert (len(loss.course), len(loss.corrected_course), report.epochs) == (1000, 1000, 1000)
    assert report.finished
    assert report.corrected == "right"
    assert report.models[0].largest_difference < 1e-9
    assert loss.course[0] == loss.corrected_course[0]
    assert loss.course[-1] == pytest.approx(float(runpy.run_path(str(path))["loss"]), rel=1e-12)
    path.write_text(RIGHT, "utf-8")
    now = float(runpy.run_path(str(path))["loss"])
    assert loss.corrected_course[-1] == pytest.approx(now, rel=1e-12)


def test_a_loss_is_followed_through_its_function_and_other_uses_are_left_out(tmp_path):
    record = replayed(tmp_path / "p.py", BY_A_FUNCTION, LOSS)
    (course,) = record["courses"]
    assert (len(course["values"]), course["loops"]) == (1000, 1)
    assert course["values"][0] == pytest.approx(0.7470743438962761)


def test_a_loss_within_two_loops_isnt_one_of_epochs(tmp_path):
    (course,) = replayed(tmp_path / "p.py", BY_SAMPLE, LOSS)["courses"]
    assert (len(course["values"]), course["loops"]) == (100, 2)


def test_without_a_seed_every_run_draws_the_same(tmp_path):
    first, second = (replayed(tmp_path / "p.py", UNSEEDED, LOSS) for _ in range(2))
    assert first == second


@for_each(
    ("end", "finished"),
    [
        ("import sys; sys.exit(3)\n", False),
        ("raise ValueError\n", False),
        ("raise SystemExit\n", True),
        ("print('größer')\n", True),
        ("while True:\n    pass\n", False),
    ],
)
def test_however_a_program_ends_its_losses_are_kept(end, finished, tmp_path):
    record = replayed(tmp_path / "p.py", RIGHT + end, LOSS, seconds=3)
    assert record["finished"] is finished
    assert len(record["courses"][0]["values"]) == 1000


@for_each(
    ("text", "verdict"), [("x = 1 / 0\n", "fault"), ("def f(:\n", "fault"), (RIGHT, "unknown")]
)
def test_an_error_of_the_recording_alone_isnt_the_programs(text, verdict, tmp_path):
    path = tmp_path / "p.py"
    path.write_text(text, "utf-8")
    report = ProgramReport(str(path), "fault", (), (), "IndexError: no integer")
    judged = with_courses(report, 5, partial(check_program, str(path)))
    assert judged.verdict == verdict
    assert "IndexError: no integer" in judged.reason


def test_columns_count_letters_and_not_bytes(tmp_path):
    text = "import numpy as np\nfor k in range(5):\n    größe = 'äöü'; loss = np.sum([k, 1.0])\n"
    (course,) = replayed(tmp_path / "p.py", text, "np.sum([k, 1.0])")["courses"]
    assert course["values"] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_what_isnt_one_number_is_no_loss(tmp_path):
    text = "import numpy as np\nfor k in range(5):\n    loss = np.ones(3) * k\n"
    (course,) = replayed(tmp_path / "p.py", text, "np.ones(3) * k")["courses"]
    assert course["values"] == []


def test_a_sum_that_is_added_to_is_kept_when_it_is_whole(tmp_path):
    text = "import numpy as np\nfor epoch in range(4):\n    loss = 0\n    for k in range(3):\n"
    text += "        loss += epoch + k\n"
    (course,) = replayed(tmp_path / "p.py", text, "loss += epoch + k")["courses"]
    assert (course["values"], course["loops"]) == ([3.0, 6.0, 9.0, 12.0], 1)
