"""A verb's page is what people read and what its words are read by."""

from __future__ import annotations

import pytest

from gradbook.cli.help_page import Entry, HelpPage, Parser, Verb, _entries, fit
from gradbook.cli.main import _entry, every_command, verb_parser
from gradbook.cli.verbs.about import TOPICS, page
from gradbook.errors import UsageError
from tests.cases import for_each

TEXT = """\
usage: gradbook bake BREAD... [WHERE] -o FILE [--with THING]... [OPTION]...

Bake, of this and that:

  --rye               is said of the verb, and is no option

arguments:
  BREAD               which

options:
  -o, --out FILE      where to write what comes of
                      it, 100 % of it
  --form round|long   the form
  --often [N]
                      with a number or without
  --hours N...        several
  --with THING        what comes in
  -q, --quick         at once

oven:
  --heat, --warmth N  how hot

examples:
  gradbook bake rye --heat 3
"""
PAGE = HelpPage("bake", TEXT, tuple(_entries(TEXT)))
BAKING = Verb(lambda options: 0, kinds={"heat": int, "hours": int}, defaults={"heat": 200})


def read(words: str) -> dict[str, object]:
    options = vars(Parser(PAGE, BAKING).read(words.split()))
    return {name: value for name, value in options.items() if value not in (None, False, [])}


def test_a_page_says_what_may_be_typed():
    assert read("rye oats -o f") == {
        "breads": ["rye", "oats"],
        "out": "f",
        "heat": 200,
        "typed": "gradbook bake rye oats -o f",
    }
    words = "rye --out=f --form long --often --hours 1 2 --with a --with b -q --warmth 3"
    assert read(words) == {
        "breads": ["rye"],
        "out": "f",
        "form": "long",
        "often": True,
        "hours": [1, 2],
        "with": ["a", "b"],
        "quick": True,
        "heat": 3,
        "typed": f"gradbook bake {words}",
    }


@for_each(
    ("words", "why"),
    [
        ("-o f", "the following arguments are required: BREAD"),
        ("rye", "the following arguments are required: -o/--out"),
        ("rye -o f --form square", "--form: unknown 'square': it is one of round, long"),
        ("rye -o f --rye", "unknown option '--rye'"),
        ("rye -o f --hours", "--hours: expected at least one argument"),
        ("rye --out=", "-o/--out: its value is missing"),
    ],
)
def test_what_the_page_does_not_say_is_refused(words, why):
    with pytest.raises(UsageError) as refusal:
        Parser(PAGE, BAKING).read(words.split())
    assert why in str(refusal.value)


def test_a_page_is_taken_apart_for_documents():
    assert PAGE.about.startswith("Bake, of this and that:")
    assert PAGE.examples == "  gradbook bake rye --heat 3\n"
    assert PAGE.entries[1] == Entry(
        "-o, --out FILE", "where to write what comes of it, 100 % of it", "options"
    )
    assert PAGE.entries[-1].section == "oven"


@for_each("verb", every_command())
def test_what_the_code_adds_to_a_page_stands_there(verb):
    known = {action.dest for action in verb_parser(verb)._actions}
    assert {*_entry(verb).kinds, *_entry(verb).defaults} <= known


@for_each("verb", every_command())
def test_a_page_fits_a_screen_s_width(verb):
    page = verb_parser(verb).page
    assert page.usage.startswith(f"gradbook {verb}")
    assert all(len(line) <= 80 for line in page.text.splitlines())
    assert all(entry.about for entry in page.entries)


@for_each("topic", ["", "class", *every_command(), *TOPICS])
def test_a_page_fits_a_narrow_terminal(topic):
    text = page(topic)
    narrow = fit(text, 60)
    assert narrow.split() == text.split()
    wide = [line for line in narrow.splitlines() if len(line) > 60]
    assert all(line in text.splitlines() for line in wide), "only what isn't wrapped, as a command"
    assert fit(text, max(map(len, text.splitlines()))) == text
