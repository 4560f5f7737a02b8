"""The page to play with in another language: its words, and what its script says."""

from __future__ import annotations

import json
import re
from html import unescape

import gradbook as gb
from gradbook.report.play_page import layers_text, play_page
from gradbook.report.scripts import script
from tests.cases import for_each
from tests.pseudo import PLAIN_WORD, plain_words, pseudo_language, spelled

TAGS = re.compile(r"<(script|style|code|pre|textarea|title)\b.*?</\1>|<[^>]*>", re.DOTALL)
SAID = re.compile(r'\b(?:aria-label|title|placeholder)="([^"]*)"')
TYPED = re.compile(r"<(code|pre|textarea)\b.*?</\1>", re.DOTALL)


def words_of(page: str) -> list[str]:
    """What a reader sees of a page before its script runs, its title and labels among it."""
    seen, title = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL), page
    labels = [unescape(label) for label in SAID.findall(TYPED.sub("", seen))]
    (named,) = re.findall("<title>(.*?)</title>", title)
    return [named, *labels, unescape(TAGS.sub(" ", seen))]


@for_each("named", ["worked", "xor", "strokes", "attention-by-hand", "echo"])
def test_a_page_is_translated_wholly(named):
    net = gb.builtin(named)
    with pseudo_language():
        page = play_page(net, "gradbook play")
    own = PLAIN_WORD.findall(
        f"{net.name} {layers_text(net)} gradbook net txt CSV total dropout sin"
    )
    assert plain_words("\n".join(words_of(page)), *own) == []
    assert '<html lang="xx" data-decimal=",">' in page


def test_a_script_carries_the_messages_of_one_language():
    english = script("view/main.js")
    with pseudo_language():
        other = script("view/main.js")
    one = 'trCount("the same, as there is one sample","the mean of this over all {count} samples"'
    assert one in english
    assert f'trCount("{spelled(one.split(chr(34))[1])}"' in other
    for message in ("Copy link", "As written", "point {sample}"):
        assert json.dumps(message, ensure_ascii=False) in english
        assert json.dumps(spelled(message), ensure_ascii=False) in other
        assert json.dumps(message, ensure_ascii=False) not in other
    assert not re.search(r'\bmark\("', english), "a table holds the message itself"


def test_an_english_page_has_the_decimal_point():
    page = play_page(gb.builtin("worked"))
    assert '<html lang="en">' in page
    assert "data-decimal" not in page.partition("<script")[0]
