"""A plan as C text: names, formulas, functions, files.

Decides nothing about what is computed, kept or read.
"""
