"""The small edits that may correct a formula; every kind of audit uses the same ones.

Knows formulas and the values of their parts; doesn't know why a part should have another value.
"""
