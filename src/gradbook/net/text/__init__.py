"""The text form of a network: reading it, with the place of every mistake, and writing it.

Each line's reader stands beside what writes it: `layers`, `training`, `given`; `network` puts them
together. A recipe and a warp are written with the same `line`s.
"""

from gradbook.net.text.grammar import GRAMMAR
from gradbook.net.text.layers import layer_words
from gradbook.net.text.network import (
    LONGEST_TEXT,
    WORDS,
    changed,
    parse,
    parse_lines,
    reads_as_text,
    write,
)
from gradbook.net.text.settings import TRAINING, update_words
from gradbook.net.text.statement import Line, digits, statements

__all__ = [
    "GRAMMAR",
    "LONGEST_TEXT",
    "TRAINING",
    "WORDS",
    "Line",
    "changed",
    "digits",
    "layer_words",
    "parse",
    "parse_lines",
    "reads_as_text",
    "statements",
    "update_words",
    "write",
]
