"""A network's derivation as algebra: for the terminal, LaTeX, Markdown, a page, and programs.

Knows how people write formulas and the order of a derivation's parts. Doesn't know workbooks,
nor how a network is trained.
"""
