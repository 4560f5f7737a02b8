"""A network's derivation as algebra: written in the terminal, LaTeX, Markdown and a page.

Knows how people write formulas and how a derivation is told; not how it is found.
"""
