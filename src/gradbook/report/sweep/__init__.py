"""A sweep over learning rates: for a terminal, for programs, as a page, as a picture.

Knows verdicts and losses; it doesn't know how a verdict is reached.
"""
