"""Lines fold at words and keep their colours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gradbook.report.words import Span, fold, keep_together, plain

HEAD = [Span("Z33:Z100: ", "yellow"), Span("the chain to w3 goes through a_h2")]
WORDS = st.lists(st.text("abc-/", min_size=1, max_size=12), min_size=1, max_size=20)


def test_a_folded_line_keeps_its_colours_and_its_edges():
    assert list(fold(HEAD, 24, 2, 4)) == [
        [Span("  "), Span("Z33:Z100: ", "yellow"), Span("the chain to")],
        [Span("    "), Span("w3 goes through a_h2")],
    ]


def test_a_colour_may_go_on_in_the_next_line():
    inked = [Span("one two three four", "cyan"), Span(" five")]
    lines = list(fold(inked, 20))
    assert [piece for line in lines for piece in line] == [
        Span("one two three four", "cyan"),
        Span("five"),
    ]


@given(words=WORDS, width=st.integers(20, 60))
def test_no_word_is_lost_or_cut(words, width):
    lines = plain(list(fold(" ".join(words), width))).splitlines()
    assert " ".join(lines).split() == words
    assert all(len(line) <= width or " " not in line for line in lines)


def test_what_is_stuck_together_stays_in_one_line():
    assert plain(list(fold(f"after all these long {keep_together('4.2 s')}", 24))) == (
        "after all these long\n4.2 s\n"
    )


def test_nothing_is_no_line():
    assert list(fold("", 40)) == []
