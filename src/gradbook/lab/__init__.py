"""Experiments: a training step run many times over, recorded and judged.

It knows what to try, what to record and how to judge it. It doesn't know options, the width of a
terminal or the language in which a graph is written.
"""
