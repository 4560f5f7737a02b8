from gradbook.net import builtin, parse
from gradbook.report.derivation import explain

LARGE = parse("input 4; dense 8; tanh; dense 3; softmax; loss cross-entropy")


def test_one_derivation_is_written_in_every_format():
    explanation = explain(builtin("worked"))
    assert str(explanation).startswith("Backpropagation step by step: worked\n===")
    assert explanation.html().startswith("<!DOCTYPE html>")
    assert explanation.latex().startswith("\\documentclass")
    assert explanation.markdown().startswith("# Backpropagation step by step: worked")


def test_one_weight_can_be_asked_for():
    said = str(explain(builtin("worked"), "w5"))
    assert "Weight w5" in said
    assert "Weight w6" not in said


def test_everything_of_a_large_network_only_where_it_is_asked_for():
    assert "Weight w56" not in str(explain(LARGE))
    assert "Weight w56" in str(explain(LARGE, everything=True))
