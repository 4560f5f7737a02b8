from __future__ import annotations

import csv
import io
import json

import numpy as np

from gradbook.lab.models.predict import Reading
from gradbook.report.prediction import (
    HEADINGS,
    as_json,
    caption,
    headings,
    line,
    record,
    row,
    width_of_names,
)
from gradbook.report.styled_text import plain
from tests.cases import for_each

CLASSES = ("0", "1", "2")
SEEN = np.zeros((1, 4, 4), np.uint8)


def reading(file="six.png", probabilities=(0.02, 0.9, 0.08), **named) -> Reading:
    return Reading(file, image=SEEN, probabilities=probabilities, **named)


def text(one: Reading, classes=CLASSES, width=12) -> str:
    return plain([line(one, classes, width)])


def test_a_line_says_digit_confidence_and_runner_up():
    assert text(reading()) == "six.png       1   90.0 %   or 2    8.0 %\n"


def test_an_image_of_an_idx_file_has_its_number():
    assert text(reading("t10k", number=7)).startswith("t10k [7]      1 ")


def test_of_a_long_name_the_end_is_shown():
    assert text(reading("holidays/2026/six.png")).startswith("…026/six.png  1 ")


def test_a_problem_takes_the_place_of_the_digit():
    one = Reading("a.png", problem="blank: nothing is drawn on it")
    assert text(one) == "a.png         blank: nothing is drawn on it\n"


@for_each(("sure", "colour"), [(0.95, "bold green"), (0.7, "bold yellow"), (0.4, "bold red")])
def test_how_sure_it_is_has_a_colour(sure, colour):
    pieces = line(reading(probabilities=(sure, 0.3, 0.3)), CLASSES, 12)
    assert pieces[1].colour == colour


def test_a_name_cannot_steer_the_terminal():
    one = reading("a\x1b[31m\n\u202eb.png")
    said = text(one, ("0", "\x1b]0;title\x07", "2"), width=40)
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert caption(one, ("0", "\x07", "2")).isprintable()


def test_a_row_has_a_cell_for_each_heading():
    (names, cells) = csv.reader(io.StringIO(headings() + row(reading(number=3), CLASSES)))
    assert tuple(names) == HEADINGS
    assert cells == ["six.png", "3", "1", "0.9", "2", "0.08", ""]


@for_each("name", ["=1+1.png", "+a.png", "-a.png", "@a.png"])
def test_no_name_of_a_file_is_a_formula_and_it_is_the_same_file(name):
    (cells,) = csv.reader(io.StringIO(row(reading(name), CLASSES)))
    assert cells[0] == f"./{name}"


def test_no_name_of_a_class_is_a_formula():
    (cells,) = csv.reader(io.StringIO(row(reading(), ("0", '=cmd|" /C calc"!A0', "-2"))))
    assert cells[2] == '\'=cmd|" /C calc"!A0'
    assert cells[4] == "'-2"


def test_names_with_commas_quotes_and_line_ends_stay_one_cell():
    (cells,) = csv.reader(io.StringIO(row(reading('a,"b"\nc.png'), CLASSES)))
    assert cells[0] == 'a,"b"\\nc.png'


def test_json_has_every_probability_and_the_exact_name():
    name = "a\udcff\x1b.png"
    found = json.loads(as_json([reading(name)], CLASSES, "run"))
    assert (found["version"], found["model"]) == (1, "run")
    assert found["readings"] == [
        {
            "file": name,
            "reading": "1",
            "confidence": 0.9,
            "second": "2",
            "second_confidence": 0.08,
            "probabilities": {"0": 0.02, "1": 0.9, "2": 0.08},
        }
    ]


def test_json_says_problems_too():
    assert record(Reading("a", problem="blank"), CLASSES) == {"file": "a", "problem": "blank"}


def test_names_take_as_many_columns_as_they_need():
    assert width_of_names(["a.png", "longer.jpeg"]) == 11
    assert width_of_names(["a" * 99 + ".png"]) == 40
    assert width_of_names(["a.png", "folder"]) == 40
