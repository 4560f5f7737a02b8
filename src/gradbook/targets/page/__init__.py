"""A small network's training step as tables that a page computes with: lines, chains, verdicts.

Knows the words of the page's machine and which data of a network a page needs, but neither how a
page looks nor how a formula is written.
"""
