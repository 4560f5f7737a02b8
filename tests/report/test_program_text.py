"""A checked program in a terminal: as it is drawn, for every verdict, whatever its lines are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradbook.audit.programs.program_report import SourceFile, SourceSpan, with_hints
from gradbook.language.text_width import text_width
from gradbook.report.program_text import program_lines
from gradbook.report.styled_text import plain
from tests.cases import for_each
from tests.report.checked_programs import (
    AXIS,
    EVERY_VERDICT,
    EXACT,
    GRADIENTS,
    LOSS,
    RIGHT,
    SLOPE,
    WRONG,
    WRONG_MODEL,
    XOR,
    in_a_notebook,
    judged,
    span_of,
)


def shown(report, width=80, **options):
    return plain(list(program_lines(report, width, **options)))


def test_two_mistakes_are_shown_as_they_are_drawn(golden):
    golden("program.txt", shown(WRONG, command="gradbook check xor.py --fix fixed"))


@for_each("verdict", EVERY_VERDICT)
def test_every_verdict_fits_76_columns(verdict):
    for width in (70, 80, 120):
        lines = shown(EVERY_VERDICT[verdict], width).splitlines()
        assert max(map(text_width, lines)) <= min(width, 76), verdict


@for_each(
    ("verdict", "said"),
    [
        ("right", "xor.py: 4 of 4 gradients are right\n"),
        ("factor", "xor.py: right up to a factor of 4\n  All gradients are 4 times"),
        ("another loss", "xor.py: right, but for another loss than the one that is computed\n"),
        ("unknown", "xor.py: neither shown right nor proved wrong\n  No single change"),
        ("no loss", "xor.py: which line is the loss?\n"),
        ("no training", "xor.py: no training found\n  Nothing is updated again and again.\n"),
        ("fault", "xor.py: the program stopped with an error\n\n     xor.py:18\n"),
    ],
)
def test_the_first_line_is_the_verdict(verdict, said):
    assert shown(EVERY_VERDICT[verdict]).startswith(said)


def test_a_framework_is_told_in_one_line():
    assert (
        shown(EVERY_VERDICT["framework"]) == "xor.py: The gradients come from PyTorch, line 17.\n"
    )


def test_a_fault_is_the_line_and_the_message_of_python_and_nothing_else():
    assert shown(EVERY_VERDICT["fault"]).splitlines()[2:] == [
        "     xor.py:18",
        "     18 │ dW2 = a1.T @ dz2",
        "        │       ^^^^^^^^^^",
        "     ValueError: shapes (3,4) and (3,1)",
    ]


def test_without_a_loss_the_lines_are_offered_that_may_be_it():
    lines = shown(EVERY_VERDICT["no loss"]).splitlines()
    assert [line.strip() for line in lines if "xor.py:" in line][1:] == ["xor.py:17", "xor.py:15"]
    assert not any("nudged" in line for line in lines)


def test_what_couldnt_be_followed_is_named_with_its_line():
    text = shown(EVERY_VERDICT["unknown"])
    assert "     xor.py:14\n     14 │ a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))\n" in text
    assert text.endswith("     it leaves NumPy there.\n")


def test_hints_say_where_and_not_what():
    text = shown(with_hints(WRONG), command="gradbook check xor.py --fix fixed")
    assert (
        "xor.py:22   makes db1 wrong\n     22 │ db1 = dz1.sum()\n        │       ^^^^^^^^^" in text
    )
    for solution in ("axis=0", "should be", "why", "sigmoid", "corrected", "--fix", "one sum"):
        assert solution not in text, solution


def test_at_most_three_findings_are_open_unless_all_are_asked_for():
    places = ["X.T @ dz1", "a1.T @ dz2", "(a2 - y) / m"]
    more = tuple(replace(AXIS, span=span_of(part)) for part in places)
    many = replace(WRONG, models=(replace(WRONG_MODEL, findings=(SLOPE, AXIS, *more)),))
    text = shown(many)
    assert "wrong: 5 findings" in text
    assert text.count("should be") == 3
    assert "  4  xor.py:21   one sum for all three biases\n  5  xor.py:22   one sum" in text
    assert shown(many, everything=True).count("should be") == 5


def test_findings_are_in_the_order_of_the_source_and_each_is_shown_once():
    models = (replace(WRONG_MODEL, findings=(AXIS, SLOPE)), WRONG_MODEL)
    text = shown(replace(WRONG, models=models))
    assert text.index("xor.py:20") < text.index("xor.py:22")
    assert text.count("should be") == 2
    assert "training 1 of 2: 2 of 4 gradients are wrong" in text
    assert "wrong: 2 findings, 4 of 8 gradients right" in text


def test_a_mistake_without_a_correction_is_a_place_and_a_reason():
    bare = replace(AXIS, replacement=None, edits=())
    text = shown(
        replace(WRONG, models=(replace(WRONG_MODEL, findings=(bare,)),)), command="x fixed"
    )
    assert "should be" not in text
    assert "writes the corrected program" not in text
    assert "why        It adds all 12 numbers" in text


def report_on(line, part, after=""):
    """A report with one finding in a program of this line."""
    text = f"x = 1\n{line}\n{after}"
    finding = replace(AXIS, span=span_of(part, text))
    model = replace(WRONG_MODEL, findings=(finding,), gradients=(), loss=None)
    return replace(WRONG, models=(model,), sources=(SourceFile("xor.py", text),))


def signed(said):
    """What stands above the signs."""
    lines = said.splitlines()
    at = next(k for k, line in enumerate(lines) if "│" in line and "^" in line)
    begin, end = lines[at].index("^"), lines[at].rindex("^") + 1
    return lines[at - 1][begin:end]


@for_each("before", ["", "    ", "\t\t", "a = b + c * " * 9])
@for_each("after", ["", " + d" * 30])
def test_the_expression_is_underlined_however_long_its_line_is(before, after):
    text = shown(report_on(f"{before}d_bias.sum(){after}", "d_bias.sum()"))
    assert signed(text) == "d_bias.sum()"
    assert max(map(text_width, text.splitlines())) <= 76


def test_an_expression_that_is_too_long_is_cut():
    part = " + ".join(f"value_{k}" for k in range(40))
    text = shown(report_on(f"total = {part}", part))
    assert signed(text).startswith("value_0 + value_1")
    assert signed(text).endswith("…")


def test_an_expression_over_several_lines_is_underlined_in_each():
    part = "np.sum(\n    d,\n    keepdims=True,\n    dtype=float)"
    text = shown(report_on(f"b = {part}", part))
    assert "      2 │ b = np.sum(\n        │     ^^^^^^^\n      3 │ d,\n        │ ^^\n" in text
    assert "      5 │" not in text
    assert "found      np.sum( d, keepdims=True, dtype=float)" in text


def test_wide_letters_keep_the_signs_below_their_expression():
    text = shown(report_on("偏置 = 误差.sum()", "误差.sum()"))
    above, below = (line for line in text.splitlines() if "│" in line)
    assert text_width(above[: above.index("误差")]) == below.index("^")
    assert below.count("^") == text_width("误差.sum()")


def test_what_would_steer_a_terminal_is_escaped():
    text = shown(report_on("a = '\x1b[31m' + b.sum()", "b.sum()"))
    assert "\x1b" not in text
    assert signed(text) == "b.sum()"


def test_a_cell_is_named_in_a_notebook():
    text = shown(in_a_notebook())
    assert "  1  xor.ipynb, cell 2, line 11   makes dW1 and db1 wrong\n     11 │ dz1 =" in text
    assert "loss  cell 2, line 6, binary cross-entropy" in text


def test_a_place_beyond_the_source_is_only_named():
    stray = SourceSpan("other.py", 400, 0, 400, 5, "d.sum")
    text = shown(
        replace(WRONG, models=(replace(WRONG_MODEL, findings=(replace(AXIS, span=stray),)),))
    )
    assert "other.py:400" in text
    assert "│" not in text


@for_each(
    ("yours", "exact", "row"),
    [
        (0.145545, 0.003934, "0.145545     0.003934    0.14161"),
        (-0.120359, -0.120359, "−0.120359    −0.120359    0.00000"),
        (1234.5678, 1200.0, "1234.568     1200.000      34.57"),
        (1.23456e-7, 2e-7, "1.2346e−07   2.0000e−07  7.654e−08"),
        (2e9, 1e9, "2.0000e+09   1.0000e+09  1.000e+09"),
        (0.0, 0.0, "0.000000     0.000000    0.00000"),
        (float("nan"), 1.0, "nan     1.000000"),
    ],
)
def test_numbers_have_as_many_digits_as_show_the_difference(yours, exact, row):
    gradient = replace(GRADIENTS[0], yours=yours, exact=exact, difference=abs(yours - exact))
    text = shown(judged("unknown", gradients=(gradient,)))
    assert row in text


def test_many_right_gradients_are_counted():
    names = [replace(EXACT[0], name=f"dW{k}") for k in range(20)]
    text = shown(judged("right", gradients=tuple(names)))
    assert "and 8 more that are right" in text
    assert "dW19" in shown(judged("right", gradients=tuple(names)), everything=True)


@for_each(
    ("course", "said"),
    [
        ((0.5, 0.25), "in 2 epochs 0.5000 → 0.2500"),
        ((0.5, 3e-7), "in 2 epochs 0.5000 → 3·10⁻⁷"),
        ((0.5, float("nan")), "in 2 epochs 0.5000 → NaN"),
        ((-2.0, -3.0), "in 2 epochs −2.0000 → −3.0000"),
    ],
)
def test_the_course_of_the_loss_is_its_ends(course, said):
    loss = replace(LOSS, course=course, corrected_course=())
    assert said in shown(replace(judged("right", loss=loss), epochs=2))


def test_an_assumed_loss_is_called_so():
    assumed = replace(LOSS, span=None, is_assumed=True, course=(), corrected_course=())
    assert "  loss  assumed, binary cross-entropy" in shown(judged("right", loss=assumed))


def test_a_run_that_was_stopped_counts_steps():
    assert "in 1000 steps 0.7471" in shown(replace(RIGHT, finished=False, epochs=0))


@pytest.mark.parametrize("verdict", EVERY_VERDICT)
def test_colours_change_no_letter(verdict):
    report = EVERY_VERDICT[verdict]
    lines = list(program_lines(report, 80))
    assert all(isinstance(span.colour, str) for line in lines for span in line)
    assert XOR.splitlines()[17].strip() in plain(lines) or verdict != "fault"
