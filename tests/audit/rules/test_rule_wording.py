"""The words for a perceptron: what its cells are called, what the rule says of each weight."""

from gradbook.audit.rules.perceptron import Usual, find_perceptrons
from gradbook.audit.rules.perceptron_findings import RuleWords
from tests.audit.material.perceptrons.small import COLUMNS, ROWS, edited
from tests.audit.material.small import at, small


def words(areas):
    (found,) = find_perceptrons(*small(areas))
    return RuleWords(Usual(found))


def test_weights_are_called_by_their_headings():
    assert words(ROWS).names == ("w1", "w2", "b")
    assert words(COLUMNS).names == ("w1", "w2")


def test_weights_without_headings_are_called_by_their_cells():
    assert words(edited(ROWS, {"D1": None, "E1": "w", "F1": "w"})).names == ("D2", "E2", "F2")


def test_the_rule_is_said_with_the_weights_own_input():
    said = words(ROWS)
    rules = [said.rule(said.usual.of_weight(number)[0]) for number in range(3)]
    assert rules == [
        "the perceptron rule moves w1 by η·(t − y)·x1",
        "the perceptron rule moves w2 by η·(t − y)·x2",
        "the perceptron rule moves b by η·(t − y)",
    ]


def test_a_pasted_cell_is_said_with_what_it_holds():
    said = words(edited(ROWS, {"H5": 1.0}))
    line = "where the others of its line have a formula"
    assert said.why_pasted(at("H5")) == f"H5 holds the number 1 {line}"
