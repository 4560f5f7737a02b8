"""A checked program as a page: the same words as in the terminal, each place linked to its line."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from gradbook.audit.programs.program_report import NamedValue, SourceFile, with_hints
from gradbook.report.program_course import course_svg
from gradbook.report.program_page import program_page
from tests.cases import for_each
from tests.report.checked_programs import (
    AXIS,
    CELLS,
    EVERY_VERDICT,
    LOSS,
    SLOPE,
    WRONG,
    WRONG_MODEL,
    XOR,
    in_a_notebook,
    span_of,
)
from tests.report.html import cells, words

LINE = re.compile(r'<li id="([\w-]+)" class="([\w ]+)"><i>(\d+)</i><code>(.*?)</code>(.*?)</li>')
DATA = re.compile(r'<script type="application/json" id="content">(.*?)</script>', re.DOTALL)


def data_of(page):
    return json.loads(DATA.search(page)[1])


def lines_of(page):
    """Each line's number, text, classes, and what stands beside it."""
    return [
        (int(number), re.sub("<.*?>", "", code).replace("&#x27;", "'"), kinds, words(beside))
        for _, kinds, number, code, beside in LINE.findall(page)
    ]


def test_the_source_is_there_line_by_line_with_its_notes():
    lines = lines_of(program_page(WRONG))
    assert [text for _, text, _, _ in lines] == XOR.splitlines()
    assert [number for number, _, _, _ in lines] == list(range(1, 26))
    marked = {number: (kinds, beside) for number, _, kinds, beside in lines if kinds != "ln"}
    assert marked == {
        15: ("ln lossl", "the loss"),
        20: ("ln hot", "1 slope of sigmoid; a1 is tanh"),
        22: ("ln hot", "2 one sum for all three biases"),
    }


def test_the_expression_alone_is_marked():
    page = program_page(WRONG)
    assert re.findall(r'<span class="bad">(.*?)</span>', page) == ["a1 * (1 - a1)", "dz1.sum()"]


def test_keywords_and_comments_are_told_apart():
    page = program_page(WRONG)
    assert "<code><b>for</b> epoch <b>in</b> range(1000):</code>" in page
    assert '<code>    <span class="c"># forward</span></code>' in page


@for_each("verdict", EVERY_VERDICT)
def test_every_link_leads_somewhere(verdict):
    page = program_page(EVERY_VERDICT[verdict])
    places = set(re.findall(r' id="([\w-]+)"', page))
    assert set(re.findall(r'href="#([\w-]+)"', page)) <= places
    assert data_of(page)["values"].keys() <= places


@for_each(
    ("verdict", "said"),
    [
        ("wrong", "2 of 4 gradients are wrong The loss still falls, so it goes unnoticed: 0.7471"),
        ("right", "4 of 4 gradients are right The four gradients, epoch 1"),
        ("factor", "Right up to a factor of 4 All gradients are 4 times the slope: m samples"),
        ("another loss", "Right, but for another loss than the one that is computed Squares are"),
        ("unknown", "Neither shown right nor proved wrong No single change makes dW1 exact."),
        ("no loss", "Which line is the loss? line 17 dz2 = (a2 - y) / m line 15 -np.mean"),
        ("no training", "No training found Nothing is updated again and again."),
        ("framework", "The gradients come from a framework The gradients come from PyTorch"),
        ("fault", "The program stopped with an error line 18 ValueError: shapes (3,4) and (3,1)"),
    ],
)
def test_the_findings_begin_with_the_verdict(verdict, said):
    found = program_page(EVERY_VERDICT[verdict]).partition('<section id="found"')[2]
    assert words(f"<p {found}").startswith(said)


def test_a_finding_says_what_was_found_what_should_be_and_why():
    page = program_page(WRONG)
    article = re.search(r'<article class="f" id="finding-1">(.*?)</article>', page)[1]
    assert words(article) == (
        "1 line 20 makes dW1 , db1 wrong found a1 * (1 - a1) should be (1 - a1**2) why a1 is "
        "tanh(z1) , line 13: its slope is 1 − a1²; what you wrote is the slope of the sigmoid."
    )


def test_the_table_has_each_gradient_at_its_worst_entry():
    table = cells(program_page(WRONG))
    assert table[0][3:] == ["worst entry", "yours", "nudged", "off by"]
    assert table[1] == ["✗", "dW1", "2 × 3", "[0, 0]", "0.145545", "0.003934", "0.14161"]
    assert table[4] == ["✓", "db2", "1", "[0]", "0.146198", "0.146198", "0.00000"]


def test_the_corrected_program_can_be_copied():
    page = program_page(WRONG)
    right = XOR.replace(AXIS.span.text, "dz1.sum(axis=0)")
    assert data_of(page)["corrected"] == right.replace(SLOPE.span.text, "(1 - a1**2)")
    assert "copy the corrected program" in page
    assert "corrected: all 4 right ✓ largest difference 9·10⁻¹¹" in words(page)


def test_a_correction_that_isnt_right_yet_isnt_offered():
    page = program_page(replace(WRONG, corrected="unknown"))
    assert data_of(page)["corrected"] == ""
    assert "corrected: all" not in words(page)


@for_each("verdict", [verdict for verdict in EVERY_VERDICT if verdict != "wrong"])
def test_without_a_correction_there_is_nothing_to_copy(verdict):
    page = program_page(EVERY_VERDICT[verdict])
    assert data_of(page)["corrected"] == ""
    assert "copy the corrected" not in page


def test_of_a_notebook_the_cells_that_changed_are_copied():
    page = program_page(in_a_notebook())
    changed = CELLS[1].replace("dz1.sum()", "dz1.sum(axis=0)")
    assert data_of(page)["corrected"] == changed.replace("a1 * (1 - a1)", "(1 - a1**2)")
    assert "copy the corrected cells" in page
    assert [text for _, text, _, _ in lines_of(page)] == XOR.replace(
        "\n\nfor", "\nfor"
    ).splitlines()
    assert "cell 2, line 11" in words(page)


def test_hints_leave_no_solution_anywhere_on_the_page():
    page = program_page(with_hints(WRONG))
    for solution in ("dz1.sum(axis", "1 - a1**2", "slope of the sigmoid", "one sum for"):
        assert solution not in page, solution
    assert data_of(page)["corrected"] == ""
    assert page.count('class="nb"') == 4
    assert "line 20" in words(page)


def test_more_than_three_findings_are_a_line_each():
    places = ["X.T @ dz1", "a1.T @ dz2", "(a2 - y) / m"]
    more = tuple(replace(AXIS, span=span_of(part)) for part in places)
    many = replace(WRONG, models=(replace(WRONG_MODEL, findings=(SLOPE, AXIS, *more)),))
    page = program_page(many)
    assert page.count('<article class="f"') == 3
    folded = re.findall(r"<summary>(.*?)</summary><p>", page)
    assert list(map(words, folded)) == [
        "4 line 21 one sum for all three biases",
        "5 line 22 one sum for all three biases",
    ]


def test_a_line_has_its_values():
    values = data_of(program_page(WRONG))["values"]
    assert values["line-12"] == [
        {
            "name": "z1",
            "shape": "4 × 3",
            "numbers": "0, −1.25, 0.5, 2, …",
            "slopes": "0.01, 0, 0, −0.2, …",
        }
    ]
    assert values["line-15"][0]["numbers"] == "0.7471"


def test_a_name_is_text_and_never_markup():
    evil = "<img src=x onerror=alert(1)>"
    text = f"a = '{evil}'\nb = a.sum()  # </script><script>\n"
    span = span_of("a.sum()", text)
    finding = replace(AXIS, span=span, why=evil, note=evil, gradients=(evil,), replacement=evil)
    gradients = tuple(replace(it, name=evil) for it in WRONG_MODEL.gradients)
    loss = replace(LOSS, span=None, words=evil)
    report = replace(
        WRONG,
        file=evil,
        models=(
            replace(
                WRONG_MODEL,
                findings=(finding,),
                gradients=gradients,
                loss=loss,
                values=(NamedValue(replace(span, file=evil), evil, (1,), (1.0,)),),
            ),
        ),
        sources=(SourceFile(evil, text),),
    )
    page = program_page(report, evil)
    assert "<img" not in DATA.sub("", page)
    assert "</script><script>" not in page
    assert page.count("</script>") == page.count("<script")


def test_several_files_and_models():
    other = SourceFile("layers.py", "def f(x):\n    return x.sum()\n")
    quiet = SourceFile("quiet.py", "SEED = 1\n")
    span = replace(span_of("x.sum()", other.text), file="layers.py")
    models = (WRONG_MODEL, replace(WRONG_MODEL, findings=(replace(AXIS, span=span),)))
    page = program_page(replace(WRONG, models=models, sources=(*WRONG.sources, other, quiet)))
    assert "layers.py, line 2" in words(page)
    assert "SEED" not in page
    assert 'id="line-1-2" class="ln hot"' in page
    assert "Training 2 of 2: 2 of 4 gradients are wrong" in words(page)


@for_each(
    ("course", "ticks"),
    [
        ((0.7471, 0.4781), ["0.0", "0.4", "0.8"]),
        ((3.0, 2.0), ["0", "2", "4"]),
        ((0.0, 0.0), ["0.0", "0.5", "1.0"]),
        ((-1.0, -3.0), ["−4", "−2", "0"]),
        ((1.0, float("inf"), float("nan")), ["0.0", "0.5", "1.0"]),
        ((float("nan"), float("nan")), ["0.0", "0.5", "1.0"]),
        ((1.0, 2.0, 1e30), ["0", "2", "4"]),
    ],
)
def test_the_axis_of_the_loss_has_three_ticks_whatever_it_does(course, ticks):
    loss = replace(LOSS, course=course, corrected_course=())
    svg = course_svg(loss, (346, 176), "plain", True)
    assert re.findall(r'text-anchor="end">([^<e]+)</text>', svg) == ticks
    heights = [float(y) for y in re.findall(r"[ML][\d.]+,([\d.-]+)", svg)]
    assert all(8 <= y <= 158 for y in heights)


def test_a_long_course_has_few_points_and_the_last_of_them():
    loss = replace(LOSS, course=tuple(1 / (k + 1) for k in range(100_000)), corrected_course=())
    svg = course_svg(loss, (346, 176), "plain", True)
    points = re.findall(r"[ML]([\d.]+),", svg)
    assert len(points) < 500
    assert points[-1] == "228.0"


def test_labels_of_curves_that_end_together_are_apart():
    loss = replace(LOSS, course=(1.0, 0.5), corrected_course=(1.0, 0.49))
    svg = course_svg(loss, (346, 176), "plain", True)
    first, second = (float(y) for y in re.findall(r'<text class="m\w+" x="238" y="([\d.]+)"', svg))
    assert abs(first - second) >= 32


def test_the_length_of_the_run_is_told():
    assert "25 lines, all 1000 epochs run" in program_page(WRONG)
    stopped = replace(WRONG, finished=False, epochs=0)
    assert "25 lines, the first 3 steps run" in program_page(stopped)
    assert "25 lines, run to its end" in program_page(replace(WRONG, epochs=0))
    assert "2 cells, all 1000 epochs run" in program_page(in_a_notebook())
    assert "25 lines<" in program_page(EVERY_VERDICT["fault"])


def test_values_are_only_offered_where_there_are_any():
    assert "point at a line" in program_page(WRONG)
    assert "point at a line" not in program_page(
        replace(WRONG, models=(replace(WRONG_MODEL, values=()),))
    )
