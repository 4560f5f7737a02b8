"""The side of workbooks: from cells to steps that the core judges, and from its edits to formulas.

Doesn't know what is right.
"""
