"""Formulas and documents as text: plain, TeX, MathML; for the terminal, LaTeX and Markdown.

Knows characters, widths and line breaks. Doesn't know graphs or what a derivation says.
"""
