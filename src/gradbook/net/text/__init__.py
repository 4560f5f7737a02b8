"""The text form of a network: reading it, with the place of every mistake, and writing it.

Each statement's reader stands beside what writes it: `layers`, `settings`; `network` puts them
together into a draft. A recipe and a warp are written with the same statements. It knows nothing of
the `Net` that is made of a draft.
"""

from gradbook.net.text.grammar import GRAMMAR
from gradbook.net.text.network import LONGEST_TEXT, WORDS, reads_as_text, write
from gradbook.net.text.settings import TRAINING, loss_words, update_words
from gradbook.net.text.synonyms import ours
from gradbook.statements import Statement, digits, statements

__all__ = [
    "GRAMMAR",
    "LONGEST_TEXT",
    "TRAINING",
    "WORDS",
    "Statement",
    "digits",
    "loss_words",
    "ours",
    "reads_as_text",
    "statements",
    "update_words",
    "write",
]
