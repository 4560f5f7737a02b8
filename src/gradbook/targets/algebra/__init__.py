"""A network's derivation as algebra: for the terminal, LaTeX, Markdown, a page, and programs.

Knows how people write formulas and in which order a derivation is told. Doesn't know how the
chains of a derivation are found.
"""
