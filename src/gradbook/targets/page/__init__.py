"""A small network's training step as tables that a page computes with: lines, chains, verdicts.

Knows the few words of the page's machine and what a page must be told of a network. Doesn't know
how a page looks, nor how a formula is written.
"""
