"""NumPy: a trained network is written as a one-file program with its weights beside it.

Knows how each op is written in NumPy, but no layer by name, nor how a network was trained.
"""
