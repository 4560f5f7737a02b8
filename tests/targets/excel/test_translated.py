"""A workbook in another language: every word that a student reads is translated, no formula."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

import gradbook as gb
from gradbook.net import parse
from gradbook.net.lower import scalar_step
from gradbook.targets.excel.plan.column_order import KINDS, Exercise
from tests.pseudo import PLAIN_WORD, plain_words, pseudo_language, spelled

CONVNET = "input 1x4x4\nconv 2 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2x2\nflatten\ndense 1\n"
CONVNET += "".join(f"sample {k} {'0.5 ' * 15}-> {k % 2}\n" for k in range(3))
NETWORKS = ["worked", "xor", "strokes", CONVNET]
SHEETS = "Network Derivation Training Samples Grids Learning rates Rates work Check work"
SHEETS += " Exercise Verdicts gradbook sweep check"
FUNCTIONS = "AND EXP ABS MAX MIN SUM TANH SQRT AVERAGE exp sinh cosh tanh"
READ_IN = ("errorTitle", "error", "promptTitle", "prompt", "text")
RECORD = re.compile(
    r"gradbook exercise 1|blank \w+ \S+|epochs \d+|rate [\d.e-]+|says \w+ .*|network"
)  # a program's
LITERAL = re.compile(r'"((?:[^"]|"")*)"')


def said_in(path) -> list[str]:
    """Whatever a reader sees of a workbook: cells, notes, charts, messages, footers, properties."""
    found = []
    with ZipFile(path) as parts:
        for part in parts.namelist():
            if not part.endswith(".xml") or "theme" in part or "Types" in part or "app" in part:
                continue
            for node in ElementTree.fromstring(parts.read(part)).iter():
                tag, words = node.tag.rpartition("}")[2], node.text or ""
                found += [words] if tag in ("t", "v", "oddFooter", "title", "subject") else []
                found += LITERAL.findall(words) if tag in ("f", "formula") else []
                found += [node.get(name, "") for name in READ_IN if tag != "sheetProtection"]
    return [words for words in found if words != "#NUM!" and not RECORD.fullmatch(words)]


def names_in(net: gb.Net) -> list[str]:
    """What isn't translated: the network's text, and what its values are called."""
    book = " ".join(str(name) for name in scalar_step(net).graph.by_name)
    return PLAIN_WORD.findall(
        f"{net.name} {net} {net.objective} {book} {' '.join(net.columns)} {SHEETS} {FUNCTIONS}"
    )


def network(named: str) -> gb.Net:
    return parse(named) if "\n" in named else gb.builtin(named)


@pytest.mark.parametrize("named", NETWORKS)
@pytest.mark.parametrize("exercise", [False, Exercise("7", KINDS[:3])], ids=["book", "exercise"])
def test_a_workbook_is_translated_wholly(tmp_path, named, exercise):
    net, path = network(named), tmp_path / "book.xlsx"
    with pseudo_language():
        gb.write_workbook(net, path, epochs=8, exercise=exercise)
    said = said_in(path)
    assert spelled("Learning") in said
    assert plain_words("\n".join(said), *names_in(net)) == []
