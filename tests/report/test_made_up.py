"""Wherever a network without samples is shown, it says so, and how to give some."""

from __future__ import annotations

import json
import re
from html import unescape

from IPython.lib.pretty import pretty
from openpyxl import load_workbook

from gradbook.cli.main import main
from gradbook.net import parse
from gradbook.rates.sweep import sweep
from gradbook.report.derivation import explain
from gradbook.report.media import write
from gradbook.report.play_page import play_page
from gradbook.report.sweep import sweep_cell, sweep_report, sweep_text
from gradbook.report.workbook import write_workbook
from gradbook.serve.texts import explain_text, sweep_rates, write_sheet
from tests.cases import for_each

TEXT = "input 2; dense 2; sigmoid"
SAMPLE = "sample 0 0.52 -> 0.83 0.41"


def told(text, folder):
    """What each output says, as one line of plain words, by where it stands."""
    net = parse(text)
    book = write_workbook(net, folder / "book.xlsx", epochs=3, rates=[0.5])
    derivation, rates = explain(net), sweep(net, [0.5], 5)
    network = load_workbook(folder / "book.xlsx")["Network"]
    found = {
        "explain": str(derivation),
        "explain in a page": derivation.html(),
        "explain in LaTeX": derivation.latex(),
        "explain in Markdown": derivation.markdown(),
        "explain for programs": derivation.json(),
        "sheet": " ".join(book.remarks),
        "the workbook": " ".join(str(it.value) for row in network.iter_rows() for it in row),
        "sweep": sweep_text(rates),
        "sweep in a page": write(sweep_report(rates), "html"),
        "sweep in a notebook": sweep_cell(rates),
        "sweep for programs": json.loads(write(sweep_report(rates), "json"))["made_up"],
        "play": json.loads(re.search(r'"content">(.*?)</script>', play_page(net))[1])["madeUp"],
        "serve explain": explain_text(text, None).files["derivation.html"].decode(),
        "serve sheet": " ".join(write_sheet(text, 3, None).remarks),
        "serve sweep": sweep_rates(text, "0.5", 5).files["sweep.html"].decode(),
        "Python": pretty(net),
    }
    return {where: " ".join(unescape(said).split()) for where, said in found.items()}


def test_a_network_without_samples_says_so_everywhere_and_one_with_samples_nowhere(tmp_path):
    for where, said in told(TEXT, tmp_path).items():
        plain = said.replace("’", "'").replace("\\>", ">").replace("$", "")
        assert "No sample is given, so inputs and targets are made up." in plain, where
        assert "sample 0 0.52" in plain, where
    for where, said in told(f"{TEXT}; {SAMPLE}", tmp_path).items():
        assert "made up." not in said, where


def test_the_line_that_it_gives_is_one_that_can_be_typed():
    assert not parse(f"{TEXT}; {SAMPLE}").made_up()
    assert SAMPLE in parse(TEXT).made_up()


def test_of_a_large_network_the_line_is_a_pattern():
    assert "'sample NUMBER … -> NUMBER …'" in parse("input 20; dense 2").made_up()


def test_the_representation_of_a_sweep_says_so():
    assert "made-up" in repr(sweep(parse(TEXT), [0.5], 5))


@for_each("words", [("sheet", "-o", "a.xlsx"), ("sweep", "-o", "a.csv")])
def test_a_command_that_writes_a_file_says_so(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([words[0], TEXT, *words[1:], "--epochs", "5"]) == 0
    assert "inputs and targets are made up" in capsys.readouterr().out
