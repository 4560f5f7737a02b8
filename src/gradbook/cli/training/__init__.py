"""A training under a display: events, lines, or bars that move.

It doesn't know how options are read, or how training goes.
"""
