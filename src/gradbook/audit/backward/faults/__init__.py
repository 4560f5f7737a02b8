"""Which cell is the first to be wrong, and what puts it right.

Doesn't know how that is told.
"""
